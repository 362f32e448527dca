"""What every detector has."""

from typing import Any, Protocol

import keras

from lab.engine.types import Tensor


class Detector(Protocol):
    """A network of pictures, and pure functions of what it says.

    Attributes:
        classes: number of classes.
        network: images `[B, H, W, C]` -> outputs, one float32 tensor.
    """

    classes: int
    network: keras.Model

    def assign(self, objects: Tensor, outputs: Any = None) -> Any:
        """What the network should say of objects `[B, M, 5]`: left, top, right, bottom, class.

        The class is -1 where there is no object. `outputs` are those of the network, for detectors
        whose targets depend on them.
        """

    def loss(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of a batch, a scalar, of objects as of `assign` and outputs of the network."""

    def decode(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(boxes `[B, K, 4]` in pixels, scores `[B, K]`, labels `[B, K]`), by falling score.

        A score of 0 is no detection.
        """
