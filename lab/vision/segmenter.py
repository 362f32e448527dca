"""The loss of a segmenter, and its model with the names of the classes inside."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from lab import engine
from lab.data.masks import VOID
from lab.engine.types import Tensor
from lab.losses import boundary, dice, distance_maps, pixel_crossentropy


def segmentation_loss(*, of_dice: float = 1.0, of_boundary: float = 0.0) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss of labels `[B, H, W]` and logits `[B, H, W, classes]`, a scalar.

        pixel cross-entropy + of_dice (mean Dice loss) + of_boundary (mean boundary loss)

    The Dice loss is of each class over the whole batch (Isensee et al. 2021). That of each picture
    is noise at first: most classes are absent from it, and cost 1 wherever they are predicted.

    Pixels with the label 255 do not count. Distances to boundaries are computed with SciPy for each
    batch, which costs more than the network of a small picture.

    Args:
        of_dice: weight of `lab.losses.dice`.
        of_boundary: weight of `lab.losses.boundary`, such as 0.01.
    """

    def loss(y_true: Tensor, y_pred: Tensor) -> Tensor:
        total = pixel_crossentropy(y_true, y_pred, ignored=VOID)
        if of_dice:
            total = total + of_dice * ops.mean(dice(y_true, y_pred, ignored=VOID, over_batch=True))
        if of_boundary:
            classes = y_pred.shape[-1]
            (maps,) = engine.host_call(
                lambda labels: [distance_maps(labels.astype("uint8"), classes, ignored=VOID)],
                [((*y_true.shape, classes), "float32")],
                y_true,
            )
            total = total + of_boundary * ops.mean(boundary(maps, y_pred))
        return total

    return loss


@keras.saving.register_keras_serializable(package="lab")
class Classes(keras.layers.Layer):
    """Logits of pixels -> the same. It keeps the names of the classes with a saved model.

    Args:
        names: of the classes, the background first.
    """

    def __init__(self, names: Sequence[str], **options: Any) -> None:
        super().__init__(**{"dtype": "float32"} | options)
        self.names = list(names)

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"names": self.names}


def with_names(network: keras.Model, names: Sequence[str]) -> keras.Model:
    """A segmenter's network that knows the names of its classes, the background first."""
    if network.outputs[0].shape[-1] != len(names):
        raise ValueError(f"names: expected {network.outputs[0].shape[-1]}, one for each class, received {len(names)}.")
    return keras.Model(network.inputs[0], Classes(names, name="classes")(network.outputs[0]), name=network.name)
