"""DQN's scores on CartPole-v1 over seeds, with RL-zoo's plain settings and with ours.

python -m benchmarks.dqn_scores [--seeds 10]

Each variant is a whole run of `experiments.dqn_cartpole` per seed (50,000 steps, host environment). Reported are 100 greedy
episodes in fresh environments: of the last policy, and of the one that did best in 10-episode checks on other seeds. Beside
them the score of random actions.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import gymnasium
import numpy as np

from benchmarks.machine import describe, half_width, keep
from lab.journal import RunFolder

VARIANTS = {
    "RL-zoo, constant learning rate": ["--learning-rate-end", "2.3e-3"],
    "RL-zoo, constant learning rate, double targets": ["--learning-rate-end", "2.3e-3", "--target", "double"],
    "falling learning rate (default)": [],
}


def summarize(values):
    """Mean, half-width of the 95 % Student interval, and how many seeds solve the task."""
    values = np.array(values)
    return {
        "mean": round(float(values.mean()), 1), "interval": round(half_width(values), 1), "min": round(float(values.min()), 1),
        "solved": int((values >= 475).sum()), "values": [round(float(value), 2) for value in values],
    }  # fmt: skip


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


def main():
    """Runs all variants and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="seeds of each variant")
    seeds = parser.parse_args().seeds
    rows = {"random actions": {"mean": round(random_score(), 1)}}
    for name, arguments in VARIANTS.items():
        with tempfile.TemporaryDirectory() as home:
            command = [sys.executable, "-m", "experiments.dqn_cartpole", "--seeds", str(seeds), "--tracking-uri", "none"]
            subprocess.run([*command, *arguments], env=os.environ | {"LAB_HOME": home}, check=True, stdout=subprocess.DEVNULL)
            folders = [RunFolder(path.parent) for path in Path(home).glob("mlruns/runs/*/run.json")]
            children = sorted((f for f in folders if f.header().get("parent")), key=lambda f: f.header()["seed"])
            results = [child.results() for child in children]
        rows[f"{name}: last policy"] = summarize([result["last_greedy_return"] for result in results])
        rows[f"{name}: best in checks"] = summarize([result["greedy_return"] for result in results])
        print(name, rows[f"{name}: last policy"], rows[f"{name}: best in checks"], flush=True)
    settings = {"environment": "CartPole-v1", "steps": 50_000, "episodes": 100, "seeds": seeds}
    keep("dqn_scores", settings | {"rows": rows} | describe("tensorflow", "keras", "gymnasium"))


if __name__ == "__main__":
    main()
