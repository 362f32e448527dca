"""The policy-gradient experiments on CartPole three ways (see three_ways.py), whose scores must not differ.

python -m benchmarks.cartpole_scores [--seeds 5] [--only ppo_cartpole ...]
python -m benchmarks.cartpole_scores --table        README's table of the results that are kept

Each row is a whole run per seed with the flags of rl_scores.py: 100 greedy episodes in fresh environments, of the
policy that the experiment ends with or, where it has greedy checks, of the best in them.
Every run is appended to results/cartpole_scores.jsonl when it has ended; those there are not repeated.
"""

import argparse
import json

import numpy as np

from benchmarks import three_ways
from benchmarks.machine import RESULTS, describe, half_width, keep
from benchmarks.rl_scores import EXPERIMENTS

CARTPOLE = [name for name in EXPERIMENTS if "cartpole" in name]
ROWS = RESULTS / "cartpole_scores.jsonl"


def summarize(runs):
    """{way: mean, half-width of the 95 % Student interval, minimum and number of seeds} of an experiment's runs."""
    row = {}
    for way in three_ways.ways():
        values = np.array([run["greedy_return"] for run in runs if run["way"] == way])
        if len(values) > 1:
            numbers = {"mean": values.mean(), "interval": half_width(values), "min": values.min()}
            row[way] = {key: round(float(number), 2) for key, number in numbers.items()} | {"seeds": len(values)}
            row[way]["commits"] = sorted({run["commit"] for run in runs if run["way"] == way})
    return row


def table(rows):
    """README's table of the rows of cartpole_scores.json."""
    ways = list(three_ways.ways())
    lines = [f"| experiment | {' | '.join(ways)} | worst seed of all | seeds each |", f"|---|{'---|' * len(ways)}---|---|"]
    for name, row in rows.items():
        cells = [f"{row[way]['mean']:.1f} ± {row[way]['interval']:.1f}" if way in row else "–" for way in ways]
        seeds = ", ".join(dict.fromkeys(str(row[way]["seeds"]) for way in ways if way in row))
        lines.append(f"| `{name}` | {' | '.join(cells)} | {min(one['min'] for one in row.values()):.1f} | {seeds} |")
    return "\n".join(lines)


def main():
    """Runs what is missing and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="seeds of each experiment and way")
    parser.add_argument("--only", nargs="*", default=CARTPOLE, choices=CARTPOLE, help="experiments")
    parser.add_argument("--table", action="store_true", help="print README's table and run nothing")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(json.loads((RESULTS / "cartpole_scores.json").read_text())["rows"]))
        return
    about = describe("tensorflow", "jax", "keras", "gymnasium")
    for name in arguments.only:
        three_ways.measure(ROWS, name, EXPERIMENTS[name][0], arguments.seeds, three_ways.ways(), about)
    rows = {name: summarize(three_ways.kept(ROWS, name, EXPERIMENTS[name][0])) for name in CARTPOLE}
    about |= {"other_bits": three_ways.other_bits(), "rows": {name: row for name, row in rows.items() if row}}
    keep("cartpole_scores", {"episodes": 100} | about)


if __name__ == "__main__":
    main()
