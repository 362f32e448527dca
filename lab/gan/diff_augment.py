"""Differentiable augmentation, so that a discriminator does not learn a small data set by heart."""

import keras
from keras import ops

from lab import validation

POLICIES = ("colour", "translation", "cutout")


def diff_augment(policy=("colour", "translation", "cutout"), *, shift=0.125, hole=0.5):
    """A function (images `[B, H, W, C]`, seed) -> images, to be passed to a GAN as `augment` (Zhao et al. 2020, section 3.2).

    Each sample is changed by itself, and gradients flow through: brightness, saturation and contrast; a shift by whole pixels, with zeros
    coming in; a square of zeros.

    Args:
        policy: some of "colour", "translation" and "cutout", in their order.
        shift: greatest shift, as a share of the image.
        hole: side of the square, as a share of the image.
    """
    validation.FRACTION.check("shift", shift), validation.UNIT.check("hole", hole)
    unknown = [name for name in policy if name not in POLICIES]
    if unknown:
        raise ValueError(f"policy: expected some of {', '.join(POLICIES)}, received {unknown[0]!r}.")

    def augment(images, seed):
        for name in policy:
            images = {"colour": colour, "translation": translation, "cutout": cutout}[name](images, seed, shift, hole)
        return images

    return augment


def colour(images, seed, *_):
    """x + b; then grey + s (x - grey) over channels; then mean + c (x - mean): b ~ U(-.5, .5), s ~ U(0, 2), c ~ U(.5, 1.5)."""
    brightness, saturation, contrast = (
        _uniform(images, low, high, seed) for low, high in ((-0.5, 0.5), (0.0, 2.0), (0.5, 1.5))
    )
    images = images + brightness
    grey = ops.mean(images, axis=3, keepdims=True)
    images = grey + saturation * (images - grey)
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + contrast * (images - mean)


def translation(images, seed, shift, _):
    """Moves each image by up to `shift` of its size; matrices of shifts, so that the gradient is one too."""
    for axis in (1, 2):
        size = images.shape[axis]
        most = int(size * shift + 0.5)
        by = keras.random.randint((images.shape[0], 1, 1), -most, most + 1, seed=seed)
        line = ops.arange(size, dtype="int32")
        move = ops.cast(line[None, :, None] - by == line[None, None, :], images.dtype)  # [B, to, from]
        images = ops.einsum("btf,bfwc->btwc" if axis == 1 else "btf,bhfc->bhtc", move, images)
    return images


def cutout(images, seed, _, hole):
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
