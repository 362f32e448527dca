"""Seeds as one program: `lab.engine.together`, on small programs and on learners."""

import threading

import numpy as np
import pytest
from keras import ops

from lab import engine
from tests.backends import only
from tests.engine import learners
from tests.engine.arrays import as_array, variable


class Counter:
    """A seed with a variable, and a shared program over it."""

    def __init__(self, start, factor=1.0, kind="argument"):
        self.total = variable(float(start))
        self.other = variable(3.0)
        rows = np.full(4, factor, "float32")

        def add(x):
            extra = {"argument": lambda: 0.0, "number": lambda: factor, "array": lambda: ops.sum(ops.convert_to_tensor(rows))}
            if kind == "in a scan":
                engine.scan(lambda _: self.total.assign(self.total.value * rows[1]), [self.total], length=2)
            self.total.assign(self.total.value * self.other.value + ops.sum(x) + extra.get(kind, extra["argument"])())
            return {"seen": self.total.value}

        self.add = engine.compile(add, [self.total, self.other], shared=True)


@only("tensorflow")
def test_tensorflow_has_none():
    with pytest.raises(ValueError, match="together: TensorFlow has no program of several seeds: set KERAS_BACKEND=jax"):
        engine.together([lambda: 0])


@only("jax")
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_each_seed_has_its_own_values(parts):
    def work(seed):
        def run():
            counter = Counter(seed)
            seen = [float(counter.add(np.float32(seed))["seen"])]
            counter.other.assign(-1.0)  # from outside
            seen.append(float(counter.add(np.float32(1.0))["seen"]))
            seen.append(float(counter.add(np.float32(1.0))["seen"]))
            return seen, float(counter.total.value)

        return run

    expected = []
    for seed in range(5):
        a = 3 * seed + seed
        b = -a + 1
        expected.append(([a, b, 1 - b], 1 - b))
    assert engine.together([work(seed) for seed in range(5)], parts=parts) == expected


@only("jax")
def test_one_seed_runs_at_a_time_in_a_fixed_order():
    order, running = [], []

    def work(seed):
        def run():
            running.append(seed)
            counter = Counter(seed)
            for _ in range(2):
                assert running == [seed]
                order.append(seed)
                running.remove(seed)
                counter.add(np.float32(0))
                running.append(seed)
            running.remove(seed)

        return run

    engine.together([work(seed) for seed in range(3)])
    assert order == [0, 1, 2, 0, 1, 2]


@only("jax")
def test_seeds_may_end_early_or_call_another_program():
    def work(seed, calls):
        def run():
            first, second = Counter(seed), Counter(10 * seed)
            for _ in range(calls):
                first.add(np.float32(1))
            return float(first.total.value), float(second.add(np.float32(0))["seen"])

        return run

    def alone(seed, calls):
        total = float(seed)
        for _ in range(calls):
            total = 3 * total + 1
        return total, 30.0 * seed

    calls = [2, 0, 5, 1]
    found = engine.together([work(seed, count) for seed, count in enumerate(calls)], parts=2)
    assert found == [alone(seed, count) for seed, count in enumerate(calls)]


@only("jax")
def test_other_programs_run_alone():
    def run():
        v = variable(1.0)
        double = engine.compile(lambda: v.assign(2 * v.value), [v])
        assert double.number is None
        counter = Counter(1.0)
        counter.add(np.float32(0))
        for _ in range(3):
            double()
        return float(v.value)

    assert engine.together([run, run]) == [8.0, 8.0]
    assert Counter(1.0).add.number is None  # outside of a group


@only("jax")
@pytest.mark.parametrize("kind", ["number", "array", "in a scan"])
def test_a_constant_that_differs_is_refused(kind):
    def work(seed, factor):
        return lambda: Counter(seed, factor, kind).add(np.float32(1))

    engine.together([work(seed, 2.0) for seed in range(3)])
    with pytest.raises(ValueError, match=r"^program 'Counter.*add': expected the same constants in each seed"):
        engine.together([work(seed, float(1 + seed)) for seed in range(3)])


@only("jax")
@pytest.mark.parametrize(("one", "other"), [(1, 2), (np.zeros(2, "float32"), np.zeros(3, "float32"))])
def test_numbers_and_shapes_have_to_agree(one, other):
    with pytest.raises(ValueError, match=r"^program 'Counter.*add': expected .* in each seed, received "):
        engine.together([lambda: Counter(0).add(one), lambda: Counter(1).add(other)])


@only("jax")
def test_a_seed_that_fails_ends_the_others():
    ended = []

    def work(seed):
        def run():
            counter = Counter(seed)
            try:
                for step in range(4):
                    counter.add(np.float32(1))
                    if (seed, step) == (1, 2):
                        raise RuntimeError("seed 1")
            except BaseException as error:
                ended.append((seed, type(error)))
                raise

        return run

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="seed 1"):
        engine.together([work(seed) for seed in range(3)])
    assert sorted(ended) == [(0, KeyboardInterrupt), (1, RuntimeError), (2, KeyboardInterrupt)]
    assert threading.active_count() <= before


@only("jax")
def test_a_program_that_cannot_be_traced_fails_its_seed():
    raised = []

    def run():
        undeclared = variable(1.0)
        program = engine.compile(lambda: undeclared.assign(2.0), [variable(0.0)], shared=True)
        try:
            program()
        except BaseException as error:
            raised.append(type(error))
            raise

    with pytest.raises(engine.UndeclaredVariableError):
        engine.together([run, run])
    assert raised == [engine.UndeclaredVariableError]  # the other one has not begun


@only("jax")
def test_what_between_raises_ends_all():
    calls = []

    def between():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    def run():
        counter = Counter(0)
        while True:
            counter.add(np.float32(1))

    with pytest.raises(KeyboardInterrupt):
        engine.together([run, run], between=between)


@pytest.mark.slow
@only("jax")
@pytest.mark.parametrize(
    "family", [pytest.param(family, marks=[] if family == "ppo" else pytest.mark.long) for family in learners.FAMILIES]
)
def test_learners_together(family):
    """Close to the same seed alone; the same bits whatever the other seeds are."""

    def work(seed):
        return lambda: [as_array(v) for v in learners.train(family, seed)]

    alone = work(1)()
    together = engine.together([work(seed) for seed in (0, 1, 2)], parts=2)
    others = engine.together([work(seed) for seed in (5, 1, 7)], parts=2)
    assert not all(np.array_equal(x, y) for x, y in zip(together[0], others[0], strict=True))
    for single, one, other in zip(alone, together[1], others[1], strict=True):
        assert np.array_equal(one, other)
        np.testing.assert_allclose(one, single, rtol=2e-2, atol=2e-3)
    assert max(np.abs(x - y).max() for x, y in zip(together[0], together[1], strict=True) if x.dtype == "float32") > 0.01
