"""Q-learning of many learners in one compiled program, on either backend."""

import gymnasium
import keras
import numpy as np
import pytest
from scipy import stats

from envs.functional_tabular import FunctionalTabular
from envs.maximization_bias import MaximizationBias
from envs.tabular import from_gymnasium
from lab import engine
from lab.agents import DeviceRollout
from lab.agents.algorithm import Trajectory
from lab.agents.tabular import QLearning, expectation_operator
from lab.agents.tabular.parallel_q_learning import ParallelQLearning
from tests.backends import only


def frozen_lake(discount=0.99):
    return from_gymnasium(gymnasium.make("FrozenLake-v1"), discount=discount)


@pytest.mark.slow
@pytest.mark.parametrize("step_size", [0.3, lambda count: 1 / (count + 1)])
def test_each_learner_is_a_q_learner(step_size):
    rng = np.random.default_rng(0)
    start = rng.normal(size=(5, 7, 3)).astype("float32")
    parallel = ParallelQLearning(5, 7, 3, discount=0.9, step_size=step_size, initial=start, rollout_length=2)
    single = [QLearning(7, 3, discount=0.9, step_size=step_size, initial=table) for table in start]
    learn = engine.compile(parallel.learn, parallel.variables)
    for _ in range(20):
        shape = (2, 5)
        t = Trajectory(
            rng.integers(7, size=shape).astype("int32"),
            rng.integers(3, size=shape).astype("int32"),
            rng.normal(size=shape).astype("float32"),
            rng.random(shape) < 0.3,
            np.zeros(shape, bool),
            rng.integers(7, size=shape).astype("int32"),
            {},
        )
        learn(t)
        for step in range(2):
            for b, agent in enumerate(single):
                agent.state, agent.action = int(t.observation[step, b]), int(t.action[step, b])
                best = 0.0 if t.terminated[step, b] else max(agent.q[int(t.next_observation[step, b])])
                agent.update(float(t.reward[step, b]) + 0.9 * best)
    np.testing.assert_allclose(parallel.action_values(), [agent.q for agent in single], atol=1e-5)


def test_its_actions():
    table = np.array([[[1.0, 3.0, 3.0], [2.0, 1.0, 0.0]]])
    agent = ParallelQLearning(6_000, 2, 3, epsilon=0.3, initial=table)
    act = engine.compile(agent.act, agent.variables)
    for state, chances in ((0, [0.1, 0.45, 0.45]), (1, [0.8, 0.1, 0.1])):
        actions, _ = act(np.full(6_000, state, "int32"), np.ones(6_000, bool))
        counts = np.bincount(np.asarray(actions), minlength=3)
        assert stats.chisquare(counts, 6_000 * np.array(chances)).pvalue > 1e-3
    greedy = agent.host_policy()(np.array([0, 1, 1]), None)[0]
    assert greedy.tolist() == [1, 0, 0]


def test_frequencies_of_the_functional_environment():
    mdp = frozen_lake()
    env = FunctionalTabular(mdp, 20_000)
    seed = keras.random.SeedGenerator(0)
    for state, action in ((0, 1), (6, 0), (14, 2)):
        following = np.asarray(env.transition(np.full(20_000, state, "int32"), np.full(20_000, action), seed))
        states, probabilities, _ = mdp.successors(state, action)
        counts = np.bincount(following, minlength=16)
        assert counts.sum() == counts[states].sum()
        assert stats.chisquare(counts[states], 20_000 * probabilities).pvalue > 1e-3
    rewards = env.reward(np.array([14, 14], "int32"), np.array([2, 2]), np.array([15, 13], "int32"), seed)
    assert np.asarray(rewards).tolist() == [1.0, 0.0]
    assert np.asarray(env.terminal(np.array([5, 6], "int32"), seed)).tolist() == [True, False]
    walk = FunctionalTabular(from_gymnasium(gymnasium.make("lab/Gridworld4x4-v0")), 14_000)
    starts = np.bincount(np.asarray(walk.initial(seed)), minlength=16)
    assert starts[[0, 15]].tolist() == [0, 0]
    assert stats.chisquare(starts[1:15]).pvalue > 1e-3


@pytest.mark.slow
@only("jax")
def test_frozen_lake_is_learnt_many_times_at_once():
    mdp = frozen_lake()
    agent = ParallelQLearning(32, 16, 4, discount=0.99, step_size=lambda count: (count + 1) ** -0.6, epsilon=1.0)
    xla = False if keras.backend.backend() == "tensorflow" else None
    rollout = DeviceRollout(agent, FunctionalTabular(mdp, 32), max_episode_steps=100, seed=0, xla=xla)
    for _ in range(4):
        rollout.run(10_000, True)
    scores = []
    for table in agent.action_values():
        values = np.zeros(16)
        for _ in range(100):
            values = expectation_operator(frozen_lake(1.0), table.argmax(axis=1), values)
        scores.append(values[0])
    assert np.mean(scores) > 0.6, scores  # at best 0.7442; random 0.0139


def test_unavailable_actions_are_refused():
    with pytest.raises(ValueError, match="mdp: expected all actions to be available in every state"):
        FunctionalTabular(MaximizationBias().mdp)
