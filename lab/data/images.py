"""Image data sets from scikit-learn, `keras.datasets` and folders.

All give uint8 `[N, H, W, C]` and int32 labels `[N]` (`lab.data.conventions`).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lab import validation
from lab.data.folders import files_below
from lab.data.pictures import decoded
from lab.errors import DownloadError

FORMATS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
DOWNLOADS = {  # name: shape of an image
    "mnist": (28, 28, 1),
    "fashion_mnist": (28, 28, 1),
    "cifar10": (32, 32, 3),
    "cifar100": (32, 32, 3),
}


def digits(size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's 1,797 handwritten digits, 8 x 8 pixels or resized (bicubic).

    Returns:
        (images uint8 `[1797, size, size, 1]`, labels int32 `[1797]`).
    """
    from PIL import Image
    from sklearn.datasets import load_digits

    validation.integer("size", size, 8)
    data = load_digits()
    images = np.round(data.images * (255 / 16)).astype(np.uint8)
    if size != 8:
        resized = (Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC) for image in images)
        images = np.stack([np.asarray(image) for image in resized])
    return images[..., None], data.target.astype(np.int32)


def stacked(
    images: np.ndarray, labels: np.ndarray, count: int, *, classes: int = 10, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Stacks of three one-channel images, drawn independently: a data set of classes**3 modes.

    Source: Metz et al. 2017, section 3.3.1; Lin et al. 2018.

    Args:
        images, labels: `[N, H, W, 1]` and `[N]`.
        count: number of stacks.
        classes: number of labels.
        seed: of which images are stacked.

    Returns:
        (images `[count, H, W, 3]`, modes int32 `[count]`). The labels of the channels are the
        digits of the mode.
    """
    if images.ndim != 4 or images.shape[3] != 1 or len(images) != len(labels):
        raise ValueError(f"images: expected [N, H, W, 1] with N labels, received {images.shape} with {len(labels)}.")
    if len(labels) and not 0 <= np.min(labels) <= np.max(labels) < classes:
        raise ValueError(f"labels: expected 0 to {classes - 1}, received {np.min(labels)} to {np.max(labels)}.")
    chosen = np.random.default_rng(seed).integers(0, len(images), (count, 3))
    modes = labels[chosen] @ np.array([classes**2, classes, 1])
    return np.moveaxis(images[chosen][..., 0], 1, -1), modes.astype(np.int32)


def downloaded(name: str, split: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """MNIST, Fashion-MNIST, CIFAR-10 or CIFAR-100 by `keras.datasets`, which downloads it once.

    Args:
        name: one of "mnist", "fashion_mnist", "cifar10", "cifar100".
        split: "train" or "test".

    Returns:
        (images uint8 `[N, H, W, C]`, labels int32 `[N]`).

    Raises:
        DownloadError: the download failed. The message says where to put the file by hand.
    """
    import keras

    if name not in DOWNLOADS:
        raise ValueError(f"name: expected one of {', '.join(DOWNLOADS)}, received {name!r}.")
    if split not in ("train", "test"):
        raise ValueError(f"split: expected 'train' or 'test', received {split!r}.")
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"
    try:
        loaded = getattr(keras.datasets, name).load_data()
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DownloadError(f"{name}: expected a download or its archive in {folder}, received: {reason}") from error
    images, labels = loaded[0 if split == "train" else 1]
    return images.reshape(*images.shape[:3], -1), labels.reshape(-1).astype(np.int32)


def folder_of_images(
    folder: str | Path, size: int, *, channels: int = 3, unreadable: str = "refuse"
) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """Every picture below a folder, of the types in `FORMATS`, as a labelled data set.

    Pictures are turned the right way up. Their middle squares are resized to `size` x `size`.
    What is transparent becomes white.

    Where all pictures lie in subfolders, these are the classes, in the order of their names.
    Otherwise every label is 0. `lab.data.folders` says which files count, among hidden ones and
    links. `lab.data.pictures` says what becomes of their pixels.

    Args:
        folder: where the pictures are.
        size: pixels on a side.
        channels: 1 or 3.
        unreadable: "refuse" raises at a file that is no picture and names it. "skip" leaves it
            out.

    Returns:
        (images uint8 `[N, size, size, channels]`, labels int32 `[N]`, names of the classes, names
        of the files that were skipped).
    """
    folder = Path(folder)
    found = list(pictures_with_paths(folder, size, channels, unreadable))
    skipped = [str(path) for path, image in found if image is None]
    kept = [path.relative_to(folder).parts for path, image in found if image is not None]
    names = sorted({parts[0] for parts in kept}) if all(len(parts) > 1 for parts in kept) else [""]
    labels = [names.index(parts[0]) if names != [""] else 0 for parts in kept]
    images = np.stack([image for _, image in found if image is not None])
    return images, np.array(labels, np.int32), names, skipped


def pictures_in(folder: str | Path, size: int, *, channels: int = 3, unreadable: str = "refuse") -> list[Path]:
    """The paths of the pictures that `folder_of_images` would return with these arguments."""
    return [path for path, image in pictures_with_paths(Path(folder), size, channels, unreadable) if image is not None]


def pictures_with_paths(folder: Path, size: int, channels: int, unreadable: str) -> Iterator[tuple[Path, np.ndarray | None]]:
    """Yields (path, picture), the picture as uint8 `[size, size, channels]`.

    The picture is None for a file that is left out. At least one is a picture.
    """
    validation.integer("size", size)
    if channels not in (1, 3):
        raise ValueError(f"channels: expected 1 or 3, received {channels}.")
    good, bad = 0, 0
    for path in files_below(folder, "pictures", lambda name: name.lower().endswith(FORMATS), unreadable=unreadable):
        try:
            image = decoded(path, size, channels)
        except Exception as error:  # Pillow raises many kinds
            if unreadable == "refuse":
                reason = (str(error) or type(error).__name__).splitlines()[0]
                raise ValueError(
                    f"{path}: expected a picture, received a file that cannot be read as one ({reason})."
                ) from error
            image = None
        good, bad = good + (image is not None), bad + (image is None)
        yield path, image
    if not good:
        received = f"{bad} that cannot be read" if bad else "none"
        raise ValueError(f"{folder}: expected pictures ({', '.join(FORMATS)}), received {received}.")
