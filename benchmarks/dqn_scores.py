"""DQN on CartPole-v1 three ways, and what each of its default settings does; see scores.py.

Each row is 50,000 steps on the host. Its scores are the mean returns of 100 greedy episodes in
fresh environments: of the last policy, and of the one that did best in checks of 10 episodes on
other seeds. A run counts as solved where its last policy has 475 and more. `rl_scores.random_score`
gives 22.2 over 1,000 episodes.
"""

from benchmarks import three_ways
from benchmarks.tables import Row, Table, mean, name, worst

ZOO = "--averaging 0 --target plain --target-every 128 --batch-size 64 --hidden 256 256 --loss huber"
VARIANTS = {
    "RL-zoo's settings": f"{ZOO} --max-gradient-norm 10 --no-normalize-observations",
    "no average of weights": "--averaging 0",
    "no average of weights, step size falls to 0": "--averaging 0 --learning-rate-power 1",
    "targets of double Q-learning": "--target double",
    "targets of plain Q-learning": "--target plain",
    "target copied every 128 updates": "--target-every 128",
    "Huber loss": "--loss huber",
    "gradients shortened to 10": "--max-gradient-norm 10",
    "batches of 64": "--batch-size 64",
    "observations as they are": "--no-normalize-observations",
    "layers of 256 units": "--hidden 256 256",
    "step size of 1e-3": "--learning-rate 1e-3",
}


def solved(row, runs):
    """How many last policies solve the task."""
    return f"{sum(run['last_greedy_return'] >= 475 for run in runs)} of {len(runs)}"


COLUMNS = [
    ("settings", name()),
    ("way", lambda row, runs: row.ways[0]),
    ("last policy", mean("last_greedy_return", 1)),
    ("worst seed", worst("last_greedy_return", 1)),
    ("solved", solved),
    ("best policy in checks", mean("greedy_return", 1)),
]
ROWS = [Row("default", "", "dqn_cartpole", seeds=10, ways=(way,)) for way in three_ways.NAMES]
ROWS += [Row(variant, flags, "dqn_cartpole") for variant, flags in VARIANTS.items()]
TABLES = [Table(COLUMNS, ROWS)]
