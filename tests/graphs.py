"""Programs compiled as graphs on TensorFlow: XLA takes three times as long to compile as these tests take to run."""

import contextlib

import pytest


@contextlib.contextmanager
def as_graphs():
    """The engine compiles without XLA, where it has the choice."""
    import keras

    from lab import engine

    with pytest.MonkeyPatch.context() as patch:
        if keras.backend.backend() == "tensorflow":
            compiled = engine.compile
            patch.setattr(engine, "compile", lambda program, state, xla=None: compiled(program, state, xla=False))
        yield


@pytest.fixture
def graphs():
    """`as_graphs` during one test."""
    with as_graphs():
        yield


@pytest.fixture(scope="module")
def module_graphs():
    """`as_graphs` during a file's tests and its fixtures."""
    with as_graphs():
        yield
