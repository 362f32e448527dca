"""What the two players must be for each other, and which labels they know."""

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from lab.gan.penalty import Penalty
from lab.gan.update import extragradient
from lab.losses.adversarial import Objective
from lab.models.logits import PROBABILITIES, check_logits, last_activation

if TYPE_CHECKING:
    from lab.gan.gan import GAN


def check_parts(gan: "GAN") -> None:
    """Each argument is of the right kind, and each player has an optimizer of its own."""
    for name in ("generator", "discriminator"):
        player = getattr(gan, name)
        if not getattr(player, "inputs", None):
            raise ValueError(
                f"{name}: expected a model with inputs of known shape, functional or built, received {type(player).__name__}."
            )
    if not isinstance(gan.objective, Objective):
        raise ValueError(f"objective: expected one of lab.losses.adversarial, received {gan.objective!r}.")
    if not isinstance(gan.penalties, tuple | list) or not all(isinstance(each, Penalty) for each in gan.penalties):
        raise ValueError(f"penalties: expected several of lab.gan.Penalty, or none, received {gan.penalties!r}.")
    for penalty in gan.penalties:
        if penalty.gradient_at not in ("real", "fake", None):
            raise ValueError(f"penalties: expected gradient_at real, fake or None, received {penalty.gradient_at!r}.")
    if gan.augment is not None and not callable(gan.augment):
        raise ValueError(f"augment: expected a function, such as diff_augment gives, received {gan.augment!r}.")
    for name in ("generator_optimizer", "discriminator_optimizer"):
        optimizer = getattr(gan, name)
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise ValueError(f"{name}: expected a Keras optimizer, such as lab.optimizers.Adam(2e-4), received {optimizer!r}.")
        if optimizer.built:
            raise ValueError(f"{name}: expected a new optimizer, received one that belongs to another model.")
    if gan.generator_optimizer is gan.discriminator_optimizer:
        raise ValueError("discriminator_optimizer: expected another than the generator's, received the same.")


def check_players(gan: "GAN") -> None:
    """The players fit each other, the latents and the losses.

    The discriminator takes what the generator makes, `pac` samples at once, and its outputs are
    what the losses read.
    """
    made = tuple(gan.generator.outputs[0].shape[1:])
    taken = tuple(gan.discriminator.inputs[0].shape[1:])
    expected = (*made[:-1], made[-1] * gan.pac)
    if taken != expected:
        packed = f", {gan.pac} at once" if gan.pac > 1 else ""
        raise ValueError(f"discriminator: expected inputs as the generator makes them, {expected}{packed}, received {taken}.")
    latents = tuple(gan.generator.inputs[0].shape[1:])
    if latents != (gan.latent.size,):
        raise ValueError(f"latent: expected {latents[0]} numbers, which the generator takes, received {gan.latent.size}.")
    logits, *others = [tuple(output.shape[1:]) for output in gan.discriminator.outputs]
    if logits != (1,):
        raise ValueError(f"discriminator: expected logits of shape (1,), one for each sample, received {logits}.")
    for output in gan.discriminator.outputs:
        check_logits("discriminator", output)
    squashed = last_activation(gan.generator.outputs[0])
    if len(made) == 3 and squashed in PROBABILITIES:
        raise ValueError(
            f"generator: expected images from -1 to 1, as tanh makes them, received one that ends in a {squashed}."
        )
    _check_labels_of(gan)
    if gan.auxiliary:
        width = gan.auxiliary.width(gan)
        if not others:
            raise ValueError(
                "discriminator: expected an output beside the logits, for there is an auxiliary loss, received none."
            )
        if others[0] != (width,):
            raise ValueError(f"discriminator: expected a second output of shape ({width},), received {others[0]}.")
    if gan.update_rule is extragradient:
        optimizers = (gan.generator_optimizer, gan.discriminator_optimizer)
        kinds = sorted({type(optimizer).__name__ for optimizer in optimizers})
        if kinds != ["ExtraGradient"] or gan.discriminator_steps != 2:
            received = f"{', '.join(kinds)} and {gan.discriminator_steps}"
            needed = "two ExtraGradient optimizers and 2 discriminator steps"
            raise ValueError(f"update_rule: extragradient expected {needed}, received {received}.")


def _check_labels_of(gan):
    """Both players know all labels."""
    players = {"generator": gan.generator, "discriminator": gan.discriminator}
    labelled = {name: player for name, player in players.items() if len(player.inputs) > 1}
    asked = gan.auxiliary is not None and gan.auxiliary.labelled
    if (labelled or asked) and not gan.classes:
        taker = "a player" if labelled else "the auxiliary loss"
        raise ValueError(f"classes: expected the number of labels, for {taker} takes them, received None.")
    if (labelled or gan.auxiliary) and gan.pac > 1:
        raise ValueError(f"pac: expected 1 with labels or an auxiliary loss, received {gan.pac}.")
    if asked and "generator" not in labelled:
        raise ValueError(
            "generator: expected one that takes labels, for the auxiliary loss asks for them, received one without."
        )
    for name, player in labelled.items():
        known = classes_of(player)
        if known is not None and known < gan.classes:
            raise ValueError(f"classes: expected at most {known}, which the {name} knows, received {gan.classes}.")


def classes_of(player: keras.Model) -> int | None:
    """How many classes a model knows, by the first of its layers that says so; or None.

    Such a layer is an embedding, a one-hot encoding or one with `classes`.
    """
    for layer in getattr(player, "operations", player.layers):
        layer = getattr(layer, "layer", layer)  # inside a wrapper
        if isinstance(layer, keras.layers.Embedding):
            return layer.input_dim
        known = [getattr(layer, name, None) for name in ("num_tokens", "num_classes", "classes")]
        known += [classes_of(layer)] if isinstance(layer, keras.Model) else []
        found = next(filter(None, known), None)
        if found is not None:
            return found
    return None


def check_labels(name: str, labels: Any, count: int, classes: int | None) -> np.ndarray:
    """Labels must be `count` integers from 0 to `classes` - 1. Returns them as an array."""
    if classes is None:
        raise ValueError(f"{name}: expected none, for no player takes them, received some.")
    labels = np.asarray(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: expected integers [{count}], a label for each sample, received {labels.dtype} {list(labels.shape)}."
        )
    if count and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"{name}: expected labels from 0 to {classes - 1}, received {labels.min()} to {labels.max()}.")
    return labels.astype("int32")
