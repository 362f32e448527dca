"""Shared programs of several seeds as one program on JAX: `jax.vmap` over an axis of seeds.

The values of the seeds' variables are stacked. They stay so between two calls: a variable is
stacked anew only if somebody assigned it in the meantime. After a call each variable holds its
own slice again.

On a CPU the seeds are divided into parts of equal size, which run at the same time. A part that
has fewer seeds is filled up, as is the row of a seed that has ended. Rows do not influence one
another. So the bits of a seed depend on the size of a part and on its place there, not on the
other seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np

from lab.engine.seats import Group, Request
from lab.errors import TogetherError


def together(works: Sequence[Callable[[], Any]], *, parts: int = 1, between: Callable[[], None] = lambda: None) -> list[Any]:
    """See `lab.engine`."""
    parts = min(parts, len(works)) if jax.default_backend() == "cpu" else 1
    with ThreadPoolExecutor(parts) as pool:
        return Group(works, Batches(-(-len(works) // parts), pool), between).run()


class Stack(NamedTuple):
    """A variable of several seeds."""

    variables: list  # of each row; None where a row is filled up
    values: list  # that they hold as long as the stack is theirs
    stacked: Any  # [rows, ...]


class Program(NamedTuple):
    """A shared program for one signature of its arguments."""

    closed: Any  # the jaxpr of one seed
    assigned: list[int]  # places of the variables that the program assigns
    structure: Any  # of its output
    compiled: Future  # (assigned, others, leaves) -> (stacked values of assigned, the same by row, outputs by row)


class Batches:
    """Runs the requests of seeds in one call. See `lab.engine.seats.Batch`.

    Args:
        rows: seeds in a part.
        pool: threads for the parts.
    """

    def __init__(self, rows: int, pool: ThreadPoolExecutor) -> None:
        self.rows = rows
        self._pool = pool
        self._programs: dict[Any, Program] = {}
        self._expected: set[int] = set()
        self._checked: set[Any] = set()
        self._stacks: dict[tuple[int, int], Stack] = {}  # by part and id of a variable

    def expect(self, request: Request) -> None:
        """Begins to compile a program when the first seed arrives, while the others still come."""
        number = request.program.number
        if number not in self._expected:
            self._expected.add(number)
            leaves, signature = _arguments({0: request})
            self._programs[number, signature] = _build(request, leaves[0], self.rows, self._pool)

    def __call__(self, requests: Mapping[int, Request]) -> dict[int, Any]:
        """Runs a program for all seeds that wait at it. Returns {place: output}."""
        leaves, signature = _arguments(requests)
        program = self._program(requests, leaves, signature)
        parts: dict[int, list] = {}
        for place, request in requests.items():
            rows = parts.setdefault(place // self.rows, [None] * self.rows)
            rows[place % self.rows] = (request.program, leaves[place])
        inputs = [self._inputs(part, rows) for part, rows in parts.items()]
        results = list(self._pool.map(lambda each: _run(program, *each), inputs))
        answers: dict[int, Any] = {}
        for (part, rows), (stacked, values, outputs) in zip(parts.items(), results, strict=True):
            self._assign(part, rows, program.assigned, stacked, values)
            for row, each in enumerate(rows):
                if each is not None:
                    answers[part * self.rows + row] = jax.tree.unflatten(program.structure, outputs[row])
        return answers

    def _program(self, requests, leaves, signature):
        """The compiled program. Traces the last seed too, which must give the same one."""
        places = list(requests)
        first, last = requests[places[0]], requests[places[-1]]
        key = (first.program.number, signature)
        if key not in self._programs:
            self._programs[key] = _build(first, leaves[places[0]], self.rows, self._pool)
        program = self._programs[key]
        if key not in self._checked and len(places) > 1:
            _require_same(first.program.name, program.closed, _trace(last, leaves[places[-1]])[0])
            self._checked.add(key)
        return program

    def _inputs(self, part, rows):
        """(stacked values of the state, leaves of the arguments) of a part."""
        filled = next(each for each in rows if each is not None)
        stacked, missing = [], []
        for place in range(len(filled[0].state)):
            variables = [each and each[0].state[place] for each in rows]
            known = self._stacks.get((part, id(filled[0].state[place])))
            if known is None or not _is_current(known, variables):
                missing.append(place)
                known = None
            stacked.append(known and known.stacked)
        if missing:
            values = [[(each or filled)[0].state[place]._value for each in rows] for place in missing]
            for place, new in zip(missing, _stack(values), strict=True):
                stacked[place] = new
                self._keep(part, [each and each[0].state[place] for each in rows], values[missing.index(place)], new)
        columns = zip(*((each or filled)[1] for each in rows), strict=True)
        return stacked, [_column(list(column)) for column in columns]

    def _assign(self, part, rows, assigned, stacked, values):
        """Gives each variable its slice."""
        for place, (index, new) in enumerate(zip(assigned, stacked, strict=True)):
            variables = [each and each[0].state[index] for each in rows]
            slices = [row[place] for row in values]
            for variable, value in zip(variables, slices, strict=True):
                if variable is not None:
                    variable._direct_assign(value)
            self._keep(part, variables, slices, new)

    def _keep(self, part, variables, values, stacked):
        stack = Stack(variables, values, stacked)
        for variable in variables:
            if variable is not None:
                self._stacks[part, id(variable)] = stack


def _is_current(stack, variables):
    return all(
        variable is None or (variable is owner and variable._value is value)
        for variable, owner, value in zip(variables, stack.variables, stack.values, strict=True)
    )


@jax.jit
def _stack(values):
    return [jnp.stack(rows) for rows in values]


def _column(values):
    """An argument of all rows: stacked arrays, or the number that all of them give."""
    if not _is_array(values[0]):
        return values[0]
    return np.stack(values) if all(isinstance(value, np.ndarray) for value in values) else jnp.stack(values)


def _is_array(leaf):
    return isinstance(leaf, np.ndarray | np.generic | jax.Array)


def _arguments(requests):
    """({place: leaves of its arguments}, their signature). All seeds must have the same one."""
    leaves, signatures = {}, {}
    for place, request in requests.items():
        leaves[place], structure = jax.tree.flatten(request.args)
        kinds = [(leaf.shape, str(leaf.dtype)) if _is_array(leaf) else leaf for leaf in leaves[place]]
        variables = [(tuple(each.shape), str(each.dtype)) for each in request.program.state]
        signatures[place] = (request.program.name, str(structure), repr(kinds), repr(variables))
    first = next(iter(signatures))
    for signature in signatures.values():
        for one, other in zip(signatures[first], signature, strict=True):
            if one != other:
                raise TogetherError(f"{signatures[first][0]}: expected {one:.200} in each seed, received {other:.200}.")
    return leaves, signatures[first]


def _trace(request, leaves):
    """(program as a closed jaxpr, shape of its output)."""
    program = request.program
    values = [jax.ShapeDtypeStruct(each.shape, each._value.dtype) for each in program.state]
    given = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) if _is_array(leaf) else leaf for leaf in leaves]
    args = jax.tree.unflatten(jax.tree.structure(request.args), given)
    closed, (output, _) = jax.make_jaxpr(program.pure, return_shape=True)(values, args)
    return closed, output


def _build(request, leaves, rows, pool):
    """The `Program` of all rows, from the trace of one seed. It is compiled in the pool."""
    closed, output = _trace(request, leaves)
    variables, jaxpr = request.program.state, closed.jaxpr
    state, results = len(variables), len(jaxpr.outvars) - len(variables)
    assigned = [i for i in range(state) if jaxpr.outvars[results + i] is not jaxpr.invars[i]]
    function = jax.extend.core.jaxpr_as_fun(closed)
    axes = [0 if _is_array(leaf) else None for leaf in leaves]

    def row(moving, others, arguments):
        changing, fixed = iter(moving), iter(others)
        values = [next(changing) if i in assigned else next(fixed) for i in range(state)]
        found = function(*values, *arguments)
        return found[:results], [found[results + i] for i in assigned]

    def whole(moving, others, arguments):
        outputs, new = jax.vmap(row, in_axes=(0, 0, axes), axis_size=rows)(moving, others, arguments)
        return new, [[x[i] for x in new] for i in range(rows)], [[x[i] for x in outputs] for i in range(rows)]

    stacked = [jax.ShapeDtypeStruct((rows, *each.shape), each._value.dtype) for each in variables]
    arguments = [jax.ShapeDtypeStruct((rows, *x.shape), x.dtype) if _is_array(x) else x for x in leaves]
    lowered = jax.jit(whole, donate_argnums=0).lower(*_split(assigned, stacked, arguments))
    return Program(closed, assigned, jax.tree.structure(output), pool.submit(lowered.compile))


def _split(assigned, stacked, arguments):
    moving = [stacked[i] for i in assigned]
    return moving, [value for i, value in enumerate(stacked) if i not in assigned], arguments


def _run(program, stacked, arguments):
    return jax.block_until_ready(program.compiled.result()(*_split(program.assigned, stacked, arguments)))


def _require_same(name, one, other):
    """TogetherError where the programs of two seeds differ: by a number, or by an array."""
    same = str(one.jaxpr) == str(other.jaxpr) and len(one.consts) == len(other.consts)
    if not same or not all(np.array_equal(x, y, equal_nan=True) for x, y in zip(one.consts, other.consts, strict=True)):
        raise TogetherError(
            f"{name}: expected the same constants in each seed, received others: what differs between seeds "
            "has to be a variable of its state or an argument."
        )
