"""Training examples in batches, in an order that depends on seed and epoch alone, mixed where the recipe says so."""

import keras
import numpy as np

from lab.data.conventions import as_floats


class Examples(keras.utils.PyDataset):
    """Whole batches of shuffled examples, for `fit(..., shuffle=False)`: batch i of an epoch is a function of (seed, epoch, i).

    Args:
        x: an array `[N, ...]`; uint8 becomes -1 to 1.
        y: targets `[N, ...]`.
        batch_size: examples in a batch; the last, smaller one is dropped.
        classes: integers y become one-hot float32 `[B, classes]`; None leaves them.
        mix: function (x, y, rng) -> (x, y), or None.
        seed: of order and mixing.
    """

    def __init__(self, x, y, batch_size, *, classes=None, mix=None, seed):
        # On TensorFlow two workers have a queue of Keras's own, in order; with one tf.data tunes itself, and at an epoch's end that may wait for seconds.
        # On JAX Keras looks at a batch before the first epoch, which such a queue would then lack.
        super().__init__(workers=2 if keras.backend.backend() == "tensorflow" else 1, max_queue_size=4)
        self.x = x
        self.y = y
        self.batch_size = batch_size
        self.classes = classes
        self.mix = mix
        self.seed = seed
        self.begin(0)

    def begin(self, epoch):
        """The batches are now those of an epoch. To be called when it begins: Keras's own hook comes once too often."""
        self.epoch = epoch
        self.order = np.random.default_rng([0, self.seed, epoch]).permutation(len(self.x))

    def __len__(self):
        return len(self.x) // self.batch_size

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        x, y = self.x[chosen], self.y[chosen]
        x = as_floats(x) if x.dtype == np.uint8 else x
        y = y if self.classes is None else np.eye(self.classes, dtype="float32")[y]
        if self.mix is not None:
            x, y = self.mix(x, y, np.random.default_rng([1, self.seed, self.epoch, index]))
        return x, y


def mixup(x, y, rng, alpha):
    """l x + (1 - l) x', and y alike, with x' the batch in another order and l ~ Beta(alpha, alpha) (Zhang et al. 2018, section 2)."""
    share, other = np.float32(rng.beta(alpha, alpha)), rng.permutation(len(x))
    return share * x + (1 - share) * x[other], share * y + (1 - share) * y[other]


def cutmix(x, y, rng, alpha):
    """A rectangle of another image in each, labels by area (Yun et al. 2019, section 3.1).

    Its sides are sqrt(1 - l) of the image's, l ~ Beta(alpha, alpha), its centre is uniform, and what lies outside is lost.
    """
    height, width = x.shape[1:3]
    side, other = np.sqrt(1 - rng.beta(alpha, alpha)), rng.permutation(len(x))
    middle = rng.integers(0, height), rng.integers(0, width)
    (top, bottom), (left, right) = (
        (max(int(m - side * n / 2), 0), min(int(m + side * n / 2), n)) for m, n in zip(middle, (height, width))
    )
    x = x.copy()
    x[:, top:bottom, left:right] = x[other, top:bottom, left:right]
    share = np.float32(1 - (bottom - top) * (right - left) / (height * width))
    return x, share * y + (1 - share) * y[other]


def mixing(recipe):
    """The recipe's function (x, y, rng) -> (x, y), or None where it does not mix."""
    kinds = [(kind, alpha) for kind, alpha in ((mixup, recipe.mixup), (cutmix, recipe.cutmix)) if alpha]

    def mix(x, y, rng):
        kind, alpha = kinds[rng.integers(len(kinds))] if len(kinds) > 1 else kinds[0]
        return kind(x, y, rng, alpha)

    return mix if kinds else None
