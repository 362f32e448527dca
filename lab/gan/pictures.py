"""Pictures of samples."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops
from PIL import Image

from lab.data.conventions import as_bytes, as_floats
from lab.gan.labels import with_labels, with_progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lab.gan.gan import GAN


def tile(images: np.typing.ArrayLike, columns: int) -> np.ndarray:
    """Images `[N, H, W, C]` from -1 to 1 as one sheet, row by row and one pixel apart.

    The sheet is uint8, `[rows * (H + 1) - 1, columns * (W + 1) - 1, C]`.
    """
    images = as_bytes(images)
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * columns, height + 1, width + 1, channels), 255, "uint8")
    sheet[:count, :height, :width] = images
    sheet = sheet.reshape(rows, columns, height + 1, width + 1, channels).transpose(0, 2, 1, 3, 4)
    return sheet.reshape(rows * (height + 1), columns * (width + 1), channels)[:-1, :-1]


def picture(array: np.ndarray, zoom: int = 2) -> Image.Image:
    """A PIL image of a uint8 array `[H, W, C]`, of one channel or three."""
    array = array[:, :, 0] if array.shape[2] == 1 else array
    image = Image.fromarray(array)
    return image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST)


def save_grid(path: str | Path, images: np.typing.ArrayLike, *, columns: int = 10, zoom: int = 2, **words: Any) -> None:
    """Writes images `[N, H, W, C]` from -1 to 1 as a PNG.

    Args:
        **words: title, row_labels and column_labels of `lab.gan.labels.with_labels`.
    """
    sheet = picture(tile(images, columns), zoom)
    with_labels(sheet, columns, -(-len(np.asarray(images)) // columns), **words).save(path)


def save_rows(
    path: str | Path,
    sources: np.ndarray,
    made: np.ndarray,
    targets: np.ndarray | None = None,
    *,
    zoom: int = 2,
    **words: Any,
) -> None:
    """Writes source pictures above what was made of them and, if known, above the targets.

    Args:
        sources, made, targets: `[N, H, W, C]`, uint8 or from -1 to 1. Grey ones become coloured
            beside coloured ones.
        **words: title and column_labels of `lab.gan.labels.with_labels`.
    """
    rows = [as_floats(row) for row in (sources, made, targets) if row is not None]
    channels = max(row.shape[-1] for row in rows)
    rows = [np.broadcast_to(row, (*row.shape[:-1], channels)) if row.shape[-1] == 1 else row for row in rows]
    labels = ("source", "translated", "target")[: len(rows)]
    save_grid(path, np.concatenate(rows), columns=len(sources), zoom=zoom, row_labels=labels, **words)


def save_interpolation(path: str | Path, rows: np.typing.ArrayLike, *, zoom: int = 2, milliseconds: int = 60) -> None:
    """Writes a GIF that goes there and back: frame t shows image t of every row.

    A mark below the images shows how far they are between start and end.

    Args:
        rows: images `[R, T, H, W, C]` from -1 to 1.
        milliseconds: how long a frame is shown.
    """
    rows = np.asarray(rows)
    last = max(rows.shape[1] - 1, 1)
    sheets = [picture(tile(rows[:, t], len(rows)), zoom) for t in range(rows.shape[1])]
    shown = [with_progress(sheet, t / last).convert("P") for t, sheet in enumerate(sheets)]
    shown += shown[-2:0:-1]  # and back
    shown[0].save(path, save_all=True, append_images=shown[1:], duration=milliseconds, loop=0)


def animate(path: str | Path, files: Iterable[Path], *, milliseconds: int = 200) -> None:
    """Writes a GIF of picture files; the last one stays for two seconds."""
    images = [Image.open(file) for file in files]
    size = max(image.width for image in images), max(image.height for image in images)
    images = [_on_white(image, size) for image in images]  # a longer title makes a small sheet wider
    shown = [image.convert("P", palette=Image.Palette.ADAPTIVE, colors=64) for image in images]
    durations = [milliseconds] * (len(shown) - 1) + [2000]
    shown[0].save(path, save_all=True, append_images=shown[1:], duration=durations, loop=0)


def _on_white(image, size):
    """The image in the upper left corner of a white one of that size."""
    if image.size == size:
        return image
    larger = Image.new(image.mode, size, "white")
    larger.paste(image, (0, 0))
    return larger


def surface(gan: "GAN", real: np.ndarray, resolution: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, y, sigma(D)) on a square around real samples `[N, 2]`.

    The arrays are `[resolution, resolution]`. With packing the discriminator sees the same point
    `pac` times.
    """
    bound = 1.3 * np.abs(real).max()
    x, y = np.meshgrid(*[np.linspace(-bound, bound, resolution, dtype="float32")] * 2)
    points = np.tile(np.stack([x.ravel(), y.ravel()], axis=1), (1, gan.pac))
    logits = ops.convert_to_numpy(gan.discriminator(ops.convert_to_tensor(points), training=False))
    return x, y, (1 / (1 + np.exp(-np.clip(logits, -50, 50)))).reshape(x.shape)


def save_plane(
    path: str | Path,
    real: np.ndarray | None,
    fake: np.ndarray,
    surface: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    *,
    title: str = "",
) -> None:
    """Writes `plane` as a PNG."""
    plane(real, fake, surface, title=title).savefig(path, dpi=80, metadata={"Software": None})


def plane(
    real: np.ndarray | None,
    fake: np.ndarray,
    surface: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    *,
    title: str = "",
) -> "Figure":
    """A figure of samples in the plane: real ones in blue, generated ones in orange.

    Args:
        real: `[N, 2]`, or None.
        fake: `[M, 2]`.
        surface: what `surface` gave, in grey behind the samples.
        title: what the picture shows.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 5.3), layout="constrained")
    axes = figure.subplots()
    bound = 1.3 * np.abs(fake if real is None else real).max()
    if surface is not None:
        shades = axes.contourf(*surface, levels=np.linspace(0, 1, 21), cmap="Greys", alpha=0.5)
        label = "discriminator: sigmoid(D), 1 = surely real"
        figure.colorbar(shades, ax=axes, ticks=(0, 0.5, 1), shrink=0.85, label=label)
    if real is not None:
        axes.scatter(real[:, 0], real[:, 1], s=9, color="#0072B2", linewidths=0, label="real")
    axes.scatter(fake[:, 0], fake[:, 1], s=6, color="#E66100", linewidths=0, alpha=0.8, label="generated")
    axes.set(xlim=(-bound, bound), ylim=(-bound, bound), aspect="equal", title=title, xlabel="x", ylabel="y")
    figure.legend(loc="outside lower center", ncols=2, markerscale=3, frameon=False)
    return figure
