"""What a trained detector or segmenter finds in a picture of any size."""

from collections import Counter
from os import PathLike
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np

from lab.data.conventions import as_floats
from lab.data.letterboxes import Letterbox
from lab.data.pictures import pixels
from lab.metrics.average_precision import Detections
from lab.vision.detector import Decode
from lab.vision.mask_head import paste_masks
from lab.vision.segmenter import Classes


class Found(Protocol):
    """What was found in a picture, in its own pixels."""

    def as_json(self) -> dict[str, Any]:
        """For JSON."""

    def figure(self) -> Any:
        """A figure of Matplotlib."""

    def sentence(self) -> str:
        """In a few words."""


class FoundObjects(NamedTuple):
    """The objects that a detector found."""

    image: np.ndarray  # uint8 [H, W, 3]
    detections: Detections
    names: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The boxes, in pixels of the picture, and the areas of the masks."""
        boxes, scores, labels, masks = self.detections
        found = [
            {"box": [round(side, 2) for side in box], "score": round(score, 4), "class": self.names[label]}
            for box, score, label in zip(boxes.tolist(), scores.tolist(), labels.tolist())
        ]
        for each, mask in zip(found, () if masks is None else masks):
            each["mask_pixels"] = int(mask.sum())
        return {"detections": found}

    def figure(self) -> Any:
        """The picture under its masks, with boxes."""
        from lab.visualize import detections_figure
        from lab.visualize.masks import colours

        image, table = self.image.copy(), colours(len(self.names) + 1)
        found = self.detections
        for mask, label in zip(() if found.masks is None else found.masks[::-1], found.labels[::-1]):
            image[mask] = (0.5 * image[mask] + 0.5 * table[label + 1]).astype("uint8")
        return detections_figure(image[None], None, [found], self.names, least=0, columns=1, inches=6)

    def sentence(self) -> str:
        """How many objects of each class were found."""
        counts = Counter(self.names[label] for label in self.detections.labels)
        return ", ".join(f"{count} x {name}" for name, count in counts.most_common()) or "nothing found"


class FoundClasses(NamedTuple):
    """The class of each pixel that a segmenter found."""

    image: np.ndarray  # uint8 [H, W, 3]
    classes: np.ndarray  # uint8 [H, W], 0 is background
    names: tuple[str, ...]  # the background first

    def shares(self) -> dict[str, float]:
        """The share of the pixels of each class that was found, the largest first."""
        counts = np.bincount(self.classes.ravel(), minlength=len(self.names)) / self.classes.size
        return {self.names[label]: float(counts[label]) for label in np.argsort(-counts, kind="stable") if counts[label]}

    def as_json(self) -> dict[str, Any]:
        """The shares of the pixels."""
        return {"shares": {name: round(share, 5) for name, share in self.shares().items()}}

    def figure(self) -> Any:
        """The picture and the classes beside it."""
        from lab.visualize import masks_figure

        return masks_figure(self.image[None], self.classes[None], self.names, columns=1, inches=5)

    def sentence(self) -> str:
        """The shares of the pixels in percent."""
        return ", ".join(f"{100 * share:.1f} % {name}" for name, share in self.shares().items())


class Predictor:
    """A model of a run that finds objects or classes in pictures.

    Args:
        model: of `Detector.predictor` or `with_names`.
        name: of the run, for messages.
    """

    def __init__(self, model: keras.Model, name: str) -> None:
        layers = [layer for layer in model.layers if isinstance(layer, Decode | Classes)]
        if not layers:
            raise ValueError(f"run id: expected a run of a detector or a segmenter, received {name}.")
        self.model = model
        self.detects = isinstance(layers[0], Decode)
        self.names = tuple(layers[0].names)
        if self.detects and not self.names:
            self.names = tuple(map(str, range(layers[0].detector.classes)))

    def find(self, path: str | PathLike, threshold: float = 0.3) -> Found:
        """What is found in a picture file. It is letterboxed to the model's size.

        Args:
            path: of the picture.
            threshold: the score from which a detection counts.

        Raises:
            ValueError: the file is not a picture. The message names it.
        """
        image = pixels(path)
        height, width = image.shape[:2]
        letterbox = Letterbox.within((width, height), self.model.inputs[0].shape[1])
        said = self.model.predict(as_floats(letterbox.picture_there(image)[None]), verbose=0)
        if not self.detects:
            classes = np.asarray(said)[0].argmax(axis=-1).astype("uint8")
            return FoundClasses(image, letterbox.classes_back(classes), self.names)
        whole_boxes, scores, labels = (np.asarray(said[name])[0] for name in ("boxes", "scores", "labels"))
        boxes, masks = letterbox.boxes_back(whole_boxes), None
        kept = (scores >= threshold) & (scores > 0) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)  # not in the bars
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
        if "masks" in said:  # a mask fills its box, also where this reaches beyond the picture
            masks = paste_masks(
                np.asarray(said["masks"])[0][kept], letterbox.boxes_back(whole_boxes[kept], clip=False), height, width
            )
        return FoundObjects(image, Detections(boxes, scores, labels, masks), self.names)
