"""Pictures of segmenters: the class of each pixel, found and true."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lab.data.masks import VOID


def masks_figure(
    images: np.ndarray,
    found: np.ndarray,
    names: Sequence[str],
    truths: np.ndarray | None = None,
    *,
    columns: int = 4,
    inches: float = 1.8,
) -> Any:
    """Pictures, the classes that were found, and the true ones beside them.

    Args:
        images: uint8 `[N, H, W, 3]`.
        found: labels, integers `[N, H, W]`; 0 is background.
        names: of the classes, the background first.
        truths: true labels, 255 for void. None shows none.
        columns: pictures side by side, each with its classes.
        inches: width of a picture.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    parts = 2 if truths is None else 3
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(inches * columns * parts, inches * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns * parts, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    table = colours(len(names))
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        shown = [image, table[found[index]], *([] if truths is None else [table[truths[index]]])]
        for axes, each in zip(panels[row, column * parts :], shown):
            axes.imshow(each)
    seen = np.union1d(np.unique(found), [] if truths is None else np.unique(truths)).astype(int)
    patches = [Patch(color=table[label] / 255, label=names[label]) for label in seen if 0 < label < len(names)]
    if patches:
        many = min(len(patches), 10)
        legend = figure.legend(handles=patches, loc="outside lower center", ncols=many, fontsize=7, frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)
    order = "picture, found" if truths is None else "picture, found, true"
    figure.suptitle(f"From left to right: {order}.", fontsize=9)
    return figure


def colours(classes: int) -> np.ndarray:
    """A colour for each label, uint8 `[256, 3]`: black 0, others bright, white 255."""
    from matplotlib import colormaps

    table = np.zeros((256, 3), "uint8")
    for label in range(1, max(classes, 2)):
        table[label] = np.round(255 * np.array(colormaps["tab20"]((2 * (label - 1)) % 20 + (label - 1) // 10 % 2)[:3]))
    table[VOID] = 255
    return table
