"""Losses of a discriminator's other outputs: ACGAN's classes and InfoGAN's codes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from keras import ops

from lab.engine.types import Tensor
from lab.gan.latent import Codes

if TYPE_CHECKING:
    from lab.gan.gan import GAN


class View(NamedTuple):
    """What the discriminator says of a batch, and what the batch was made from."""

    logits: Tensor  # [B, 1] float32
    others: list[Tensor]  # its other outputs
    latents: Tensor  # [B, Z] of fake samples
    labels: Tensor | None  # [B] integers


class Auxiliary(NamedTuple):
    """Functions -> (loss, metrics), one for each player. The losses add to the objective's."""

    discriminator: Callable[[View, View], tuple[Tensor, dict[str, Tensor]]]  # (real, fake)
    generator: Callable[[View], tuple[Tensor, dict[str, Tensor]]]  # (fake)
    width: Callable[["GAN"], int | None]  # numbers in the discriminator's second output
    labelled: bool = False  # whether fake samples must be of the labels asked for


def acgan(weight: float = 1.0) -> Auxiliary:
    """The discriminator tells the class of a sample (Odena et al. 2017, eq. 2-3).

    Both players add weight · E -log P(label | x): the discriminator over real and fake samples, the
    generator over fake ones. The discriminator's second output is logits `[B, classes]`.
    """

    def crossentropy(view):
        logits = ops.cast(view.others[0], "float32")
        return ops.mean(ops.sparse_categorical_crossentropy(view.labels, logits, from_logits=True))

    def discriminator(real, fake):
        loss = crossentropy(real)
        return weight * (loss + crossentropy(fake)), {"class_loss": loss}

    def generator(fake):
        loss = crossentropy(fake)
        return weight * loss, {"fake_class_loss": loss}

    return Auxiliary(discriminator, generator, lambda gan: gan.classes, labelled=True)


def infogan(codes: Codes, weight: float = 1.0, continuous_weight: float = 0.1) -> Auxiliary:
    """Codes can be read from samples (Chen et al. 2016, eq. 5-6).

    Both players maximise a bound of the mutual information I(c; G(z, c)). They add

        weight · E -log Q(category | x) + continuous_weight · E (c - mean)² / 2

    The second term is a Normal Q of standard deviation 1. The discriminator's second output has the
    parameters of all codes, `[B, sum of categories + continuous]`: the logits of each category,
    then the means.

    Args:
        codes: what latents are drawn from.
    """

    def reconstruction(view):
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
        return reconstruction(fake)

    def generator(fake):
        return reconstruction(fake)[0], {}

    return Auxiliary(discriminator, generator, lambda gan: sum(codes.categories) + codes.continuous)
