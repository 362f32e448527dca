"""The few blocks that the convolutional families are built from."""

import collections

import keras
import numpy as np

from lab.data.conventions import require_channels_last
from lab.layers import BatchNormalization

SMALL = 96  # pixels; images with a shorter side get a stem that keeps their size


class Blocks:
    """Makes a classifier's layers, named `<stage>_<kind><number>`, each with an initial weight from a seed of its own.

    Args:
        seed: of the initial weights and of dropout.
        start: function (seed) -> initializer of kernels; He normal by default (He et al. 2015).
        epsilon, momentum, scale: of batch normalisation.
        activation: "relu", or "relu6", which ends at 6.
    """

    def __init__(self, seed, *, start=keras.initializers.HeNormal, epsilon=1e-5, momentum=0.9, scale=True, activation="relu"):
        self.start, self.activation = start, activation
        self.normalization = {"epsilon": epsilon, "momentum": momentum, "scale": scale}
        self.seeds = np.random.SeedSequence(seed)
        self.begin("stem")

    def begin(self, stage):
        """The layers that follow belong to this stage."""
        self.stage = stage
        self.counts: dict[str, int] = collections.Counter()

    def name(self, kind):
        """The next layer's name."""
        self.counts[kind] += 1
        return f"{self.stage}_{kind}{self.counts[kind]}"

    def seed(self):
        """A seed that no other layer has."""
        return int(self.seeds.spawn(1)[0].generate_state(1)[0])

    def convolution(self, x, filters, size=3, strides=1, *, padding="same", bias=False):
        """`[B, H, W, C]` -> `[B, H', W', filters]`, linear; `padding` may be a number of zeros on each side, or Keras's pairs of them."""
        x, padding = self.padded(x, padding)
        layer = keras.layers.Conv2D(
            filters, size, strides, padding, use_bias=bias, kernel_initializer=self.start(self.seed()), name=self.name("conv")
        )
        return layer(x)

    def depthwise(self, x, size=3, strides=1, *, padding="same"):
        """A filter of its own for each channel; `padding` as of `convolution`."""
        x, padding = self.padded(x, padding)
        layer = keras.layers.DepthwiseConv2D(
            size, strides, padding, use_bias=False, depthwise_initializer=self.of_one_channel(size), name=self.name("depthwise")
        )
        return layer(x)

    def separable(self, x, filters, size=3):
        """A depthwise convolution and one of 1 x 1, with nothing between them (Chollet 2017)."""
        layer = keras.layers.SeparableConv2D(
            filters, size, padding="same", use_bias=False, depthwise_initializer=self.of_one_channel(size),
            pointwise_initializer=self.start(self.seed()), name=self.name("separable"),
        )  # fmt: skip
        return layer(x)

    def of_one_channel(self, size):
        """He normal for a filter of one channel; Keras's own counts the others' channels as its inputs."""
        return keras.initializers.RandomNormal(stddev=(2 / size**2) ** 0.5, seed=self.seed())

    def normalized(self, x):
        """Batch normalisation (Ioffe and Szegedy 2015)."""
        return BatchNormalization(**self.normalization, name=self.name("norm"))(x)

    def activated(self, x):
        """The network's nonlinearity."""
        return keras.layers.ReLU(6.0 if self.activation == "relu6" else None, name=self.name(self.activation))(x)

    def unit(self, x, filters, size=3, strides=1, *, padding="same", bias=False):
        """Convolution, normalisation, nonlinearity."""
        return self.activated(self.normalized(self.convolution(x, filters, size, strides, padding=padding, bias=bias)))

    def pooled(self, x, size=2, strides=None, *, padding="valid", kind="max"):
        """The greatest or the mean value of each window; `padding` may be a number of zeros on each side."""
        x, padding = self.padded(x, padding)
        layer = keras.layers.MaxPooling2D if kind == "max" else keras.layers.AveragePooling2D
        return layer(size, strides, padding, name=self.name("pool"))(x)

    def padded(self, x, padding):
        """(x between that many zeros, "valid"), or x and the padding as they are."""
        if isinstance(padding, str):
            return x, padding
        return keras.layers.ZeroPadding2D(padding, name=self.name("pad"))(x), "valid"

    def added(self, *branches):
        """The sum of branches."""
        return keras.layers.Add(name=self.name("add"))(branches)

    def joined(self, *branches):
        """Branches side by side in the channels."""
        return keras.layers.Concatenate(name=self.name("join"))(branches)

    def dropped(self, x, rate):
        """Dropout, where the rate is not 0 (Srivastava et al. 2014)."""
        return keras.layers.Dropout(rate, seed=self.seed(), name=self.name("dropout"))(x) if rate else x

    def dense(self, x, units, *, start=keras.initializers.GlorotUniform, dtype=None):
        """A linear map of the last axis."""
        layer = keras.layers.Dense(units, kernel_initializer=start(self.seed()), dtype=dtype, name=self.name("dense"))
        return layer(x)

    def classified(self, x, classes, *, dropout=0.0):
        """Maps `[B, H, W, C]` -> logits `[B, classes]`, float32: the mean over positions and a linear map (Lin et al. 2014)."""
        self.begin("head")
        x = keras.layers.GlobalAveragePooling2D(name=self.name("mean"))(x)
        return self.dense(self.dropped(x, dropout), classes, dtype="float32")


def image_input(shape, stem):
    """(the input of images `shape` = (height, width, channels), whether the stem is the one for small images)."""
    if len(shape) != 3 or not all(isinstance(n, int) and n >= 1 for n in shape):
        raise ValueError(f"shape: expected (height, width, channels), integers >= 1, received {shape!r}.")
    require_channels_last()
    if stem not in (None, "small", "large"):
        raise ValueError(f"stem: expected 'small', 'large' or None, received {stem!r}.")
    return keras.Input(shape, name="image"), stem == "small" or (stem is None and min(shape[:2]) < SMALL)


def one_of(name, value, choices):
    """The value, which must be one of the choices."""
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(str, choices))}, received {value!r}.")
    return value


def scaled(filters, width, divisor=1):
    """Channels times a width, a multiple of a divisor that is at least nine tenths of it (Howard et al. 2017's code)."""
    if not width > 0:
        raise ValueError(f"width: expected a number > 0, received {width!r}.")
    wanted = filters * width
    nearest = max(divisor, int(wanted + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * wanted else nearest
