"""Of boxes that mean the same object, the one with the highest score."""

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.validation import POSITIVE, UNIT
from lab.vision.boxes import iou


def suppress(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor | None = None,
    *,
    threshold: float = 0.6,
    sigma: float | None = None,
    most: int = 100,
) -> tuple[Tensor, Tensor]:
    """Non-maximum suppression, the same for each picture of a batch.

    It takes the box with the highest score, then lowers the scores of what is left:

        hard    to 0, where IoU > threshold
        soft    s exp(-IoU^2 / sigma)    (Bodla et al. 2017, eq. 4), with `sigma`

    and so on. All shapes are fixed, so that it can be compiled.

    Args:
        boxes: `[B, N, 4]`.
        scores: >= 0, `[B, N]`.
        labels: integers `[B, N]`: boxes of different labels do not touch each other. None is one
            label.
        threshold: IoU, 0..1.
        sigma: of soft suppression; None for hard.
        most: the greatest number of boxes that are kept, K.

    Returns:
        (places of the boxes kept, integers `[B, K]`; their scores, `[B, K]`). What is not filled
        has score 0.
    """
    UNIT.check("threshold", threshold)
    if sigma is not None:
        POSITIVE.check("sigma", sigma)
    count = min(validation.integer("most", most), boxes.shape[1])
    slots = ops.arange(count)[None]

    def keep(step, state):
        left, places, kept = state
        score, best = (part[:, 0] for part in ops.top_k(left, 1))  # [B]; ONNX has no argmax of Keras
        chosen = ops.one_hot(best, boxes.shape[1], dtype=boxes.dtype)  # [B, N]
        box = ops.sum(chosen[..., None] * boxes, axis=1, keepdims=True)  # [B, 1, 4]
        overlap = iou(boxes, box)
        if labels is not None:
            label = ops.take_along_axis(labels, best[:, None], axis=1)
            overlap = ops.where(ops.equal(labels, label), overlap, 0)
        lowered = left * ops.exp(-ops.square(overlap) / sigma) if sigma else ops.where(overlap > threshold, 0, left)
        left = ops.where(chosen > 0, 0, lowered)
        here = ops.equal(slots, step)
        places = ops.where(here, ops.cast(best, "int32")[:, None], places)
        return left, places, ops.where(here, score[:, None], kept)

    batch = ops.shape(boxes)[0]
    places = ops.zeros((batch, count), dtype="int32")
    state = (
        ops.convert_to_tensor(scores),
        places,
        ops.zeros((batch, count), dtype=keras.backend.standardize_dtype(scores.dtype)),
    )
    _, places, kept = ops.fori_loop(0, count, keep, state)
    return places, kept
