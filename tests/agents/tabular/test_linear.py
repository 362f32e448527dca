"""Linear function approximation and policy gradients of the tabular agents."""

import random

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import MultiDiscrete
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from envs.baird_star import FEATURES
from lab.agents import evaluate, train
from lab.agents.tabular import (
    LSTD,
    TDC,
    LinearReinforce,
    LinearSarsaLambda,
    QLearning,
    SarsaLambda,
    SemiGradientTD,
    TabularRollout,
    TileCoded,
)
from lab.runs import checkpoint


def make(name, **options):
    return gymnasium.make(name, disable_env_checker=True, **options)


def learn(agent, env, steps, seed=0):
    for report in train(agent, TabularRollout(agent, env, seed=seed), steps=steps, checkpoint_every=steps):
        last = report
    return last


def begun(agent, seed=0):
    agent.begin(random.Random(seed))
    return agent


def test_tiles():
    env = TileCoded(make("MountainCar-v0"), tilings=8, tiles=8)
    assert env.features == 8 * 81
    low, high = env.unwrapped.observation_space.low, env.unwrapped.observation_space.high
    rng = np.random.default_rng(0)
    for observation in [low, high, *rng.uniform(low, high, (200, 2))]:
        active = env.observation(observation)
        assert (active // 81).tolist() == list(range(8))  # one of each grid
        # A plain loop: grid k is shifted by k (1, 3) / 8 of a tile, modulo a tile.
        for k in range(8):
            cell = 0
            for d, step in enumerate((1, 3)):
                place = (float(observation[d]) - float(low[d])) / (float(high[d]) - float(low[d])) * 8
                cell = cell * 9 + min(int(place + k * step / 8 % 1), 8)
            assert active[k] == 81 * k + cell
    near = np.array([0.0, 0.0]), np.array([0.01, 0.0])
    shared = (env.observation(near[0]) == env.observation(near[1])).sum()
    assert 6 <= shared <= 8
    check_env(TileCoded(gymnasium.make("MountainCar-v0").unwrapped, tilings=4), skip_render_check=True)


class OneHot(gymnasium.ObservationWrapper):
    def __init__(self, env):
        super().__init__(env)
        self.observation_space = MultiDiscrete([env.observation_space.n])

    def observation(self, observation):
        return np.array([observation])


def test_one_feature_per_state_is_the_tabular_method():
    options = {"discount": 0.9, "step_size": 0.3, "epsilon": 0.2, "trace_decay": 0.8}
    linear = LinearSarsaLambda(70, 8, clearing=False, **options)
    tabular = SarsaLambda(70, 8, trace="replacing", **options)
    learn(linear, OneHot(make("lab/WindyGridworldKings-v0", max_episode_steps=100)), 2_000)
    learn(tabular, make("lab/WindyGridworldKings-v0", max_episode_steps=100), 2_000)
    np.testing.assert_allclose(linear.weights.T, np.asarray(tabular.values), atol=1e-9)
    assert np.abs(linear.weights).max() > 1


def test_clearing_the_traces_of_other_actions():
    weights = {}
    for clearing in (True, False):
        agent = begun(LinearSarsaLambda(2, 2, step_size=1.0, trace_decay=1.0, clearing=clearing))
        agent.start([0])
        agent.action = 0
        agent.step(0.0, [0])  # nothing learnt: both values are 0
        agent.action = 1
        agent.end(1.0)
        weights[clearing] = agent.weights[:, 0].tolist()
    assert weights == {True: [0.0, 1.0], False: [1.0, 1.0]}


@pytest.mark.slow
def test_mountain_car_is_learnt():
    env = TileCoded(make("MountainCar-v0"))
    agent = LinearSarsaLambda(env.features, 3, step_size=0.5, trace_decay=0.9)
    learn(agent, env, 40_000)
    tests = SyncVectorEnv([lambda: TileCoded(make("MountainCar-v0"))] * 20, autoreset_mode=AutoresetMode.SAME_STEP)
    assert evaluate(agent, tests, episodes=20, seed=1).mean() > -150  # random: -200


def test_lstd_is_the_solution_of_its_equations():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 3))
    agent = begun(LSTD(x, np.ones((5, 1)), discount=0.9, ridge=0.1))
    a, b = 0.1 * np.eye(3), np.zeros(3)
    state = 0
    agent.start(state)
    for _ in range(30):
        following, reward = int(rng.integers(5)), float(rng.normal())
        agent.step(reward, following)
        a += np.outer(x[state], x[state] - 0.9 * x[following])
        b += reward * x[state]
        state = following
    agent.end(2.0)
    a += np.outer(x[state], x[state])
    b += 2.0 * x[state]
    np.testing.assert_allclose(agent.w, np.linalg.solve(a, b), rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [LSTD, lambda *a, **o: SemiGradientTD(*a, step_size=0.02, **o), lambda *a, **o: TDC(*a, step_size=0.02, **o)]
)
def test_values_of_the_random_walk(kind):
    agent = kind(np.eye(7), np.ones((7, 1)))
    learn(agent, make("lab/RandomWalk5-v0"), 40_000)
    np.testing.assert_allclose(agent.state_values()[1:-1], np.arange(1, 6) / 6, atol=0.07)


@pytest.mark.slow
def test_off_policy_lstd_finds_the_target_policys_values():
    target, behaviour = np.tile([0.4, 0.6], (4, 1)), np.full((4, 2), 0.5)
    agent = LSTD(np.eye(4), target, behaviour=behaviour)
    learn(agent, make("lab/ShortCorridor-v0"), 100_000)
    p = 0.6
    first = -2 * (2 - p) / (p * (1 - p))  # example 13.1's formula
    assert agent.state_values()[0] == pytest.approx(first, rel=0.05)


def test_bairds_star():
    # Sutton and Barto 2018, figures 11.2 and 11.5: the semi-gradient diverges, TDC does not.
    solid, behaviour = np.tile([0.0, 1.0], (7, 1)), np.tile([6 / 7, 1 / 7], (7, 1))
    start = np.array([1, 1, 1, 1, 1, 1, 10, 1.0])
    options = {"behaviour": behaviour, "discount": 0.99, "initial": start}
    diverging = SemiGradientTD(FEATURES, solid, step_size=0.01, **options)
    steady = TDC(FEATURES, solid, step_size=0.005, second_step_size=0.05, **options)
    for agent in (diverging, steady):
        learn(agent, make("lab/BairdStar-v0"), 5_000)
    assert np.abs(diverging.w).max() > 1e3
    assert np.abs(steady.w).max() < 20
    values = steady.state_values()
    assert np.sqrt((values**2).mean()) < np.sqrt(((FEATURES @ start) ** 2).mean())


def corridor(p):
    """The value of the first place where right has the probability p everywhere."""
    return -2 * (2 - p) / (p * (1 - p))


LEFT_RIGHT = np.broadcast_to(np.eye(2), (4, 2, 2))  # the same features in every place


@pytest.mark.slow
@pytest.mark.parametrize("baseline", [None, np.ones((4, 1))])
def test_the_policy_gradient_is_unbiased(baseline):
    theta, p = np.array([0.0, np.log(0.3 / 0.7)]), 0.3
    slope = (corridor(p + 1e-6) - corridor(p - 1e-6)) / 2e-6 * p * (1 - p)  # d/d theta_right
    agent = LinearReinforce(LEFT_RIGHT, baseline=baseline, step_size=1e-9, baseline_step_size=1e-300, initial=theta)
    agent.w[:] = -10.0 if baseline is not None else 0.0
    rollout = TabularRollout(agent, make("lab/ShortCorridor-v0"), seed=1)
    rollout.reset(0)
    changes = []
    for _ in range(6_000):
        agent.theta[:] = theta
        while not len(rollout.run(1, True).episode_returns):
            pass
        changes.append((agent.theta - theta) / 1e-9)
    mean, error = np.mean(changes, axis=0), np.std(changes, axis=0) / len(changes) ** 0.5
    assert (error < 1).all()
    assert (np.abs(mean - [-slope, slope]) < 4 * error).all()
    assert slope > 5


@pytest.mark.slow
def test_reinforce_finds_the_random_policy():
    # With theta = (0, ln 19) the probability of right is 0.95. The optimum is 0.586, value -11.66.
    agent = LinearReinforce(
        LEFT_RIGHT, baseline=np.ones((4, 1)), step_size=2**-9, baseline_step_size=2**-6, initial=[0, np.log(19)]
    )
    learn(agent, make("lab/ShortCorridor-v0"), 120_000)
    p = agent.policy(0)[1]
    assert 0.45 < p < 0.72
    assert corridor(2 - 2**0.5) == pytest.approx(-11.66, abs=0.005)


@pytest.mark.parametrize(
    "build",
    [
        lambda: (LinearReinforce(LEFT_RIGHT, baseline=np.ones((4, 1))), make("lab/ShortCorridor-v0")),
        lambda: (TDC(np.eye(4), np.full((4, 2), 0.5)), make("lab/ShortCorridor-v0")),
        lambda: (LSTD(np.eye(4), np.full((4, 2), 0.5)), make("lab/ShortCorridor-v0")),
        lambda: (LinearSarsaLambda(4 * 81, 3), TileCoded(make("MountainCar-v0"), tilings=4)),
    ],
    ids=["reinforce", "TDC", "LSTD", "linear SARSA"],
)
def test_stopped_and_resumed_is_the_same(build, tmp_path):
    def go(agent, env, start=0, stop=None):
        rollout = TabularRollout(agent, env, seed=3)
        for report in train(agent, rollout, steps=3_000, start=start, report_every=500, checkpoint_every=1_000):
            if report.boundary:
                checkpoint.save(tmp_path / str(id(agent)), report.step, agent.variables)
            if report.step == stop:
                break
        return agent

    whole, first = go(*build()), go(*build(), stop=2_000)
    second, env = build()
    found = checkpoint.restore(tmp_path / str(id(first)), second.variables)
    go(second, env, start=found.step)
    for one, two in zip(whole.variables, second.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two), err_msg=one.path)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: TileCoded(make("CartPole-v1")), "env: expected bounded Box observations of one axis, received Box"),
        (lambda: TileCoded(make("MountainCar-v0"), tiles=0), "tiles: expected an integer >= 1, received 0"),
        (
            lambda: TabularRollout(LinearSarsaLambda(8, 2), make("FrozenLake-v1"), seed=0),
            "expected MultiDiscrete, numbered from 0, received Discrete",
        ),
        (
            lambda: TabularRollout(QLearning(8, 2), TileCoded(make("MountainCar-v0")), seed=0),
            "expected Discrete, numbered from 0, received MultiDiscrete",
        ),
        (lambda: LSTD(np.eye(3), np.ones((2, 1))), r"features: expected the shape \(2, d\), received \(3, 3\)"),
        (lambda: TDC(np.eye(2), np.ones((2, 1)), second_step_size=0.0), "second_step_size: expected a number"),
        (lambda: LinearReinforce(np.ones((2, 2))), r"features: expected the shape \[S, A, d\], received \(2, 2\)"),
        (
            lambda: LinearReinforce(LEFT_RIGHT, baseline=np.ones((3, 1))),
            r"baseline: expected the shape \(4, k\), received \(3, 1\)",
        ),
        (lambda: LinearReinforce(LEFT_RIGHT, step_size=0.0), "step_size: expected a number > 0, received 0.0"),
    ],
)
def test_bad_input(build, words):
    with pytest.raises(ValueError, match=words):
        build()
