"""Tables of speed, from the files in `benchmarks/results`."""

import json
from statistics import median

from benchmarks.machine import RESULTS

NAMES = {
    "lab": "the lab",
    "stable-baselines3": "Stable-Baselines3",
    "plain JAX": "plain JAX, no library",
    "torch, frozen": "torch, without unused gradients",
    "keras train_step": "plain Keras `train_step` under `fit`",
    "keras fit": "plain `keras.Model.fit`",
    "lab, tensorflow": "the lab, TensorFlow",
    "lab, jax": "the lab, JAX",
    "lab with average, tensorflow": "the lab with the moving average, TensorFlow",
}


def read(name: str) -> dict:
    """A file of results."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def named(contender: str) -> str:
    """A contender's name in a table."""
    words = contender.replace("tensorflow", "TensorFlow").replace("jax", "JAX")
    return NAMES.get(contender, words)


def steps(name: str) -> list[list[str]]:
    """Environment steps per second, and the ratio to Stable-Baselines3."""
    rows = [
        [named(row["contender"]), f"{median(row['steps_per_second']):,.0f}", f"{row['median_ratio']:.2f}"]
        for row in read(name)["rows"]
    ]
    return [["", "steps/s", "ratio"], *rows]


def updates(name: str, task: str = "") -> list[list[str]]:
    """Time of an update, with torch's as 1."""
    rows = [row for row in read(name)["rows"] if row.get("task", "") == task]
    return [["", "time, torch = 1"], *([named(row["contender"]), f"{row['ratio_to_torch']:.2f}"] for row in rows)]


def environments() -> list[list[str]]:
    """PPO's steps per second over the number of environments."""
    rows = [
        [named(row["backend"]), f"{row['num_envs']:,}", f"{median(row['steps_per_second']):,.0f}"]
        for row in read("rl_throughput_envs")["rows"]
    ]
    return [["backend", "environments", "steps/s"], *rows]


def accelerator() -> list[list[str]]:
    """JAX on an accelerator."""
    rows = []
    for name, row in read("accelerator")["rows"].items():
        value = row.get("median", row.get("steps per second"))
        unit = "updates" if "DCGAN" in name else "steps"
        rows.append([name, f"{value:,.0f} {unit}"])
    return [["", "per second"], *rows]


def compare() -> list[list[str]]:
    """Seconds that a comparison of runs takes."""
    rows = [[str(row["runs"]), f"{row['median']:.1f}", f"{row['cpu_median']:.1f}"] for row in read("compare_speed")["rows"]]
    return [["runs", "seconds", "seconds of the processor"], *rows]


def choose() -> list[list[str]]:
    """Algorithms, what they are for, and their steps per second on the host and the device."""
    files = {"DQN": "dqn_throughput", "PPO": "rl_throughput_ppo", "A2C": "rl_throughput_a2c", "SAC": "rl_throughput_sac"}
    rows = []
    for name, actions, memory, use in ALGORITHMS:
        cells = ["–", "–"]
        if name in files:
            by_name = {row["contender"].lower(): row for row in read(files[name])["rows"]}
            places = [by_name[f"lab {place}, tensorflow"] for place in ("host", "device")]
            cells = [f"{median(row['steps_per_second']):,.0f}" for row in places]
        link = f"{{doc}}`{name} <algorithms/{name.lower()}>`" if name != "tabular" else "{doc}`tabular`"
        rows.append([link, actions, memory, *cells, use])
    return [["", "actions", "remembers", "steps/s, host", "device", "use it for"], *rows]


ALGORITHMS = (  # name, actions, what it remembers, typical use
    ("PPO", "any", "–", "the first try; many cheap steps"),
    ("RecurrentPPO", "any", "past observations", "observations that do not say all"),
    ("A2C", "any", "–", "very many cheap steps"),
    ("REINFORCE", "any", "–", "learning how policy gradients work"),
    ("DQN", "Discrete", "a replay", "few, expensive steps"),
    ("SAC", "Box", "a replay", "few, expensive steps"),
    ("TD3", "Box", "a replay", "the same, with a deterministic policy"),
    ("DDPG", "Box", "a replay", "comparison with TD3"),
    ("tabular", "Discrete", "a table", "states that can be numbered; exact values"),
)


def precisions() -> list[list[str]]:
    """Milliseconds of an update in float32 and in bfloat16, of the lab and of torch."""
    rows = [
        [
            row["network"],
            named(row["contender"]),
            *(f"{median(row[kind]):.0f}" for kind in ("float32", "mixed_bfloat16")),
            f"{row['median_ratio']:.2f}",
        ]
        for row in read("precision")["rows"]
    ]
    return [["network", "", "float32", "bfloat16", "ratio"], *rows]


SPEED = {
    "choose": choose,
    "compare": compare,
    "dqn": lambda: steps("dqn_throughput"),
    "ppo": lambda: steps("rl_throughput_ppo"),
    "a2c": lambda: steps("rl_throughput_a2c"),
    "sac": lambda: steps("rl_throughput_sac"),
    "environments": environments,
    "gan": lambda: updates("gan_throughput"),
    "resnet20": lambda: updates("supervised_throughput", "resnet20"),
    "lstm": lambda: updates("supervised_throughput", "lstm"),
    "accelerator": accelerator,
    "precision": precisions,
}
