"""Speed on a GPU: PPO, DCGAN's update and tabular Q-learning, which others time on a processor.

python -m benchmarks.accelerator [--rounds 5]    needs JAX and torch with a GPU

The contenders are those of `rl_throughput` and `gan_throughput`, described there. Each has a
process of its own, and they take turns. PPO is compared with the same algorithm in plain JAX,
DCGAN's update with torch's. Reported: medians, and medians of the ratios of each round.
"""

import argparse
import os
import statistics
from concurrent.futures import ThreadPoolExecutor

from benchmarks.contender import Contender
from benchmarks.machine import describe, keep

PPO, DCGAN = "benchmarks.rl_throughput", "benchmarks.gan_throughput"
CONTENDERS = {  # name: (module, arguments, backend, units of work in a turn, contender to compare with)
    "PPO, 8 environments": (PPO, ("ppo", "device", 8), "jax", 200_000, None),
    "PPO, 512 environments": (PPO, ("ppo", "device", 512), "jax", 4_000_000, None),
    "PPO, 4,096 environments": (PPO, ("ppo", "device", 4_096), "jax", 16_000_000, None),
    "plain JAX, 4,096 environments": (PPO, ("ppo", "pure", 4_096), "jax", 16_000_000, "PPO, 4,096 environments"),
    "DCGAN's update": (DCGAN, ("lab",), "jax", 200, None),
    "DCGAN's update in torch": (DCGAN, ("torch",), "tensorflow", 200, "DCGAN's update"),
}


def compare(rounds):
    """{contender: units per second, and the ratio to what it is compared with}."""
    with ThreadPoolExecutor() as pool:  # they compile side by side, and run one at a time
        start = {
            name: pool.submit(Contender, module, *arguments, backend=backend)
            for name, (module, arguments, backend, _, _) in CONTENDERS.items()
        }
        contenders = {name: future.result() for name, future in start.items()}
    speeds: dict = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            speeds[name].append(contender.speed(CONTENDERS[name][3]))
    rows = {}
    for name, contender in contenders.items():
        contender.end()
        rows[name] = {
            "per_second": [round(value, 1) for value in speeds[name]],
            "median": round(statistics.median(speeds[name]), 1),
        }
        base = CONTENDERS[name][4]
        if base:
            rows[name]["ratio"] = round(statistics.median(a / b for a, b in zip(speeds[name], speeds[base], strict=True)), 3)
        print(name, rows[name], flush=True)
    return rows


def main():
    """Measures and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender")
    flags = parser.parse_args()
    os.environ |= {"KERAS_BACKEND": "jax", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # several processes share the GPU
    import jax

    if jax.default_backend() == "cpu":
        parser.error("expected a GPU that JAX sees, received a processor alone")
    rows = compare(flags.rounds)

    from benchmarks.tabular import q_learning

    rows |= {f"Q-learning, {name}": values for name, values in q_learning().items()}
    keep(
        "accelerator",
        {"device": jax.devices()[0].device_kind, "rounds": flags.rounds, "rows": rows} | describe("jax", "keras", "torch"),
    )


if __name__ == "__main__":
    main()
