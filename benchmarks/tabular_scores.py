"""Q-learning on tabular environments, beside the best policy and random actions; see scores.py.

Shown are the greedy policy's mean return over 1,000 episodes in fresh environments, its exact
expected return under the time limit, and the best possible one.
"""

import numpy as np

from benchmarks.tables import Row, Table, compared, mean, name, seeds


def random_score(environment: str, limit: int) -> float:
    """The exact expected return of random actions under the time limit: "random" of the rows."""
    import gymnasium

    from envs.tabular import from_gymnasium
    from lab.agents.tabular import reward_process, uniform_policy

    mdp = from_gymnasium(gymnasium.make(environment))
    rows, rewards = reward_process(mdp, uniform_policy(mdp))
    values = np.zeros(mdp.num_states)
    for _ in range(limit):
        values = rewards + rows @ values
    return float(mdp.start @ values)


RUNS = {  # environment: (flags, random actions)
    "FrozenLake-v1": ("--epsilon-end 1.0", 0.0139),
    "Taxi-v4": ("", -771.0910),
    "CliffWalking-v1": ("--step-size-power 0 --steps 200000", -2079.1160),
}
COLUMNS = [
    ("environment", name()),
    ("random", compared("random", ".4f")),
    ("best policy", mean("best_return", 4, equal=True)),
    ("greedy policy, exact", mean("exact_greedy_return", 4)),
    ("greedy policy, 1,000 episodes", mean("greedy_return", 4)),
    ("seeds", seeds),
]
ROWS = [
    Row(environment, f"--environment {environment} {flags}", "q_learning_taxi", seeds=10, compared={"random": random})
    for environment, (flags, random) in RUNS.items()
]
TABLES = [Table(COLUMNS, ROWS)]
