"""What the rules of translation share: checks of players and pictures, and the trained generator.

The generator of a translation takes pictures in place of latents; see `lab.gan.pix2pix` and
`lab.gan.cyclegan`.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from lab import engine
from lab.data.conventions import as_array, as_bytes, as_floats, check_numbers, check_set
from lab.gan.latent import NoLatents
from lab.gan.update import scale
from lab.models.any_size import any_size, padded_and_cut, stride_of
from lab.models.logits import check_logits, last_activation

if TYPE_CHECKING:
    from lab.gan.gan import GAN


def translate(generator: keras.Model, pictures: Any, *, back: bool = False, batch_size: int = 64) -> np.ndarray:
    """What a generator of pictures makes of `[N, H, W, C]`: `[N, H, W, C']`, from -1 to 1.

    Args:
        generator: of pix2pix, or CycleGAN's pair; `gan.average`, for example.
        pictures: uint8, or from -1 to 1.
        back: whether targets become sources, which CycleGAN's second network does.
        batch_size: pictures at once.
    """
    network = one_way(generator, back=back)
    pictures = check_pictures("pictures", pictures, shapes_of(network.inputs)[0], check_numbers)
    program = _program(network)
    parts = [pictures[i : i + batch_size] for i in range(0, len(pictures), batch_size)]
    return np.concatenate([ops.convert_to_numpy(program(part)) for part in parts])


def is_translator(model: keras.Model) -> bool:
    """Whether a model makes pictures of pictures: one of one, or two of two."""
    ends = [*model.inputs, *model.outputs]
    sizes = len(model.inputs), len(model.outputs)
    pictures = sizes in ((1, 1), (2, 2)) and all(len(end.shape) == 4 for end in ends)
    return pictures and all(last_activation(output) == "tanh" for output in model.outputs)


def one_way(generator: keras.Model, *, back: bool = False) -> keras.Model:
    """The network of one direction: the generator itself, or one of CycleGAN's pair."""
    if len(generator.outputs) > 1:
        return generator.outputs[int(back)]._keras_history.operation
    if back:
        raise ValueError("back: expected a pair of generators, as CycleGAN has, received one generator.")
    return generator


@functools.lru_cache(4)  # a score during training calls it again and again
def _program(network):
    return engine.compile(lambda x: network(scale(x), training=False), network.variables)


def translate_picture(generator: keras.Model, picture: np.ndarray, *, back: bool = False) -> np.ndarray:
    """What a generator of pictures makes of one picture of any size, uint8 `[H, W, C]`.

    The network is used at the picture's own size. Where its strides do not divide a side, the
    picture is mirrored beyond its right and lower edges, and the result is cut.

    Args:
        generator, back: as of `translate`.
        picture: uint8 `[H, W, C]`.
    """
    network = any_size(one_way(generator, back=back))
    channels = network.inputs[0].shape[-1]
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] != channels:
        raise ValueError(f"picture: expected uint8 [H, W, {channels}], received {picture.dtype} {list(picture.shape)}.")
    stride = stride_of(network)
    least = 2 * stride  # the smallest map is mirrored at its edges
    return as_bytes(padded_and_cut(lambda x: network(x, training=False), as_floats(picture), stride, least))


def shapes_of(tensors: list[keras.KerasTensor]) -> list[tuple[int | None, ...]]:
    """Shapes without the batch."""
    return [tuple(tensor.shape[1:]) for tensor in tensors]


def refuse_what_needs_latents(gan: "GAN") -> None:
    """Raises if the GAN has parts that the rules of translation do not use."""
    if not isinstance(gan.latent, NoLatents):
        raise ValueError(f"latent: expected none in a translation of pictures, received {gan.latent!r}.")
    given = {
        "penalties": gan.penalties,
        "auxiliary": gan.auxiliary,
        "augment": gan.augment,
        "classes": gan.classes,
        "clip": gan.clip,
        "pac": gan.pac > 1,
        "penalty_interval": gan.penalty_interval > 1,
        "discriminator_steps": gan.discriminator_steps > 1,
    }
    for name, value in given.items():
        if value:
            raise ValueError(f"{name}: expected none in a translation of pictures, received {getattr(gan, name)!r}.")


def check_logits_of(gan: "GAN", count: int) -> None:
    """The discriminator must give `count` maps of logits."""
    outputs = gan.discriminator.outputs
    if len(outputs) != count or any(len(output.shape) != 4 or output.shape[-1] != 1 for output in outputs):
        raise ValueError(f"discriminator: expected logits [B, h, w, 1], {count} of them, received {shapes_of(outputs)}.")
    for output in outputs:
        check_logits("discriminator", output)


def check_pictures(
    name: str, pictures: Any, shape: tuple[int | None, ...], check: Callable[[str, np.ndarray], None] = check_set
) -> np.ndarray:
    """Pictures must be as a network takes them. Returns them as an array.

    Args:
        name: of the argument, for messages.
        pictures: `[N, ...]`.
        shape: of one.
        check: of their range, `check_set` or, where they may all be bright, `check_numbers`.
    """
    pictures = as_array(name, pictures)
    if pictures.ndim != 4 or not len(pictures) or any(b not in (None, a) for a, b in zip(pictures.shape[1:], shape)):
        raise ValueError(f"{name}: expected pictures [N, {', '.join(map(str, shape))}], received {list(pictures.shape)}.")
    check(name, pictures)
    return pictures


def check_sets(gan: "GAN", x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Source and target pictures must be as the generator takes and makes them."""
    if y is None:
        raise ValueError("y: expected target pictures, received None.")
    return (
        check_pictures("x", x, shapes_of(gan.generator.inputs)[0]),
        check_pictures("y", y, shapes_of(gan.generator.outputs)[0]),
    )


def check_pairs(gan: "GAN", x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """As `check_sets`, and there must be as many targets as sources."""
    x, y = check_sets(gan, x, y)
    if len(x) != len(y):
        raise ValueError(f"y: expected a target for each of the {len(x)} sources, received {len(y)}.")
    return x, y
