"""What the face costs: wall time of `Agent.fit`, over that of the same pieces in `train`.

python -m benchmarks.face_cost [--pairs 20]

Both are PPO with the same seed, in one process, on the device (lab/CartPole-v1) and on the host
(CartPole-v1). They take turns. At the end their variables must have the same bits. The machine is
shared, so the median over the pairs is reported, and the 95 % interval of the geometric mean.
"""

import argparse
import time

import numpy as np

from benchmarks.machine import describe, keep
from lab.agents import PPO, train
from lab.runs.intervals import half_width

EVERY = 8_192  # environment steps between two reports


class Pieces:
    """The algorithm and the rollout of an agent, in the loop that everybody can write."""

    def __init__(self, agent):
        self.agent, self.step = agent, 0

    def turn(self, steps):
        """Learns for so many steps."""
        algorithm, total = self.agent.algorithm, self.step + steps
        self.agent.horizon.steps.assign(float(total))
        for report in train(
            algorithm, self.agent.rollout, steps=total, start=self.step, report_every=EVERY, checkpoint_every=10**9
        ):
            self.step = report.step


class Face:
    """The agent itself."""

    def __init__(self, agent):
        self.agent = agent
        agent.rates = []  # the pieces do not lower the step size either

    def turn(self, steps):
        """Learns for so many steps."""
        self.agent.fit(steps, report_every=EVERY, verbose=0)


def compare(environment, steps, pairs, **arguments):
    """The ratios of the times of `pairs` turns."""
    contenders = [kind(PPO.for_env(environment, seed=0, **arguments)) for kind in (Face, Pieces)]
    for contender in contenders:
        contender.turn(steps)  # compiles
    ratios = []
    for pair in range(pairs):
        seconds = {}
        for contender in contenders if pair % 2 else contenders[::-1]:
            began = time.perf_counter()
            contender.turn(steps)
            seconds[type(contender)] = time.perf_counter() - began
        ratios.append(seconds[Face] / seconds[Pieces])
    states = [contender.agent.variables for contender in contenders]
    assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(*states, strict=True)), "other bits"
    logs = np.log(ratios)
    mean, spread = logs.mean(), half_width(logs)
    summary = {"median": np.median(ratios), "low": np.exp(mean - spread), "high": np.exp(mean + spread)}
    print(environment, {name: round(float(value), 4) for name, value in summary.items()}, flush=True)
    return {name: round(float(value), 4) for name, value in summary.items()} | {"ratios": np.round(ratios, 4).tolist()}


def predict(rounds=50, calls=1_000):
    """Microseconds of `Agent.predict` of one observation, by a network of 64-64 units."""
    agent, observation = PPO.for_env("CartPole-v1"), np.zeros(4, np.float32)
    agent.predict(observation)
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(calls):
            agent.predict(observation)
        times.append((time.perf_counter() - began) / calls * 1e6)
    print(f"predict: {np.median(times):.1f} microseconds", flush=True)
    return {"median": round(float(np.median(times)), 2), "least": round(min(times), 2)}


def main():
    """Runs the pairs and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=20, help="turns of each")
    flags = parser.parse_args()
    result = {
        "device": compare("lab/CartPole-v1", 40 * EVERY, flags.pairs, vectorization="device"),
        "predict, microseconds": predict(),
        "host": compare("CartPole-v1", 4 * EVERY, flags.pairs),
    }
    keep("face_cost", result | describe("tensorflow", "keras"))


if __name__ == "__main__":
    main()
