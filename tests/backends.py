"""Tests that take long and say the same on both backends."""

import keras
import pytest


def only(backend):
    """A mark: run on this backend alone."""
    return pytest.mark.skipif(keras.backend.backend() != backend, reason=f"on {backend}")


SHARED_OUT = [
    pytest.param("host", marks=only("jax")),
    pytest.param("device", marks=only("tensorflow")),
]  # kinds of environments
