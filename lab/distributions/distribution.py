"""The base class of distributions, and functions that several of them use."""

import abc
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from lab.engine.types import Tensor


class Distribution(abc.ABC):
    """The interface of all distributions."""

    @abc.abstractmethod
    def log_prob(self, value: Tensor) -> Tensor:
        """The log-probability or log-density of a value; -inf outside of the support."""

    @abc.abstractmethod
    def sample(self, seed: keras.random.SeedGenerator | int, shape: tuple[int, ...] = ()) -> Tensor:
        """Samples of shape `[*shape, *batch]`."""

    @abc.abstractmethod
    def mean(self) -> Tensor:
        """The expectation."""

    @abc.abstractmethod
    def variance(self) -> Tensor:
        """The expectation of the squared difference from the mean."""

    @abc.abstractmethod
    def entropy(self) -> Tensor:
        """The expectation of -log_prob: for densities, the differential entropy."""

    @abc.abstractmethod
    def _divergence(self, other):
        """D(self || other) for a distribution of the same family."""

    def prob(self, value: Tensor) -> Tensor:
        """The probability (discrete) or density (continuous) of a value."""
        return ops.exp(self.log_prob(value))

    def standard_deviation(self) -> Tensor:
        """The square root of the variance. Where it is 0, its gradient is 0 too."""
        variance = self.variance()
        is_zero = ops.equal(variance, 0)
        return ops.where(is_zero, 0.0, ops.sqrt(ops.where(is_zero, 1.0, variance)))

    def kl_divergence(self, other: "Distribution") -> Tensor:
        """D(self || other) in closed form, for a distribution of the same family."""
        if type(other) is not type(self):
            raise ValueError(f"other: expected a {type(self).__name__}, received {type(other).__name__}.")
        return self._divergence(other)


class BernoulliParameters(NamedTuple):
    """The parameters of a Bernoulli distribution in every form, with q = 1 - p."""

    logits: Tensor
    p: Tensor
    q: Tensor
    log_p: Tensor
    log_q: Tensor


def logits_or_probs(logits: Tensor | None, probs: Tensor | None) -> Tensor:
    """The argument that is given, as a tensor of floating-point numbers."""
    if (logits is None) == (probs is None):
        raise ValueError("expected one of logits and probs, received " + ("neither." if logits is None else "both."))
    value = ops.convert_to_tensor(probs if logits is None else logits)
    if "float" not in str(value.dtype):
        name = "probs" if logits is None else "logits"
        dtype = keras.backend.standardize_dtype(value.dtype)
        raise ValueError(f"{name}: expected floating-point numbers, received {dtype}.")
    return value


def bernoulli_parameters(logits: Tensor | None, probs: Tensor | None) -> BernoulliParameters:
    """All parameters from logits or probabilities, without loss of digits near 0 and 1."""
    value = logits_or_probs(logits, probs)
    if logits is None:
        log_p = log_or_minus_infinity(value)
        log_q = log_or_minus_infinity(value, ops.log1p, zero=1, sign=-1)
        return BernoulliParameters(log_p - log_q, value, 1 - value, log_p, log_q)
    return BernoulliParameters(value, ops.sigmoid(value), ops.sigmoid(-value), -ops.softplus(-value), -ops.softplus(value))


def log_or_minus_infinity(p: Tensor, log: Callable[[Tensor], Tensor] = ops.log, zero: float = 0, sign: float = 1) -> Tensor:
    """log(sign p), and -inf where p is `zero`.

    No gradient flows where p is `zero`. That of the logarithm is infinite, and 0 times infinity is
    NaN.
    """
    is_zero = ops.equal(p, zero)
    return ops.where(is_zero, -np.inf, log(sign * ops.where(is_zero, 0.5, p)))


def support_index(value: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(the value as an int32 clipped to 0 ... count - 1, whether the value equals it)."""
    value = ops.convert_to_tensor(value)
    index = ops.clip(ops.cast(value, "int32"), 0, count - 1)
    return index, ops.equal(value, ops.cast(index, value.dtype))


def uniform_sample(shape: tuple[int, ...], dtype: str, seed: keras.random.SeedGenerator | int) -> Tensor:
    """Uniform numbers in [0, 1), float32 or float64.

    In float16 one number of a thousand would be 0, so rarer events would be drawn too often.
    """
    dtype = keras.backend.standardize_dtype(dtype)
    return keras.random.uniform(shape, dtype=dtype if dtype == "float64" else "float32", seed=seed)


def broadcast_pair(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Both as tensors of one dtype, broadcast to a common shape."""
    first = ops.convert_to_tensor(first)
    first = first if "float" in str(first.dtype) else ops.cast(first, keras.config.floatx())
    second = ops.convert_to_tensor(second, first.dtype)
    return first * ops.ones_like(second), second * ops.ones_like(first)


def weighted_log(weight: Tensor, log: Tensor) -> Tensor:
    """weight * log, and 0 where the weight is 0, even if the log is -inf."""
    is_zero = ops.equal(weight, 0)
    return ops.where(is_zero, 0.0, weight * ops.where(is_zero, 0.0, log))
