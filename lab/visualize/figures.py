"""Pictures of the results of `lab.visualize` and `lab.layers`, as PNG files."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def _panels(count, columns, width=1.3, height=1.3, titles=False, title=""):
    """(figure, flat array of axes without ticks). The figure has room for its title."""
    from matplotlib.figure import Figure

    columns = min(columns, count)
    rows = -(-count // columns)
    size = max(width * columns, 0.072 * len(title)), (height + 0.2 * titles) * rows + 0.4
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize=9)
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axis in axes:
        axis.axis("off")
    return figure, axes


def _save(figure, path):
    figure.savefig(path, dpi=100, metadata={"Software": None})


def unit_range(picture: np.ndarray) -> np.ndarray:
    """A picture `[H, W, C]` stretched to 0..1, without the axis of a single channel."""
    low, high = picture.min(), picture.max()
    stretched = (picture - low) / max(high - low, 1e-12)
    return stretched[..., 0] if stretched.shape[-1] == 1 else stretched


def save_filters(path: str | PathLike, kernels: ArrayLike, *, columns: int = 8) -> None:
    """The filters of a first layer, each stretched to its own range.

    Args:
        path: of the PNG file.
        kernels: `[h, w, C, F]`, with one channel or three.
        columns: filters in a row.
    """
    kernels = np.asarray(kernels)
    if kernels.ndim != 4 or kernels.shape[2] not in (1, 3):
        raise ValueError(f"kernels: expected [h, w, 1 or 3, F], as those of the first layer, received {kernels.shape}.")
    title = "Filters of the first layer, each from its lowest weight (black) to its highest (white)"
    figure, axes = _panels(kernels.shape[3], columns, 0.9, 0.9, title=title)
    for axis, kernel in zip(axes, np.moveaxis(kernels, 3, 0)):
        axis.imshow(unit_range(kernel), cmap="gray")
    _save(figure, path)


def save_maps(path: str | PathLike, maps: ArrayLike, *, columns: int = 8, most: int = 64) -> None:
    """The feature maps of one image, all in one range.

    Args:
        path: of the PNG file.
        maps: `[H, W, K]`.
        columns: maps in a row.
        most: how many maps are shown at most.
    """
    maps = np.asarray(maps)
    figure, axes = _panels(min(maps.shape[-1], most), columns, 0.9, 0.9, title="Feature maps of one image, a channel each")
    for axis, channel in zip(axes, np.moveaxis(maps, -1, 0)):
        image = axis.imshow(channel, cmap="magma", vmin=maps.min(), vmax=maps.max())
    figure.colorbar(image, ax=axes.tolist(), label="activation", aspect=10)
    _save(figure, path)


def save_overlays(
    path: str | PathLike,
    images: Iterable[np.ndarray],
    rows: Mapping[str, Sequence[np.ndarray] | np.ndarray],
    *,
    titles: Sequence[str] | None = None,
) -> None:
    """Images, and below each of them what is known about it, one kind in a row.

    Args:
        path: of the PNG file.
        images: `[N, H, W, C]` in 0..1.
        rows: {name: arrays}. `[N, H, W]` is heat over the image, `[N, H, W, C]` are pictures.
        titles: of the images.
    """
    images = [np.squeeze(image) for image in images]
    title = "Which pixels decide: heat, bright is strong; with two signs, red is for the answer and blue against it"
    figure, axes = _panels(len(images) * (len(rows) + 1), len(images), titles=True, title=title)
    axes = axes.reshape(len(rows) + 1, len(images))
    for j, image in enumerate(images):
        axes[0, j].imshow(image, cmap="gray", vmin=0, vmax=1)
        axes[0, j].set_title(titles[j] if titles else "", fontsize=8)
    for row, (name, shown) in zip(axes[1:], rows.items()):
        for axis, image, each in zip(row, images, shown):
            if each.ndim == 2:
                bound = max(np.abs(each).max(), 1e-12)
                axis.imshow(image, cmap="gray", vmin=0, vmax=1)
                low = -bound if each.min() < 0 else 0
                axis.imshow(each, cmap="RdBu_r" if low else "inferno", vmin=low, vmax=bound, alpha=0.6)
            else:
                axis.imshow(unit_range(each), cmap="gray")
        row[0].set_title(name, fontsize=8, loc="left")
    _save(figure, path)


def save_fields(
    path: str | PathLike,
    fields: Mapping[str, Any],
    shape: tuple[int, int],
    *,
    position: tuple[int, int] | None = None,
) -> None:
    """The receptive fields of a network's layers, as squares in an image.

    Args:
        path: of the PNG file.
        fields: {layer name: field}, as `lab.layers.receptive_field` returns them.
        shape: (height, width) of the image.
        position: (row, column) of the pixel around which fields are shown; None is the middle.
    """
    chosen = {}
    seen = set()
    for name, field in fields.items():
        if field.size not in seen and max(field.size) > 1:
            seen.add(field.size)
            chosen[name] = field
    title = "Receptive fields: the pixels (dark) that one output of a layer depends on"
    figure, axes = _panels(max(len(chosen), 1), 6, titles=True, title=title)
    row, column = position or (shape[0] // 2, shape[1] // 2)
    for axis, (name, field) in zip(axes, chosen.items()):
        place = [
            int(np.clip(round((p - s - (n - 1) / 2) / t), 0, None))
            for p, s, n, t in zip((row, column), field.start, field.size, field.stride)
        ]
        axis.imshow(field.inputs(tuple(place), shape), cmap="Blues", vmin=0, vmax=1)
        axis.set_title(f"{name}\n{' x '.join(map(str, field.size))}, stride {field.stride[0]}", fontsize=7)
    _save(figure, path)


def save_gradient_flow(path: str | PathLike, curves: Mapping[str, ArrayLike], *, title: str = "") -> None:
    """|dL / dh_t| over the time before the end, on a logarithmic axis.

    Args:
        path: of the PNG file.
        curves: {name: array `[T]`}, as `hidden_gradients` returns it.
        title: of the figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, (name, norms) in enumerate(curves.items()):
        norms = np.asarray(norms)
        style = ("-", "--", ":")[number % 3]  # colours alone do not tell many curves apart
        axes.plot(np.arange(len(norms)), np.maximum(norms[::-1], 1e-30), style, label=name.replace("_", " "), linewidth=1.5)
    axes.set(yscale="log", xlabel="steps before the end, T - t", ylabel="|dL / dh_t|, mean over the batch")
    axes.set_title(title, fontsize=10)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 1e-16), min(high, 1e16))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    _save(figure, path)
