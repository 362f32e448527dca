"""The engine on TensorFlow: `tf.function` with or without XLA, `tf.GradientTape`, `tf.while_loop`, resource scatter."""

import functools
import os

import keras
import numpy as np
import optree
import tensorflow as tf

from lab.engine import private
from lab.engine.scope import ProgramScope, name_of, narrow, twice_if_single, unique

CONVOLUTIONS = ("Conv", "DepthwiseConv", "MaxPool", "AvgPool")  # prefixes of the operations that oneDNN does better
# TensorFlow takes this generator on a CPU anyway. Keras leaves the choice open, and XLA on a CPU then draws 16 times as slowly
# (TensorFlow 2.21).
GENERATOR = "philox"
LIBRARY = "--xla_cpu_experimental_ynn_fusion_type"


def prepare():
    """See `lab.engine`."""
    _prepare_once()


@functools.cache
def _prepare_once():
    # A matrix product and the bias and activation after it as one call of XLA's library: a sixth less time for
    # networks of 256 units. XLA reads the flags when it compiles for the first time. Other versions of TensorFlow
    # end a process that names an option they lack.
    if tf.__version__.startswith("2.21.") and LIBRARY not in os.environ.get("XLA_FLAGS", ""):
        kinds = "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {LIBRARY}={kinds}".strip()
    # Grappler's dependency optimizer drops edges that keep a read of a variable before the write that follows
    # (TensorFlow 2.21). A graph then computes with the new value where the program reads the old one, now and then.
    #
    # Its arithmetic optimizer makes one `AddN` of sums of three or more, and so does the gradient tape where a value
    # is used thrice. `AddN` begins with the first operand whose memory it may take over. Where an operand has another
    # reader, the order of the additions, and with it the last digit, depends on which of the two is faster.
    tf.config.optimizer.set_experimental_options({"dependency_optimization": False, "arithmetic_optimization": False})
    private.add_gradients_with(_aggregate)


def _aggregate(original, gradients):
    """The sum of a value's gradients, from left to right."""
    if not all(isinstance(gradient, tf.Tensor) for gradient in gradients):
        return original(gradients)  # some are of an embedding's rows
    return functools.reduce(tf.add, gradients)


class Compiled:
    """A program compiled at its first call; see `lab.engine.compile`."""

    def __init__(self, program, state, xla):
        self._program = program
        self._state = unique(state)
        self._name = name_of("program", program)
        self._xla = xla
        self._functions: dict = {}  # a call's structure, shapes and dtypes -> its compiled form; tf.function's own search costs 0.5 ms

    def __call__(self, *args):
        """Runs the program and assigns its state."""
        arguments, structure = optree.tree_flatten(args)  # type: ignore[arg-type, var-annotated]
        leaves = [_narrow(self._name, argument) for argument in arguments]
        key = (structure, *((leaf.dtype, tuple(leaf.shape)) for leaf in leaves))
        leaves = [tf.convert_to_tensor(leaf) for leaf in leaves]
        if key not in self._functions:
            self._functions[key] = self.function(structure, leaves).get_concrete_function(*leaves)
        return self._functions[key](*leaves)

    def function(self, structure, leaves):
        """The `tf.function` for arguments of this structure, over its leaves."""

        def traced(*leaves):
            with private.named_generator(GENERATOR), ProgramScope(self._name, state=self._state, strict=True):
                return self._program(*optree.tree_unflatten(structure, leaves))

        graph = tf.function(traced, autograph=False)
        if self._xla is False or (self._xla is None and _better_as_graph(graph.get_concrete_function(*leaves))):
            return graph
        return tf.function(lambda *inner: graph(*inner), autograph=False, jit_compile=True)


def _better_as_graph(function):
    """The automatic rule: on a CPU, a program with convolutions stays a graph, everything else is XLA."""
    graph = function.graph.as_graph_def()
    operations = {node.op for node in graph.node}
    operations.update(node.op for function in graph.library.function for node in function.node_def)
    convolutional = any(operation.startswith(CONVOLUTIONS) for operation in operations)
    return convolutional and not tf.config.list_logical_devices("GPU")


def compile(program, state, *, xla=None):
    """See `lab.engine`."""
    prepare()
    return Compiled(program, state, xla)


def value_and_grad(loss, variables=None):
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


def scan(step, state, xs=None, length=None):
    """See `lab.engine`."""
    xs = optree.tree_map(tf.convert_to_tensor, xs)
    leaves, structure = optree.tree_flatten(xs)
    length = int(leaves[0].shape[0]) if leaves else int(length)
    state = unique(state)
    name = name_of("scan over", step)
    [variable.value for variable in state]  # a read in the surrounding program, which must have declared them too

    @tf.function(autograph=False)
    def body(*leaves):
        with ProgramScope(name, state=state):
            return step(optree.tree_unflatten(structure, leaves))

    # Tracing the step once, apart, tells the shapes of its outputs before the loop that stacks them is built.
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


def cond(condition, step, otherwise, state):
    """See `lab.engine`."""
    state = unique(state)
    [variable.value for variable in state]  # a read in the surrounding program, which must have declared them too

    def branch(function):
        def body():
            with ProgramScope(name_of("branch", function), state=state):
                return function()

        return body

    return tf.cond(condition, branch(step), branch(otherwise))


def read(variable):
    """See `lab.engine`."""
    resource = variable.value
    return tf.raw_ops.ReadVariableOp(resource=resource.handle, dtype=resource.dtype).numpy()


def write(variable, indices, values):
    """See `lab.engine`."""
    variable = variable.value
    indices, values = twice_if_single(indices, tf.cast(values, variable.dtype))
    variable.scatter_update(tf.IndexedSlices(values, tf.cast(indices, tf.int32)))


def batch_normalize(x, scale, offset, epsilon):
    """See `lab.engine`."""
    shape = tf.shape(x)
    pictures = x if len(x.shape) == 4 else tf.reshape(x, (-1, 1, 1, x.shape[-1]))
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=pictures, scale=scale, offset=offset, mean=[], variance=[], epsilon=epsilon, is_training=True
    )
    count = tf.cast(tf.size(x) // x.shape[-1], x.dtype)
    variance = variance * (count - 1) / count  # the kernel's has count - 1 below
    return tf.reshape(y, shape), tf.stop_gradient(mean), tf.stop_gradient(variance)


def _narrow(name, leaf):
    """An argument as a tensor or as an array of at most 32 bits."""
    if isinstance(leaf, tf.Tensor):
        return leaf
    if isinstance(leaf, keras.Variable):
        raise TypeError(f"A program's arguments are tensors, received the variable {leaf.path!r}: put it in `state`.")
    return narrow(name, np.asarray(leaf))
