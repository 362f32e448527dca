"""Activation functions and their derivatives in closed form.

Functions take a tensor of any shape. All but softmax, log_softmax and maxout are elementwise. The
derivatives show where a unit saturates and its gradient vanishes. That of the sigmoid is at most
1/4.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

from keras import ops

from lab import validation
from lab.engine.types import Tensor

SELU_SCALE = 1.0507009873554805  # lambda (Klambauer et al. 2017, eq. 14)
SELU_ALPHA = 1.6732632423543772


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x))."""
    return ops.sigmoid(x)


def tanh(x: Tensor) -> Tensor:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x))."""
    return ops.tanh(x)


def relu(x: Tensor) -> Tensor:
    """max(x, 0) (Nair and Hinton 2010)."""
    return ops.relu(x)


def leaky_relu(x: Tensor, alpha: float = 0.2) -> Tensor:
    """x where x > 0, alpha x elsewhere (Maas et al. 2013). alpha=0.2 is Keras's default."""
    return ops.leaky_relu(x, alpha)


def prelu(x: Tensor, alpha: Tensor) -> Tensor:
    """x where x > 0, alpha x elsewhere (He et al. 2015, eq. 1).

    The layer `lab.layers.PReLU` learns alpha.

    Args:
        x: a tensor.
        alpha: the slope, of a shape that broadcasts with x's.
    """
    return ops.where(x > 0, x, alpha * x)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, alpha (exp(x) - 1) elsewhere (Clevert et al. 2016, eq. 15)."""
    return ops.elu(x, alpha)


def selu(x: Tensor) -> Tensor:
    """lambda elu(x, alpha) (Klambauer et al. 2017, eq. 2).

    The constants lambda and alpha keep mean 0 and variance 1 from layer to layer.
    """
    return ops.selu(x)


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x))."""
    return ops.softplus(x)


def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """x Phi(x), with the cumulative normal distribution function Phi (Hendrycks and Gimpel 2016).

    Args:
        x: a tensor.
        approximate: whether to compute 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) instead.
    """
    return ops.gelu(x, approximate=approximate)


def softmax(x: Tensor, axis: int = -1, temperature: float = 1.0) -> Tensor:
    """exp(x_i / T) / sum_j exp(x_j / T) over an axis, stable for any finite x.

    Args:
        x: a tensor.
        axis: the axis of the sum.
        temperature: T > 0. A small T makes the distribution sharper.
    """
    return ops.softmax(_tempered(x, temperature), axis=axis)


def log_softmax(x: Tensor, axis: int = -1, temperature: float = 1.0) -> Tensor:
    """x_i / T - log sum_j exp(x_j / T) over an axis, stable for any finite x.

    Arguments as in `softmax`.
    """
    return ops.log_softmax(_tempered(x, temperature), axis=axis)


def maxout(x: Tensor, k: int) -> Tensor:
    """The maximum of each k neighbours on the last axis: `[..., n k]` -> `[..., n]`.

    Source: Goodfellow et al. 2013, eq. 2.
    """
    return ops.max(_groups(x, k), axis=-1)


def derivative(name: str, **options: Any) -> Callable[[Tensor], Tensor]:
    """The derivative of an activation of this module in closed form, as a function of x.

    At a kink it is the derivative from the left. Among equal inputs of maxout the first counts as
    the maximum.

    Args:
        name: the activation's name, such as "elu".
        **options: the activation's own arguments.

    Returns:
        A function of x. For elementwise activations its values have x's shape. For softmax and
        log_softmax it is the Jacobian d y_i / d x_j over the last axis, `[..., K]` ->
        `[..., K, K]`. For maxout it is 1 at the maximum of each group and 0 elsewhere.
    """
    if name not in _DERIVATIVES:
        raise ValueError(f"name: expected one of {', '.join(sorted(_DERIVATIVES))}, received {name!r}.")
    return functools.partial(_DERIVATIVES[name], **options)


def _sigmoid(x):
    return ops.sigmoid(x) * ops.sigmoid(-x)


def _tanh(x):
    e = ops.exp(-2.0 * ops.abs(x))
    return 4.0 * e / ops.square(1.0 + e)  # 1 / cosh^2, without the rounding error of 1 - tanh^2


def _step(x):
    return ops.cast(x > 0, x.dtype)


def _leaky(x, alpha=0.2):
    return ops.where(x > 0, ops.ones_like(x), alpha)


def _elu(x, alpha=1.0):
    return ops.where(x > 0, 1.0, alpha * ops.exp(ops.minimum(x, 0.0)))


def _selu(x):
    return SELU_SCALE * _elu(x, SELU_ALPHA)


def _gelu(x, approximate=False):
    if approximate:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * ops.square(x))
        return 0.5 * (1 + ops.tanh(inner)) + 0.5 * x * _tanh(inner) * slope
    density = ops.exp(-0.5 * ops.square(x)) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + ops.erf(x / math.sqrt(2))) + x * density


def _softmax(x, temperature=1.0):
    y = softmax(x, temperature=temperature)
    identity = ops.eye(x.shape[-1], dtype=y.dtype)
    return (y[..., :, None] * identity - y[..., :, None] * y[..., None, :]) / temperature


def _log_softmax(x, temperature=1.0):
    y = softmax(x, temperature=temperature)
    return (ops.eye(x.shape[-1], dtype=y.dtype) - y[..., None, :]) / temperature


def _maxout(x, k):
    groups = _groups(x, k)
    return ops.reshape(ops.one_hot(ops.argmax(groups, axis=-1), k, dtype=groups.dtype), ops.shape(x))


def _tempered(x, temperature):
    validation.POSITIVE.check("temperature", temperature)
    return x if temperature == 1.0 else x / temperature


def _groups(x, k):
    if not (isinstance(k, int) and k >= 1) or x.shape[-1] % k:
        raise ValueError(f"k: expected an integer >= 1 that divides the last axis, {x.shape[-1]}, received {k!r}.")
    return ops.reshape(x, (*ops.shape(x)[:-1], x.shape[-1] // k, k))


_DERIVATIVES = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _step,
    "leaky_relu": _leaky,
    "prelu": _leaky,
    "elu": _elu,
    "selu": _selu,
    "softplus": ops.sigmoid,
    "gelu": _gelu,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "maxout": _maxout,
}
