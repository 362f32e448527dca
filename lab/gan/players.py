"""What the two players must be for each other."""


def check_players(gan):
    """What the generator makes is what the discriminator takes, `pac` at once."""
    made, taken = tuple(gan.generator.outputs[0].shape[1:]), tuple(gan.discriminator.inputs[0].shape[1:])
    expected = (*made[:-1], made[-1] * gan.pac)
    if taken != expected:
        packed = f", {gan.pac} at once" if gan.pac > 1 else ""
        raise ValueError(f"discriminator: expected inputs as the generator makes them, {expected}{packed}, received {taken}.")
    latents = tuple(gan.generator.inputs[0].shape[1:])
    if latents != (gan.latent.size,):
        raise ValueError(f"latent: expected {latents[0]} numbers, which the generator takes, received {gan.latent.size}.")
    labelled = len(gan.generator.inputs) > 1 or len(gan.discriminator.inputs) > 1
    if labelled and not gan.classes:
        raise ValueError("classes: expected the number of labels, for a player takes them, received None.")
    if labelled and gan.pac > 1:
        raise ValueError(f"pac: expected 1 with labels, received {gan.pac}.")
    if gan.auxiliary and len(gan.discriminator.outputs) < 2:
        raise ValueError("discriminator: expected an output beside the logits, for there is an auxiliary loss, received none.")
