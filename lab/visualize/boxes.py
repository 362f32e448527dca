"""Pictures with boxes: what was found, and what is there."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lab.metrics.average_precision import Detections, Objects

LABEL = {"facecolor": "yellow", "linewidth": 0, "pad": 0.4, "alpha": 0.8}


def detections_figure(
    images: np.ndarray,
    truths: Sequence[Objects],
    found: Sequence[Detections],
    names: Sequence[str],
    *,
    least: float = 0.3,
    columns: int = 4,
) -> Any:
    """Pictures with what is there (white) and what was found (yellow, with class and score).

    Args:
        images: uint8 `[N, H, W, 3]`.
        truths: the objects of each.
        found: the detections of each.
        names: of the classes.
        least: the score from which a detection is shown.
        columns: pictures side by side.
    """
    from matplotlib.figure import Figure

    rows = -(-len(images) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, image, truth, detected in zip(panels.flat, images, truths, found):
        axes.imshow(image)
        for box in truth.boxes:
            _outline(axes, box, color="white", linewidth=2)
        for box, score, label in zip(detected.boxes, detected.scores, detected.labels):
            if score >= least:
                _outline(axes, box, color="yellow", linewidth=1)
                said = f"{names[label]} {score:.2f}"
                axes.text(box[0], box[1] - 1, said, color="black", fontsize=5, va="bottom", clip_on=True, bbox=LABEL)
    figure.suptitle(f"White: what is there. Yellow: what was found, from a score of {least} on.", fontsize=9)
    return figure


def _outline(axes, box, **style):
    left, top, right, bottom = np.asarray(box, float) - 0.5
    axes.plot([left, right, right, left, left], [top, top, bottom, bottom, top], **style)
