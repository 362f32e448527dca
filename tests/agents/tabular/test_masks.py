"""Masks of actions in tabular learners: values by hand, environments that raise on a bad action."""

import random

import numpy as np
import pytest

from lab.agents.tabular import (
    TD,
    DoubleQLearning,
    DynaQ,
    ExpectedSarsa,
    MonteCarloControl,
    NStepSarsa,
    OffPolicyMonteCarloControl,
    QLambda,
    QLearning,
    Sarsa,
    SarsaLambda,
    TabularRollout,
    TreeBackup,
)
from lab.errors import EnvironmentFailure
from tests.agents.tabular.strict_grid import AllAllowed, FreeGrid, StrictGrid

LEARNERS = {
    "Sarsa": (Sarsa, {}),
    "ExpectedSarsa": (ExpectedSarsa, {}),
    "QLearning": (QLearning, {}),
    "DoubleQLearning": (DoubleQLearning, {}),
    "DynaQ": (DynaQ, {"planning": 2}),
    "DynaQ+": (DynaQ, {"planning": 2, "bonus": 0.01}),
    "SarsaLambda": (SarsaLambda, {}),
    "QLambda": (QLambda, {}),
    "NStepSarsa": (NStepSarsa, {"n": 3}),
    "TreeBackup": (TreeBackup, {"n": 3}),
    "MonteCarloControl": (MonteCarloControl, {}),
    "exploring starts": (MonteCarloControl, {"exploring_starts": True}),
    "OffPolicyMonteCarloControl": (OffPolicyMonteCarloControl, {}),
}
Q = [[0.0, 0.0, 0.0], [10.0, 3.0, 5.0]]


def begun(agent, seed=0):
    agent.begin(random.Random(seed))
    return agent


@pytest.mark.parametrize("name", LEARNERS)
def test_what_follows_leaves_out_forbidden_actions(name):
    kind, options = LEARNERS[name]
    if "MonteCarlo" not in kind.__name__:
        options = options | {"step_size": 1.0}
    if name == "DynaQ+":
        options = options | {"bonus": 1e-9}
    for seed in range(10):  # Double Q-learning draws which of its estimates learns
        agent = begun(kind(2, 3, discount=0.5, initial=Q, **options), seed)
        agent.start(0)
        first = agent._path[0][1] if hasattr(agent, "_path") else agent.action
        agent.restrict(1, np.array([0, 1, 0], np.int8))
        agent.cut(1.0, 1)
        learnt = [table.rows[0][first] for table, _ in agent._starts]
        assert max(learnt) == pytest.approx(1 + 0.5 * 3, abs=1e-6)  # and not 1 + 0.5 * 10
        assert all(table.rows[1] == [-np.inf, 3.0, -np.inf] for table, _ in agent._starts)


def test_expectation_is_over_allowed_actions():
    agent = begun(ExpectedSarsa(2, 3, epsilon=0.2, initial=Q))
    agent.restrict(1, [False, True, True])
    assert agent.policy(1) == pytest.approx([0.0, 0.1, 0.9])
    assert agent.expected_value(1) == pytest.approx(0.1 * 3 + 0.9 * 5)
    assert {agent.choose(1) for _ in range(200)} == {1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_no_forbidden_action_is_taken(name):
    kind, options = LEARNERS[name]
    agent = kind.for_env(StrictGrid, seed=1, **({"epsilon": 0.5} | options))
    steps = 100_000 if name == "QLearning" else 10_000
    agent.fit(steps, verbose=0, validation_episodes=2)  # a forbidden action raises, here and in the greedy checks
    assert agent.evaluate(20).mean >= -100
    assert all((np.asarray(table)[3] == -np.inf).tolist() == [True, False, False, True] for table, _ in agent.algorithm._starts)


def test_the_best_way_is_found():
    agent = QLearning.for_env(StrictGrid, seed=0, step_size=0.2, epsilon=0.3)
    agent.fit(10_000, verbose=0)
    lengths = [x + y for x in range(4) for y in range(4)]
    best = np.asarray(agent.algorithm.values).max(axis=1)
    np.testing.assert_allclose(best[1:], -np.array(lengths[1:]), atol=0.05)


def test_states_that_were_never_seen_are_restricted_too():
    agent = QLearning.for_env(StrictGrid, seed=0)
    assert agent.evaluate(5).mean < 0  # the table is all 0: without masks action 0 would be taken everywhere
    state, mask = 3, np.array([0, 1, 1, 0], np.int8)
    assert agent.predict(state) == 0
    assert agent.predict(state, action_mask=mask) == 1
    assert agent.predict([3, 3], action_mask=[mask, [0, 0, 0, 1]]).tolist() == [1, 3]
    explored = {int(agent.predict(state, action_mask=mask, explore=True)) for _ in range(200)}
    assert explored == {1, 2}


def test_masks_are_left_out_on_request():
    agent = QLearning.for_env(StrictGrid, seed=0, action_mask=False, epsilon=1.0)
    with pytest.raises(RuntimeError, match="is forbidden"):
        agent.fit(1_000, verbose=0)
    rollout = TabularRollout(QLearning(16, 4, epsilon=1.0), StrictGrid(), seed=0)
    rollout.reset(0)
    with pytest.raises(RuntimeError, match="is forbidden"):
        rollout.run(1_000, True)


@pytest.mark.slow
def test_masks_that_allow_all_change_nothing():
    tables = []
    for environment in (FreeGrid, AllAllowed):
        agent = QLearning.for_env(environment, seed=3)
        agent.fit(3_000, verbose=0, validation_episodes=2)
        tables.append([np.asarray(each) for each in agent.variables])
    for one, other in zip(*tables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_restored_tables_say_what_is_forbidden():
    agent = begun(DoubleQLearning(2, 3, initial=Q, epsilon=1.0))
    agent.restrict(1, [1, 0, 1])
    again = DoubleQLearning(2, 3, epsilon=1.0)
    for mine, theirs in zip(again.variables, agent.variables, strict=True):
        mine.assign(np.asarray(theirs))
    begun(again)
    assert {again.choose(1) for _ in range(200)} == {0, 2}
    again.restrict(1, [1, 0, 1])
    assert again.values.rows[1] == [10.0, -np.inf, 5.0]


def test_tables_that_were_replaced_are_restricted_again():
    agent = begun(QLearning(2, 3, initial=Q))
    agent.restrict(1, [0, 1, 1])
    agent.values.assign(Q)  # as a callback may do
    agent.restrict(1, [0, 1, 1])
    assert agent.q[1] == [-np.inf, 3.0, 5.0]


class Broken(StrictGrid):
    """Gives another mask, or none, from the third step of each episode on."""

    def __init__(self, give):
        self.give = give

    def reset(self, **options):
        self.steps = 0
        return super().reset(**options)

    def step(self, action):
        *rest, info = super().step(action)
        self.steps += 1
        return *rest, self.give(info["action_mask"]) if self.steps > 2 else info


@pytest.mark.parametrize(
    ("give", "words"),
    [
        (lambda mask: {}, r"env: expected info\['action_mask'\] at each step, as at the first, received none"),
        (lambda mask: {"action_mask": np.zeros(4, np.int8)}, "action_mask: expected .*"),
        (lambda mask: {"action_mask": np.ones(3, np.int8)}, "action_mask: expected .*"),
        (lambda mask: {"action_mask": 1 - mask}, r"action_mask: expected .* of state \d+.*, received"),
    ],
    ids=["missing", "nothing", "shape", "another"],
)
def test_bad_masks(give, words):
    rollout = TabularRollout(QLearning(16, 4), Broken(give), seed=0, action_mask=True)
    rollout.reset(0)
    with pytest.raises(EnvironmentFailure, match=words):
        rollout.run(1_000, True)


def test_bad_masks_of_a_state():
    agent = begun(QLearning(2, 3, available=[[True, True, False], [True, True, True]]))
    with pytest.raises(EnvironmentFailure, match=r"expected \[3\], one number for each action, received \[2\]"):
        agent.restrict(1, [1, 1])
    with pytest.raises(EnvironmentFailure, match="expected at least one allowed action, received none"):
        agent.restrict(1, [0, 0, 0])
    with pytest.raises(EnvironmentFailure, match=r"expected one of the actions \[0, 1\] of state 0"):
        agent.restrict(0, [0, 0, 1])
    agent.restrict(1, [1, 0, 0])
    with pytest.raises(EnvironmentFailure, match="expected the same at each visit of state 1"):
        agent.restrict(1, [1, 1, 0])


def test_only_learners_of_action_values_obey_masks():
    with pytest.raises(ValueError, match="action_mask: expected False with TD, which cannot obey masks, received True"):
        TabularRollout(TD(np.full((16, 4), 0.25)), StrictGrid(), seed=0, action_mask=True)
