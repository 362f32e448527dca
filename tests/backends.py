"""Tests that take long and say the same on both backends."""

import keras
import pytest


def only(backend):
    """A mark: run on this backend alone."""
    return pytest.mark.skipif(keras.backend.backend() != backend, reason=f"on {backend}")


def in_turn(values, first="tensorflow"):
    """Every value on one backend, by turns: learning takes long, and arithmetic is compared on both elsewhere."""
    second = {"tensorflow": "jax", "jax": "tensorflow"}[first]
    return [pytest.param(value, marks=only((first, second)[i % 2])) for i, value in enumerate(values)]


SHARED_OUT = [
    pytest.param("host", marks=only("jax")),
    pytest.param("device", marks=only("tensorflow")),
]  # kinds of environments
