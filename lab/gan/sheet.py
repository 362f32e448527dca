"""A sheet of samples from a generator alone, for the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from lab.gan import pictures
from lab.gan.latent import Codes, Latent, Normal
from lab.gan.players import classes_of


def draw(
    path: str | Path,
    generator: keras.Model,
    settings: Mapping[str, Any],
    count: int,
    *,
    label: int | None = None,
    truncation: float | None = None,
    seed: int = 0,
) -> None:
    """Writes `count` samples as a PNG: a grid of images, or points in the plane.

    Args:
        generator: latents (and labels) -> images `[B, H, W, C]` or points `[B, 2]`.
        settings: of the run. With noise, categories and continuous, latents are InfoGAN's codes.
        label: the class of all samples; without it each class in turn.
        truncation: see `lab.gan.latent.Normal`.
    """
    size = generator.inputs[0].shape[-1]
    if "environment" in settings or len(generator.inputs) > 2 or len(generator.outputs) != 1:
        raise ValueError("run id: expected a run whose model is a generator, received one of another kind.")
    if len(generator.inputs[0].shape) != 2:
        raise ValueError(
            "run id: expected a run whose model makes pictures of latents, received one of pictures; lab translate."
        )
    latent: Latent = Normal(size)
    if "categories" in settings:
        latent = Codes(settings["noise"], (settings["categories"],), settings["continuous"])
    arrays = [latent.sample(count, np.random.default_rng(seed), truncation)]
    classes = 0
    if len(generator.inputs) > 1:
        classes = classes_of(generator) or len(settings["characters"])
        if label is not None and not 0 <= label < classes:
            raise ValueError(f"--label: expected an integer from 0 to {classes - 1}, received {label}.")
        arrays.append((np.arange(count) % classes if label is None else np.full(count, label)).astype("int32"))
    elif label is not None:
        raise ValueError(f"--label: expected none, for the generator takes none, received {label}.")
    parts = [[ops.convert_to_tensor(array[i : i + 256]) for array in arrays] for i in range(0, count, 256)]
    outputs = [generator(part if len(part) > 1 else part[0], training=False) for part in parts]
    made = np.concatenate([ops.convert_to_numpy(output) for output in outputs])
    if made.ndim == 2:
        pictures.save_plane(path, None, made, title=f"{count:,} generated samples")
        return
    columns = max(int(np.sqrt(count)), 1)
    words: dict[str, Any] = {"title": "generated images"}
    if classes:
        columns, words = _words_of_classes(settings, classes, label, columns, count)
    pictures.save_grid(path, made, columns=columns, **words)


def _words_of_classes(settings, classes, label, columns, count):
    """(columns, words) of a sheet of images of one class, or of each class in turn."""
    known = settings.get("characters", "") if settings.get("data", "glyphs") == "glyphs" else ""
    names = list(known) if len(known) == classes else list(range(classes))
    if label is not None:
        return columns, {"title": f"generated images of class {names[label]}"}
    if count < classes:
        return count, {"title": "generated images", "column_labels": names[:count]}
    return classes, {"title": "generated images, a class in each column", "column_labels": names}
