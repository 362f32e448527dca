"""Dynamic programming: published values, five methods against each other, plain loops."""

import dataclasses

import gymnasium
import numpy as np
import pytest
from scipy import sparse

import envs
from envs.gambler import Gambler
from envs.gridworld import Gridworld4x4, Gridworld5x5
from envs.random_mdp import random_mdp
from envs.random_walk import RandomWalk
from envs.tabular import TabularMDP, from_gymnasium
from lab.agents import tabular
from lab.agents.tabular import exact_evaluation, iterative_evaluation, policy_iteration, uniform_policy, value_iteration

METHODS = {
    "policy iteration": tabular.policy_iteration,
    "value iteration": lambda mdp: tabular.value_iteration(mdp, tolerance=5e-9),
    "modified policy iteration": lambda mdp: tabular.modified_policy_iteration(mdp, tolerance=5e-9),
    "linear programming": tabular.linear_programming,
    "prioritized sweeping": lambda mdp: tabular.prioritized_sweeping(mdp, tolerance=5e-9),
}
REGISTERED = [name for name, *_ in envs.TABULAR] + ["FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v4", "CliffWalking-v1"]


def mdp_of(name, **options):
    return from_gymnasium(gymnasium.make(name, disable_env_checker=True), **options)


def dense(mdp):
    """A random sparse MDP as a dense one."""
    rows = mdp.transitions.toarray().reshape(mdp.num_states, mdp.num_actions, -1)
    return TabularMDP(rows, mdp.rewards, mdp.discount, terminal=mdp.terminal)


def garnet(seed):
    """A random MDP: 2 to 40 states, 1 to 5 actions, dense or sparse, gamma 0.5 to 0.999."""
    rng = np.random.default_rng(seed)
    states, actions = int(rng.integers(2, 41)), int(rng.integers(1, 6))
    terminal = int(rng.integers(0, 2))
    discount = 0.999 if seed % 9 == 8 else float(rng.choice([0.5, 0.9, 0.99]))  # few: sweeps grow as 1 / (1 - discount)
    successors = int(rng.integers(1, min(states, 6) + 1))
    mdp = random_mdp(states, actions, successors, discount=discount, seed=seed, terminal=terminal)
    return dense(mdp) if seed % 2 else mdp


def assert_all_agree(mdp, sweeping=True):
    methods = METHODS if sweeping else {name: METHODS[name] for name in METHODS if name != "prioritized sweeping"}
    solutions = {name: method(mdp) for name, method in methods.items()}
    truth = exact_evaluation(mdp, solutions["policy iteration"].policy)
    size = max(1.0, np.abs(truth).max())
    for name, solution in solutions.items():
        error = np.abs(solution.values - truth).max()
        assert error <= 1e-8 * size, (name, error)
        assert error <= solution.bound + 1e-12 * size, (name, error, solution.bound)
        reached = exact_evaluation(mdp, solution.policy)  # V_pi of the greedy policy
        np.testing.assert_allclose(reached, truth, atol=1e-6 * size, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_all_methods_agree_on_random_mdps(block):
    for seed in range(25 * block, 25 * block + 25):
        mdp = garnet(seed)
        assert_all_agree(mdp, sweeping=mdp.discount <= 0.9)  # single backups need 1/(1-gamma) times as many


@pytest.mark.slow
@pytest.mark.parametrize("name", REGISTERED)
def test_all_methods_agree_on_registered_problems(name):
    assert_all_agree(mdp_of(name), sweeping=name != "lab/CarRental-v0")


def test_gridworld_4x4_random_policy():
    mdp = Gridworld4x4().mdp
    expected = [[0, -14, -20, -22], [-14, -18, -20, -20], [-20, -20, -18, -14], [-22, -20, -14, 0]]
    np.testing.assert_allclose(exact_evaluation(mdp, uniform_policy(mdp)).reshape(4, 4), expected, atol=1e-9)


def test_gridworld_5x5():
    mdp = Gridworld5x5().mdp
    best, random = policy_iteration(mdp).values.reshape(5, 5), exact_evaluation(mdp, uniform_policy(mdp)).reshape(5, 5)
    # Sutton and Barto 2018, figures 3.5 and 3.2.
    np.testing.assert_array_equal(best.round(1)[0], [22.0, 24.4, 22.0, 19.4, 17.5])
    np.testing.assert_array_equal(best.round(1)[4], [14.4, 16.0, 14.4, 13.0, 11.7])
    np.testing.assert_array_equal(random.round(1)[0], [3.3, 8.8, 4.4, 5.3, 1.5])
    np.testing.assert_array_equal(random.round(1)[4], [-1.9, -1.3, -1.2, -1.4, -2.0])


def test_random_walks():
    np.testing.assert_allclose(policy_iteration(RandomWalk().mdp).values[1:-1], np.arange(1, 6) / 6, atol=1e-12)
    walk = RandomWalk(19, left=-1.0).mdp
    np.testing.assert_allclose(policy_iteration(walk).values[1:-1], (2 * np.arange(1, 20) - 20) / 20, atol=1e-12)


def test_the_gambler():
    values = value_iteration(Gambler(0.4).mdp).values
    np.testing.assert_allclose(values[[25, 50, 75]], [0.16, 0.4, 0.64], atol=1e-8)
    solution = policy_iteration(Gambler(0.4).mdp)
    bold = np.minimum(np.arange(101), 100 - np.arange(101))
    bold_values = exact_evaluation(Gambler(0.4).mdp, np.maximum(bold - 1, 0))
    np.testing.assert_allclose(bold_values, solution.values, atol=1e-12)  # Dubins and Savage 1965


def test_car_rental():
    solution = policy_iteration(mdp_of("lab/CarRental-v0"))
    values, moves = solution.values.reshape(21, 21), solution.policy.reshape(21, 21) - 5
    np.testing.assert_allclose([values[0, 0], values[10, 10]], [421.41, 574.95], atol=0.005)
    assert (moves.min(), moves.max()) == (-4, 5)


def test_frozen_lake():
    endless, discounted = mdp_of("FrozenLake-v1"), mdp_of("FrozenLake-v1", discount=0.99)
    assert policy_iteration(endless).values[0] == pytest.approx(0.8235, abs=5e-5)
    solution = value_iteration(discounted)
    assert solution.values[0] == pytest.approx(0.54203, abs=5e-6)
    best, fixed = np.zeros(16), np.zeros(16)
    for _ in range(100):
        best, fixed = tabular.optimality_operator(endless, best), tabular.expectation_operator(endless, solution.policy, fixed)
    assert best[0] == pytest.approx(0.7442, abs=5e-5)  # the best under 100 steps
    assert fixed[0] == pytest.approx(0.7402, abs=5e-5)  # what that policy gets under 100 steps


def test_taxi_and_cliff():
    for name, best in (("Taxi-v4", 7.93), ("CliffWalking-v1", -13), ("lab/Cliff-v0", -13), ("lab/WindyGridworld-v0", -15)):
        mdp = mdp_of(name)
        assert mdp.start @ policy_iteration(mdp).values == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_sweeps_equal_a_plain_loop(in_place, is_sparse):
    mdp = random_mdp(12, 3, 4, discount=0.9, seed=5, terminal=1)
    full = dense(mdp)
    policy = np.random.default_rng(0).dirichlet(np.ones(3), 12)
    values, count = np.zeros(12), 0
    solution = iterative_evaluation(mdp if is_sparse else full, policy, tolerance=1e-3, in_place=in_place)
    for _ in range(solution.iterations):
        old = values if in_place else values.copy()
        for s in range(11):
            values[s] = sum(
                policy[s, a] * (full.rewards[s, a] + 0.9 * sum(full.transitions[s, a, t] * old[t] for t in range(12)))
                for a in range(3)
            )
        count += 1
    shift = (solution.values - values)[:11]
    np.testing.assert_allclose(shift, shift[0] if not in_place else 0.0, atol=1e-12)  # MacQueen's middle: values + constant
    assert solution.values[11] == 0
    truth = exact_evaluation(full, policy)
    assert np.abs(solution.values - truth).max() <= solution.bound <= 1e-3
    assert count > 5


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("name", ["lab/Gridworld4x4-v0", "lab/RandomWalk19-v0", "FrozenLake-v1", "lab/Gridworld5x5-v0"])
def test_the_bound_of_an_evaluation_holds(name, in_place):
    mdp = mdp_of(name)
    truth = exact_evaluation(mdp, uniform_policy(mdp))
    for tolerance in (1.0, 1e-3, 1e-9):
        solution = iterative_evaluation(mdp, uniform_policy(mdp), tolerance=tolerance, in_place=in_place)
        assert np.abs(solution.values - truth).max() <= solution.bound + 1e-12
        assert solution.bound <= tolerance


def test_in_place_needs_fewer_sweeps():
    mdp = Gridworld4x4().mdp
    sweeps = [iterative_evaluation(mdp, uniform_policy(mdp), in_place=in_place).iterations for in_place in (False, True)]
    assert sweeps[1] < 0.7 * sweeps[0]


@pytest.mark.slow
def test_macqueens_middle_saves_sweeps():
    # A random MDP mixes at once: the interval closes far sooner than gamma^k does.
    mdp = random_mdp(2_000, 4, 5, discount=0.99, seed=0)
    solution = value_iteration(mdp, tolerance=1e-3)
    assert solution.iterations < 40
    assert np.abs(solution.values - policy_iteration(mdp).values).max() <= 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("heads", [0.25, 0.5, 0.6, 0.8, 0.95])
def test_any_coin(heads):
    # At heads > 0.5 many stakes are almost optimal. The rule for ties must not take one of them.
    mdp = Gambler(heads).mdp
    best = policy_iteration(mdp)
    assert np.abs(value_iteration(mdp, tolerance=1e-10).values - best.values).max() < 1e-9
    assert np.abs(tabular.linear_programming(mdp).values - best.values).max() < 1e-9


def test_large_values_beside_small_differences():
    rows = np.zeros((3, 2, 3))
    rows[:2, :, 2] = 1.0
    mdp = TabularMDP(rows, [[0.0, 5e-4], [1e6, 1e6], [0.0, 0.0]], terminal=[2])
    for method in METHODS.values():
        assert method(mdp).policy[0] == 1
        np.testing.assert_allclose(method(mdp).values, [5e-4, 1e6, 0.0], rtol=1e-12)


def test_unavailable_actions_are_never_taken():
    mdp = Gambler().mdp
    policy = policy_iteration(mdp).policy
    assert mdp.available[np.arange(1, 100), policy[1:-1]].all()
    assert tabular.action_values(mdp, np.zeros(101))[1, 1] == -np.inf


def test_the_greedy_policy_at_discount_1_does_not_idle():
    # Two actions of equal value: to stay beside the goal forever, or to enter it.
    rows = np.zeros((2, 2, 2))
    rows[0, 0, 0] = rows[0, 1, 1] = 1.0
    rewards = np.zeros((2, 2, 2))
    rewards[0, 1, 1] = 1.0
    mdp = TabularMDP(rows, rewards, terminal=[1])
    assert tabular.greedy_policy(mdp, np.array([1.0, 0.0])).tolist() == [1, 0]
    assert policy_iteration(mdp).values.tolist() == [1, 0]


@pytest.mark.parametrize("method", METHODS)
def test_values_without_a_bound_are_refused(method):
    endless = dataclasses.replace(Gridworld5x5().mdp, discount=1.0)
    with pytest.raises(
        ValueError, match="discount: expected < 1 where an episode cannot end, received 1 and no path from state"
    ):
        METHODS[method](endless)


def test_a_policy_that_never_ends_is_refused():
    mdp = Gridworld4x4().mdp
    stuck = np.zeros(16, int)  # up, forever, against the upper wall
    for evaluate in (exact_evaluation, iterative_evaluation):
        with pytest.raises(ValueError, match="or a policy that ends, received 1 and a policy that returns to state 1 forever"):
            evaluate(mdp, stuck)
    loop = np.zeros((3, 2, 3))  # a loop that pays, beside a way out
    loop[0, 0, 0] = loop[0, 1, 2] = loop[1, :, 2] = 1.0
    paying = TabularMDP(loop, [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]], terminal=[2])
    with pytest.raises(ValueError, match="with discount 1, a policy that collects rewards forever has no finite value"):
        value_iteration(paying, max_sweeps=500)
    for solve in (policy_iteration, tabular.linear_programming):
        with pytest.raises(
            ValueError, match=r"discount: expected < 1, or a policy that ends|linear program without a solution"
        ):
            solve(paying)


def test_unpaid_wandering_is_worth_nothing():
    mdp = mdp_of("lab/DynaMaze-v0")
    np.testing.assert_array_equal(exact_evaluation(dataclasses.replace(mdp, discount=1.0), np.zeros(54, int)) % 1, 0)
    assert exact_evaluation(dataclasses.replace(mdp, discount=1.0), np.full(54, 3))[20] == 0


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (np.zeros(3, int), r"policy: expected 16 actions or probabilities \(16, 4\), received \(3,\)"),
        (np.full(16, 4), r"policy: expected actions in \[0, 4\), received 4 to 4"),
        (np.full((16, 4), 0.3), "policy: expected probabilities of available actions that sum to 1"),
    ],
)
def test_bad_policies(policy, words):
    with pytest.raises(ValueError, match=words):
        exact_evaluation(Gridworld4x4().mdp, policy)


def test_too_few_sweeps_are_said():
    with pytest.raises(ValueError, match="tolerance: expected 1e-08 within 3 sweeps, received a bound of"):
        iterative_evaluation(Gridworld4x4().mdp, uniform_policy(Gridworld4x4().mdp), max_sweeps=3)
    with pytest.raises(ValueError, match="tolerance: expected 1e-08 within 3 sweeps"):
        value_iteration(Gridworld5x5().mdp, max_sweeps=3)
    with pytest.raises(ValueError, match="within 10 backups"):
        tabular.prioritized_sweeping(Gridworld5x5().mdp, max_backups=10)


def test_exactly_enough_backups_are_enough():
    mdp = random_mdp(20, 3, 4, discount=0.9, seed=0)
    solution = tabular.prioritized_sweeping(mdp)
    assert tabular.prioritized_sweeping(mdp, max_backups=solution.iterations).bound == solution.bound
    with pytest.raises(ValueError, match="received a bound of") as caught:
        tabular.prioritized_sweeping(mdp, max_backups=solution.iterations // 2)
    assert float(str(caught.value).rstrip(".").split()[-1]) < 1e-3  # what it had reached, not what it began with


def test_terminal_states_are_worth_nothing_at_any_tolerance():
    mdp = random_mdp(30, 3, 4, discount=0.95, seed=3, terminal=2)
    solutions = [
        solve(mdp, tolerance=1.0)
        for solve in (value_iteration, tabular.modified_policy_iteration, tabular.prioritized_sweeping)
    ]
    solutions.append(iterative_evaluation(mdp, uniform_policy(mdp), tolerance=1.0))
    for solution in solutions:
        assert solution.values[-2:].tolist() == [0.0, 0.0]
        assert 0 < solution.bound <= 1.0


def test_progress_is_told():
    said = []
    value_iteration(Gridworld5x5().mdp, tolerance=1.0, on_sweep=lambda *told: said.append(told))
    assert [count for count, _ in said] == list(range(1, len(said) + 1))
    assert said[-1][1] <= 1.0 < said[-2][1]


def test_sparse_and_dense_are_one():
    mdp = random_mdp(30, 3, 4, discount=0.95, seed=3, terminal=2)
    assert sparse.issparse(mdp.transitions)
    for method in METHODS.values():
        one, other = method(mdp), method(dense(mdp))
        np.testing.assert_allclose(one.values, other.values, atol=1e-8)
        np.testing.assert_array_equal(one.policy[:-2], other.policy[:-2])
