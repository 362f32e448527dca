"""Every algorithm on every kind of observation and action that it can have, and with masks."""

import itertools

import numpy as np
import pytest

from lab import agents
from tests.agents.toys import SMALL, Toy, fit, small

pytestmark = pytest.mark.usefixtures("module_eager")
CELLS = [
    (algorithm, seen, done, masked)
    for algorithm, (_, kinds) in SMALL.items()
    for seen in ("vector", "image", "dict", "discrete", "sequence")
    for done in kinds
    for masked in ((False, True) if done in ("discrete", "multi") and seen in ("vector", "dict") else (False,))
]


def pairs(cell):
    """The pairs of its values: algorithm and observation, observation and action, and so on."""
    return set(itertools.combinations(enumerate(cell), 2))


def covering(cells):
    """Cells in which all pairs occur. Only `make test-long` runs the others."""
    seen, chosen = set(), []
    for cell in cells:
        if new := pairs(cell) - seen:
            seen |= new
            chosen.append(cell)
    return chosen


CHOSEN = covering(CELLS)
CASES = [pytest.param(*cell, marks=() if cell in CHOSEN else pytest.mark.long) for cell in CELLS]


@pytest.mark.slow
@pytest.mark.parametrize(("algorithm", "seen", "done", "masked"), CASES, ids=lambda x: getattr(x, "__name__", str(x)))
def test_two_updates_and_an_action(algorithm, seen, done, masked):
    arguments = {"seen": seen, "done": done, "masked": masked}
    agent = small(algorithm, environment_options=arguments)
    before = [np.array(variable) for variable in agent.algorithm.model.trainable_variables]
    history = fit(agent)
    assert "action_mean" in history.history or "loss" in history.history
    moved = [not np.array_equal(old, np.array(new)) for old, new in zip(before, agent.algorithm.model.variables)]
    assert any(moved)
    env = Toy(**arguments)
    observation, info = env.reset(seed=3)
    for _ in range(4):
        action = agent.predict(observation, action_mask=info.get("action_mask"))
        observation, *_, info = env.step(action)  # it refuses what is not in its space, or is masked


def test_the_agents_of_this_table_are_all_that_there_are():
    from lab.agents.building import BUILDERS

    assert set(SMALL) == set(BUILDERS) and all(kind in vars(agents) or hasattr(agents, kind.__name__) for kind in SMALL)
