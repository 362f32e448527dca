"""Shannon's information measures, in nats or bits (Cover and Thomas 2006, chapter 2).

0 log 0 counts as 0.
"""

import math

from keras import ops

from lab.engine.types import Tensor


def self_information(probability: Tensor, *, unit: str = "nats") -> Tensor:
    """I(x) = -log p(x), elementwise. It is infinite where p is 0.

    Args:
        probability: p, a tensor of any shape, in [0, 1].
        unit: "nats" or "bits".
    """
    return -ops.log(_floating(probability)) / _scale(unit)


def entropy(probabilities: Tensor, *, axis: int = -1, unit: str = "nats") -> Tensor:
    """H(p) = -sum p log p over an axis: `[..., K]` -> `[...]`.

    Args:
        probabilities: p, non-negative numbers that sum to 1 over the axis.
        axis: the axis of the sum.
        unit: "nats" or "bits".
    """
    p = _floating(probabilities)
    return -ops.sum(product_with_log(p, p), axis=axis) / _scale(unit)


def cross_entropy(p: Tensor, q: Tensor, *, axis: int = -1, unit: str = "nats") -> Tensor:
    """H(p, q) = -sum p log q over an axis. It is infinite if q is 0 where p is not."""
    p, q = _same_shape(p, q)
    return -ops.sum(product_with_log(p, q), axis=axis) / _scale(unit)


def kl_divergence(p: Tensor, q: Tensor, *, axis: int = -1, unit: str = "nats") -> Tensor:
    """D(p || q) = sum p log(p / q) over an axis. It is infinite if q is 0 where p is not."""
    p, q = _same_shape(p, q)
    return ops.sum(product_with_log(p, p) - product_with_log(p, q), axis=axis) / _scale(unit)


def mutual_information(joint: Tensor, *, unit: str = "nats") -> Tensor:
    """I(X; Y) = D(p(x, y) || p(x) p(y)) of a joint distribution: `[..., X, Y]` -> `[...]`."""
    joint = _floating(joint)
    if len(joint.shape) < 2:
        raise ValueError(f"joint: expected at least 2 axes, received shape {tuple(joint.shape)}.")
    product = ops.sum(joint, axis=-1, keepdims=True) * ops.sum(joint, axis=-2, keepdims=True)
    return ops.sum(product_with_log(joint, joint) - product_with_log(joint, product), axis=(-2, -1)) / _scale(unit)


def product_with_log(x: Tensor, y: Tensor) -> Tensor:
    """x log y, elementwise. Where x is 0, the value and both gradients are 0, for any y."""
    positive = ops.not_equal(x, 0)
    return ops.where(positive, x * ops.log(ops.where(positive, y, 1.0)), 0.0)


def _scale(unit):
    if unit not in ("nats", "bits"):
        raise ValueError(f"unit: expected 'nats' or 'bits', received {unit!r}.")
    return math.log(2) if unit == "bits" else 1.0


def _floating(x):
    x = ops.convert_to_tensor(x)
    return x if "float" in str(x.dtype) else ops.cast(x, "float32")


def _same_shape(p, q):
    p, q = _floating(p), _floating(q)
    if tuple(p.shape) != tuple(q.shape):
        raise ValueError(f"q: expected p's shape {tuple(p.shape)}, received {tuple(q.shape)}.")
    return p, q
