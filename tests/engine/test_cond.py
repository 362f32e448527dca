import keras
import numpy as np
import pytest

from lab import engine


@pytest.mark.slow
def test_only_the_chosen_branch_assigns_and_returns():
    total, seed = keras.Variable(1.0), keras.random.SeedGenerator(0)

    def double():
        total.assign(total.value * 2)
        return {"drawn": keras.random.uniform((), seed=seed), "total": keras.ops.copy(total)}

    def rest():
        return {"drawn": keras.ops.zeros(()), "total": keras.ops.copy(total)}

    def program(flags):
        state = [total, seed.state]
        return engine.scan(lambda flag: engine.cond(flag, double, rest, state), state, flags)

    before = np.array(seed.state)
    results = engine.compile(program, [total, seed.state], xla=None)(np.array([True, False, False, True]))
    np.testing.assert_array_equal(results["total"], [2, 2, 2, 4])
    drawn = np.asarray(results["drawn"])
    assert drawn[0] > 0 and drawn[3] > 0 and drawn[0] != drawn[3] and not drawn[1:3].any()
    np.testing.assert_array_equal(np.array(seed.state) - before, [0, 2])  # two draws, not four


def test_a_branch_assigns_declared_variables_alone():
    declared, other = keras.Variable(1.0), keras.Variable(1.0)

    def assign():
        other.assign(2.0)
        return ()

    program = engine.compile(lambda flag: engine.cond(flag, assign, lambda: (), [declared]), [declared, other])
    with pytest.raises(engine.UndeclaredVariableError, match=r"branch .*assign"):
        program(np.array(True))
