"""Differentiable augmentation, so that a discriminator does not memorise a small data set."""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor

POLICIES = ("colour", "translation", "cutout")


def diff_augment(
    policy: Sequence[str] = POLICIES, *, shift: float = 0.125, hole: float = 0.5
) -> Callable[[Tensor, keras.random.SeedGenerator], Tensor]:
    """Augments images before the discriminator (Zhao et al. 2020, section 3.2).

    Each image is changed on its own, and gradients flow through. The changes are brightness,
    saturation and contrast; a shift by whole pixels, which brings in zeros; and a square of zeros.

    Args:
        policy: some of "colour", "translation" and "cutout", in their order.
        shift: greatest shift, as a share of the image.
        hole: side of the square, as a share of the image.

    Returns:
        A function (images `[B, H, W, C]`, seed) -> images, a GAN's `augment`.
    """
    validation.FRACTION.check("shift", shift)
    validation.UNIT.check("hole", hole)
    unknown = [name for name in policy if name not in POLICIES]
    if unknown:
        raise ValueError(f"policy: expected some of {', '.join(POLICIES)}, received {unknown[0]!r}.")

    functions: dict[str, Callable[..., Tensor]] = {"colour": colour, "translation": translation, "cutout": cutout}

    def augment(images, seed):
        for name in policy:
            images = functions[name](images, seed, shift, hole)
        return images

    return augment


def colour(images: Tensor, seed: keras.random.SeedGenerator, *_: float) -> Tensor:
    """Random brightness, saturation and contrast of each image, in this order.

    - x + b, with b ~ U(-0.5, 0.5)
    - grey + s (x - grey), with s ~ U(0, 2), where grey is the mean over channels
    - mean + c (x - mean), with c ~ U(0.5, 1.5)
    """
    brightness = _uniform(images, -0.5, 0.5, seed)
    saturation = _uniform(images, 0.0, 2.0, seed)
    contrast = _uniform(images, 0.5, 1.5, seed)
    images = images + brightness
    grey = ops.mean(images, axis=3, keepdims=True)
    images = grey + saturation * (images - grey)
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + contrast * (images - mean)


def translation(images: Tensor, seed: keras.random.SeedGenerator, shift: float, _: float) -> Tensor:
    """Moves each image by up to `shift` of its size.

    A shift is a product with a matrix of zeros and ones, and so is its gradient.
    """
    for axis in (1, 2):
        size = images.shape[axis]
        most = int(size * shift + 0.5)
        by = keras.random.randint((images.shape[0], 1, 1), -most, most + 1, seed=seed)
        line = ops.arange(size, dtype="int32")
        move = ops.cast(line[None, :, None] - by == line[None, None, :], images.dtype)  # [B, to, from]
        images = ops.einsum("btf,bfwc->btwc" if axis == 1 else "btf,bhfc->bhtc", move, images)
    return images


def cutout(images: Tensor, seed: keras.random.SeedGenerator, _: float, hole: float) -> Tensor:
    """Zeros in a square whose centre is anywhere in the image."""
    masks = []
    for axis in (1, 2):
        size = images.shape[axis]
        side = int(size * hole + 0.5)
        centre = keras.random.randint((images.shape[0], 1), 0, size + (1 - side % 2), seed=seed)
        line = ops.arange(size, dtype="int32")[None]
        masks.append(ops.logical_and(line >= centre - side // 2, line < centre - side // 2 + side))
    inside = ops.logical_and(masks[0][:, :, None, None], masks[1][:, None, :, None])
    return images * ops.cast(ops.logical_not(inside), images.dtype)


def _uniform(images, low, high, seed):
    return keras.random.uniform((images.shape[0], 1, 1, 1), low, high, dtype=images.dtype, seed=seed)
