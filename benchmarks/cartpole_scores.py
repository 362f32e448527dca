"""The policy-gradient experiments on CartPole three ways (see three_ways.py), whose scores must not differ.

python -m benchmarks.cartpole_scores [--seeds 5] [--only ppo_cartpole ...]
python -m benchmarks.cartpole_scores --table        README's table of the results that are kept

Each row is a whole run per seed with the flags of rl_scores.py: 100 greedy episodes of the final policy in fresh environments.
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


def kept(name):
    """The rows of an experiment that are of today's settings, one for each way and seed."""
    digest = three_ways.settings(name, EXPERIMENTS[name][0])
    rows = [run for run in three_ways.kept(ROWS) if (run["experiment"], run["digest"]) == (name, digest)]
    return list({(run["way"], run["seed"]): run for run in rows}.values())


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
        digest = three_ways.settings(name, EXPERIMENTS[name][0])
        for seed in range(arguments.seeds):
            for way, environment in three_ways.ways().items():
                if any((run["digest"], run["way"], run["seed"]) == (digest, way, seed) for run in kept(name)):
                    continue
                [run] = three_ways.results(name, EXPERIMENTS[name][0], seed, 1, environment)
                run = {"experiment": name, "digest": digest, "way": way, "seed": seed, "greedy_return": run["greedy_return"]}
                three_ways.append(ROWS, run | {"commit": about["commit"], "processor": about["processor"]})
                print(name, way, seed, run["greedy_return"], flush=True)
    rows = {name: summarize(kept(name)) for name in CARTPOLE}
    about |= {"other_bits": three_ways.other_bits(), "rows": {name: row for name, row in rows.items() if row}}
    keep("cartpole_scores", {"episodes": 100} | about)


if __name__ == "__main__":
    main()
