"""Tabular methods: steps per second of Q-learning, and value iteration with a million states.

    python -m benchmarks.tabular [--states 1000000]

Q-learning runs on FrozenLake-v1. Three implementations take turns in one process: a plain one with
a dictionary of NumPy arrays, `QLearning` on the host, and 8,192 learners in one compiled program.
The time includes the learning.

Value iteration runs on a random sparse MDP (4 actions, 5 successors each, gamma = 0.99) until a
bound |V - V*| <= 1e-3 holds. With 2,000 states it is compared with a plain loop over a dictionary
of transitions and, if it is installed, with pymdptoolbox, to the same bound.
"""

import argparse
import os
import resource
import time
from collections import defaultdict

import gymnasium
import numpy as np

from benchmarks.machine import describe, keep

DISCOUNT = 0.99


def plain_q_learning():
    """A function of a number of steps: Q-learning as it is written in tutorials."""
    env = gymnasium.make("FrozenLake-v1")
    rng = np.random.default_rng(0)
    q = defaultdict(lambda: np.zeros(4))
    state, _ = env.reset(seed=0)

    def run(steps):
        nonlocal state
        for _ in range(steps):
            action = int(rng.integers(4)) if rng.random() < 0.1 else int(np.argmax(q[state]))
            following, reward, terminated, truncated, _ = env.step(action)
            target = reward + (0 if terminated else DISCOUNT * np.max(q[following]))
            q[state][action] += 0.1 * (target - q[state][action])
            state = following
            if terminated or truncated:
                state, _ = env.reset()
        return steps

    return run


def host_q_learning():
    """A function of a number of steps: `QLearning` on the host."""
    from lab.agents.tabular import QLearning, TabularRollout

    agent = QLearning(16, 4, discount=DISCOUNT)
    rollout = TabularRollout(agent, gymnasium.make("FrozenLake-v1", disable_env_checker=True), seed=0)
    rollout.reset(0)
    return lambda steps: (rollout.run(steps, True), steps)[1]


def device_q_learning(learners=8_192):
    """A function of a number of steps: many learners in one compiled program."""
    import keras

    from envs.functional_tabular import FunctionalTabular
    from envs.tabular import from_gymnasium
    from lab.agents import DeviceRollout
    from lab.agents.tabular.parallel_q_learning import ParallelQLearning

    agent = ParallelQLearning(learners, 16, 4, discount=DISCOUNT)
    env = FunctionalTabular(from_gymnasium(gymnasium.make("FrozenLake-v1")), learners)
    xla = False if keras.backend.backend() == "tensorflow" else None
    rollout = DeviceRollout(agent, env, max_episode_steps=100, seed=0, xla=xla)
    return lambda steps: (rollout.run(200, True), 200 * learners)[1]


def q_learning(rounds=7):
    """{implementation: median steps per second, and ratio to the plain one}."""
    runs = {"plain": plain_q_learning(), "host": host_q_learning(), "device": device_q_learning()}
    speeds = {name: [] for name in runs}
    for run in runs.values():
        run(2_000)
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            steps = run(50_000)
            speeds[name].append(steps / (time.perf_counter() - start))
    return {
        name: {
            "steps per second": round(float(np.median(values))),
            "ratio": round(float(np.median(np.array(values) / speeds["plain"])), 2),
        }
        for name, values in speeds.items()
    }


def plain_value_iteration(table, rewards, discount, tolerance):
    """Sweeps over {state: {action: [(probability, next state)]}} until the bound holds.

    The bound is gamma / (1 - gamma) max |change|.
    """
    values = np.zeros(len(table))
    while True:
        new = np.empty_like(values)
        for state, actions in table.items():
            new[state] = max(
                rewards[state, action] + discount * sum(p * values[following] for p, following in successors)
                for action, successors in actions.items()
            )
        change = np.abs(new - values).max()
        values = new
        if change * discount / (1 - discount) <= tolerance:
            return values


def small(states=2_000, tolerance=1e-3):
    """Seconds of three implementations on one MDP, and the differences of their values."""
    from envs.random_mdp import random_mdp
    from lab.agents.tabular import value_iteration

    mdp = random_mdp(states, 4, 5, discount=DISCOUNT, seed=0)
    start = time.perf_counter()
    ours = value_iteration(mdp, tolerance=tolerance)
    result = {"states": states, "ours, seconds": round(time.perf_counter() - start, 4), "ours, sweeps": ours.iterations}
    table = {
        state: {a: list(zip(*(x.tolist() for x in mdp.successors(state, a)[1::-1]), strict=True)) for a in range(4)}
        for state in range(states)
    }
    start = time.perf_counter()
    values = plain_value_iteration(table, mdp.rewards, DISCOUNT, tolerance)
    result["plain loop, seconds"] = round(time.perf_counter() - start, 3)
    result["greatest difference"] = float(np.abs(values - ours.values).max())
    try:
        from mdptoolbox.mdp import ValueIteration
    except ImportError:
        return result
    from scipy import sparse

    rows = [sparse.csr_matrix(mdp.transitions[a::4]) for a in range(4)]
    start = time.perf_counter()
    # It stops when the span of the change is below epsilon (1 - gamma) / gamma.
    theirs = ValueIteration(rows, np.array(mdp.rewards), DISCOUNT, epsilon=tolerance, max_iter=100_000)
    theirs.run()
    result["pymdptoolbox, seconds"] = round(time.perf_counter() - start, 4)
    result["pymdptoolbox, sweeps"] = theirs.iter
    result["pymdptoolbox, error"] = float(np.abs(np.array(theirs.V) - ours.values).max())
    return result


def large(states):
    """Value iteration with many states, and a progress bar."""
    from envs.random_mdp import random_mdp
    from lab.agents.tabular import exact_evaluation, value_iteration
    from lab.runs.progress import Progress

    start = time.perf_counter()
    mdp = random_mdp(states, 4, 5, discount=DISCOUNT, seed=0)
    made = time.perf_counter()
    with Progress("value iteration", 0) as bar:
        solution = value_iteration(mdp, tolerance=1e-3, on_sweep=lambda sweep, bound: bar.update(sweep, {"loss": bound}))
    seconds = time.perf_counter() - made
    result = {
        "states": states,
        "seconds to make": round(made - start, 1),
        "seconds": round(seconds, 2),
        "sweeps": solution.iterations,
        "bound": solution.bound,
        "peak memory, GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }
    if states <= 20_000:
        result["error"] = float(np.abs(exact_evaluation(mdp, solution.policy) - solution.values).max())
    return result


def main():
    """Measures all and saves the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--states", type=int, default=1_000_000, help="states of the large MDP")
    parser.add_argument("--backend", default="tensorflow", choices=("tensorflow", "jax"), help="Keras backend")
    flags = parser.parse_args()
    os.environ["KERAS_BACKEND"] = flags.backend
    results = {"value iteration, large": large(flags.states), "value iteration, small": small(), "q_learning": q_learning()}
    for name, values in results.items():
        print(name, values)
    keep(f"tabular_{flags.backend}", results | describe(flags.backend, "keras", "gymnasium", "scipy"))


if __name__ == "__main__":
    main()
