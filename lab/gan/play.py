"""Updates: in which order the players take their turns. Functions (gan, real, labels, regularize) -> metrics."""

from keras import ops


def alternate(gan, real, labels, regularize):
    """The discriminator's turns, then the generator's (Goodfellow et al. 2014, Algorithm 1)."""
    for part, classes in turns(real, labels, gan.discriminator_steps):
        metrics, gradients = gan.discriminator_gradients(part, classes, regularize)
        gan.discriminator_optimizer.apply(gradients, gan.discriminator.trainable_variables)
        gan.clip_weights()
    more, gradients = gan.generator_gradients(part, classes)
    gan.generator_optimizer.apply(gradients, gan.generator.trainable_variables)
    return metrics | more


def extragradient(gan, real, labels, regularize):
    """Both players look ahead at once, then step from where they were (Gidel et al. 2019, Algorithms 2 and 4).

    Both optimizers are `lab.optimizers.ExtraGradient`; `discriminator_steps` is 2, a batch to look ahead with and one to step with.
    """
    players = (
        (gan.discriminator_optimizer, gan.discriminator.trainable_variables),
        (gan.generator_optimizer, gan.generator.trainable_variables),
    )
    for move, (part, classes) in zip(("extrapolate", "apply"), turns(real, labels, 2), strict=True):
        metrics, ascent = gan.discriminator_gradients(part, classes, regularize)
        more, descent = gan.generator_gradients(part, classes)
        for (optimizer, variables), gradients in zip(players, (ascent, descent), strict=True):
            getattr(optimizer, move)(gradients, variables)
        gan.clip_weights()
    return metrics | more


def turns(real, labels, count):
    """The batch in `count` equal parts of (samples, labels)."""
    if count == 1:
        return [(real, labels)]
    parts = ops.split(real, count)
    return list(zip(parts, [None] * count if labels is None else ops.split(labels, count), strict=True))
