"""What all distributions share."""

import abc

import keras
import numpy as np
from keras import ops


class Distribution(abc.ABC):
    """What all distributions have."""

    @abc.abstractmethod
    def log_prob(self, value):
        """Logarithm of the probability (discrete) or density (continuous) of a value; -inf outside of the support."""

    @abc.abstractmethod
    def sample(self, seed, shape=()):
        """Draws of shape `[*shape, *batch]`; the seed is a `keras.random.SeedGenerator` or an integer."""

    @abc.abstractmethod
    def mean(self):
        """The expectation."""

    @abc.abstractmethod
    def variance(self):
        """The expected squared distance from the mean."""

    @abc.abstractmethod
    def entropy(self):
        """The expectation of -log_prob; the differential entropy of a continuous distribution."""

    @abc.abstractmethod
    def _divergence(self, other):
        """D(self || other), for one of the same family."""

    def prob(self, value):
        """Probability (discrete) or density (continuous) of a value."""
        return ops.exp(self.log_prob(value))

    def standard_deviation(self):
        """The square root of the variance; its own gradient is 0 where it is."""
        variance = self.variance()
        none = ops.equal(variance, 0)
        return ops.where(none, 0.0, ops.sqrt(ops.where(none, 1.0, variance)))

    def kl_divergence(self, other):
        """D(self || other) to a distribution of the same family, in closed form; 0 where they are equal."""
        if type(other) is not type(self):
            raise ValueError(f"other: expected a {type(self).__name__}, received {type(other).__name__}.")
        return self._divergence(other)


def one_of(logits, probs):
    """The one that is given, as a tensor of floating-point numbers."""
    if (logits is None) == (probs is None):
        raise ValueError("expected one of logits and probs, received " + ("neither." if logits is None else "both."))
    value = ops.convert_to_tensor(probs if logits is None else logits)
    if "float" not in str(value.dtype):
        raise ValueError(
            f"{'probs' if logits is None else 'logits'}: expected floating-point numbers, received {keras.backend.standardize_dtype(value.dtype)}."
        )
    return value


def binary(logits, probs):
    """(logits, p, 1-p, log p, log(1-p)); stable at both ends."""
    value = one_of(logits, probs)
    if logits is None:
        log_p, log_q = log_of(value), log_of(value, ops.log1p, 1, -1)
        return log_p - log_q, value, 1 - value, log_p, log_q
    return value, ops.sigmoid(value), ops.sigmoid(-value), -ops.softplus(-value), -ops.softplus(value)


def log_of(p, log=ops.log, zero=0, sign=1):
    """log(sign p), -inf where p is `zero`. No gradient flows from there: the logarithm's own is infinite, and 0 times infinity not a number."""
    none = ops.equal(p, zero)
    return ops.where(none, -np.inf, log(sign * ops.where(none, 0.5, p)))


def index_of(value, count):
    """(an index in 0 ... count - 1, int32; whether the value is that index): what discrete distributions look values up by."""
    value = ops.convert_to_tensor(value)
    index = ops.clip(ops.cast(value, "int32"), 0, count - 1)
    return index, ops.equal(value, ops.cast(index, value.dtype))


def drawn_uniformly(shape, dtype, seed):
    """Uniform numbers in [0, 1) of at least float32: in float16 every thousandth is 0, and rarer events than that are drawn too often."""
    dtype = keras.backend.standardize_dtype(dtype)
    return keras.random.uniform(shape, dtype=dtype if dtype == "float64" else "float32", seed=seed)


def together(first, second):
    """Both as tensors of one type, broadcast to the shape of both."""
    first = ops.convert_to_tensor(first)
    first = first if "float" in str(first.dtype) else ops.cast(first, keras.config.floatx())
    second = ops.convert_to_tensor(second, first.dtype)
    return first * ops.ones_like(second), second * ops.ones_like(first)


def weighted(weight, log):
    """weight * log, 0 where the weight is 0 and the log -inf."""
    return ops.where(ops.equal(weight, 0), 0.0, weight * ops.where(ops.equal(weight, 0), 0.0, log))
