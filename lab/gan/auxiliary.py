"""Losses of a discriminator's other outputs: ACGAN's classes and InfoGAN's codes."""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops


class View(NamedTuple):
    """What the discriminator said of a batch, and what the batch was made from."""

    logits: Any  # [B, 1] float32
    others: list  # its other outputs
    latents: Any  # [B, Z] of fake samples
    labels: Any  # [B] integers, or None


class Auxiliary(NamedTuple):
    """(loss, metrics) of both players, added to the objective's."""

    discriminator: Callable  # (real View, fake View)
    generator: Callable  # (fake View)
    width: Callable  # GAN -> numbers in the discriminator's second output
    labelled: bool = False  # whether fake samples must be of the labels asked for


def acgan(weight=1.0):
    """The class is told from real and fake samples by the discriminator, and right of fake ones (Odena et al. 2017, eq. 2-3).

    D and G both add weight · E -log P(label | x); D over real and fake samples. The discriminator's second output are logits `[B, classes]`.
    """

    def wrong(view):
        return ops.mean(ops.sparse_categorical_crossentropy(view.labels, ops.cast(view.others[0], "float32"), from_logits=True))

    def discriminator(real, fake):
        loss = wrong(real)
        return weight * (loss + wrong(fake)), {"class_loss": loss}

    def generator(fake):
        loss = wrong(fake)
        return weight * loss, {"fake_class_loss": loss}

    return Auxiliary(discriminator, generator, lambda gan: gan.classes, labelled=True)


def infogan(codes, weight=1.0, continuous_weight=0.1):
    """Codes can be read from samples: both players maximise a bound of I(c; G(z, c)) (Chen et al. 2016, eq. 5-6).

    Loss: weight · E -log Q(category | x) + continuous_weight · E (c - mean)² / 2, the latter a Normal Q of deviation 1. The discriminator's
    second output are all codes' parameters: logits of each category, then the means `[B, sum of categories + continuous]`.

    Args:
        codes: the `lab.gan.latent.Codes` that latents are drawn from.
    """

    def unread(view):
        categories, numbers = codes.split(view.latents)
        read = ops.cast(view.others[0], "float32")
        loss = 0.0
        start = 0
        metrics = {}
        for category in categories:
            logits = read[:, start : start + category.shape[1]]
            start += category.shape[1]
            loss += ops.mean(ops.categorical_crossentropy(category, logits, from_logits=True))
        metrics["category_loss"] = loss
        error = 0.5 * ops.mean(ops.sum(ops.square(read[:, start:] - numbers), axis=1))
        return weight * loss + continuous_weight * error, metrics | {"continuous_loss": error}

    def discriminator(real, fake):
        return unread(fake)

    return Auxiliary(discriminator, lambda fake: (unread(fake)[0], {}), lambda gan: sum(codes.categories) + codes.continuous)
