"""Runs to compare, made without an experiment."""

import json

from lab.runs import events
from lab.runs.run_folder import RunFolder

EXPECTED = "greedy_return >= 475 (optimal 500, random policy 20)"


def make(experiment="ppo_toy", seed=0, *, config=None, **changes):
    """The folder of a run that has logged nothing."""
    header = {
        "experiment": experiment,
        "module": f"experiments.{experiment}",
        "config": {"environment": "Toy-v1", "rate": 0.001} | (config or {}),
        "options": {"smoke": False, "checkpoint_every": 0},
        "seed": seed,
        "seeds": 1,
        "backend": "tensorflow",
        "tracking_uri": "none",
        "total_steps": 100,
        "versions": {},
        "about": {"expected": EXPECTED, "summary": "A toy."},
    } | changes
    header.setdefault("digest", json.dumps([header["experiment"], header["config"], seed]))
    return RunFolder.create(header)


def log(folder, *lines):
    """Appends events, each with its time: (seconds since the start, event)."""
    began = round(1000 * folder.header()["created"])
    with open(folder.journal, "ab") as file:
        for seconds, event in lines:
            file.write(events.encode(event | {"time": began + int(1000 * seconds)}))


def run(score, experiment="ppo_toy", seed=0, *, curve=(), status="FINISHED", seconds=10, metric="greedy_return", **changes):
    """A run with a score. `curve` are the values of check_return at steps 10, 20, …."""
    folder = make(experiment, seed, **changes)
    log(folder, (0, {"status": "RUNNING"}))
    log(folder, *((1, {"metrics": {"check_return": value}, "step": 10 * step}) for step, value in enumerate(curve, 1)))
    if status == "FINISHED":
        log(folder, (seconds, {"metrics": {metric: score}, "step": 10 * len(curve)}), (seconds, {"results": {metric: score}}))
    if status:
        log(folder, (seconds, {"status": status}))
    return folder


def several(scores, experiment="ppo_toy", curves=None, **changes):
    """The parent of a run for each score."""
    parent = make(experiment, seeds=len(scores), kind="parent", **changes)
    curves = curves or [()] * len(scores)
    for seed, (score, curve) in enumerate(zip(scores, curves)):
        run(score, experiment, seed, curve=curve, parent=parent.name, kind="seed", **changes)
    return parent
