"""Networks that turn one picture into another, and the discriminator of patches."""

import keras

from lab import validation
from lab.layers import InstanceNormalization, MirrorPadding2D
from lab.models.blocks import Blocks, image_input, one_of
from lab.models.unet import unet

RECEPTIVE_FIELDS = {1: 0, 16: 1, 34: 2, 70: 3, 142: 4}  # pixels on a side: convolutions of stride 2


def residual_generator(
    shape: tuple[int | None, ...],
    outputs: int,
    *,
    filters: int = 32,
    blocks: int = 6,
    seed: int,
    name: str = "generator",
) -> keras.Model:
    """Pictures `[B, H, W, C]` -> pictures `[B, H, W, outputs]` in -1..1 (Johnson et al. 2016).

        7 x 7 convolution, `filters`
        two 3 x 3 convolutions of stride 2, each with twice as many filters
        residual blocks of two 3 x 3 convolutions
        twice: nearest neighbours enlarge the map, 3 x 3 convolution, half as many filters
        7 x 7 convolution, tanh

    It is CycleGAN's (Zhu et al. 2017, appendix 7.2): instance normalisation and ReLU follow each
    convolution but the last, the second of a block has no ReLU, and the picture is mirrored at its
    edges. Kernels start normal with standard deviation 0.02.

    Difference from the papers: a map is enlarged before its convolution, where theirs are
    transposed and can make checkerboards (Odena et al. 2016).

    Args:
        shape: (height, width, channels), sides divisible by 4; None takes any such side.
        outputs: channels of the new pictures.
        filters: of the first and the last convolutions but one (the papers' generators: 64, 32).
        blocks: residual blocks (the papers: 6 below 256 pixels, 9 from there; 5).
        seed: of the initial weights.
        name: of the model.
    """
    if len(shape) != 3 or any(side is not None and (not isinstance(side, int) or side < 8 or side % 4) for side in shape[:2]):
        raise ValueError(f"shape: expected (height, width, channels), sides divisible by 4 and >= 8, received {shape}.")
    validation.integer("outputs", outputs)
    validation.integer("filters", filters)
    validation.integer("blocks", blocks, 0)
    layers = _blocks(seed)
    images = keras.Input(shape, name="pictures")
    x = _unit(layers, images, filters, 7)
    for stage in (1, 2):
        layers.begin(f"down{stage}")
        x = _unit(layers, x, filters * 2**stage, strides=2)
    for block in range(blocks):
        layers.begin(f"block{block + 1}")
        y = _unit(layers, x, x.shape[-1])
        x = layers.added(x, _normalized(layers, _convolution(layers, y, x.shape[-1])))
    for stage in (1, 0):
        layers.begin(f"up{stage + 1}")
        x = _unit(layers, layers.enlarged(x, 2, interpolation="nearest"), filters * 2**stage)
    layers.begin("head")
    x = MirrorPadding2D(3, name=layers.name("pad"))(x)
    return keras.Model(images, _last(layers, outputs, 7, "tanh")(x), name=name)


def unet_generator(
    shape: tuple[int, ...],
    outputs: int,
    *,
    widths: tuple[int, ...] = (32, 64, 128, 256),
    dropout: float = 0.5,
    seed: int,
    name: str = "generator",
) -> keras.Model:
    """Pictures `[B, H, W, C]` -> pictures `[B, H, W, outputs]` in -1..1: `unet` and tanh.

    pix2pix has such a generator (Isola et al. 2017, section 3.2.1). Its skips carry what source and
    target have in common, such as edges. Dropout is its only noise.

    Differences from the paper:

    1. The blocks are those of `unet`, and dropout is after the deepest level alone.
    2. A trained generator is used without dropout and with moving averages, so that a picture has
       one translation. The paper keeps dropout and the statistics of the batch.

    Args:
        shape, widths, dropout, seed, name: as of `lab.models.unet`.
        outputs: channels of the new pictures.
    """
    network = unet(shape, outputs, widths=widths, blocks=1, dropout=dropout, seed=seed)
    return keras.Model(network.inputs[0], keras.layers.Activation("tanh", dtype="float32")(network.outputs[0]), name=name)


def patch_discriminator(
    shape: tuple[int, ...],
    *,
    condition: int = 0,
    receptive_field: int = 34,
    filters: int = 64,
    normalization: str = "instance",
    seed: int,
    name: str = "discriminator",
) -> keras.Model:
    """Pictures `[B, H, W, C]` -> logits of their patches `[B, h, w, 1]`.

    Each logit says of a square of `receptive_field` pixels whether it is real (Isola et al. 2017,
    section 3.2.2). 4 x 4 convolutions
    of stride 2, each with twice as many filters as the one before up to 8 `filters`, then one and
    the last of stride 1. A field of 1 has three 1 x 1 convolutions. Leaky ReLU of 0.2, and
    normalisation except of the first. Kernels start normal with standard deviation 0.02.

    Args:
        shape: (height, width, channels) of the pictures.
        condition: channels of the picture that it was made from. Then the inputs are
            [pictures, sources]. 0: no such input.
        receptive_field: 1, 16, 34, 70 or 142 pixels on a side.
        filters: of the first convolution.
        normalization: "instance", "batch" or "none".
        seed: of the initial weights.
        name: of the model.
    """
    strided = RECEPTIVE_FIELDS[one_of("receptive_field", receptive_field, RECEPTIVE_FIELDS)]
    one_of("normalization", normalization, ("instance", "batch", "none"))
    validation.integer("condition", condition, 0)
    if normalization != "none" and min(shape[:2]) < 2 ** (strided + 1):
        least = 2 ** (strided + 1)
        raise ValueError(f"shape: expected sides >= {least} for a receptive field of {receptive_field}, received {shape}.")
    layers = _blocks(seed)
    images, _ = image_input(shape, None)
    inputs = [images]
    if condition:
        inputs.append(keras.Input((*shape[:2], condition), name="sources"))
    x = layers.joined(*inputs) if condition else images
    size = 4 if strided else 1
    widths = [min(2**place, 8) * filters for place in range(strided + 1)] if strided else [filters, 2 * filters]
    for place, width in enumerate(widths):
        layers.begin(f"stage{place + 1}")
        plain = place == 0 or normalization == "none"
        x = layers.convolution(x, width, size, 2 if place < strided else 1, bias=plain)
        if not plain:
            x = layers.normalized(x) if normalization == "batch" else InstanceNormalization(name=layers.name("norm"))(x)
        x = keras.layers.LeakyReLU(0.2, name=layers.name("relu"))(x)
    layers.begin("head")
    logits = _last(layers, 1, size, None, padding="same")(x)
    return keras.Model(inputs if condition else images, logits, name=name)


def side_by_side(first: keras.Model, second: keras.Model, *, name: str) -> keras.Model:
    """The model [a, b] -> [first(a), second(b)] of two models.

    With generators G and F it is CycleGAN's pair [x, y] -> [G(x), F(y)].
    """
    inputs = [keras.Input(model.inputs[0].shape[1:], name=side) for model, side in ((first, "first_in"), (second, "second_in"))]
    return keras.Model(inputs, [first(inputs[0]), second(inputs[1])], name=name)


def _blocks(seed):
    return Blocks(seed, initializer=lambda seed: keras.initializers.RandomNormal(stddev=0.02, seed=seed))


def _convolution(layers, x, filters, size=3, strides=1):
    """A convolution of a mirrored map."""
    x = MirrorPadding2D(size // 2, name=layers.name("pad"))(x)
    return layers.convolution(x, filters, size, strides, padding="valid")


def _normalized(layers, x):
    return InstanceNormalization(name=layers.name("norm"))(x)


def _unit(layers, x, filters, size=3, strides=1):
    """Convolution, instance normalisation, ReLU."""
    return layers.activated(_normalized(layers, _convolution(layers, x, filters, size, strides)))


def _last(layers, outputs, size, activation, padding="valid"):
    """The last convolution, float32."""
    start = layers.initializer(layers.seed())
    options = {"kernel_initializer": start, "dtype": "float32", "name": layers.name("conv")}
    return keras.layers.Conv2D(outputs, size, padding=padding, activation=activation, **options)
