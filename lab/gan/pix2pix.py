"""pix2pix: translation of pictures, learnt from pairs (Isola et al. 2017).

The update, with the functions of this file beside it:

    ascend    log D(x, y) + log(1 - D(x, G(x)))                  `discriminator_gradients`
    descend   log(1 - D(x, G(x))) + weight |y - G(x)|            `generator_gradients`

The logarithms stand for any pair of losses, which `gan.objective` has.
"""

import functools
from typing import TYPE_CHECKING

from keras import ops

from lab import engine, validation
from lab.engine.types import Tensor
from lab.gan.latent import NoLatents
from lab.gan.rules import UpdateRule
from lab.gan.translation import check_logits_of, check_pairs, refuse_what_needs_latents, shapes_of
from lab.gan.update import Metrics, scale

if TYPE_CHECKING:
    from lab.gan.gan import GAN


def pix2pix(weight: float = 100.0) -> UpdateRule:
    """Source and target pictures come in pairs (Isola et al. 2017, eq. 1, 3 and 4).

        D minimises    objective(D([y, x]), D([G(x), x])) / 2
        G minimises    objective(D([G(x), x])) + weight · E |y - G(x)|

    The discriminator sees the source beside the target, so it tells whether they belong together.
    Its loss is halved to slow it down (section 3.3). The paper's objective is the non-saturating
    one. It is for a GAN of

        generator        x -> G(x)
        discriminator    [y, x] -> logits of patches [B, h, w, 1]

    and `fit(x, y)` takes sources and targets.

    Args:
        weight: of the mean absolute error.
    """
    weight = validation.NOT_NEGATIVE.check("weight", weight)
    return UpdateRule(functools.partial(update, weight=weight), check_players, check_pairs, lambda generator: NoLatents())


def update(gan: "GAN", x: Tensor, y: Tensor, regularize: bool, *, weight: float) -> Metrics:
    """The discriminator's turn, then the generator's. A program."""
    y = scale(y)
    metrics, gradients = discriminator_gradients(gan, x, y)
    gan.discriminator_optimizer.apply(gradients, gan.discriminator.trainable_variables)
    more, gradients = generator_gradients(gan, x, y, weight)
    gan.generator_optimizer.apply(gradients, gan.generator.trainable_variables)
    return metrics | more


def discriminator_gradients(gan: "GAN", x: Tensor, y: Tensor) -> tuple[Metrics, list[Tensor]]:
    """(metrics, gradients) of the discriminator's loss. The generator is held fixed."""
    fake = ops.stop_gradient(translated(gan, x))

    def loss():
        real_logits, fake_logits = discriminate(gan, y, x), discriminate(gan, fake, x)
        loss = 0.5 * gan.objective.discriminator(real_logits, fake_logits)
        metrics = {"discriminator_loss": loss, "real_logit": ops.mean(real_logits), "fake_logit": ops.mean(fake_logits)}
        return gan.discriminator_optimizer.scale_loss(loss), metrics

    (_, metrics), gradients = engine.value_and_grad(loss, gan.discriminator.trainable_variables)()
    return metrics, gradients


def generator_gradients(gan: "GAN", x: Tensor, y: Tensor, weight: float) -> tuple[Metrics, list[Tensor]]:
    """(metrics, gradients) of the generator's loss."""

    def loss():
        fake = translated(gan, x)
        real_logits = discriminate(gan, y, x) if gan.objective.paired else None
        adversarial = gan.objective.generator(real_logits, discriminate(gan, fake, x))
        error = ops.mean(ops.abs(y - fake))
        metrics = {"generator_loss": adversarial, "absolute_error": error}
        return gan.generator_optimizer.scale_loss(adversarial + weight * error), metrics

    (_, metrics), gradients = engine.value_and_grad(loss, gan.generator.trainable_variables)()
    return metrics, gradients


def translated(gan: "GAN", x: Tensor) -> Tensor:
    """G(x), float32, in training mode."""
    return ops.cast(gan.generator(x, training=True), "float32")


def discriminate(gan: "GAN", y: Tensor, x: Tensor) -> Tensor:
    """Logits of patches of targets beside their sources, float32, in training mode."""
    return ops.cast(gan.discriminator([y, x], training=True), "float32")


def check_players(gan: "GAN") -> None:
    """The players must be those of `pix2pix`."""
    refuse_what_needs_latents(gan)
    taken, made = shapes_of(gan.generator.inputs), shapes_of(gan.generator.outputs)
    if len(taken) != 1 or len(made) != 1 or len(taken[0]) != 3 or len(made[0]) != 3:
        raise ValueError(f"generator: expected one picture in and one out, received shapes {taken} and {made}.")
    seen = shapes_of(gan.discriminator.inputs)
    if seen != [*made, *taken]:
        raise ValueError(f"discriminator: expected [target, source] of shapes {[*made, *taken]}, received {seen}.")
    check_logits_of(gan, 1)
