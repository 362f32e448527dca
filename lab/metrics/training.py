"""Keras metrics for `compile(metrics=[...])`. Only this file of `lab.metrics` loads Keras."""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor


class _OfClassifier(keras.metrics.Metric):
    """A metric of integer labels `[...]` or `[..., 1]` and outputs `[..., classes]`.

    Args:
        from_logits: whether the outputs are logits, as those of the networks of `lab.models`.
            Otherwise they are probabilities.
        name, dtype: as in `keras.metrics.Metric`.
    """

    def __init__(self, from_logits: bool = True, name: str | None = None, dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.from_logits = from_logits

    def _examples(self, y_true, y_pred, sample_weight):
        """(labels, log-probabilities, weights) of all examples: `[N]`, `[N, classes]`, `[N]`."""
        y_pred = ops.cast(y_pred, self.dtype)
        classes = y_pred.shape[-1]
        y_pred = ops.reshape(y_pred, (-1, classes))
        labels = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        tiny = float(np.finfo("float32").tiny)
        logs = ops.log_softmax(y_pred, axis=-1) if self.from_logits else ops.log(ops.maximum(y_pred, tiny))
        return labels, logs, _weights_of(y_true, sample_weight, self.dtype)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"from_logits": self.from_logits}


@keras.saving.register_keras_serializable(package="lab")
class CalibrationError(_OfClassifier):
    """The difference between confidence and accuracy, over bins of the greatest probability.

        Σ n_b / N |accuracy_b - confidence_b|    (Guo et al. 2017, eq. 3)

    The same as `calibration_error` of `lab.supervised.report`, over all batches of an epoch.

    Args:
        bins: number of bins of equal width, >= 1.
        from_logits: whether the outputs are logits. Otherwise they are probabilities.
        name, dtype: as in `keras.metrics.Metric`.
    """

    def __init__(
        self,
        bins: int = 15,
        from_logits: bool = True,
        name: str = "calibration_error",
        dtype: str | None = None,
    ) -> None:
        super().__init__(from_logits, name, dtype)
        self.bins = validation.integer("bins", bins)
        self.count = self.add_weight(shape=(self.bins,), initializer="zeros", name="count")
        # n_b (confidence_b - accuracy_b)
        self.excess = self.add_weight(shape=(self.bins,), initializer="zeros", name="excess")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Adds a batch."""
        labels, logs, weights = self._examples(y_true, y_pred, sample_weight)
        confidence = ops.exp(ops.max(logs, axis=-1))
        right = ops.cast(ops.equal(ops.cast(ops.argmax(logs, axis=-1), "int32"), labels), self.dtype)
        place = ops.minimum(ops.cast(confidence * self.bins, "int32"), self.bins - 1)
        rows = ops.one_hot(place, self.bins, dtype=self.dtype) * weights[:, None]  # [N, bins]
        self.count.assign_add(ops.sum(rows, axis=0))
        self.excess.assign_add(ops.sum(rows * (confidence - right)[:, None], axis=0))

    def result(self) -> Tensor:
        """The error so far; 0 before the first batch."""
        return ops.sum(ops.abs(self.excess)) / ops.maximum(ops.sum(self.count), 1e-7)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"bins": self.bins}


@keras.saving.register_keras_serializable(package="lab")
class Perplexity(_OfClassifier):
    """exp of the mean negative log-likelihood of the labels, over all steps of all sequences.

    It compares a network with `lab.metrics.sequence_perplexity` of an n-gram model. Weights of 0
    leave padding out.

    Args:
        from_logits: whether the outputs are logits. Otherwise they are probabilities.
        name, dtype: as in `keras.metrics.Metric`.
    """

    def __init__(self, from_logits: bool = True, name: str = "perplexity", dtype: str | None = None) -> None:
        super().__init__(from_logits, name, dtype)
        self.total = self.add_weight(shape=(), initializer="zeros", name="total")
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Adds a batch."""
        labels, logs, weights = self._examples(y_true, y_pred, sample_weight)
        chosen = ops.take_along_axis(logs, labels[:, None], axis=-1)[:, 0]
        self.total.assign_add(-ops.sum(weights * chosen))
        self.count.assign_add(ops.sum(weights))

    def result(self) -> Tensor:
        """The perplexity so far; 1 before the first batch."""
        return ops.exp(self.total / ops.maximum(self.count, 1e-7))


@keras.saving.register_keras_serializable(package="lab")
class MeanIoU(keras.metrics.Metric):
    """The mean IoU of segmentation, from one confusion matrix of all batches.

    The class of a pixel is that of its greatest logit. The mean is over the classes that are true
    or found. `intersection_over_union(metric.matrix)` has each class.

    A label that is neither a class nor `ignored` makes the result nan. The matrix is float32: an
    entry is exact up to 2^24 pixels. Beyond, each batch rounds it by 6e-8 of it at most.

    Args:
        classes: number of classes, the last axis of the logits.
        ignored: a label, such as 255, whose pixels do not count.
        name, dtype: as in `keras.metrics.Metric`.
    """

    def __init__(self, classes: int, ignored: int | None = None, name: str = "mean_iou", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.classes = validation.integer("classes", classes)
        self.ignored = ignored
        self.matrix = self.add_weight(shape=(classes, classes), initializer="zeros", name="matrix")
        self.wrong = self.add_weight(shape=(), initializer="zeros", name="wrong")  # pixels with a label that is no class

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Adds a batch of labels `[...]` or `[..., 1]` and logits `[..., classes]`.

        Weights are per picture or per pixel: they count pixels of the matrix.
        """
        if y_pred.shape[-1] != self.classes:
            raise ValueError(f"y_pred: expected logits [..., {self.classes}], received shape {tuple(y_pred.shape)}.")
        labels = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        found = ops.reshape(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), (-1,))
        weights = _weights_of(y_true, sample_weight, self.dtype)
        if self.ignored is not None:
            weights = ops.where(ops.equal(labels, self.ignored), 0, weights)
        known = ops.logical_and(labels >= 0, labels < self.classes)
        counts = ops.where(known, weights, 0)
        places = ops.where(known, labels, 0) * self.classes + found
        sums = ops.segment_sum(counts, places, num_segments=self.classes**2)
        self.matrix.assign_add(ops.reshape(sums, (self.classes, self.classes)))
        self.wrong.assign_add(ops.sum(weights - counts))

    def result(self) -> Tensor:
        """The mean IoU so far; 0 before the first pixel that counts."""
        shared = ops.diagonal(self.matrix)
        whole = ops.sum(self.matrix, axis=0) + ops.sum(self.matrix, axis=1) - shared
        there = whole > 0
        total = ops.sum(ops.where(there, shared / ops.where(there, whole, 1), 0))
        mean = total / ops.maximum(ops.sum(ops.cast(there, self.dtype)), 1)
        return ops.where(self.wrong > 0, float("nan"), mean)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"classes": self.classes, "ignored": self.ignored}


def _weights_of(y_true, sample_weight, dtype):
    """A weight for each label, `[N]`. Weights with fewer axes than the labels are broadcast."""
    shape = ops.shape(y_true)
    if sample_weight is None:
        return ops.reshape(ops.ones(shape, dtype), (-1,))
    weights = ops.cast(sample_weight, dtype)
    weights = ops.reshape(weights, (*ops.shape(weights), *(1,) * (len(y_true.shape) - len(weights.shape))))
    return ops.reshape(ops.broadcast_to(weights, shape), (-1,))
