"""Every algorithm on every kind of observation and action that it can have, and with masks."""

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


@pytest.mark.slow
@pytest.mark.parametrize(("algorithm", "seen", "done", "masked"), CELLS, ids=lambda x: getattr(x, "__name__", str(x)))
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
