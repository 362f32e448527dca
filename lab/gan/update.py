"""One update of a GAN: the phase of each player, and the order of their turns.

Goodfellow et al. 2014, Algorithm 1, with the functions of this file beside it:

    for k steps:                                                  `alternate`
        sample m latents z and m real samples x                   `discriminator_gradients`
        ascend    1/m sum of log D(x) + log(1 - D(G(z)))
    sample m latents z                                            `generator_gradients`
    descend       1/m sum of log(1 - D(G(z)))

The two sums stand for any pair of losses, which `gan.objective` has.
"""

from typing import TYPE_CHECKING, TypeAlias

import keras
from keras import ops

from lab import engine
from lab.engine.types import Tensor
from lab.gan.auxiliary import View
from lab.models.average import update_average

if TYPE_CHECKING:
    from lab.gan.gan import GAN

Metrics: TypeAlias = dict[str, Tensor]
Labels: TypeAlias = Tensor | None


def update(gan: "GAN", real: Tensor, labels: Labels = None, *, regularize: bool = True) -> Metrics:
    """One turn of the generator and `discriminator_steps` of the discriminator. A program.

    Args:
        real: samples `[discriminator_steps * B, ...]`; integers from 0 to 255 become -1 to 1.
        labels: integers `[discriminator_steps * B]`, or None.
        regularize: whether this update has penalties.

    Returns:
        dict of scalars.
    """
    labels = None if labels is None else ops.convert_to_tensor(labels)
    metrics = gan.update_rule(gan, scale(ops.convert_to_tensor(real)), labels, regularize)
    if gan.ema:
        update_average(gan.average, gan.generator, gan.ema, gan.average_updates)
    return metrics


def alternate(gan: "GAN", real: Tensor, labels: Labels, regularize: bool) -> Metrics:
    """The discriminator's turns, then the generator's (Goodfellow et al. 2014, Algorithm 1)."""
    for x, y in turns(real, labels, gan.discriminator_steps):
        metrics, gradients = discriminator_gradients(gan, x, y, regularize)
        gan.discriminator_optimizer.apply(gradients, gan.discriminator.trainable_variables)
        clip_weights(gan)
    generator_metrics, gradients = generator_gradients(gan, x, y)
    gan.generator_optimizer.apply(gradients, gan.generator.trainable_variables)
    return metrics | generator_metrics


def extragradient(gan: "GAN", real: Tensor, labels: Labels, regularize: bool) -> Metrics:
    """Both players look ahead at once, then step from where they were.

    Gidel et al. 2019, Algorithms 2 and 4. Both optimizers are `lab.optimizers.ExtraGradient`, and
    `discriminator_steps` is 2: one batch to look ahead with and one to step with.
    """
    for move, (x, y) in zip(("extrapolate", "apply"), turns(real, labels, 2), strict=True):
        metrics, critic_gradients = discriminator_gradients(gan, x, y, regularize)
        generator_metrics, gradients = generator_gradients(gan, x, y)
        getattr(gan.discriminator_optimizer, move)(critic_gradients, gan.discriminator.trainable_variables)
        getattr(gan.generator_optimizer, move)(gradients, gan.generator.trainable_variables)
        clip_weights(gan)
    return metrics | generator_metrics


def discriminator_gradients(gan: "GAN", real: Tensor, labels: Labels, regularize: bool) -> tuple[Metrics, list[Tensor]]:
    """(metrics, gradients) of the discriminator's loss, on as many fake samples as real ones.

    R1 and R2 take the gradients of the logits that the loss has. So they share its two calls of the
    discriminator, with its noise, its augmentation and its batch statistics.
    """
    # Sample m latents z. The generator is held fixed.
    latents = engine.shard(gan.latent(ops.shape(real)[0], gan.seeds))
    fake = ops.stop_gradient(generate_fake(gan, latents, labels))
    real, fake = pack(real, gan.pac), pack(fake, gan.pac)
    penalties = gan.penalties if regularize else ()
    points = {penalty.gradient_at for penalty in penalties}

    def loss():
        # D(x) and D(G(z)), with their gradients where R1 and R2 need them.
        on_real, real_gradient = differentiate(gan, real, latents, labels, "real" in points)
        on_fake, fake_gradient = differentiate(gan, fake, latents, labels, "fake" in points)
        loss = gan.objective.discriminator(on_real.logits, on_fake.logits)
        metrics = {"discriminator_loss": loss}
        metrics |= {"real_logit": ops.mean(on_real.logits), "fake_logit": ops.mean(on_fake.logits)}
        own = (lambda x: discriminate(gan, x, latents, labels).logits, real, fake, gan.seeds)
        arguments = {"real": (real_gradient,), "fake": (fake_gradient,), None: own}
        for penalty in penalties:
            value = penalty.function(*arguments[penalty.gradient_at])
            loss += gan.penalty_interval * penalty.at(gan.discriminator_optimizer.iterations) * value
            metrics[penalty.name] = value
        if gan.auxiliary:
            extra, more = gan.auxiliary.discriminator(on_real, on_fake)
            loss, metrics = loss + extra, metrics | more
        return gan.discriminator_optimizer.scale_loss(loss), metrics

    (_, metrics), gradients = engine.value_and_grad(loss, gan.discriminator.trainable_variables)()
    return metrics, gradients


def generator_gradients(gan: "GAN", real: Tensor, labels: Labels) -> tuple[Metrics, list[Tensor]]:
    """(metrics, gradients) of the generator's loss, on as many new samples as real ones."""
    # Sample m latents z.
    latents = engine.shard(gan.latent(ops.shape(real)[0], gan.seeds))

    def loss():
        # D(G(z)) and, where the objective compares them, D(x).
        fake = pack(generate_fake(gan, latents, labels), gan.pac)
        on_fake = discriminate(gan, fake, latents, labels)
        paired = gan.objective.paired
        real_logits = discriminate(gan, pack(real, gan.pac), latents, labels).logits if paired else None
        loss = gan.objective.generator(real_logits, on_fake.logits)
        metrics = {"generator_loss": loss}
        if gan.auxiliary:
            extra, more = gan.auxiliary.generator(on_fake)
            loss, metrics = loss + extra, metrics | more
        return gan.generator_optimizer.scale_loss(loss), metrics

    (_, metrics), gradients = engine.value_and_grad(loss, gan.generator.trainable_variables)()
    return metrics, gradients


def generate_fake(gan: "GAN", latents: Tensor, labels: Labels) -> Tensor:
    """Samples G(z) `[B, ...]`, in training mode."""
    return gan.generator([latents, labels] if len(gan.generator.inputs) > 1 else latents, training=True)


def discriminate(gan: "GAN", packed: Tensor, latents: Tensor, labels: Labels) -> View:
    """What the discriminator says of packs after augmentation, in training mode."""
    if gan.augment:
        packed = pack(gan.augment(unpack(packed, gan.pac), gan.seeds), gan.pac)
    outputs = gan.discriminator([packed, labels] if len(gan.discriminator.inputs) > 1 else packed, training=True)
    logits, *others = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return View(ops.cast(logits, "float32"), others, latents, labels)


def differentiate(gan: "GAN", packed: Tensor, latents: Tensor, labels: Labels, wanted: bool) -> tuple[View, Tensor | None]:
    """(`discriminate`, the gradient of its sum of logits by the packs or None), in one pass."""

    def total(packed):
        view = discriminate(gan, packed, latents, labels)
        return ops.sum(view.logits), view

    if not wanted:
        return discriminate(gan, packed, latents, labels), None
    (_, view), gradient = engine.value_and_grad(total)(packed)
    return view, gradient


def clip_weights(gan: "GAN") -> None:
    """Brings the discriminator's weights back between -clip and clip."""
    if gan.clip is not None:
        for variable in gan.discriminator.trainable_variables:
            variable.assign(ops.clip(variable, -gan.clip, gan.clip))


def turns(real: Tensor, labels: Labels, count: int) -> list[tuple[Tensor, Labels]]:
    """The batch in `count` equal parts of (samples, labels)."""
    if count == 1:
        return [(real, labels)]
    parts = engine.shard(ops.split(real, count))
    return list(zip(parts, [None] * count if labels is None else engine.shard(ops.split(labels, count)), strict=True))


def pack(x: Tensor, count: int) -> Tensor:
    """`[B, ..., C]` -> `[B / count, ..., count * C]`: samples side by side along the last axis."""
    return x if count == 1 else ops.concatenate(ops.split(x, count), axis=-1)


def unpack(x: Tensor, count: int) -> Tensor:
    """The inverse of `pack`."""
    return x if count == 1 else ops.concatenate(ops.split(x, count, axis=-1))


def scale(x: Tensor) -> Tensor:
    """Float32: integers from 0 to 255 as numbers from -1 to 1; others as they are."""
    scaled = ops.cast(x, "float32")
    return scaled / 127.5 - 1.0 if keras.backend.standardize_dtype(x.dtype) == "uint8" else scaled
