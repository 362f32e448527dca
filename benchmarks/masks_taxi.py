"""What masks of actions save: steps of tabular Q-learning until it drives Taxi-v4 well.

python -m benchmarks.masks_taxi [--seeds 10]

Both sides use `QLearning.for_env` with the same seeds. Every 5,000 environment steps the greedy
policy drives 100 episodes. A run ends when their mean return is 7 or more; the optimum is 7.93. The
checked policy obeys the masks only where the learner does. The ratio is that of the means; its
95 % interval is a percentile bootstrap over seeds.

Result of 10 seeds: 78,500 ± 3,400 steps with masks, 120,500 ± 3,600 without (means with 95 %
intervals). Without masks it takes 1.54 times as many steps (1.47 to 1.60).
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from benchmarks.machine import describe, keep
from lab.runs.intervals import half_width

ENVIRONMENT = "Taxi-v4"
SETTINGS = {"step_size": 0.1, "epsilon": 0.1, "discount": 0.99}
EVERY, EPISODES, GOAL = 5_000, 100, 7.0
MOST = 1_000_000  # steps, after which a run has failed


def steps_needed(seed: int, *, action_mask: bool) -> int:
    """Environment steps until the greedy policy's mean return reaches the goal."""
    from lab.agents.tabular import QLearning

    agent = QLearning.for_env(ENVIRONMENT, action_mask=action_mask, seed=seed, **SETTINGS)
    while agent.step < MOST:
        agent.fit(EVERY, report_every=EVERY, verbose=0)
        if agent.evaluate(EPISODES).mean >= GOAL:
            return agent.step
    raise RuntimeError(f"seed {seed}: expected a mean return of {GOAL} within {MOST} steps, received less.")


def ratio_interval(with_masks, without):
    """The 95 % percentile bootstrap interval of the ratio of two means."""
    rng = np.random.default_rng(0)
    draws = [rng.choice(values, (10_000, len(values))).mean(axis=1) for values in (without, with_masks)]
    return np.quantile(draws[0] / draws[1], (0.025, 0.975)).tolist()


def main() -> None:
    """Runs both sides and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="runs with and without masks")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    flags = parser.parse_args()
    steps = {}
    with ProcessPoolExecutor(flags.jobs) as pool:
        for name, action_mask in (("with masks", True), ("without masks", False)):
            steps[name] = list(pool.map(partial(steps_needed, action_mask=action_mask), range(flags.seeds)))
            print(f"{name}: {np.mean(steps[name]):,.0f} ± {half_width(steps[name]):,.0f} steps", steps[name], flush=True)
    ratio = np.mean(steps["without masks"]) / np.mean(steps["with masks"])
    low, high = ratio_interval(steps["with masks"], steps["without masks"])
    print(f"without masks {ratio:.2f} times as many steps, 95 % interval {low:.2f} to {high:.2f}")
    result = {
        "environment": ENVIRONMENT,
        "settings": SETTINGS,
        "check": {"every": EVERY, "episodes": EPISODES, "mean_return": GOAL},
        "steps": steps,
        "mean": {name: float(np.mean(values)) for name, values in steps.items()},
        "half_width": {name: half_width(values) for name, values in steps.items()},
        "ratio": {"mean": round(float(ratio), 3), "low": round(low, 3), "high": round(high, 3)},
    }
    keep("masks_taxi", result | describe("gymnasium", "numpy"))


if __name__ == "__main__":
    main()
