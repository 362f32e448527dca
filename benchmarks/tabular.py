"""Tabular methods: Q-learning's steps per second, and value iteration on a million states.

python -m benchmarks.tabular [--states 1000000]

Q-learning on FrozenLake-v1, learning included, in turn in one process: a plain implementation
over a dictionary of NumPy rows, ours on the host, and 8,192 learners in one compiled program.

Value iteration on a random sparse MDP with 4 actions, 5 successors each and gamma = 0.99, until

    |V - V*| <= 1e-3

is certain. With 2,000 states it is compared with a plain loop over a dictionary of transitions and,
where it is installed, with pymdptoolbox, to the same bound.
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
    """Q-learning as tutorials write it: a function that makes and returns a number of steps."""
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
    """Ours on the host."""
    from lab.agents.tabular import QLearning, TabularRollout

    agent = QLearning(16, 4, discount=DISCOUNT)
    rollout = TabularRollout(agent, gymnasium.make("FrozenLake-v1", disable_env_checker=True), seed=0)
    rollout.reset(0)
    return lambda steps: (rollout.run(steps, True), steps)[1]


def device_q_learning(learners=8_192):
    """Many of ours in one compiled program."""
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
    """{who: median steps per second, and median ratio to the plain implementation}."""
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
    """Value iteration over {state: {action: [(probability, next state)]}}.

    It stops where max |V_{k+1} - V_k| discount / (1 - discount) <= tolerance.
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
    """Seconds of ours and of others on one MDP, and the differences of their values."""
    from envs.tabular import random_mdp
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
    # It stops where the span of the change is below epsilon (1 - gamma) / gamma.
    theirs = ValueIteration(rows, np.array(mdp.rewards), DISCOUNT, epsilon=tolerance, max_iter=100_000)
    theirs.run()
    result["pymdptoolbox, seconds"] = round(time.perf_counter() - start, 4)
    result["pymdptoolbox, sweeps"] = theirs.iter
    result["pymdptoolbox, error"] = float(np.abs(np.array(theirs.V) - ours.values).max())
    return result


def large(states):
    """Seconds and sweeps of value iteration on so many states; shows a progress line."""
    from envs.tabular import random_mdp
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
    """Measures all and keeps the results."""
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
