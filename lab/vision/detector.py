"""What every detector has, and the model of a trained one that gives boxes."""

import abc
from collections.abc import Sequence
from typing import Any, TypeVar

import keras
from keras import ops

from lab.engine.types import Tensor
from lab.metrics.average_precision import Detections

Self = TypeVar("Self", bound="Detector")


class Detector(abc.ABC):
    """A network of pictures, and pure functions of what it says.

    Attributes:
        classes: number of classes.
        settings: what `assign`, `loss` and `decode` need to know of the network, as JSON takes it.
        network: images `[B, H, W, C]` -> outputs, one float32 tensor.
    """

    classes: int
    settings: dict[str, Any]
    network: keras.Model

    @classmethod
    def of_settings(cls: type[Self], settings: dict[str, Any]) -> Self:
        """A detector with these `settings` and no network, to decode what another one said."""
        made = cls.__new__(cls)
        made.configure(**settings)
        return made

    @abc.abstractmethod
    def configure(self, *args: Any, **settings: Any) -> None:
        """Takes the settings, and makes what depends on them."""

    @abc.abstractmethod
    def assign(self, objects: Tensor, outputs: Tensor | None = None) -> Any:
        """What the network should say of objects `[B, M, 5]`: left, top, right, bottom, class.

        The class is -1 where there is no object. `outputs` are those of the network, for detectors
        whose targets depend on them.
        """

    @abc.abstractmethod
    def loss(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of a batch, a scalar, of objects as of `assign` and outputs of the network."""

    @abc.abstractmethod
    def decode(self, outputs: Tensor) -> tuple[Tensor, ...]:
        """(boxes `[B, K, 4]` in pixels, scores `[B, K]`, labels `[B, K]`), by falling score.

        A score of 0 is no detection. A detector of masks also gives their probabilities within
        the boxes, `[B, K, m, m]`.
        """

    def detections(self, outputs: Tensor) -> list[Detections]:
        """What was found in each picture, without scores of 0 and without masks."""
        parts = [ops.convert_to_numpy(part) for part in self.decode(ops.convert_to_tensor(outputs))[:3]]
        return [Detections(*(part[scores > 0] for part in (boxes, scores, labels))) for boxes, scores, labels in zip(*parts)]

    def predictor(self, names: Sequence[str] = ()) -> keras.Model:
        """The network with decoding inside, to be saved and exported.

            images [B, H, W, C] -> {"boxes": [B, K, 4], "scores": [B, K], "labels": int32 [B, K]}

        A detector of masks has "masks" too.

        Args:
            names: of the classes, which are saved with it.
        """
        decoded = Decode(type(self).__name__, self.settings, names, name="decode")(self.network.outputs[0])
        return keras.Model(self.network.inputs[0], decoded, name=f"{self.network.name}_predictor")


@keras.saving.register_keras_serializable(package="lab")
class Decode(keras.layers.Layer):
    """Outputs of a detector's network -> {"boxes", "scores", "labels"}, and "masks" if it has them.

    Args:
        kind: name of the detector's class, such as "CenterNet".
        settings: of the detector.
        names: of the classes.
    """

    def __init__(self, kind: str, settings: dict[str, Any], names: Sequence[str] = (), **options: Any) -> None:
        super().__init__(**{"dtype": "float32"} | options)
        import lab.vision

        self.kind, self.settings, self.names = kind, settings, list(names)
        self.detector = getattr(lab.vision, kind).of_settings(settings)

    def call(self, outputs: Tensor) -> dict[str, Tensor]:
        """What the outputs say."""
        found = dict(zip(("boxes", "scores", "labels", "masks"), self.detector.decode(outputs)))
        return found | {"labels": keras.ops.cast(found["labels"], "int32")}

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"kind": self.kind, "settings": self.settings, "names": self.names}
