"""Pictures of detectors: boxes beside the truth, precision over recall, heat maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lab.metrics.average_precision import RECALLS, AveragePrecision, Detections, Objects

LABEL = {"facecolor": "yellow", "linewidth": 0, "pad": 0.4, "alpha": 0.8}


def detections_figure(
    images: np.ndarray,
    truths: Sequence[Objects] | None,
    found: Sequence[Detections],
    names: Sequence[str],
    *,
    least: float = 0.3,
    columns: int = 4,
    inches: float = 2.4,
) -> Any:
    """Pictures with what is there (white) and what was found (yellow, with class and score).

    Args:
        images: uint8 `[N, H, W, 3]`.
        truths: the objects of each; None where they are not known.
        found: the detections of each.
        names: of the classes.
        least: the score from which a detection is shown.
        columns: pictures side by side.
        inches: width of a picture.
    """
    from matplotlib.figure import Figure

    rows = -(-len(images) // columns)
    figure = Figure(figsize=(inches * columns, inches * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    none = Objects(np.zeros((0, 4)), np.zeros(0, int))
    for axes, image, truth, detected in zip(panels.flat, images, truths or [none] * len(images), found):
        axes.imshow(image)
        for box in truth.boxes:
            _outline(axes, box, color="white", linewidth=2)
        for box, score, label in zip(detected.boxes, detected.scores, detected.labels):
            if score >= least:
                _outline(axes, box, color="yellow", linewidth=1)
                said = f"{names[label]} {score:.2f}"
                axes.text(
                    box[0], box[1] - 1, said, color="black", fontsize=5, va="bottom", clip_on=True, bbox=LABEL, parse_math=False
                )
    if truths is not None:
        figure.suptitle(f"White: what is there. Yellow: what was found, from a score of {least} on.", fontsize=9)
    return figure


def precision_recall_figure(result: AveragePrecision, names: Sequence[str]) -> Any:
    """Precision over recall at IoU 0.5 and 0.75, with a line for each class and for the mean.

    Args:
        result: of `lab.metrics.average_precision`.
        names: of the classes.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    for axes, (threshold, row) in zip(figure.subplots(1, 2), (("0.5", 0), ("0.75", 5))):
        curves = result.precision[row, :, :, 0, -1]  # [101, classes]
        for label, curve in zip(result.classes, curves.T):
            axes.plot(RECALLS, curve, linewidth=0.8, label=names[label])
        if curves.shape[1]:
            axes.plot(RECALLS, curves.mean(axis=1), color="black", linewidth=2, label="mean")
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), title=f"IoU {threshold}")
    for text in axes.legend(fontsize=6, frameon=False, ncols=2).get_texts():
        text.set_parse_math(False)
    return figure


def heat_figure(images: np.ndarray, heat: np.ndarray, *, columns: int = 4) -> Any:
    """Pictures under the heat of their most probable class.

    Args:
        images: uint8 `[N, H, W, 3]`.
        heat: probabilities `[N, h, w, classes]`.
        columns: pictures side by side.
    """
    from matplotlib.figure import Figure

    rows = -(-len(images) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, image, each in zip(panels.flat, images, heat):
        extent = (-0.5, image.shape[1] - 0.5, image.shape[0] - 0.5, -0.5)
        axes.imshow(image.mean(axis=-1), cmap="gray", vmin=0, vmax=255)
        axes.imshow(each.max(axis=-1), cmap="inferno", alpha=0.6, vmin=0, vmax=1, extent=extent, interpolation="nearest")
    figure.suptitle("How probable a centre is, of the most probable class: black 0, yellow 1.", fontsize=9)
    return figure


def _outline(axes, box, **style):
    left, top, right, bottom = np.asarray(box, float) - 0.5
    axes.plot([left, right, right, left, left], [top, top, bottom, bottom, top], **style)
