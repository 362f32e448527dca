"""What arguments must be: each returns the value, or raises a ValueError with the name, what was expected and what was received."""

from numbers import Integral, Real

import numpy as np


def integer(name, value, least=1):
    """An integer >= least, of Python or NumPy; returned as Python's."""
    good = isinstance(value, Integral) and not isinstance(value, bool) and value >= least
    return int(_hold(good, name, f"an integer >= {least}", value))


def positive(name, value):
    """A number > 0."""
    return _hold(_number(value) and value > 0, name, "a number > 0", value)


def not_negative(name, value):
    """A number >= 0."""
    return _hold(_number(value) and value >= 0, name, "a number >= 0", value)


def share(name, value):
    """A number in (0, 1]."""
    return _hold(_number(value) and 0 < value <= 1, name, "a number in (0, 1]", value)


def fraction(name, value):
    """A number in [0, 1)."""
    return _hold(_number(value) and 0 <= value < 1, name, "a number in [0, 1)", value)


def between(name, value, least, most):
    """A number in [least, most]."""
    return _hold(_number(value) and least <= value <= most, name, f"a number in [{least}, {most}]", value)


def inside(name, value, least, most):
    """A number in (least, most)."""
    return _hold(_number(value) and least < value < most, name, f"a number in ({least}, {most})", value)


def same_shape(**arrays):
    """Arrays or tensors of one shape, so that none is silently broadcast."""
    shapes = {name: tuple(np.shape(array)) for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        received = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{next(iter(shapes))}: expected {', '.join(shapes)} of one shape, received {received}.")


def _number(value):
    return isinstance(value, Real)


def _hold(good, name, expected, value):
    if not good:
        received = f"an array of shape {tuple(value.shape)}" if getattr(value, "shape", ()) else repr(value)
        raise ValueError(f"{name}: expected {expected}, received {received}.")
    return value
