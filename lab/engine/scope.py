"""The Keras scope in which a program runs: it sees every read and every assignment of a Keras variable."""

import keras
import numpy as np
from keras import ops

from lab.errors import UndeclaredVariableError

NARROW = {"float64": "float32", "int64": "int32", "uint64": "uint32"}


class ProgramScope(keras.StatelessScope):
    """Routes variable reads and assignments of a program, and refuses the undeclared ones.

    Scopes nest as programs do: a `scan` or a `value_and_grad` inside a compiled program opens a scope inside the
    program's own. A read is answered by the innermost scope that knows the variable. An assignment must be allowed by
    the scope's own `state` or, where the scope has none (`value_and_grad`), by the one around it.

    Args:
        name: what to call the program in an error, for example `program 'learn'`.
        state: the variables the program may assign; `None` leaves that to the surrounding scope.
        values: the tensors that stand for `state` while tracing (JAX); `None` where variables are assigned in place.
        strict: refuse reads of undeclared variables too (a JAX program would freeze their value into its code).
    """

    def __init__(self, name, *, state=None, values=None, strict=False):
        super().__init__(initialize_variables=False)
        self.name = name
        self.assigned = []  # variables assigned inside, in order of their first assignment
        self._declared = None if state is None else {id(variable) for variable in state}
        self._strict = strict
        self._in_place = values is None
        if values is not None:
            self.state_mapping = {id(variable): value for variable, value in zip(state, values, strict=True)}

    def bind(self, variables, values):
        """Let `values` stand for `variables` without allowing more assignments."""
        self.state_mapping.update((id(v), value) for v, value in zip(variables, values, strict=True))
        self._in_place = False

    def get_current_value(self, variable):
        """The value a read of `variable` sees."""
        key = id(variable)
        if key in self.state_mapping:
            return self.state_mapping[key]
        declared = self._declared is not None and key in self._declared
        if isinstance(self.original_scope, ProgramScope) and not declared:
            return self.original_scope.get_current_value(variable)
        if self._strict and not declared:
            raise UndeclaredVariableError(self._complaint("read", variable))
        return variable._value

    def add_update(self, update):
        """Assign `value` to `variable`, if somebody declared it."""
        variable, value = update
        self._check_assignable(variable)
        if all(variable is not seen for seen in self.assigned):
            self.assigned.append(variable)
        if self._in_place:
            variable._direct_assign(value)
        else:
            self.state_mapping[id(variable)] = value

    def _check_assignable(self, variable):
        if self._declared is not None:
            if id(variable) not in self._declared:
                raise UndeclaredVariableError(self._complaint("assigned", variable))
        elif isinstance(self.original_scope, ProgramScope):
            self.original_scope._check_assignable(variable)

    def _complaint(self, verb, variable):
        return (
            f"{self.name} {verb} the variable {variable.path!r}, which is not in its state: "
            f"expected one of the {len(self._declared or ())} declared variables; add it to `state`."
        )


def name_of(kind, function):
    """How errors call a program: its kind and the name of its function."""
    function = getattr(function, "func", function)  # look through functools.partial
    return f"{kind} {getattr(function, '__qualname__', type(function).__name__)!r}"


def unique(state):
    """`state` as a list in which each variable stands once."""
    seen: dict[int, keras.Variable] = {}
    for variable in state:
        if not isinstance(variable, keras.Variable):
            raise TypeError(f"state: expected Keras variables, received {type(variable).__name__}: {variable!r}.")
        seen.setdefault(id(variable), variable)
    return list(seen.values())


def narrow(name, array):
    """A NumPy array in at most 32 bits; ValueError, in the name of a program, where a finite number does not fit."""
    dtype = NARROW.get(array.dtype.name)
    if dtype is None:
        return array
    with np.errstate(over="ignore"):
        result = array.astype(dtype)
    lost = np.isfinite(array) & ~np.isfinite(result) if dtype == "float32" else result != array
    if lost.any():
        raise ValueError(f"{name}: expected numbers that fit {dtype}, received {array[lost].flat[0]}.")
    return result


def twice_if_single(indices, values):
    """Indices and values of a write, of which a single one is made two equal ones; see `lab.engine.write`."""
    if indices.shape[0] != 1:
        return indices, values
    return ops.concatenate([indices, indices]), ops.concatenate([values, values])
