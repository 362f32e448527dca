"""The policy-gradient experiments on CartPole three ways, with equal scores; see scores.py.

Experiments, flags and scores are those of rl_scores.py.
"""

from benchmarks import rl_scores, three_ways
from benchmarks.tables import Row, Table, mean, name, seeds, worst

COLUMNS = [
    ("experiment", name("`{}`")),
    *((way, mean("greedy_return", 1, way=way)) for way in three_ways.NAMES),
    ("worst seed of all", worst("greedy_return", 1)),
    ("seeds each", seeds),
]
ROWS = [Row(row.name, row.flags, ways=three_ways.NAMES) for row in rl_scores.ROWS if "cartpole" in row.name]
TABLES = [Table(COLUMNS, ROWS)]
