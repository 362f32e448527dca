"""Average precision of a detector while it is trained."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from lab import engine, validation
from lab.data.conventions import as_floats
from lab.metrics import Objects, average_precision
from lab.vision.detector import Detector

AT_ONCE = 256  # pictures whose outputs are in memory
EVERYTHING = {"all": (0.0, 1e10)}


class AveragePrecisionCallback(keras.callbacks.Callback):
    """COCO's average precision on validation pictures, at the end of epochs.

    It adds `val_ap`, `val_ap50` and `val_ap_<area>` to the numbers of an epoch, for the callbacks
    after it and for the history. What no picture has an object for, but a crowd, is left out. On
    epochs between evaluations the numbers are not there.

    It serves `keras.Model.fit` and `lab.supervised.Training.fit`, where the averaged network is
    evaluated, as for the validation loss. A `keras.metrics.Metric` cannot do this: it would have to
    keep all detections in variables of a fixed shape.

    Args:
        detector: which decodes the outputs of the model that is fitted.
        images: `[N, H, W, C]`, uint8 or as the network takes them.
        truths: the objects of each picture.
        every: epochs from one evaluation to the next.
        areas: {name: (least, greatest)} as in `average_precision`; by default "all" alone.
    """

    def __init__(
        self,
        detector: Detector,
        images: np.typing.ArrayLike,
        truths: Sequence[Objects],
        *,
        every: int = 1,
        areas: Mapping[str, tuple[float, float]] = EVERYTHING,
    ) -> None:
        super().__init__()
        self.detector = detector
        given = np.asarray(images)
        self.images = as_floats(given) if given.dtype == np.uint8 else given
        self.truths = truths
        self.every = validation.integer("every", every)
        self.areas = areas
        if len(self.images) != len(truths):
            raise ValueError(f"truths: expected {len(self.images)} pictures, received {len(truths)}.")
        if not any(len(objects.labels) for objects in truths):
            raise ValueError(f"truths: expected at least one object, received none in {len(truths)} pictures.")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Evaluates every `every`-th epoch."""
        if (epoch + 1) % self.every or logs is None:
            return
        found = average_precision(self.truths, self._detections(), areas=self.areas).summary
        measured = {"val_ap": found["AP"], "val_ap50": found["AP50"]}
        measured |= {f"val_ap_{name}": found[f"AP_{name}"] for name in self.areas if name != "all"}
        logs |= {name: value for name, value in measured.items() if not np.isnan(value)}

    def _detections(self):
        """What the model finds in each picture."""
        found = []
        for start in range(0, len(self.images), AT_ONCE):
            with engine.unsharded():  # the last batch cannot be divided
                outputs = self.model.predict(self.images[start : start + AT_ONCE], verbose=0)
            found += self.detector.detections(outputs)
        return found
