"""Training examples in batches, in an order that depends on seed and epoch alone."""

from collections.abc import Callable
from typing import TypeAlias

import keras
import numpy as np

from lab.data.conventions import as_floats
from lab.supervised.recipe import Recipe

Pair: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Inputs `[B, ...]` and targets `[B, ...]`."""
Draw: TypeAlias = Callable[[int], Pair]
"""A function epoch -> (x, y), which draws the examples of an epoch, equal ones for equal epochs."""
Mix: TypeAlias = Callable[[np.ndarray, np.ndarray, np.random.Generator], Pair]
"""A function (x, y, rng) -> (x, y), which mixes the examples of a batch."""


class Examples(keras.utils.PyDataset):
    """Full batches of shuffled examples, for `fit(..., shuffle=False)`.

    Batch i of an epoch is a function of (seed, epoch, i).

    Args:
        x: an array `[N, ...]`. uint8 becomes -1 to 1.
        y: targets `[N, ...]`.
        batch_size: examples in a batch. The last, smaller one is dropped.
        classes: integers y become one-hot float32 `[B, classes]`. None leaves them.
        mix: function (x, y, rng) -> (x, y), or None.
        draw: a `Draw`, which gives each epoch its own x and y. None: all epochs have the same.
        seed: of order and mixing.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        *,
        classes: int | None = None,
        mix: Mix | None = None,
        draw: Draw | None = None,
        seed: int,
    ) -> None:
        # On TensorFlow two workers use Keras's own queue, which keeps the order. With one worker
        # tf.data tunes itself, which may wait for seconds at the end of an epoch.
        # On JAX Keras takes a batch before the first epoch. From such a queue it would be missing.
        super().__init__(workers=2 if keras.backend.backend() == "tensorflow" else 1, max_queue_size=4)
        self.x = x
        self.y = y
        self.batch_size = batch_size
        self.classes = classes
        self.mix = mix
        self.draw = draw
        self.seed = seed
        self._shuffle(0)

    def begin(self, epoch: int) -> None:
        """From now on the batches are those of this epoch.

        The caller calls it when an epoch begins: Keras's own hook is called once too often.
        """
        if self.draw is not None:
            self.x, self.y = self.draw(epoch)
        self._shuffle(epoch)

    def _shuffle(self, epoch):
        self.epoch = epoch
        self.order = np.random.default_rng([0, self.seed, epoch]).permutation(len(self.x))

    def __len__(self) -> int:
        return len(self.x) // self.batch_size

    def __getitem__(self, index: int) -> Pair:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        x, y = self.x[chosen], self.y[chosen]
        x = as_floats(x) if x.dtype == np.uint8 else x
        y = y if self.classes is None else np.eye(self.classes, dtype="float32")[y]
        if self.mix is not None:
            x, y = self.mix(x, y, np.random.default_rng([1, self.seed, self.epoch, index]))
        return x, y


def mixup(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, alpha: float) -> Pair:
    """Mixtures of two examples and of their targets (Zhang et al. 2018, section 2).

        x <- l x + (1 - l) x',  y <- l y + (1 - l) y',  l ~ Beta(alpha, alpha)

    x' and y' are the batch in another order. l is one number for the whole batch.
    """
    share = np.float32(rng.beta(alpha, alpha))
    other = rng.permutation(len(x))
    return share * x + (1 - share) * x[other], share * y + (1 - share) * y[other]


def cutmix(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, alpha: float) -> Pair:
    """Puts a rectangle of another image into each image (Yun et al. 2019, section 3.1).

    The sides of the rectangle are sqrt(1 - l) times those of the image, l ~ Beta(alpha, alpha).
    Its centre is uniform. What lies outside the image is cut off. The targets are mixed in
    proportion to the areas.
    """
    height, width = x.shape[1:3]
    side = np.sqrt(1 - rng.beta(alpha, alpha))
    other = rng.permutation(len(x))
    row = rng.integers(0, height)
    column = rng.integers(0, width)
    top, bottom = _span(row, side, height)
    left, right = _span(column, side, width)
    x = x.copy()
    x[:, top:bottom, left:right] = x[other, top:bottom, left:right]
    share = np.float32(1 - (bottom - top) * (right - left) / (height * width))
    return x, share * y + (1 - share) * y[other]


def mixing(recipe: Recipe) -> Mix | None:
    """The recipe's function (x, y, rng) -> (x, y), or None if it does not mix."""
    kinds = [(kind, alpha) for kind, alpha in ((mixup, recipe.mixup), (cutmix, recipe.cutmix)) if alpha]

    def mix(x, y, rng):
        kind, alpha = kinds[rng.integers(len(kinds))] if len(kinds) > 1 else kinds[0]
        return kind(x, y, rng, alpha)

    return mix if kinds else None


def _span(centre, share, length):
    """Start and end of a share of an axis around a centre, cut off at the borders."""
    return max(int(centre - share * length / 2), 0), min(int(centre + share * length / 2), length)
