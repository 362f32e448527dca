"""Marks for tests that take long and show the same on both backends."""

import keras
import pytest


def only(backend):
    """A mark: runs on this backend only."""
    return pytest.mark.skipif(keras.backend.backend() != backend, reason=f"on {backend}")


def in_turn(values, first="tensorflow"):
    """Each value on one backend, by turns.

    Learning takes long, and other tests compare the arithmetic on both backends.
    """
    second = {"tensorflow": "jax", "jax": "tensorflow"}[first]
    return [pytest.param(value, marks=only((first, second)[i % 2])) for i, value in enumerate(values)]


SHARED_OUT = [
    pytest.param("host", marks=only("jax")),
    pytest.param("device", marks=only("tensorflow")),
]  # kinds of environments
