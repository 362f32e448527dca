"""The engine on TensorFlow.

It is made of `tf.function` with or without XLA, `tf.GradientTape`, `tf.while_loop`, `tf.cond` and
scatter updates of resources.
"""

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import optree
import tensorflow as tf

from lab.engine import private
from lab.engine.scope import ProgramScope, name_of, narrow, twice_if_single, unique
from lab.engine.types import Tensor

CONVOLUTIONS = ("Conv", "DepthwiseConv", "MaxPool", "AvgPool")  # prefixes of operations that are faster in oneDNN
# TensorFlow uses this generator on a CPU anyway. Keras leaves the choice open, and then XLA on a
# CPU draws 16 times as slowly (TensorFlow 2.21).
GENERATOR = "philox"
LIBRARY = "--xla_cpu_experimental_ynn_fusion_type"


def prepare() -> None:
    """See `lab.engine`."""
    _prepare_once()


@functools.cache
def _prepare_once():
    # With this flag, a matrix product with its bias and activation is one call of XLA's library. It
    # saves a sixth of the time for networks of 256 units. XLA reads the flags when it compiles for
    # the first time. Other versions of TensorFlow abort on an option that they do not know.
    if tf.__version__.startswith("2.21.") and LIBRARY not in os.environ.get("XLA_FLAGS", ""):
        kinds = "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {LIBRARY}={kinds}".strip()
    # Grappler's dependency optimizer drops edges that keep a read of a variable before the write
    # that follows (TensorFlow 2.21). Sometimes a graph then computes with the new value where the
    # program reads the old one.
    #
    # Grappler's arithmetic optimizer turns a sum of three or more into one `AddN`. So does the
    # gradient tape for a value that is used three times. `AddN` begins with the first operand whose
    # memory it may reuse. If somebody else reads an operand too, the order of the additions depends
    # on which of the two is faster, and so does the last digit.
    tf.config.optimizer.set_experimental_options({"dependency_optimization": False, "arithmetic_optimization": False})
    private.add_gradients_with(_aggregate)


def _aggregate(original, gradients):
    """The sum of the gradients of a value, from left to right."""
    if not all(isinstance(gradient, tf.Tensor) for gradient in gradients):
        return original(gradients)  # some are of an embedding's rows
    return functools.reduce(tf.add, gradients)


class Compiled:
    """A program that is compiled at its first call. See `lab.engine.compile`."""

    def __init__(self, program: Callable[..., Any], state: Iterable[keras.Variable], xla: bool | None) -> None:
        self._program = program
        self._state = unique(state)
        self._name = name_of("program", program)
        self._xla = xla
        # {structure, shapes and dtypes of a call: its compiled form}. The search of tf.function
        # itself takes 0.5 ms.
        self._functions: dict = {}

    def expect(self, *args: Any) -> None:
        """Does nothing: seeds never run together here."""

    def __call__(self, *args: Any) -> Any:
        """Runs the program and assigns its state."""
        arguments, structure = optree.tree_flatten(args)  # type: ignore[arg-type, var-annotated]
        leaves = [_narrow(self._name, argument) for argument in arguments]
        key = (structure, *((leaf.dtype, tuple(leaf.shape)) for leaf in leaves))
        leaves = [tf.convert_to_tensor(leaf) for leaf in leaves]
        if key not in self._functions:
            self._functions[key] = self.function(structure, leaves).get_concrete_function(*leaves)
        return self._functions[key](*leaves)

    def function(self, structure: Any, leaves: Sequence[Tensor]) -> Any:
        """The `tf.function` for arguments of this structure. It takes their leaves."""

        def traced(*leaves):
            with private.named_generator(GENERATOR), ProgramScope(self._name, state=self._state, strict=True):
                return self._program(*optree.tree_unflatten(structure, leaves))

        graph = tf.function(traced, autograph=False)
        if self._xla is False or (self._xla is None and _better_as_graph(graph.get_concrete_function(*leaves))):
            return graph
        return tf.function(lambda *inner: graph(*inner), autograph=False, jit_compile=True)


def _better_as_graph(function):
    """The automatic rule: programs with host calls, and on a CPU those with convolutions."""
    graph = function.graph.as_graph_def()
    operations = {node.op for node in graph.node}
    operations.update(node.op for function in graph.library.function for node in function.node_def)
    convolutional = any(operation.startswith(CONVOLUTIONS) for operation in operations)
    return "PyFunc" in operations or (convolutional and not tf.config.list_logical_devices("GPU"))


def compile(
    program: Callable[..., Any], state: Iterable[keras.Variable], *, xla: bool | None = None, shared: bool = False
) -> Compiled:
    """See `lab.engine`. Seeds never run together here, so `shared` changes nothing."""
    prepare()
    return Compiled(program, state, xla)


def value_and_grad(loss: Callable[..., Any], variables: Sequence[keras.Variable] | None = None) -> Callable[..., Any]:
    """See `lab.engine`."""
    name = name_of("loss", loss)

    def differentiate(*args):
        with ProgramScope(name), tf.GradientTape(watch_accessed_variables=False) as tape:
            targets = args[0] if variables is None else [variable.value for variable in variables]
            tape.watch(targets)
            value, extras = loss(*args)
        gradients = tape.gradient(value, targets, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return (value, extras), optree.tree_map(tf.convert_to_tensor, gradients)

    return differentiate


def scan(step: Callable[..., Any], state: Iterable[keras.Variable], xs: Any = None, length: int | None = None) -> Any:
    """See `lab.engine`."""
    xs = optree.tree_map(tf.convert_to_tensor, xs)
    leaves, structure = optree.tree_flatten(xs)
    if leaves:
        length = int(leaves[0].shape[0])
    if length is None:
        raise ValueError("scan: expected xs or a length, received neither.")
    state = unique(state)
    name = name_of("scan over", step)
    [variable.value for variable in state]  # reads them, so that the program around must have declared them too

    @tf.function(autograph=False)
    def body(*leaves):
        with ProgramScope(name, state=state):
            return step(optree.tree_unflatten(structure, leaves))

    # The loop must know the shapes of the outputs that it stacks. A trace of one step tells them.
    traced = body.get_concrete_function(*[tf.TensorSpec(leaf.shape[1:], leaf.dtype) for leaf in leaves])
    outputs, structure_out = optree.tree_flatten(traced.structured_outputs)
    stacks = [tf.TensorArray(output.dtype, length, element_shape=output.shape) for output in outputs]

    def iterate(index, stacks):
        results = optree.tree_leaves(traced(*[leaf[index] for leaf in leaves]))
        return index + 1, [stack.write(index, result) for stack, result in zip(stacks, results, strict=True)]

    _, stacks = tf.while_loop(
        lambda index, _: index < length, iterate, (tf.constant(0), stacks), parallel_iterations=1, maximum_iterations=length
    )
    return optree.tree_unflatten(structure_out, [stack.stack() for stack in stacks])


def cond(condition: Tensor, step: Callable[[], Any], otherwise: Callable[[], Any], state: Iterable[keras.Variable]) -> Any:
    """See `lab.engine`."""
    state = unique(state)
    [variable.value for variable in state]  # reads them, so that the program around must have declared them too

    def branch(function):
        def body():
            with ProgramScope(name_of("branch", function), state=state):
                return function()

        return body

    return tf.cond(condition, branch(step), branch(otherwise))


def host_call(function: Callable[..., Any], like: Sequence[tuple[Sequence[int | None], str]], *args: Tensor) -> list[Tensor]:
    """See `lab.engine`."""
    dtypes = [dtype for _, dtype in like]

    def call(*arrays):
        return [np.asarray(each, dtype) for each, dtype in zip(function(*arrays), dtypes, strict=True)]

    found: Any = tf.numpy_function(call, [tf.stop_gradient(tf.convert_to_tensor(each)) for each in args], dtypes)
    found = found if isinstance(found, list | tuple) else [found]
    for each, (shape, _) in zip(found, like, strict=True):
        each.set_shape([size if isinstance(size, int) else None for size in shape])
    return list(found)


def read(variable: keras.Variable) -> np.ndarray:
    """See `lab.engine`."""
    resource = variable.value
    return tf.raw_ops.ReadVariableOp(resource=resource.handle, dtype=resource.dtype).numpy()


def write(variable: keras.Variable, indices: Tensor, values: Tensor) -> None:
    """See `lab.engine`."""
    resource = variable.value
    indices, values = twice_if_single(indices, tf.cast(values, resource.dtype))
    resource.scatter_update(tf.IndexedSlices(values, tf.cast(indices, tf.int32)))


def batch_normalize(x: Tensor, scale: Tensor, offset: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """See `lab.engine`."""
    shape = tf.shape(x)
    pictures = x if len(x.shape) == 4 else tf.reshape(x, (-1, 1, 1, x.shape[-1]))
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=pictures, scale=scale, offset=offset, mean=[], variance=[], epsilon=epsilon, is_training=True
    )
    count = tf.cast(tf.size(x) // x.shape[-1], x.dtype)
    variance = variance * (count - 1) / count  # the kernel divides by count - 1
    return tf.reshape(y, shape), tf.stop_gradient(mean), tf.stop_gradient(variance)


def _narrow(name, leaf):
    """An argument as a tensor, or as an array of at most 32 bits."""
    if isinstance(leaf, tf.Tensor):
        return leaf
    if isinstance(leaf, keras.Variable):
        raise TypeError(f"A program's arguments are tensors, received the variable {leaf.path!r}: put it in `state`.")
    return narrow(name, np.asarray(leaf))


def together(works: Sequence[Callable[[], Any]], *, parts: int = 1, between: Callable[[], None] = lambda: None) -> list[Any]:
    """See `lab.engine`."""
    raise ValueError("together: TensorFlow has no program of several seeds: set KERAS_BACKEND=jax.")
