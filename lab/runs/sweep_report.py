"""What a sweep leaves behind: its trials as a table, pictures, the best settings as a file."""

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lab.runs import command_line, curves, origin, study
from lab.runs.files import write_csv
from lab.runs.journal import Journal
from lab.runs.paths import replacing
from lab.runs.progress import Progress
from lab.runs.run_folder import RunFolder
from lab.runs.space import Range, Space, kept
from lab.runs.track import Track

if TYPE_CHECKING:
    from lab.runs.planning import Experiment
    from lab.runs.sweep import Plan

BEST = "best.toml"


def conclude(
    folder: RunFolder,
    writer: Journal,
    experiment: "Experiment",
    plan: "Plan",
    space: Space,
    trials: Sequence[Any],
    importances: Mapping[str, float],
) -> dict[str, float]:
    """Writes the artifacts of a sweep, prints what it found, and returns its results."""
    track = Track(folder, writer, Progress(experiment.name, 0))
    write_table(track, space, trials)
    found = study.best(trials, plan.maximize, space)
    if found is None:
        print("no trial is complete: see trials.csv")
        track.finish({"trials": len(trials)}, len(trials))
        return track.results or {}
    config = space.configured(found.params)
    write_settings(track, config, space, f"best of {len(trials)} trials of {folder.name}: {plan.metric} {found.value:.6g}")
    draw(track, plan, space, trials, found, importances)
    counts = {state: sum(trial.state.name == state for trial in trials) for state in ("COMPLETE", "PRUNED", "FAIL")}
    print(f"{counts['COMPLETE']} trials complete, {counts['PRUNED']} stopped early, {counts['FAIL']} failed")
    usual = space.usual()
    for trial in trials:
        if trial.params == usual and trial.state.name == "COMPLETE" and trial is not found:
            print(f"the experiment's own settings, trial {trial.number}: {plan.metric} {trial.value:.6g}")
            break
    print(f"best, trial {found.number}: {plan.metric} {found.value:.6g}")
    for name, share in importances.items():
        print(f"  {name} {found.params[name]}   importance {share:.2f}")
    words = ["python", *origin.command_line(experiment.started_by)]
    print("command:", shlex.join([*words, *command_line.words(config, experiment.config_class())]))
    path = folder.artifacts / BEST
    print("the best of many trials looks better than it is; on seeds that it has not seen:")
    print(" ", shlex.join([*words, "--config", str(path), "--seed", "1000", "--seeds", "5"]))
    track.finish({f"best_{plan.metric}": found.value, "best_trial": found.number, "trials": len(trials)}, len(trials))
    return track.results or {}


def write_table(track: Track, space: Space, trials: Sequence[Any]) -> None:
    """Logs trials.csv: number, state, objective, settings and run of each trial."""
    names = list(space.dimensions)
    rows = []
    for trial in trials:
        value = "" if trial.value is None or trial.state.name != "COMPLETE" else trial.value
        settings = [trial.params.get(name, "") for name in names]
        rows.append([trial.number, trial.state.name.lower(), value, *settings, trial.user_attrs.get("run", "")])
    write_csv(track.artifacts / "trials.csv", ["trial", "state", "objective", *names, "run"], rows)
    track.artifact("trials.csv")


def write_settings(track: Track, config: Any, space: Space, title: str) -> None:
    """Logs best.toml: the settings that differ from the experiment's own, for `--config`."""
    usual = type(config)()
    lines = [f"# {title}"]
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name in space.dimensions or value != getattr(usual, field.name):
            text = json.dumps("None" if value is None else value, ensure_ascii=False)  # TOML has no null
            lines.append(f"{field.name} = {text}")
    with replacing(track.artifacts / BEST) as path:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    track.artifact(BEST)


def draw(track: Track, plan: "Plan", space: Space, trials: Sequence[Any], found: Any, importances: Mapping[str, float]) -> None:
    """Draws slices.png, the objective over each setting and over the trials, and importance.png."""
    from matplotlib.figure import Figure

    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    names = sorted(space.dimensions, key=lambda name: -importances.get(name, 0.0))
    panels = len(names) + 1
    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure = Figure(figsize=(4 * columns, 3 * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for empty in axes[panels:]:
        empty.axis("off")
    values = [trial.value for trial in complete]
    for axis, name in zip(axes, names):
        dimension = space.dimensions[name]
        points = [trial.params[name] for trial in complete]
        if isinstance(dimension, Range):
            axis.scatter(points, values, s=16, color=curves.BLUE, alpha=0.7)
            axis.scatter([found.params[name]], [found.value], s=60, color=curves.ORANGE, marker="*", label="best")
            if dimension.log:
                axis.set_xscale("log")
        else:
            labels = [str(kept(value)) for value in dimension.values]
            axis.scatter([labels.index(str(point)) for point in points], values, s=16, color=curves.BLUE, alpha=0.7)
            place = labels.index(str(found.params[name]))
            axis.scatter([place], [found.value], s=60, color=curves.ORANGE, marker="*", label="best")
            axis.set_xticks(range(len(labels)), labels)
            axis.set_xlim(-0.5, len(labels) - 0.5)
        axis.set(xlabel=name.replace("_", " "), ylabel=plan.metric.replace("_", " "))
    last = axes[len(names)]
    last.scatter([trial.number for trial in complete], values, s=16, color=curves.BLUE, alpha=0.7, label="a trial")
    last.scatter([found.number], [found.value], s=60, color=curves.ORANGE, marker="*", label="best")
    last.set(xlabel="trial", ylabel=plan.metric.replace("_", " "))
    last.legend(fontsize=9)
    figure.suptitle(f"{track.folder.name}: {plan.metric.replace('_', ' ')}, mean over the seeds of a trial", fontsize=10)
    track.figure("slices.png", figure)
    if importances:
        figure = Figure(figsize=(6, 0.5 * len(importances) + 1.2), layout="constrained")
        axis = figure.subplots()
        shares = dict(reversed(list(importances.items())))
        bars = axis.barh([name.replace("_", " ") for name in shares], list(shares.values()), color=curves.BLUE)
        axis.bar_label(bars, fmt="%.2f", padding=3)
        axis.set(xlabel="share of the variance of the objective (functional ANOVA)", xlim=(0, 1.1))
        track.figure("importance.png", figure)
