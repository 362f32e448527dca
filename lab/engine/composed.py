"""Verbs that JAX and torch compose of `keras.ops`, or for which they need nothing."""

from keras import ops

from lab.engine.types import Tensor


def batch_normalize(x: Tensor, scale: Tensor, offset: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """See `lab.engine`."""
    mean, variance = ops.moments(x, tuple(range(len(x.shape) - 1)))
    y = ops.batch_normalization(x, mean, variance, -1, offset, scale, epsilon)
    return y, ops.stop_gradient(mean), ops.stop_gradient(variance)


def prepare() -> None:
    """See `lab.engine`: there is nothing to set."""
