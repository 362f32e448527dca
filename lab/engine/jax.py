"""The engine on JAX.

It is made of `jax.jit` over a stateless scope with donated buffers, `jax.value_and_grad`,
`jax.lax.scan` and `jax.lax.cond`.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import keras
import numpy as np

from lab.engine import seats
from lab.engine.jax_together import together
from lab.engine.scope import ProgramScope, name_of, narrow, twice_if_single, unique
from lab.engine.sharding import devices
from lab.engine.types import Tensor

__all__ = ["Compiled", "compile", "cond", "host_call", "read", "scan", "together", "value_and_grad", "write"]


class Compiled:
    """A program that is compiled at its first call. See `lab.engine.compile`."""

    def __init__(self, program: Callable[..., Any], state: Iterable[keras.Variable], shared: bool = False) -> None:
        self._program = program
        self.state = unique(state)
        self.name = name_of("program", program)
        self._seat = seats.seat() if shared else None
        self.number = self._seat.number() if self._seat else None
        self._function = jax.jit(self.pure, donate_argnums=0, **_shardings())

    def pure(self, values: Sequence[Tensor], args: Any) -> tuple[Any, list[Tensor]]:
        """The program as a pure function, for the transformations of JAX.

        Args:
            values: the values of the state.
            args: the arguments of the program.

        Returns:
            (output, new values of the state).
        """
        with ProgramScope(self.name, state=self.state, values=values, strict=True) as scope:
            output = self._program(*args)
        return output, [scope.get_current_value(variable) for variable in self.state]

    def expect(self, *args: Any) -> None:
        """Begins to compile a shared program of several seeds, before its first call.

        Args:
            args: arguments like those of the call.
        """
        if self._seat is not None and seats.seat() is self._seat:
            self._seat.expect(self, self._narrow(args))

    def _narrow(self, args):
        return jax.tree.map(lambda leaf: narrow(self.name, leaf) if isinstance(leaf, np.ndarray) else leaf, args)

    def __call__(self, *args: Any) -> Any:
        """Runs the program and assigns its state."""
        args = self._narrow(args)
        if self._seat is not None and seats.seat() is self._seat:
            return self._seat.call(self, args)
        output, values = self._function(_own([variable._value for variable in self.state]), args)
        for variable, value in zip(self.state, values, strict=True):
            variable._direct_assign(value)
        return output


def _shardings():
    """Where results are: with several devices the state has a copy on each."""
    if devices() == 1:
        return {}
    mesh = keras.distribution.distribution().device_mesh.backend_mesh
    return {"out_shardings": (None, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec()))}


def compile(
    program: Callable[..., Any], state: Iterable[keras.Variable], *, xla: bool | None = None, shared: bool = False
) -> Compiled:
    """See `lab.engine`."""
    if xla is False:
        raise ValueError("xla: JAX compiles every program with XLA, received False.")
    return Compiled(program, state, shared)


def value_and_grad(loss: Callable[..., Any], variables: Sequence[keras.Variable] | None = None) -> Callable[..., Any]:
    """See `lab.engine`."""
    name = name_of("loss", loss)

    def differentiate(*args):
        assigned: list = []

        def pure(targets, args):
            with ProgramScope(name) as scope:
                if variables is None:
                    args = (targets, *args[1:])
                    scope.bind([], [])
                else:
                    scope.bind(variables, targets)
                value, extras = loss(*args)
            assigned[:] = scope.assigned
            return value, (extras, [scope.get_current_value(variable) for variable in assigned])

        targets = args[0] if variables is None else [variable.value for variable in variables]
        (value, (extras, updates)), gradients = jax.value_and_grad(pure, has_aux=True)(targets, args)
        for variable, update in zip(assigned, updates, strict=True):
            variable.assign(update)
        return (value, extras), gradients

    return differentiate


def scan(step: Callable[..., Any], state: Iterable[keras.Variable], xs: Any = None, length: int | None = None) -> Any:
    """See `lab.engine`."""
    state = unique(state)
    name = name_of("scan over", step)

    def body(values, x):
        with ProgramScope(name, state=state, values=values) as scope:
            output = step(x)
        return [scope.get_current_value(variable) for variable in state], output

    values, outputs = jax.lax.scan(body, [variable.value for variable in state], xs, length)
    for variable, value in zip(state, values, strict=True):
        variable.assign(value)
    return outputs


def cond(condition: Tensor, step: Callable[[], Any], otherwise: Callable[[], Any], state: Iterable[keras.Variable]) -> Any:
    """See `lab.engine`."""
    state = unique(state)

    def branch(function):
        def body(values):
            with ProgramScope(name_of("branch", function), state=state, values=values) as scope:
                output = function()
            return [scope.get_current_value(variable) for variable in state], output

        return body

    start = [variable.value for variable in state]
    values, outputs = jax.lax.cond(condition, branch(step), branch(otherwise), start)
    for variable, value in zip(state, values, strict=True):
        variable.assign(value)
    return outputs


def host_call(function: Callable[..., Any], like: Sequence[tuple[Sequence[int | None], str]], *args: Tensor) -> list[Tensor]:
    """See `lab.engine`."""
    dtypes = [dtype for _, dtype in like]

    def call(*arrays):
        found = function(*map(np.asarray, arrays))
        return [np.asarray(each, dtype) for each, dtype in zip(found, dtypes, strict=True)]

    shapes = [jax.ShapeDtypeStruct(tuple(shape), dtype) for shape, dtype in like]
    stopped = [jax.lax.stop_gradient(each) for each in args]
    return list(jax.pure_callback(call, shapes, *stopped, vmap_method="sequential"))


def read(variable: keras.Variable) -> np.ndarray:
    """See `lab.engine`."""
    return np.array(variable.value)


def write(variable: keras.Variable, indices: Tensor, values: Tensor) -> None:
    """See `lab.engine`."""
    indices, values = twice_if_single(indices, values)
    variable.assign(variable.value.at[indices].set(values))


def _own(values):
    """`values`, with a copy in place of each array that is not held by its variable alone.

    A donated array can no longer be used. Keras shares arrays: after `a.assign(b.value)` both
    variables hold the same one.
    """
    for position in range(len(values)):
        if sys.getrefcount(values[position]) > 3:  # held by the variable, the list and this call
            values[position] = values[position].copy()
    return values
