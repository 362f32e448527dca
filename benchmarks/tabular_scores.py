"""Q-learning against the optimal policy on FrozenLake-v1, Taxi-v4 and CliffWalking-v1.

    python -m benchmarks.tabular_scores [--seeds 10]

Each seed is a run of `experiments.q_learning_taxi`. The report contains the mean return of the
greedy policy over 1,000 episodes in new environments, and exact expected returns within the time
limit: of the greedy policy, of the optimal policy and of the uniform random policy.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.machine import describe, half_width, keep
from lab.runs.run_folder import RunFolder

RUNS = {
    "FrozenLake-v1": ["--epsilon-end", "1.0"],
    "Taxi-v4": [],
    "CliffWalking-v1": ["--step-size-power", "0", "--steps", "200000"],
}


def random_score(environment, limit):
    """The exact expected return of the uniform random policy within `limit` steps."""
    import gymnasium

    from envs.tabular import from_gymnasium
    from lab.agents.tabular import reward_process, uniform_policy

    mdp = from_gymnasium(gymnasium.make(environment))
    rows, rewards = reward_process(mdp, uniform_policy(mdp))
    values = np.zeros(mdp.num_states)
    for _ in range(limit):
        values = rewards + rows @ values
    return float(mdp.start @ values)


def main():
    """Runs all and saves the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="seeds of each environment")
    seeds = parser.parse_args().seeds
    rows = {}
    for name, arguments in RUNS.items():
        with tempfile.TemporaryDirectory() as home:
            command = [sys.executable, "-m", "experiments.q_learning_taxi", "--environment", name, "--seeds", str(seeds)]
            environment = os.environ | {"LAB_HOME": home}
            subprocess.run(
                [*command, "--tracking-uri", "none", *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
            )
            folders = [RunFolder(path.parent) for path in Path(home).glob("mlruns/runs/*/run.json")]
            results = [folder.results() for folder in folders if folder.header().get("parent")]
        row = {"random": random_score(name, 100 if "Lake" in name else 200), "arguments": arguments}
        for key in results[0]:
            values = [result[key] for result in results]
            half = half_width(values)
            row[key] = {"mean": round(float(np.mean(values)), 4), "interval": round(half, 4), "values": values}
        rows[name] = row
        print(name, {key: value for key, value in row.items() if key != "values"}, flush=True)
    keep("tabular_scores", {"seeds": seeds, "rows": rows} | describe("tensorflow", "keras", "gymnasium"))


if __name__ == "__main__":
    main()
