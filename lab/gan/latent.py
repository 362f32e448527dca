"""What a generator's latents are drawn from."""

import itertools
from collections.abc import Sequence
from typing import Protocol

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor


class Latent(Protocol):
    """What a GAN asks of its latents: how many numbers they have, and two ways to draw them."""

    @property
    def size(self) -> int:
        """Numbers in a latent."""

    def __call__(self, count: int, seed: keras.random.SeedGenerator) -> Tensor:
        """Latents `[count, size]`, for training."""

    def sample(self, count: int, generator: np.random.Generator, truncation: float | None = None) -> np.ndarray:
        """Latents `[count, size]`, for samples to look at."""


class Normal:
    """z ~ N(0, I).

    Args:
        size: numbers in a latent.
    """

    def __init__(self, size: int) -> None:
        self.size = validation.integer("size", size)

    def __call__(self, count: int, seed: keras.random.SeedGenerator) -> Tensor:
        """Latents `[count, size]`."""
        return keras.random.normal((count, self.size), seed=seed)

    def sample(self, count: int, generator: np.random.Generator, truncation: float | None = None) -> np.ndarray:
        """Latents `[count, size]`.

        With `truncation`, numbers beyond it are drawn again (Brock et al. 2019, section 3.1).
        """
        if truncation is None:
            return generator.normal(size=(count, self.size)).astype("float32")
        from scipy import stats

        bound = validation.POSITIVE.check("truncation", truncation)
        return stats.truncnorm.rvs(-bound, bound, size=(count, self.size), random_state=generator).astype("float32")


class NoLatents:
    """In place of latents where the generator takes pictures. Asking for latents is an error."""

    @property
    def size(self) -> int:
        """There are none: a ValueError."""
        raise ValueError(
            "latents: expected a generator of latents, received one of pictures; "
            "lab.gan.translate(gan.average, pictures) gives its samples."
        )

    def __call__(self, count: int, seed: keras.random.SeedGenerator) -> Tensor:
        """There are none: a ValueError."""
        return self.size

    def sample(self, count: int, generator: np.random.Generator, truncation: float | None = None) -> np.ndarray:
        """There are none: a ValueError."""
        return np.zeros((count, self.size))


class Codes:
    """InfoGAN's latents: noise, categories and numbers (Chen et al. 2016, section 7).

        z = [noise ~ N(0, I), one-hot categories, each uniform, numbers ~ U(-1, 1)]

    Args:
        noise: numbers that mean nothing.
        categories: the number of values K of each categorical code.
        continuous: how many codes are numbers.
    """

    def __init__(self, noise: int = 62, categories: Sequence[int] = (10,), continuous: int = 2) -> None:
        self.noise = validation.integer("noise", noise, 0)
        self.continuous = validation.integer("continuous", continuous, 0)
        self.categories = tuple(validation.integer("categories", number, 2) for number in categories)
        self.size = validation.integer("size", self.noise + sum(self.categories) + self.continuous)

    def __call__(self, count: int, seed: keras.random.SeedGenerator) -> Tensor:
        """Latents `[count, size]`."""
        parts = [keras.random.normal((count, self.noise), seed=seed)]
        for number in self.categories:
            drawn = keras.random.randint((count,), 0, number, seed=seed)
            parts.append(ops.one_hot(drawn, number, dtype="float32"))
        parts.append(keras.random.uniform((count, self.continuous), -1.0, 1.0, seed=seed))
        return ops.concatenate(parts, axis=1)

    def sample(self, count: int, generator: np.random.Generator, truncation: float | None = None) -> np.ndarray:
        """Latents `[count, size]`. `truncation` is of the noise alone."""
        parts = [Normal(self.noise).sample(count, generator, truncation)] if self.noise else []
        parts += [np.eye(number, dtype="float32")[generator.integers(number, size=count)] for number in self.categories]
        parts.append(generator.uniform(-1, 1, (count, self.continuous)).astype("float32"))
        return np.concatenate(parts, axis=1)

    def split(self, latents: Tensor) -> tuple[list[Tensor], Tensor]:
        """(the categories, each one-hot `[B, K]`; the numbers `[B, continuous]`) of latents."""
        ends = np.cumsum([self.noise, *self.categories])
        return [latents[:, a:b] for a, b in itertools.pairwise(ends)], latents[:, ends[-1] :]
