"""CycleGAN: translation of pictures, learnt from two sets without pairs (Zhu et al. 2017).

The update, with the functions of this file beside it:

    descend   L(D_Y(G(x))) + L(D_X(F(y))) + cycle |F(G(x)) - x| + ...    `generator_gradients`
    show      some of the fake pictures, and older ones                  `ImagePool`
    descend   L(D_Y(y), D_Y(G(x))) + L(D_X(x), D_X(F(y)))                `discriminator_gradients`

L stands for any pair of losses, which `gan.objective` has.
"""

import functools
from typing import TYPE_CHECKING, TypeAlias

import keras
from keras import ops

from lab import engine, validation
from lab.engine.types import Tensor
from lab.gan.image_pool import ImagePool
from lab.gan.latent import NoLatents
from lab.gan.rules import UpdateRule
from lab.gan.translation import check_logits_of, check_sets, refuse_what_needs_latents, shapes_of
from lab.gan.update import Metrics, scale

if TYPE_CHECKING:
    from lab.gan.gan import GAN

Both: TypeAlias = tuple[Tensor, Tensor]
"""Something of x and something of y."""


def cyclegan(cycle: float = 10.0, identity: float = 0.5, pool: int = 50) -> UpdateRule:
    """Two sets of pictures, x and y, and no pairs (Zhu et al. 2017, eq. 1 to 3, section 5.2).

        G, F minimise    objective(D_Y(G(x))) + objective(D_X(F(y)))
                         + cycle (E |F(G(x)) - x| + E |G(F(y)) - y|)
                         + cycle · identity (E |G(y) - y| + E |F(x) - x|)
        D minimises      (objective(D_Y(y), D_Y(G(x))) + objective(D_X(x), D_X(F(y)))) / 2

    The generators' turn is first. The paper's objective is least squares. Difference: that of
    `lab.losses` is half of the paper's for the generators, so the other weights count twice.

    It is for a GAN of

        generator        [x, y] -> [G(x), F(y)]
        discriminator    [x, y] -> [D_X(x), D_Y(y)], logits of patches [B, h, w, 1]

    which `lab.models.side_by_side` makes, and `fit(x, y)` takes both sets.

    Args:
        cycle: weight of the way there and back.
        identity: weight of leaving targets as they are, as a share of `cycle`. It needs pictures
            of equal shapes. 0: no such loss.
        pool: fake pictures of each kind that are kept (`ImagePool`). 0: only new ones are shown.
    """
    cycle, identity = validation.NOT_NEGATIVE.check("cycle", cycle), validation.NOT_NEGATIVE.check("identity", identity)
    pool = validation.integer("pool", pool, 0)
    return UpdateRule(
        functools.partial(update, cycle=cycle, identity=identity),
        functools.partial(check_players, identity=identity),
        check_sets,
        lambda generator: NoLatents(),
        lambda gan: Pools(gan, pool),
        unpaired=True,
    )


class Pools(keras.layers.Layer):
    """The pools of F(y) and of G(x)."""

    def __init__(self, gan: "GAN", size: int) -> None:
        super().__init__(dtype="float32")
        shapes = [tuple(side or 0 for side in shape) for shape in shapes_of(gan.generator.inputs)]
        if size and not all(map(all, shapes)):
            raise ValueError(f"pool: expected 0 where sizes of pictures are not known, received {size}.")
        self.pools = [ImagePool(size, shape, seed=gan.seed + number) for number, shape in enumerate(shapes, 1)]
        self.built = True

    def call(self, fake: Both) -> Both:
        """The pictures to show in place of F(y) and G(x)."""
        one, other = (pool(pictures) for pool, pictures in zip(self.pools, fake, strict=True))
        return one, other


def update(gan: "GAN", x: Tensor, y: Tensor, regularize: bool, *, cycle: float, identity: float) -> Metrics:
    """The generators' turn, then the discriminators'. A program."""
    real = (x, scale(y))
    metrics, fake, gradients = generator_gradients(gan, real, cycle, identity)
    gan.generator_optimizer.apply(gradients, gan.generator.trainable_variables)
    more, gradients = discriminator_gradients(gan, real, gan.memory(fake))
    gan.discriminator_optimizer.apply(gradients, gan.discriminator.trainable_variables)
    return metrics | more


def generator_gradients(gan: "GAN", real: Both, cycle: float, identity: float) -> tuple[Metrics, Both, list[Tensor]]:
    """(metrics, (F(y), G(x)), gradients) of the generators' loss."""

    def loss():
        fake = translated(gan, real)
        real_logits = discriminate(gan, real) if gan.objective.paired else (None, None)
        adversarial = total(gan.objective.generator, real_logits, discriminate(gan, fake))
        cycle_error = total(absolute_error, translated(gan, fake), real)
        metrics = {"generator_loss": adversarial, "cycle_error": cycle_error}
        loss = adversarial + cycle * cycle_error
        if identity:
            identity_error = total(absolute_error, translated(gan, real[::-1])[::-1], real[::-1])
            metrics["identity_error"] = identity_error
            loss += cycle * identity * identity_error
        return gan.generator_optimizer.scale_loss(loss), (metrics, fake)

    (_, (metrics, fake)), gradients = engine.value_and_grad(loss, gan.generator.trainable_variables)()
    return metrics, (ops.stop_gradient(fake[0]), ops.stop_gradient(fake[1])), gradients


def discriminator_gradients(gan: "GAN", real: Both, fake: Both) -> tuple[Metrics, list[Tensor]]:
    """(metrics, gradients) of the discriminators' loss. The generators are held fixed."""

    def loss():
        real_logits, fake_logits = discriminate(gan, real), discriminate(gan, fake)
        loss = 0.5 * total(gan.objective.discriminator, real_logits, fake_logits)
        means = [(ops.mean(one) + ops.mean(other)) / 2 for one, other in (real_logits, fake_logits)]
        metrics = {"discriminator_loss": loss, "real_logit": means[0], "fake_logit": means[1]}
        return gan.discriminator_optimizer.scale_loss(loss), metrics

    (_, metrics), gradients = engine.value_and_grad(loss, gan.discriminator.trainable_variables)()
    return metrics, gradients


def translated(gan: "GAN", pictures: Both) -> Both:
    """(F(b), G(a)) of pictures (a, b), float32: again something like x, and something like y."""
    like_y, like_x = gan.generator(list(pictures), training=True)
    return ops.cast(like_x, "float32"), ops.cast(like_y, "float32")


def discriminate(gan: "GAN", pictures: Both) -> Both:
    """(D_X(a), D_Y(b)) of pictures (a, b), float32, in training mode."""
    one, other = gan.discriminator(list(pictures), training=True)
    return ops.cast(one, "float32"), ops.cast(other, "float32")


def total(loss, one: Both, other: Both) -> Tensor:
    """loss(one of x, other of x) + loss(one of y, other of y)."""
    return loss(one[0], other[0]) + loss(one[1], other[1])


def absolute_error(one: Tensor, other: Tensor) -> Tensor:
    """E |one - other|."""
    return ops.mean(ops.abs(one - other))


def check_players(gan: "GAN", *, identity: float) -> None:
    """The players must be those of `cyclegan`."""
    refuse_what_needs_latents(gan)
    taken, made = shapes_of(gan.generator.inputs), shapes_of(gan.generator.outputs)
    if len(taken) != 2 or made != taken[::-1]:
        raise ValueError(f"generator: expected [x, y] -> [G(x), F(y)], of y's and of x's shape, received {taken} -> {made}.")
    if identity and taken[0] != taken[1]:
        raise ValueError(f"identity: expected 0 where x and y have different shapes, {taken}, received {identity}.")
    seen = shapes_of(gan.discriminator.inputs)
    if seen != taken:
        raise ValueError(f"discriminator: expected [x, y] of shapes {taken}, received {seen}.")
    check_logits_of(gan, 2)
