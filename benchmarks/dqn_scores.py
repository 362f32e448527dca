"""DQN on CartPole-v1 three ways (see three_ways.py), and what each of the default settings does.

python -m benchmarks.dqn_scores [--seeds 10] [--only default ...]
python -m benchmarks.dqn_scores --table        README's table of the results that are kept

Each row is a whole run of `experiments.dqn_cartpole` per seed (50,000 steps, host environment). Reported are 100 greedy episodes in
fresh environments of the last policy, and of the one that did best in 10-episode checks on other seeds. A run counts as solved where
its last policy has 475 and more. Every run is appended to results/dqn_scores.jsonl when it has ended; those there are not repeated.
"""

import argparse
import json

import gymnasium
import numpy as np

from benchmarks import three_ways
from benchmarks.machine import RESULTS, describe, half_width, keep

ZOO = "--averaging 0 --target plain --target-every 128 --batch-size 64 --hidden 256 256 --loss huber"
VARIANTS = {
    "default": "",
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
ROWS = RESULTS / "dqn_scores.jsonl"


def summarize(runs):
    """Mean with the half-width of the 95 % Student interval of last and best policies, and how many last policies solve the task."""
    row = {"seeds": len(runs), "solved": sum(run["last_greedy_return"] >= 475 for run in runs)}
    for name in ("last_greedy_return", "greedy_return"):
        values = np.array([run[name] for run in runs])
        row[name] = {"mean": values.mean(), "interval": half_width(values), "min": values.min()}
        row[name] = {key: round(float(value), 1) for key, value in row[name].items()}
    checks = np.array([run["last_checks"] for run in runs])
    row |= {"worst of the last five checks": float(checks.min()), "values": [run["last_greedy_return"] for run in runs]}
    return row | {"commits": sorted({run["commit"] for run in runs})}


def random_score(episodes=1000):
    """Mean return of uniformly random actions."""
    env = gymnasium.make("CartPole-v1")
    env.action_space.seed(0)
    total = 0.0
    for episode in range(episodes):
        env.reset(seed=episode)
        ended = False
        while not ended:
            _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            total += reward
            ended = terminated or truncated
    return total / episodes


def table(rows):
    """README's table of the rows of dqn_scores.json."""
    lines = ["| settings | way | last policy | worst seed | solved | best policy in checks |", "|---|---|---|---|---|---|"]
    for row in rows:
        last, best = row["last_greedy_return"], row["greedy_return"]
        lines.append(
            f"| {row['settings']} | {row['way']} | {last['mean']:.1f} ± {last['interval']:.1f} | {last['min']:.1f} "
            f"| {row['solved']} of {row['seeds']} | {best['mean']:.1f} ± {best['interval']:.1f} |"
        )
    return "\n".join(lines)


def main():
    """Runs what is missing and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="seeds of the default")
    parser.add_argument("--variant-seeds", type=int, default=5, help="seeds of the other settings, on TensorFlow alone")
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), choices=list(VARIANTS), help="settings")
    parser.add_argument("--table", action="store_true", help="print README's table and run nothing")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(json.loads((RESULTS / "dqn_scores.json").read_text())["rows"]))
        return
    about = describe("tensorflow", "jax", "keras", "gymnasium")
    for variant in arguments.only:
        ways, seeds = three_ways.ways(), arguments.seeds
        if variant != "default":
            ways, seeds = {"TensorFlow": ways["TensorFlow"]}, arguments.variant_seeds
        three_ways.measure(ROWS, "dqn_cartpole", VARIANTS[variant].split(), seeds, ways, about)
    rows = []
    for variant, flags in VARIANTS.items():
        runs = three_ways.kept(ROWS, "dqn_cartpole", flags.split())
        for way in dict.fromkeys(run["way"] for run in runs):
            rows.append({"settings": variant, "way": way} | summarize([run for run in runs if run["way"] == way]))
    settings = {"environment": "CartPole-v1", "steps": 50_000, "episodes": 100, "random": round(random_score(), 1)}
    keep("dqn_scores", settings | {"other_bits": three_ways.other_bits(), "rows": rows} | about)


if __name__ == "__main__":
    main()
