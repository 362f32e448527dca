"""The Keras scope in which a program runs. It sees all reads and assignments of variables."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from lab.engine.types import Tensor
from lab.errors import UndeclaredVariableError

NARROW = {"float64": "float32", "int64": "int32", "uint64": "uint32"}


class ProgramScope(keras.StatelessScope):
    """Answers the reads of a program, takes its assignments, and refuses undeclared variables.

    Scopes nest as programs do. A `scan` or a `value_and_grad` in a compiled program opens a scope
    inside that of the program. The innermost scope that knows a variable answers a read. An
    assignment must be allowed by the `state` of the scope. If the scope has none, as in
    `value_and_grad`, the scope around it decides.

    Args:
        name: the name of the program in errors, such as `program 'learn'`.
        state: the variables that the program may assign. With None the scope around it decides.
        values: the tensors that stand for `state` while JAX traces. None if variables are assigned
            in place.
        strict: refuses reads of undeclared variables too. A JAX program would compile their present
            value into its code.
    """

    def __init__(
        self,
        name: str,
        *,
        state: Sequence[keras.Variable] | None = None,
        values: Sequence[Tensor] | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(initialize_variables=False)
        self.name = name
        self.assigned: list[keras.Variable] = []  # in the order of their first assignment
        self._declared = None if state is None else {id(variable) for variable in state}
        self._strict = strict
        self._in_place = values is None
        if values is not None and state is not None:
            self.state_mapping = {id(variable): value for variable, value in zip(state, values, strict=True)}

    def bind(self, variables: Sequence[keras.Variable], values: Sequence[Tensor]) -> None:
        """Lets `values` stand for `variables`. Allows no further assignments."""
        self.state_mapping.update((id(v), value) for v, value in zip(variables, values, strict=True))
        self._in_place = False

    def get_current_value(self, variable: keras.Variable) -> Tensor:
        """The value that a read of `variable` returns."""
        key = id(variable)
        if key in self.state_mapping:
            return self.state_mapping[key]
        declared = self._declared is not None and key in self._declared
        if isinstance(self.original_scope, ProgramScope) and not declared:
            return self.original_scope.get_current_value(variable)
        if self._strict and not declared:
            raise UndeclaredVariableError(self._complaint("read", variable))
        return variable._value

    def add_update(self, update: tuple[keras.Variable, Tensor]) -> None:
        """Assigns to a variable that is declared.

        Args:
            update: (variable, value).
        """
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


def name_of(kind: str, function: Callable[..., Any]) -> str:
    """The name of a program in errors: its kind and the name of its function."""
    function = getattr(function, "func", function)  # look through functools.partial
    return f"{kind} {getattr(function, '__qualname__', type(function).__name__)!r}"


def unique(state: Iterable[keras.Variable]) -> list[keras.Variable]:
    """`state` as a list that has each variable once."""
    seen: dict[int, keras.Variable] = {}
    for variable in state:
        if not isinstance(variable, keras.Variable):
            raise TypeError(f"state: expected Keras variables, received {type(variable).__name__}: {variable!r}.")
        seen.setdefault(id(variable), variable)
    return list(seen.values())


def narrow(name: str, array: np.ndarray) -> np.ndarray:
    """A NumPy array in at most 32 bits.

    Args:
        name: of the program, for the error.

    Raises:
        ValueError: a finite number does not fit.
    """
    dtype = NARROW.get(array.dtype.name)
    if dtype is None:
        return array
    with np.errstate(over="ignore"):
        result = array.astype(dtype)
    lost = np.isfinite(array) & ~np.isfinite(result) if dtype == "float32" else result != array
    if lost.any():
        raise ValueError(f"{name}: expected numbers that fit {dtype}, received {array[lost].flat[0]}.")
    return result


def twice_if_single(indices: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """The indices and values of a write, a single row as two equal ones. See `lab.engine`."""
    if indices.shape[0] != 1:
        return indices, values
    return ops.concatenate([indices, indices]), ops.concatenate([values, values])
