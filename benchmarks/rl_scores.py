"""Scores of the policy-gradient and actor-critic experiments over seeds, at RL-zoo's step budgets.

python -m benchmarks.rl_scores [--seeds 10] [--only ppo_cartpole sac_pendulum]
python -m benchmarks.rl_scores --table        README's table of the results that are kept

Each row is a whole run of an experiment per seed, with its default settings, on the device where that is quicker: 100 greedy episodes of the
final policy in fresh Gymnasium environments. Reported: mean with the 95 % Student interval, interquartile mean with a bootstrap interval over
seeds (scipy, 10,000 resamples, percentiles), the score of random actions, minutes per seed. Rows that are not run keep their last result.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.machine import RESULTS, describe, half_width, keep
from lab.agents import environments
from lab.runs.run_folder import RunFolder

# experiment: (flags, what the score must reach, RL-zoo's score)
EXPERIMENTS = {
    "reinforce_cartpole": (["--device"], 475, None),
    "a2c_cartpole": (["--device"], 500, 500),
    "ppo_cartpole": (["--device"], 500, 500),
    "ppo_acrobot": (["--device"], -80, -73.5),
    "ppo_pendulum": (["--device"], -170, -172),
    "ppo_mountaincar_continuous": (["--device"], 90, 88.3),
    "recurrent_ppo_cartpole_no_velocity": (["--device"], 500, None),
    "sac_pendulum": (["--device"], -155, -157),
    "td3_pendulum": (["--device"], -155, -152),
}


def interquartile_mean(values, axis=-1):
    """The mean of the middle half."""
    return stats.trim_mean(values, 0.25, axis=axis)


def summarize(values):
    """Mean and interquartile mean with 95 % intervals."""
    values = np.array(values)
    row = {
        "mean": values.mean(), "interval": half_width(values),
        "interquartile_mean": interquartile_mean(values), "min": values.min(),
    }  # fmt: skip
    if values.std() > 0:
        resampled = stats.bootstrap(
            (values,), interquartile_mean, n_resamples=10_000, rng=np.random.default_rng(0), method="percentile"
        )
        row |= {"bootstrap_low": resampled.confidence_interval.low, "bootstrap_high": resampled.confidence_interval.high}
    return {name: round(float(value), 2) for name, value in row.items()} | {"values": [round(float(v), 2) for v in values]}


def random_score(environment, episodes=200):
    """Mean return of uniformly random actions."""
    env = environments.make(environment)
    env.action_space.seed(0)
    total = 0.0
    for episode in range(episodes):
        env.reset(seed=episode)
        ended = False
        while not ended:
            _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            total += float(reward)
            ended = terminated or truncated
    return round(total / episodes, 1)


def measure(name, flags, seeds):
    """The row of an experiment."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", f"experiments.{name}", "--seeds", str(seeds), "--tracking-uri", "none", *flags]
        began = time.monotonic()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, env=os.environ | {"LAB_HOME": home}, check=True, **quiet)
        minutes = (time.monotonic() - began) / 60 / seeds
        folders = [RunFolder(path.parent) for path in Path(home).glob("mlruns/runs/*/run.json")]
        children = sorted((f for f in folders if f.header().get("parent")), key=lambda f: f.header()["seed"])
        results = [child.results()["greedy_return"] for child in children]
        config = children[0].header()["config"]
    row = {"environment": config["environment"], "steps": config["steps"], "flags": flags, "seeds": seeds}
    row |= {"minutes_per_seed": round(minutes, 2), "random": random_score(config["environment"])}
    return row | summarize(results)


def table(rows):
    """README's table of the rows of rl_scores.json."""
    lines = [
        "| experiment | steps | random | RL-zoo | mean ± 95 % | interquartile mean | worst seed | seeds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        middle = f"{row['interquartile_mean']:.1f}"
        if "bootstrap_low" in row:
            middle += f" ({row['bootstrap_low']:.1f} to {row['bootstrap_high']:.1f})"
        zoo = "–" if row["rl_zoo"] is None else f"{row['rl_zoo']:g}"
        lines.append(
            f"| `{name}` | {row['steps']:,} | {row['random']:.1f} | {zoo} | **{row['mean']:.1f} ± {row['interval']:.1f}** "
            f"| {middle} | {row['min']:.1f} | {row['seeds']} |"
        )
    return "\n".join(lines)


def main():
    """Runs the experiments and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="seeds of each experiment")
    parser.add_argument("--only", nargs="*", default=list(EXPERIMENTS), choices=list(EXPERIMENTS), help="experiments")
    parser.add_argument("--table", action="store_true", help="print README's table and run nothing")
    arguments = parser.parse_args()
    path = RESULTS / "rl_scores.json"
    if arguments.table:
        print(table(json.loads(path.read_text())["rows"]))
        return
    for name in arguments.only:
        flags, wanted, zoo = EXPERIMENTS[name]
        row = measure(name, flags, arguments.seeds) | {"wanted": wanted, "rl_zoo": zoo}
        row |= describe("tensorflow", "keras", "gymnasium")
        rows = json.loads(path.read_text())["rows"] if path.exists() else {}
        order = {**rows, name: row}
        keep("rl_scores", {"episodes": 100, "rows": {key: order[key] for key in EXPERIMENTS if key in order}})
        print(
            name, {key: row[key] for key in ("mean", "interval", "interquartile_mean", "min", "minutes_per_seed")}, flush=True
        )


if __name__ == "__main__":
    main()
