"""What MLflow shows of a run beside its numbers: its tags and its description.

Both come from the header of the run. They decide nothing: the digest of a run is not computed over
them (see `lab.runs.lifecycle.identified`).
"""

import shlex
from typing import Any

NOTE = "mlflow.note.content"  # MLflow's tag of a description, in Markdown
KIND = "mlflow.experimentKind"
LONGEST_TAG, LONGEST_NOTE = 250, 4_000  # characters; servers refuse more than 5,000
TRAINING = "custom_model_development"  # the kind of experiment that is no application of a language model
# Algorithms whose names are several words. The first word of any other name is the algorithm.
ALGORITHMS = (
    "char_rnn",
    "cnn_families",
    "conditional_gan",
    "double_q_learning",
    "gan_objectives",
    "policy_gradient",
    "q_learning",
    "recurrent_ppo",
    "sarsa_vs_q_learning",
    "text_classifier",
    "tile_coding",
    "value_iteration",
    "wgan_gp",
)
# {experiment: (algorithm, task)} of names of another form.
NAMED = {
    "adding_problem": ("", "adding_problem"),
    "cifar10_resnet": ("resnet", "cifar10"),
    "component_gallery": ("", "component_gallery"),
    "copy_memory": ("", "copy_memory"),
    "gradient_flow": ("", "gradient_flow"),
    "look_inside_cnn": ("cnn", "look_inside"),
    "sequential_digits": ("", "sequential_digits"),
}


def tags(header: dict[str, Any]) -> dict[str, str]:
    """The tags `algorithm`, `task`, `kind` and `smoke` of a run. Unknown ones are left out."""
    algorithm, task = _named(header)
    config, about = header["config"], header.get("about", {})
    # The parent of several families has the family of none.
    family = config.get("family") if kind(header) != "parent" or "families" not in config else None
    chosen = config.get("algorithm") or family or config.get("model")
    found = {
        "algorithm": about.get("algorithm") or chosen or algorithm,
        "task": about.get("task") or config.get("task") or config.get("environment") or task,
        "kind": kind(header),
        "smoke": str(bool(header.get("options", {}).get("smoke"))).lower(),
    }
    return {name: str(value)[:LONGEST_TAG] for name, value in found.items() if value}


def kind(header: dict[str, Any]) -> str:
    """What a run is.

    "parent" has children. Each child is a "seed", or a "variant" where settings differ too. A
    "study" is a sweep, and its children are "trial"s. A "comparison" is what `python -m lab
    compare` keeps. All other runs are "single". The headers of older versions do
    not say it.
    """
    usual = "seed" if header.get("parent") else "parent" if header.get("seeds", 1) > 1 else "single"
    return header.get("kind") or usual


def called(header: dict[str, Any]) -> str:
    """What the name of a run says of it: its seed or seeds, its trial."""
    seed = f"seed{header['seed']}" if header.get("seeds", 1) == 1 else f"{header['seeds']}seeds"
    if header.get("kind") == "study":
        return "study"
    return f"trial{header['trial']}-{seed}" if "trial" in header else seed


def _named(header):
    """(algorithm, task) of the name <algorithm>_<problem> of an experiment. "" if unknown."""
    name = header["experiment"]
    if not header.get("module"):  # the name of a script's run says nothing of the kind
        return "", ""
    if name in NAMED:
        return NAMED[name]
    known = next((each for each in ALGORITHMS if name.startswith(f"{each}_")), name.partition("_")[0])
    return known, name.removeprefix(known).strip("_")


def of_run(header: dict[str, Any]) -> str:
    """The description of a run: what it shows, what is expected, the time, the command."""
    about, words = header.get("about", {}), header.get("command")
    smoke = header.get("options", {}).get("smoke")
    lines = []
    if header.get("parent"):
        lines.append(f"A {kind(header)} of the run `{header['parent']}`.")
    if smoke:
        lines.append("A smoke run: the same code for a few seconds. Its results mean nothing.")
    elif about.get("expected"):
        lines.append(f"Expected with the default settings: `{about['expected']}`")
    if about.get("time") and not smoke:
        lines.append(f"Time with the default settings: {about['time']}")
    if words:
        if header.get("parent"):  # one seed of several that run together
            words = [word for word in words if word != "--together"]
        repeats = "Command of all variants" if kind(header) == "variant" else "Command"
        lines.append(f"{repeats}: `{shlex.join([*words, *_seeds(header)])}`")
    return _text(about, lines)


def _seeds(header):
    """The flags of the seeds of a run. Those of a variant's parent are not known here."""
    if kind(header) == "variant":
        return []
    seed, seeds = header["seed"], header.get("seeds", 1)
    return ["--seed", str(seed)] * bool(seed) + ["--seeds", str(seeds)] * (seeds > 1)


def of_experiment(header: dict[str, Any]) -> str:
    """The description of an experiment in MLflow: as of a run, with the command of the default."""
    about, words = header.get("about", {}), header.get("command")
    lines = []
    if about.get("expected"):
        lines.append(f"Expected: `{about['expected']}`")
    if about.get("time"):
        lines.append(f"Time: {about['time']}")
    if words:
        whole = 3 if words[1] == "-m" else 2  # python -m module, or python script.py
        lines.append(f"Command: `{shlex.join(words[:whole])}`")
    return _text(about, lines)


def _text(about, lines):
    summary = [about["summary"]] if about.get("summary", "-") != "-" else []
    return "\n\n".join([*summary, "\n".join(f"- {line}" for line in lines)]).strip()[:LONGEST_NOTE]
