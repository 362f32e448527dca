"""Compile, differentiate and loop over programs whose state is Keras variables.

A *program* is an ordinary Python function. It reads and assigns Keras variables, its *state*, and
computes with `keras.ops`. The verbs below are the same on each backend. `keras.backend.backend()`
picks the file that implements them.

`compile(program, state, *, xla=None, shared=False)`
    The compiled program: the same arguments, the same result as tensors, the same assignments.

    Arguments are tensors or arrays in any nesting of tuples, lists, dicts and NamedTuples. Python
    numbers do not retrace. 64-bit arguments become 32-bit ones, as on JAX; a number that does not
    fit is a ValueError.

    With `xla=None` the engine decides. On a CPU, a TensorFlow program with convolutions or pooling
    stays a graph: oneDNN is about ten times as fast as XLA there. Everything else becomes one XLA
    program. JAX always uses XLA. It donates the buffers of the state, and first copies those that
    somebody else holds too.

    `shared=True` says that all seeds of a group call the program equally often, whatever their data
    are. Then they run it together; see `together`. Learning programs are shared. Programs that act
    or evaluate until episodes end are not: each seed runs them by itself. The method
    `expect(*args)` of a shared program begins to compile it before its first call.

`together(works, *, parts=1, between=...)`
    Runs the functions `works`, one for each seed, to their end, and returns what they return.

    Each runs in a thread, one at a time. At a shared program they wait for one another, and it runs
    for all of them in one call: `jax.vmap` over an axis of seeds. What differs between the seeds
    has to be in variables or arguments: a constant that differs is a TogetherError. `parts` is how
    many programs of equal size run side by side on a CPU. The bits of a seed depend on how many
    seeds are in its part, and not on the others. `between()` is called when all seeds wait. Only
    JAX has it.

`prepare()`
    Makes the settings of the process on which exact runs and speed depend. The first `compile`
    calls it. Call it yourself before you train without `compile`, by `keras.Model.fit`.

    On TensorFlow the settings are: which library multiplies matrices in XLA; that Grappler keeps
    the order of reads and writes; that gradients are added from left to right. On the other
    backends there is nothing to set.

`value_and_grad(loss, variables=None)`
    For `loss(*args) -> (scalar, extras)`, a function `(*args) -> ((scalar, extras), gradients)`.

    The gradients are a list in the order of `variables`. Without `variables` they have the
    structure of the first argument. What does not influence the loss has gradient zero. The
    function nests, for second derivatives.

`scan(step, state, xs=None, length=None)`
    Calls `step(x)` for each slice of `xs` along its first axis, or `step(None)` `length` times
    without `xs`. Stacks the outputs along a new first axis.

    `step` may assign the variables of `state`, draw from their SeedGenerators, and scan.

`cond(condition, step, otherwise, state)`
    Returns `step()` if the scalar `condition` is true, else `otherwise()`. Computes only that one.

    Both return the same structure and shapes. Both may assign the variables of `state`.

`host_call(function, like, *args)`
    Calls a NumPy function in the midst of a program, such as SciPy's. No gradient goes through it.

    `function(*arrays)` returns a list of arrays, with the shapes and dtypes of `like`: a list of
    (shape, dtype). It must depend on its arguments alone. A TensorFlow program that calls it stays
    a graph: XLA cannot leave its programs.

`write(variable, indices, values)`
    `variable[indices[i]] = values[i]` along the first axis, in place.

    The indices must differ from one another. A single row is written twice: XLA would fuse the
    write of one row into every later read, and copy the whole variable for it.

`read(variable)`
    A copy of the variable as a NumPy array. For use outside of programs.

`devices()`
    How many devices `keras.distribution` divides batches over, on JAX. 1 without it.

`shard(values, axis=0)`
    Divides arrays or tensors over the devices along an axis, whose length is a multiple of their
    number. In a program it says where a tensor is computed. With one device nothing changes.

    What a program computes does not depend on it: means and random numbers are those of the whole
    batch. Sums are added in another order. The state of a program has a copy on each device.

`unsharded()`
    A context in which Keras divides no batch. Each device computes all of it.

`host_forward(model)`
    The forward pass of a small dense Keras model as a NumPy function, for acting in environments
    on the host.

    A compiled call costs 170 to 370 microseconds, whatever is in it. NumPy takes 13 microseconds
    for a network of 64-64 units. See `lab/engine/host.py`.

`batch_normalize(x, scale, offset, epsilon)`
    (y, mean, variance) of `x [..., C]` float32, over all axes but the last:

        y = scale (x - mean) / sqrt(variance + epsilon) + offset

    No gradient goes through `mean` and `variance` of the result. On TensorFlow it is one kernel
    forwards and one backwards, in place of the dozen operations in Keras.

On TensorFlow `variable.value` is the variable itself, not a snapshot. A program that reads a value,
assigns the variable and then uses the old value reads it with `ops.copy(variable)`.

Torch has only `value_and_grad`, `host_call`, `read` and `batch_normalize`, which layers, losses and
penalties need.

A program may touch only declared variables. `UndeclaredVariableError` names any other that it reads
or assigns.
"""

from importlib import import_module
from typing import Any

VERBS = (
    "batch_normalize",
    "compile",
    "cond",
    "host_call",
    "prepare",
    "read",
    "scan",
    "together",
    "value_and_grad",
    "write",
)
ON_DEVICES = ("devices", "require_batch", "shard", "unsharded")
ON_HOST = ("CompiledForward", "HostForward", "host_forward")
COMPOSED = ("batch_normalize", "prepare")  # on JAX and torch they are in lab/engine/composed.py


def __getattr__(name: str) -> Any:
    """A verb, from the file of Keras's backend. The first call imports that file."""
    if name in ON_HOST:
        place = "host"
    elif name in ON_DEVICES:
        place = "sharding"
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
    return sorted([*VERBS, *ON_DEVICES, *ON_HOST, "UndeclaredVariableError"])


def _backend():
    import keras

    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax", "torch"):
        raise ImportError(f"KERAS_BACKEND: expected 'tensorflow', 'jax' or 'torch', received {backend!r}.")
    return backend
