"""Compile, differentiate and loop over programs whose state is Keras variables.

A *program* is an ordinary Python function that reads and assigns Keras variables, its *state*, and computes with
`keras.ops`. The verbs are the same on each backend; `keras.backend.backend()` picks the file that implements them.

`compile(program, state, *, xla=None)`
    The compiled program: same arguments (tensors or arrays in any nesting of tuples, lists, dicts and NamedTuples; Python
    numbers do not retrace), same result as tensors, same assignments. 64-bit arguments arrive as 32-bit ones, as on JAX,
    and a number that does not fit is a ValueError.
    With `xla=None` the engine decides: on a CPU a TensorFlow program with convolutions or pooling stays a graph, for
    oneDNN beats XLA there by an order of magnitude, and everything else becomes one XLA program. JAX always uses XLA
    and donates the state's buffers, after copying those that anything beside the variable holds.

`prepare()`
    Makes the settings of the process on which exact runs and speed depend; the first `compile` calls it. On TensorFlow
    these are which library multiplies matrices in XLA, that Grappler leaves the order of reads and writes alone, and that
    gradients are added from left to right. Whoever trains without `compile`, by `keras.Model.fit`, calls it first. On the
    other backends there is nothing to set.

`value_and_grad(loss, variables=None)`
    For `loss(*args) -> (scalar, extras)`, a function `(*args) -> ((scalar, extras), gradients)`. Gradients are a list in
    the order of `variables` or, without `variables`, one tensor shaped like the first argument. What does not influence the
    loss has gradient zero. It nests, for second derivatives.

`scan(step, state, xs=None, length=None)`
    Calls `step(x)` for each leading slice of `xs` (`step(None)`, `length` times, without `xs`) and stacks the outputs
    along a new leading axis. `step` may assign the variables of `state`, draw from their SeedGenerators, and scan.

`cond(condition, step, otherwise, state)`
    What `step()` returns where `condition`, a scalar, is true, else what `otherwise()` does, of the same structure and shapes; only the one
    chosen is computed. Both may assign the variables of `state`.

`write(variable, indices, values)`
    `variable[indices[i]] = values[i]` along the first axis, in place. The indices must differ from one another. A single row is
    written twice: XLA would fuse the write of one row into every later read, and copy the whole variable for it.

`read(variable)`
    A copy of the variable as a NumPy array, outside of programs.

`host_forward(model)`
    The forward pass of a small dense Keras model as a NumPy function, for acting in host environments: a compiled call
    costs 170-370 microseconds whatever is in it, NumPy 13 for a 64-64 network. See `lab/engine/host.py`.

`batch_normalize(x, scale, offset, epsilon)`
    (y, mean, variance) of `x [..., C]` float32, all over every axis but the last: y = scale (x - mean) / sqrt(variance + epsilon) + offset. On
    TensorFlow one kernel forwards and one backwards, in place of the dozen operations that Keras composes it of. No gradient goes through mean and variance.

On TensorFlow `variable.value` is the variable itself, not a snapshot: what a program reads before it assigns, and uses
after, it reads with `ops.copy(variable)`.

On torch there are `value_and_grad` and `batch_normalize` alone, which is what layers, losses and penalties need.

A program may touch only declared variables: `UndeclaredVariableError` names any other that it reads or assigns.
"""

from importlib import import_module
from typing import Any

VERBS = ("batch_normalize", "compile", "cond", "prepare", "read", "scan", "value_and_grad", "write")
ON_HOST = ("CompiledForward", "HostForward", "host_forward")
COMPOSED = ("batch_normalize", "prepare")  # which jax and torch take from lab/engine/composed.py


def __getattr__(name: str) -> Any:
    """A verb from the file of Keras's backend, which is first imported here."""
    if name in ON_HOST:
        place = "host"
    elif name == "UndeclaredVariableError":
        place = "scope"
    elif name in VERBS:
        place = _backend()
        place = "composed" if name in COMPOSED and place != "tensorflow" else place
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{place}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*VERBS, *ON_HOST, "UndeclaredVariableError"])


def _backend():
    import keras

    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax", "torch"):
        raise ImportError(f"KERAS_BACKEND: expected 'tensorflow', 'jax' or 'torch', received {backend!r}.")
    return backend
