"""Pictures of samples."""

import numpy as np
from keras import ops
from PIL import Image


def tile(images, columns):
    """Images `[N, H, W, C]` in -1..1 as one uint8 array `[rows * H, columns * W, C]`, row by row, one pixel apart."""
    images = np.clip(np.round((np.asarray(images, "float32") + 1) * 127.5), 0, 255).astype("uint8")
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * columns, height + 1, width + 1, channels), 255, "uint8")
    sheet[:count, :height, :width] = images
    sheet = sheet.reshape(rows, columns, height + 1, width + 1, channels).transpose(0, 2, 1, 3, 4)
    return sheet.reshape(rows * (height + 1), columns * (width + 1), channels)[:-1, :-1]


def picture(array, zoom=2):
    """A PIL image of a uint8 array `[H, W, C]`, of one channel or three."""
    array = array[:, :, 0] if array.shape[2] == 1 else array
    image = Image.fromarray(array)
    return image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST)


def save_grid(path, images, *, columns=10, zoom=2):
    """Writes images `[N, H, W, C]` in -1..1 as a PNG."""
    picture(tile(images, columns), zoom).save(path)


def save_interpolation(path, rows, *, zoom=2, milliseconds=60):
    """Writes a GIF that goes there and back: frame t shows image t of every row; `rows` `[R, T, H, W, C]`."""
    rows = np.asarray(rows)
    shown = [picture(tile(rows[:, t], len(rows)), zoom).convert("P") for t in range(rows.shape[1])]
    shown += shown[-2:0:-1]
    shown[0].save(path, save_all=True, append_images=shown[1:], duration=milliseconds, loop=0)


def animate(path, files, *, milliseconds=200):
    """Writes a GIF of picture files; the last one stays for two seconds."""
    shown = [Image.open(file).convert("P", palette=Image.Palette.ADAPTIVE, colors=64) for file in files]
    durations = [milliseconds] * (len(shown) - 1) + [2000]
    shown[0].save(path, save_all=True, append_images=shown[1:], duration=durations, loop=0)


def surface(gan, real, resolution=80):
    """(x, y, sigma(D)) on a square around real samples `[N, 2]`, three arrays `[resolution, resolution]`; of one sample at a time.

    With packing the discriminator sees the same point `pac` times.
    """
    bound = 1.3 * np.abs(real).max()
    x, y = np.meshgrid(*[np.linspace(-bound, bound, resolution, dtype="float32")] * 2)
    points = np.tile(np.stack([x.ravel(), y.ravel()], axis=1), (1, gan.pac))
    logits = ops.convert_to_numpy(gan.discriminator(ops.convert_to_tensor(points), training=False))
    return x, y, (1 / (1 + np.exp(-np.clip(logits, -50, 50)))).reshape(x.shape)


def save_plane(path, real, fake, surface=None, *, title=""):
    """Writes real (grey) and fake (red) samples in the plane, over the surface of `surface()`, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    bound = 1.3 * np.abs(real).max()
    if surface is not None:
        axes.contourf(*surface, levels=np.linspace(0, 1, 21), cmap="PuOr", alpha=0.6)
    axes.scatter(real[:, 0], real[:, 1], s=6, color="0.35", linewidths=0)
    axes.scatter(fake[:, 0], fake[:, 1], s=3, color="tab:red", linewidths=0, alpha=0.6)
    axes.set(xlim=(-bound, bound), ylim=(-bound, bound), aspect="equal", title=title)
    figure.savefig(path, dpi=80, metadata={"Software": None})
