"""What a trained model finds in a picture of any size."""

from collections import Counter
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from lab.data.conventions import as_floats
from lab.data.letterboxes import Letterbox
from lab.data.pictures import whole
from lab.metrics.average_precision import Detections, Objects
from lab.vision.detector import Decode


class Predictor(NamedTuple):
    """A model of `Detector.predictor`, and the names of its classes."""

    model: keras.Model
    names: tuple[str, ...]


class Found(NamedTuple):
    """What was found in a picture, in its own pixels."""

    image: np.ndarray  # uint8 [H, W, 3]
    detections: Detections
    names: tuple[str, ...]

    def above(self, threshold: float) -> Detections:
        """The detections with at least this score."""
        kept = self.detections.scores >= threshold
        return Detections(*(part[kept] for part in self.detections[:3]))

    def as_json(self, threshold: float) -> dict[str, Any]:
        """The detections with at least this score, for JSON."""
        boxes, scores, labels, _ = self.above(threshold)
        parts = zip(boxes.tolist(), scores.tolist(), labels.tolist())
        return {
            "detections": [
                {"box": [round(side, 2) for side in box], "score": round(score, 4), "class": self.names[label]}
                for box, score, label in parts
            ]
        }

    def figure(self, threshold: float) -> Any:
        """The picture with boxes, as a figure of Matplotlib."""
        from lab.visualize import detections_figure

        none = Objects(np.zeros((0, 4)), np.zeros(0, int))
        return detections_figure(self.image[None], [none], [self.detections], self.names, least=threshold, columns=1, inches=6)

    def sentence(self, threshold: float) -> str:
        """How many objects of each class were found."""
        counts = Counter(self.names[label] for label in self.above(threshold).labels)
        return ", ".join(f"{count} x {name}" for name, count in counts.most_common()) or "nothing found"


def predictor_of(model: keras.Model, name: str) -> Predictor:
    """A loaded model of a run, which must be a detector's.

    Args:
        model: of the run.
        name: of the run, for the message.
    """
    layers = [layer for layer in model.layers if isinstance(layer, Decode)]
    if not layers:
        raise ValueError(f"run id: expected a run of a detector, received {name}, whose model decodes no boxes.")
    decode = layers[0]
    return Predictor(model, tuple(decode.names) or tuple(map(str, range(decode.detector.classes))))


def find(predictor: Predictor, path: str | PathLike) -> Found:
    """What a model finds in a picture file. The picture is letterboxed to the model's size.

    Raises:
        ValueError: the file is not a picture. The message names it.
    """
    try:
        image = np.array(whole(Path(path)).convert("RGB"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected a picture, received a file that cannot be decoded: {error}") from error
    size = predictor.model.inputs[0].shape[1]
    letterbox = Letterbox.within((image.shape[1], image.shape[0]), size)
    said = predictor.model.predict(as_floats(letterbox.picture_there(image)[None]), verbose=0)
    boxes, scores, labels = (np.asarray(said[name])[0] for name in ("boxes", "scores", "labels"))
    return Found(image, Detections(letterbox.boxes_back(boxes), scores, labels), predictor.names)
