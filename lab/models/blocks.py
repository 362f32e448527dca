"""The blocks from which the convolutional families are built."""

import collections
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias, TypeVar

import keras
import numpy as np

from lab.data.conventions import require_channels_last
from lab.engine.types import Tensor
from lab.layers import BatchNormalization

T = TypeVar("T")
Size: TypeAlias = int | Sequence[int]
Padding: TypeAlias = str | int | Sequence[Sequence[int]]

SMALL = 96  # pixels. Images with a shorter side get a stem that keeps their size.


class Blocks:
    """Makes the layers of a classifier.

    Layers are named `<stage>_<kind><number>`. Each weight starts from a seed of its own.

    Args:
        seed: of the initial weights and of dropout.
        initializer: function (seed) -> initializer of kernels. The default is He normal (He et
            al. 2015).
        epsilon, momentum, scale: of batch normalisation.
        activation: "relu", or "relu6", which is bounded by 6.
    """

    def __init__(
        self,
        seed: int,
        *,
        initializer: Callable[[int], keras.initializers.Initializer] = keras.initializers.HeNormal,
        epsilon: float = 1e-5,
        momentum: float = 0.9,
        scale: bool = True,
        activation: str = "relu",
    ) -> None:
        self.initializer = initializer
        self.activation = activation
        self.normalization = {"epsilon": epsilon, "momentum": momentum, "scale": scale}
        self.seeds = np.random.SeedSequence(seed)
        self.begin("stem")

    def begin(self, stage: str) -> None:
        """Begins a stage: the layers that follow belong to it."""
        self.stage = stage
        self.counts: dict[str, int] = collections.Counter()

    def name(self, kind: str) -> str:
        """The name of the next layer."""
        self.counts[kind] += 1
        return f"{self.stage}_{kind}{self.counts[kind]}"

    def seed(self) -> int:
        """A seed that no other layer has."""
        return int(self.seeds.spawn(1)[0].generate_state(1)[0])

    def convolution(
        self,
        x: Tensor,
        filters: int,
        size: Size = 3,
        strides: int = 1,
        *,
        padding: Padding = "same",
        bias: bool = False,
    ) -> Tensor:
        """A linear convolution, `[B, H, W, C]` -> `[B, H', W', filters]`.

        Args:
            x: maps `[B, H, W, C]`.
            filters: number of output channels.
            size: of the filters, a number or (height, width).
            strides: in both directions.
            padding: "same", "valid", a number of zeros on each side, or Keras's pairs of them.
            bias: whether there is one.
        """
        x, padding = self.padded(x, padding)
        layer = keras.layers.Conv2D(
            filters,
            size,
            strides,
            padding,
            use_bias=bias,
            kernel_initializer=self.initializer(self.seed()),
            name=self.name("conv"),
        )
        return layer(x)

    def depthwise(self, x: Tensor, size: int = 3, strides: int = 1, *, padding: Padding = "same") -> Tensor:
        """A convolution with one filter for each channel; `padding` as of `convolution`."""
        x, padding = self.padded(x, padding)
        layer = keras.layers.DepthwiseConv2D(
            size,
            strides,
            padding,
            use_bias=False,
            depthwise_initializer=self.depthwise_initializer(size),
            name=self.name("depthwise"),
        )
        return layer(x)

    def separable(self, x: Tensor, filters: int, size: int = 3, *, rate: int = 1) -> Tensor:
        """A depthwise and a 1 x 1 convolution, with nothing between them (Chollet 2017).

        `rate` is the distance of the pixels that neighbours of the depthwise filter multiply.
        """
        layer = keras.layers.SeparableConv2D(
            filters,
            size,
            padding="same",
            dilation_rate=rate,
            use_bias=False,
            depthwise_initializer=self.depthwise_initializer(size),
            pointwise_initializer=self.initializer(self.seed()),
            name=self.name("separable"),
        )
        return layer(x)

    def depthwise_initializer(self, size: int) -> keras.initializers.Initializer:
        """He normal for a filter of one channel. Keras's own counts all channels as its inputs."""
        return keras.initializers.RandomNormal(stddev=(2 / size**2) ** 0.5, seed=self.seed())

    def normalized(self, x: Tensor) -> Tensor:
        """Batch normalisation (Ioffe and Szegedy 2015)."""
        return BatchNormalization(**self.normalization, name=self.name("norm"))(x)

    def activated(self, x: Tensor) -> Tensor:
        """The nonlinearity of the network."""
        return keras.layers.ReLU(6.0 if self.activation == "relu6" else None, name=self.name(self.activation))(x)

    def unit(
        self,
        x: Tensor,
        filters: int,
        size: Size = 3,
        strides: int = 1,
        *,
        padding: Padding = "same",
        bias: bool = False,
    ) -> Tensor:
        """Convolution, normalisation, nonlinearity."""
        return self.activated(self.normalized(self.convolution(x, filters, size, strides, padding=padding, bias=bias)))

    def pooled(
        self, x: Tensor, size: int = 2, strides: int | None = None, *, padding: str | int = "valid", kind: str = "max"
    ) -> Tensor:
        """The greatest value of each window, or with `kind` "mean" the mean one.

        `padding` may be a number of zeros on each side.
        """
        x, padding = self.padded(x, padding)
        layer = keras.layers.MaxPooling2D if kind == "max" else keras.layers.AveragePooling2D
        return layer(size, strides, padding, name=self.name("pool"))(x)

    def padded(self, x: Tensor, padding: Padding) -> tuple[Tensor, str]:
        """(x between that many zeros, "valid"), or x and `padding` unchanged if it is a name."""
        if isinstance(padding, str):
            return x, padding
        return keras.layers.ZeroPadding2D(padding, name=self.name("pad"))(x), "valid"

    def enlarged(self, x: Tensor, factor: Size, *, interpolation: str = "bilinear", dtype: str | None = None) -> Tensor:
        """Maps `factor` times as high and wide; "nearest" repeats pixels.

        Pixels are squares: with "bilinear" the centre of a new one lies at (i + 1/2) / factor - 1/2
        (`align_corners` is false), and beyond the last centre the map goes on unchanged.
        """
        layer = keras.layers.UpSampling2D(factor, interpolation=interpolation, dtype=dtype, name=self.name("up"))
        return layer(x)

    def added(self, *branches: Tensor) -> Tensor:
        """The sum of branches."""
        return keras.layers.Add(name=self.name("add"))(branches)

    def joined(self, *branches: Tensor) -> Tensor:
        """Branches side by side in the channels."""
        return keras.layers.Concatenate(name=self.name("join"))(branches)

    def dropped(self, x: Tensor, rate: float) -> Tensor:
        """Dropout, unless the rate is 0 (Srivastava et al. 2014)."""
        return keras.layers.Dropout(rate, seed=self.seed(), name=self.name("dropout"))(x) if rate else x

    def dense(
        self,
        x: Tensor,
        units: int,
        *,
        initializer: Callable[[int], keras.initializers.Initializer] = keras.initializers.GlorotUniform,
        dtype: str | None = None,
    ) -> Tensor:
        """A linear map of the last axis."""
        layer = keras.layers.Dense(units, kernel_initializer=initializer(self.seed()), dtype=dtype, name=self.name("dense"))
        return layer(x)

    def classified(self, x: Tensor, classes: int, *, dropout: float = 0.0) -> Tensor:
        """Maps `[B, H, W, C]` -> logits `[B, classes]`, float32.

        They are the mean over positions and a linear map (Lin et al. 2014).
        """
        self.begin("head")
        x = keras.layers.GlobalAveragePooling2D(name=self.name("mean"))(x)
        return self.dense(self.dropped(x, dropout), classes, dtype="float32")


def image_input(shape: tuple[int, ...], stem: str | None) -> tuple[keras.KerasTensor, bool]:
    """(the input of images, whether the stem is the one for small images).

    Args:
        shape: (height, width, channels).
        stem: "small", "large", or None, which chooses by the size of the image.
    """
    if len(shape) != 3 or not all(isinstance(n, int) and n >= 1 for n in shape):
        raise ValueError(f"shape: expected (height, width, channels), integers >= 1, received {shape!r}.")
    require_channels_last()
    if stem not in (None, "small", "large"):
        raise ValueError(f"stem: expected 'small', 'large' or None, received {stem!r}.")
    return keras.Input(shape, name="image"), stem == "small" or (stem is None and min(shape[:2]) < SMALL)


def one_of(name: str, value: T, choices: Collection[T]) -> T:
    """The value, which must be one of the choices."""
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(str, choices))}, received {value!r}.")
    return value


def scaled(filters: int, width: float, divisor: int = 1) -> int:
    """Channels times a width, as a multiple of a divisor.

    It is at least nine tenths of the product (the code of Howard et al. 2017).
    """
    if not width > 0:
        raise ValueError(f"width: expected a number > 0, received {width!r}.")
    wanted = filters * width
    nearest = max(divisor, int(wanted + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * wanted else nearest
