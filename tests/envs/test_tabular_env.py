"""All tabular environments: Gymnasium's checker, frequencies, docstrings and pictures."""

import re
import warnings
from importlib import import_module

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from scipy import stats

import envs
from envs.dyna_maze import DynaMaze
from envs.gambler import Gambler
from envs.maximization_bias import MaximizationBias
from envs.random_walk import RandomWalk
from envs.tabular import from_gymnasium
from lab.agents.tabular import exact_evaluation, policy_iteration, uniform_policy

NAMES = [name for name, *_ in envs.TABULAR]


def make(name, **options):
    return gymnasium.make(name, disable_env_checker=True, **options)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_gymnasiums_checker(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(name, render_mode="rgb_array").unwrapped)
        check_env(make(name, render_mode="ansi").unwrapped)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES, "FrozenLake-v1", "Taxi-v4", "CliffWalking-v1"])
def test_frequencies_are_those_of_the_model(name):
    # One chi-squared test over all pairs that random actions visit often, and one over the starting
    # states.
    env = make(name).unwrapped
    mdp = from_gymnasium(env)
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    env.action_space.seed(0)
    counts, rewards = {}, {}
    starts = np.zeros(mdp.num_states)
    state = None
    for _ in range(20_000):
        if state is None:
            state, _ = env.reset()
            starts[state] += 1
        choices = np.flatnonzero(mdp.available[state])
        action = int(rng.choice(choices))
        following, reward, ended, _, _ = env.step(action)
        counts.setdefault((state, action), []).append(following)
        rewards.setdefault((state, action, following), []).append(reward)
        state = None if ended or rng.random() < 0.02 else following
    statistic = freedom = 0.0
    for (state, action), seen in counts.items():
        states, probabilities, expected = mdp.successors(state, action)
        places = {int(s): i for i, s in enumerate(states)}
        observed = np.bincount([places.get(s, len(states) - 1) for s in seen], minlength=len(states))
        if len(states) > 1 and len(seen) * probabilities.min() >= 5:
            statistic += ((observed - len(seen) * probabilities) ** 2 / (len(seen) * probabilities)).sum()
            freedom += len(states) - 1
        if mdp.reward_noise[state, action] == 0:
            for following in set(seen):
                np.testing.assert_allclose(rewards[state, action, following], expected[places.get(following, len(states) - 1)])
    assert freedom == 0 or stats.chi2.sf(statistic, freedom) > 1e-3
    possible = mdp.start > 0
    assert starts[~possible].sum() == 0
    if starts.sum() * mdp.start[possible].min() >= 5 and possible.sum() > 1:
        assert stats.chisquare(starts[possible], starts.sum() * mdp.start[possible]).pvalue > 1e-3


def test_reward_noise():
    env = make("lab/MaximizationBias-v0")
    env.reset(seed=0)
    rewards = []
    for _ in range(5_000):
        env.reset(options={"state": 1})
        rewards.append(env.step(3)[1])
    assert stats.kstest(rewards, stats.norm(-0.1, 1).cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring(name):
    env = make(name).unwrapped
    headings = ["Description", "Action space", "Observation space", "Starting state", "Reward", "Episode end", "References"]
    for heading in headings:
        assert f"## {heading}" in type(env).__doc__
    said = re.findall(r"random policy\s+(-?[\d.]*\d),\s+optimal\s+(-?[\d.]*\d)", type(env).__doc__)
    mdp = env.mdp
    true = mdp.start @ exact_evaluation(mdp, uniform_policy(mdp)), mdp.start @ policy_iteration(mdp).values

    def rounded(value, text):
        """`value` with as many decimals as the text has."""
        return f"{value + 0.0:.{len(text.partition('.')[2])}f}".replace("-0", "0", text == "0")

    assert any(all(rounded(value, text) == text for value, text in zip(true, pair, strict=True)) for pair in said), (said, true)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_pictures(name):
    env = make(name, render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    assert first.dtype == np.uint8
    assert first.ndim == 3
    others = np.flatnonzero(~env.unwrapped.mdp.terminal & (np.arange(env.unwrapped.mdp.num_states) != env.unwrapped.state))
    env.unwrapped.reset(options={"state": int(others[-1])})
    assert (env.render() != first).any()
    text = make(name, render_mode="ansi")
    text.reset(seed=0)
    assert "@" in text.render()


def test_text():
    env = make("lab/BlockingMaze-v0", render_mode="ansi")
    env.reset(seed=0)
    env.step(3)
    assert env.render() == "........T\n.........\n.........\n########.\n.........\n..@......\nstate (5, 2) after left\n"
    assert make("lab/Cliff-v0").unwrapped.render() is None


def test_actions_that_are_not_there():
    env = Gambler()
    env.reset(seed=0, options={"state": 3})
    results = {env.reset(options={"state": 3}) and env.step(49)[0] for _ in range(50)}
    assert results == {0, 6}  # stakes 3, the nearest
    env = MaximizationBias(actions=4)
    _, info = env.reset(seed=0)
    assert info["action_mask"].tolist() == [1, 1, 0, 0]
    assert env.step(3)[0] == 2  # right
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)


def test_the_maze_changes_on_time():
    env = DynaMaze("blocking", change_after=5)
    env.reset(seed=0)
    gap = env.mdp.state_names.index("(3, 8)")
    for _ in range(5):
        env.reset(options={"state": gap + 9})
        assert env.step(0)[0] == gap  # through
    env.reset(options={"state": gap + 9})
    assert env.step(0)[0] == gap + 9  # closed by now
    env.reset(options={"state": gap + 1})
    assert env.step(0)[0] == gap + 1 - 9  # and open on the left
    env.reset(seed=0)
    env.reset(options={"state": gap + 9})
    assert env.step(0)[0] == gap


def test_exploring_starts():
    env = make("lab/Cliff-v0", exploring_starts=True).unwrapped
    env.reset(seed=0)
    seen = np.bincount([env.reset()[0] for _ in range(3_700)], minlength=38)
    assert seen[env.mdp.terminal].sum() == 0
    assert stats.chisquare(seen[~env.mdp.terminal]).pvalue > 1e-3


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: DynaMaze("round"), "maze: expected one of fixed, blocking, shortcut, received 'round'"),
        (lambda: Gambler(heads=1.5), r"heads: expected a number >= 0 and <= 1, received 1.5"),
        (lambda: RandomWalk(4), "states: expected an odd number >= 1, received 4"),
        (lambda: MaximizationBias(1), "actions: expected an integer >= 2, received 1"),
        (lambda: Gambler(render_mode="human"), "render_mode: expected one of None, ansi, rgb_array, received 'human'"),
        (lambda: Gambler().reset(options={"state": 100}), "expected a state that is not terminal, received 100"),
    ],
)
def test_bad_input(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_every_problem_is_registered_under_its_own_file():
    for _, entry_point, _, arguments in envs.TABULAR:
        module, name = entry_point.split(":")
        assert getattr(import_module(module), name)(**arguments).mdp.num_states > 0
