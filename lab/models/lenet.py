"""LeNet-5 (LeCun et al. 1998, section II.B)."""

from typing import Any

import keras

from lab.engine.types import Tensor
from lab.layers import Subsampling2D, TableConvolution2D
from lab.models.blocks import Blocks, image_input, scaled

TABLE = [  # table I: which of the 6 maps of S2 (rows) each of the 16 maps of C3 sees
    [1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1],
    [1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1],
    [1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1],
    [0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1],
    [0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 0, 1],
    [0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1],
]
LARGEST = 48  # pixels. Beyond it C5 would hold most of the weights, and that is no LeNet.


def lenet(shape: tuple[int, ...], classes: int, *, width: float = 1.0, seed: int, name: str = "lenet5") -> keras.Model:
    """Images `[B, *shape]` -> logits `[B, classes]`: C1, S2, C3, S4, C5, F6, and a linear layer.

    It has 60,000 weights up to F6 for `[32, 32, 1]`. Smaller images are padded with zeros to 32
    pixels, as the paper pads its digits of 28. Larger ones keep their size, and C5 sees all of
    S4. The activation is 1.7159 tanh(2 x / 3) (appendix A), of S2 and S4 too. Weights start
    uniform in ±2.4 / fan-in, as LeCun's do.

    Difference from the paper: its output is a distance to fixed bitmaps of the ten digits. Ours
    is linear, for any classes.

    Args:
        shape: (height, width, channels), at most 48 pixels on a side.
        classes: number of classes.
        width: factor of the number of maps. With a width other than 1, every map of C3 sees all
            of S2.
        seed: of the initial weights.
        name: of the model.
    """
    images, _ = image_input(shape, "small")
    if max(shape[:2]) > LARGEST:
        raise ValueError(f"shape: expected at most {LARGEST} pixels on a side for LeNet-5, received {shape!r}.")
    blocks = Blocks(seed, initializer=FanInUniform)

    def squashed(x, name):
        return keras.layers.Activation(scaled_tanh, name=f"{name}_tanh")(x)

    pads = [((max(32 - side, 0)) // 2, (max(32 - side, 0) + 1) // 2) for side in shape[:2]]
    blocks.begin("c1")
    x = keras.layers.ZeroPadding2D(pads, name=blocks.name("pad"))(images) if any(map(any, pads)) else images
    x = squashed(blocks.convolution(x, scaled(6, width), 5, padding="valid", bias=True), "c1")
    x = squashed(Subsampling2D(name="s2")(x), "s2")
    blocks.begin("c3")
    if width == 1:
        # fan-in 100: 5 x 5 filters of four maps on average
        initializer = keras.initializers.RandomUniform(-2.4 / 100, 2.4 / 100, seed=blocks.seed())
        x = squashed(TableConvolution2D(TABLE, 5, initializer, name=blocks.name("conv"))(x), "c3")
    else:
        x = squashed(blocks.convolution(x, scaled(16, width), 5, padding="valid", bias=True), "c3")
    x = squashed(Subsampling2D(name="s4")(x), "s4")
    blocks.begin("c5")
    x = squashed(blocks.convolution(x, scaled(120, width), x.shape[1:3], padding="valid", bias=True), "c5")
    x = keras.layers.Flatten(name=blocks.name("flat"))(x)
    blocks.begin("f6")
    x = squashed(blocks.dense(x, scaled(84, width), initializer=FanInUniform), "f6")
    blocks.begin("head")
    return keras.Model(images, blocks.dense(x, classes, initializer=FanInUniform, dtype="float32"), name=name)


@keras.saving.register_keras_serializable(package="lab")
def scaled_tanh(x: Tensor) -> Tensor:
    """1.7159 tanh(2 x / 3), which is 1 at 1 and -1 at -1 (LeCun et al. 1998, appendix A)."""
    return 1.7159 * keras.ops.tanh(2 / 3 * x)


@keras.saving.register_keras_serializable(package="lab")
class FanInUniform(keras.initializers.Initializer):
    """U(-2.4 / n, 2.4 / n), with n the inputs of a unit (LeCun et al. 1998, appendix A).

    Args:
        seed: of the numbers.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        """Numbers of a shape whose last axis is the units."""
        bound = 2.4 / float(keras.ops.prod(shape[:-1]))
        return keras.random.uniform(shape, -bound, bound, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {"seed": self.seed}
