"""What a classifier gets right and wrong: numbers and pictures."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Report(NamedTuple):
    """Of a classifier's probabilities on labelled examples."""

    accuracy: float
    log_loss: float  # mean negative log-likelihood of the label, nats
    calibration_error: float  # expected calibration error
    confusion: np.ndarray  # [classes, classes]: examples of the row's class, classified as the column's
    classes: dict[str, dict[str, float]]  # precision, recall, f1-score and support of each
    bins: list[tuple[float, float, int]]  # (mean confidence, accuracy, count) of each bin that is not empty


def report(
    labels: np.typing.ArrayLike, probabilities: np.typing.ArrayLike, *, names: Iterable[Any] | None = None, bins: int = 15
) -> Report:
    """The `Report` of probabilities `[N, classes]` for labels `[N]`.

    The confidence of a classification is its greatest probability. The expected calibration error
    is computed over bins b of equal width in the confidence (Guo et al. 2017, eq. 3):

        Σ_b n_b / N |accuracy_b - confidence_b|

    Args:
        labels: integers from 0 to classes - 1.
        probabilities: rows that sum to 1.
        names: of the classes; by default their numbers.
        bins: of confidence.
    """
    from sklearn.metrics import classification_report, confusion_matrix

    labels, probabilities = _checked(labels, probabilities)
    count = probabilities.shape[-1]
    class_names = [str(i) for i in range(count)] if names is None else [str(name) for name in names]
    taken = probabilities.argmax(axis=1)
    right = taken == labels
    found = _bins(probabilities.max(axis=1), right, bins)
    per_class = classification_report(
        labels, taken, labels=range(count), target_names=class_names, output_dict=True, zero_division=0
    )
    likelihoods = np.maximum(probabilities[np.arange(len(labels)), labels], np.finfo(np.float32).tiny)
    return Report(
        float(right.mean()),
        float(-np.log(likelihoods).mean()),
        float(sum(n / len(labels) * abs(a - c) for c, a, n in found)),
        confusion_matrix(labels, taken, labels=range(count)),
        {name: per_class[name] for name in class_names},
        [(float(c), float(a), n) for c, a, n in found],
    )


def _checked(labels: np.typing.ArrayLike, probabilities: np.typing.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays, and an error where they do not fit."""
    labels = np.asarray(labels)
    probabilities = np.asarray(probabilities, np.float64)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(f"labels: expected integers [N], received {labels.dtype} of shape {labels.shape}.")
    count = probabilities.shape[-1]
    if probabilities.shape != (len(labels), count) or not len(labels):
        raise ValueError(f"probabilities: expected [{len(labels)}, classes], at least one, received {probabilities.shape}.")
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3) or probabilities.min() < 0:
        raise ValueError("probabilities: expected rows that sum to 1, received others.")
    if labels.min() < 0 or labels.max() >= count:
        raise ValueError(f"labels: expected 0 to {count - 1}, received {labels.min()} to {labels.max()}.")
    return labels, probabilities


def _bins(confidence, right, bins):
    """(mean confidence, accuracy, count) of each bin of confidence that is not empty."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    members = [place == i for i in range(bins)]
    return [(confidence[each].mean(), right[each].mean(), int(each.sum())) for each in members if each.any()]


def save_report(
    folder: Path,
    labels: np.typing.ArrayLike,
    probabilities: np.typing.ArrayLike,
    images: np.ndarray | None = None,
    *,
    names: Iterable[Any] | None = None,
) -> tuple[Report, list[str]]:
    """Writes report.json, confusion.png and calibration.png, and mistakes.png if there are images.

    Args:
        images: the examples as images `[N, H, W, C]`, or None.

    Returns:
        the `Report` and the names of the files.
    """
    made = report(labels, probabilities, names=names)
    content = made._asdict() | {"confusion": made.confusion.tolist()}
    (folder / "report.json").write_text(json.dumps(content, indent=1))
    files = ["report.json", "confusion.png", "calibration.png"]
    save_confusion(folder / "confusion.png", made.confusion, list(made.classes))
    save_calibration(folder / "calibration.png", made)
    if images is not None and made.accuracy < 1:
        save_mistakes(folder / "mistakes.png", labels, probabilities, images, list(made.classes))
        files.append("mistakes.png")
    return made, files


def save_confusion(path: Path, confusion: np.ndarray, names: Sequence[str]) -> None:
    """Draws the confusion matrix `[classes, classes]`. Each row is coloured by its shares."""
    from matplotlib.figure import Figure

    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    side = 2.5 + 0.3 * min(len(names), 40)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(np.where(shares > 0, shares, np.nan), cmap="Blues", vmin=0, vmax=1)
    if len(names) <= 20:
        for (row, column), n in np.ndenumerate(confusion):
            if n:
                color = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, n, ha="center", va="center", fontsize=7, color=color)
    ticks = range(len(names))
    axes.set_xticks(ticks, names, fontsize=6 if len(names) > 20 else 8, rotation=0 if max(map(len, names)) < 4 else 90)
    axes.set_yticks(ticks, names, fontsize=6 if len(names) > 20 else 8)
    axes.set(xlabel="answer of the classifier", ylabel="true class", title="Confusion matrix: number of examples")
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class")
    figure.savefig(path, dpi=100, metadata={"Software": None})


def save_calibration(path: Path, made: Report) -> None:
    """Draws the accuracy over the confidence, and how often each confidence occurs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    confidence, accuracy, counts = map(np.array, zip(*made.bins))
    top.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--", label="perfectly calibrated")
    top.plot(confidence, accuracy, "o-", color="tab:blue", markersize=4, label="this classifier")
    top.legend(loc="upper left", fontsize=8)
    title = f"How often a confidence is right\n(expected calibration error {made.calibration_error:.4f})"
    top.set(ylabel="accuracy: share of right answers", ylim=(0, 1.02), title=title)
    bottom.bar(confidence, counts, width=0.05, color="tab:blue")
    bottom.set(xlabel="confidence: probability of the answer", ylabel="examples", xlim=(0, 1.02), yscale="log")
    figure.savefig(path, dpi=100, metadata={"Software": None})


def save_mistakes(
    path: Path,
    labels: np.typing.ArrayLike,
    probabilities: np.typing.ArrayLike,
    images: np.ndarray,
    names: Sequence[str],
    *,
    most: int = 40,
) -> None:
    """Draws the mistakes with the greatest confidence: the answer and the class of each."""
    from matplotlib.figure import Figure

    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    taken, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(taken != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    columns = min(max(len(wrong), 1), 8)
    rows = max(-(-len(wrong) // columns), 1)
    figure = Figure(figsize=(max(1.2 * columns, 5.0), 1.55 * rows + 0.4), layout="constrained")
    figure.suptitle("The surest mistakes: answer, true class, probability of the answer", fontsize=9)
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, i in zip(axes, wrong):
        picture = as_picture(images[i])
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
        axis.set_title(f"answer {names[taken[i]]} ({confidence[i]:.2f})\ntrue {names[labels[i]]}", fontsize=7)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def as_picture(image: np.typing.ArrayLike) -> np.ndarray:
    """An image `[H, W, C]`, uint8 or from -1 to 1, as numbers from 0 to 1.

    A single channel loses its axis: `[H, W]`.
    """
    image = np.asarray(image)
    scaled = image / 255 if image.dtype == np.uint8 else (image + 1) / 2
    return np.clip(scaled[..., 0] if scaled.shape[-1] == 1 else scaled, 0, 1)
