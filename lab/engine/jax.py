"""The engine on JAX: `jax.jit` over a stateless scope with donated buffers, `jax.value_and_grad`, `jax.lax.scan`."""

import jax

from lab.engine.scope import ProgramScope, name_of, unique


class Compiled:
    """A program compiled at its first call; see `lab.engine.compile`."""

    def __init__(self, program, state):
        self._program = program
        self._state = unique(state)
        self._name = name_of("program", program)
        self._function = jax.jit(self._pure, donate_argnums=0)

    def _pure(self, values, args):
        with ProgramScope(self._name, state=self._state, values=values, strict=True) as scope:
            output = self._program(*args)
        return output, [scope.get_current_value(variable) for variable in self._state]

    def __call__(self, *args):
        """Runs the program and assigns its state."""
        output, values = self._function(_distinct([variable._value for variable in self._state]), args)
        for variable, value in zip(self._state, values, strict=True):
            variable._direct_assign(value)
        return output


def compile(program, state, *, xla=None):
    """See `lab.engine`."""
    if xla is False:
        raise ValueError("xla: JAX compiles every program with XLA, received False.")
    return Compiled(program, state)


def value_and_grad(loss, variables=None):
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


def scan(step, state, xs=None, length=None):
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


def write(variable, indices, values):
    """See `lab.engine`."""
    variable.assign(variable.value.at[indices].set(values))


def _distinct(values):
    """Copies of the buffers that two variables share, for a buffer can be donated only once."""
    seen = set()
    for position, value in enumerate(values):
        if id(value) in seen:
            values[position] = value.copy()
        seen.add(id(value))
    return values
