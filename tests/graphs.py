"""Programs compiled as graphs on TensorFlow, or not at all.

XLA takes three times as long to compile them as these tests take to run.
"""

import contextlib

import pytest


def patch_fit(patch, **settings):
    """Keras models are compiled with these settings, whatever they ask for.

    The method is replaced where it is defined: a saved model whose `compile` is not that one is
    loaded without its optimizer.
    """
    import keras

    owner = next(kind for kind in keras.Model.__mro__ if "compile" in vars(kind))
    compile_model = owner.compile
    patch.setattr(owner, "compile", lambda self, *arguments, **options: compile_model(self, *arguments, **options | settings))


@contextlib.contextmanager
def as_graphs():
    """The engine and Keras's `fit` compile without XLA, on TensorFlow; JAX has no choice."""
    import keras

    from lab import engine

    with pytest.MonkeyPatch.context() as patch:
        if keras.backend.backend() == "tensorflow":
            compiled = engine.compile
            patch.setattr(engine, "compile", lambda program, state, xla=None, shared=False: compiled(program, state, xla=False))
            patch_fit(patch, jit_compile=False)
        yield


@contextlib.contextmanager
def eagerly():
    """The engine runs programs as they are written, on TensorFlow, for tests of a few updates.

    On JAX it compiles them.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    import optree
    import tensorflow as tf

    from lab import engine

    def compile(program, state, xla=None, shared=False):
        def run(*args):
            return program(*optree.tree_map(lambda x: tf.convert_to_tensor(engine.tensorflow._narrow("program", x)), args))

        return run

    def scan(step, state, xs=None, length=None):
        leaves, structure = optree.tree_flatten(xs)
        slices = zip(*leaves, strict=True) if leaves else [()] * int(length)
        outputs = [step(optree.tree_unflatten(structure, each)) for each in slices]
        return optree.tree_map(lambda *ys: tf.stack(ys), *outputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "compile", compile)
        patch.setattr(engine, "scan", scan)
        patch_fit(patch, run_eagerly=True, jit_compile=False)
        yield


@pytest.fixture
def graphs():
    """`as_graphs` during one test."""
    with as_graphs():
        yield


@pytest.fixture
def eager():
    """`eagerly` during one test."""
    with eagerly():
        yield


@pytest.fixture(scope="module")
def module_graphs():
    """`as_graphs` during a file's tests and its fixtures."""
    with as_graphs():
        yield


@pytest.fixture(scope="module")
def module_eager():
    """`eagerly` during a file's tests and its fixtures."""
    with eagerly():
        yield
