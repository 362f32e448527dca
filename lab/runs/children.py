"""A run of several seeds or variants: each is a child run, and the parent run holds their means."""

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.errors import ChildError, DamagedFile
from lab.runs import bands, events, lifecycle, old_names, together
from lab.runs.about import conditions
from lab.runs.intervals import half_width
from lab.runs.lifecycle import Results, Run
from lab.runs.progress import Progress
from lab.runs.run_folder import RunFolder, all_runs
from lab.runs.track import Stopped, Track


def run_children(
    parent: RunFolder,
    config: Any,
    run: Run,
    expected: str,
    variants: Sequence[Mapping[str, Any]] = ({},),
    summary: Callable[[Track, dict[str, list[Results]]], None] | None = None,
) -> tuple[int, Results | None]:
    """Runs every variant of the configuration with every seed, each as a child run of `parent`.

    The mean and the 95 % interval of each result are logged to the parent, and so are the mean
    curves of the seeds (see `lab.runs.bands`).

    Args:
        variants: dicts of the fields that differ. The values of these fields are part of the names
            under which the results of the variant are logged.
        summary: function (track of the parent, {label: list of results}), called at the end.

    Returns:
        (exit code, results or None).
    """
    header = parent.header()
    seeds = range(header["seed"], header["seed"] + header["seeds"])
    rows: dict[str, list[Results]] = {}
    with lifecycle.opened(parent) as writer:
        if writer is None:
            return 2, None
        courier = lifecycle.start_courier(parent)

        def work() -> Results:
            curves: dict[str, list[bands.History]] = {}
            for label, variant in _labelled(variants).items():
                if "together" in header:
                    changed = dataclasses.replace(config, **variant)
                    family = [_child(parent, seed, changed, "variant" if variant else "seed") for seed in seeds]
                    rows[label] = together.results(parent, writer, family, changed, run, expected)
                    curves[label] = [child.metrics() for child in family]
                    continue
                for seed in seeds:
                    changed = dataclasses.replace(config, **variant)
                    child = _child(parent, seed, changed, "variant" if variant else "seed")
                    rows.setdefault(label, []).append(_child_results(parent, writer, child, changed, run, expected))
                    curves.setdefault(label, []).append(child.metrics())
            means: dict[str, float] = {}
            for label, each in rows.items():
                means |= summarize(each, f"_{label}" if label else "")
            track = Track(parent, writer, Progress(header["experiment"], 0))
            found = {label: bands.of_histories(each) for label, each in curves.items()}
            # MLflow shows the value of the last step: the mean of the results, not of a curve.
            writer.metrics(means, max(header["total_steps"], bands.last_step(found)))
            bands.log(track, writer.metrics, found, expected)
            if summary is not None:
                summary(track, rows)
            wanted = conditions(expected)
            return {name: value for name, value in means.items() if name in rows.get("", [{}])[0] or name in wanted}

        ending = lifecycle.do(work, writer)
    code = lifecycle.see_off(parent, courier, expected, ending)
    if ending.results is not None:
        for label, results in rows.items():
            _say_means(label, results)
    return code, ending.results


def _labelled(variants):
    """{label: variant}. A label is made of the values, in characters that metric names may have."""
    labels = [events.NOT_IN_NAMES.sub("_", "_".join(map(str, variant.values()))) for variant in variants]
    if len(set(labels)) < len(labels):
        labels = [f"{label}_{place}" for place, label in enumerate(labels)]
    return dict(zip(labels, variants, strict=True))


def _child_results(parent, writer, child, config, run, expected):
    """The results of one child run, from its journal if it has finished, else from a run."""
    if child.name not in {event["child"] for event, _ in parent.read(key="child")}:
        writer.append({"child": child.name})  # from here the parent's courier delivers it too
    results = child.results() if child.status() == "FINISHED" else None
    if results:
        return results
    with lifecycle.opened(child) as journal_of_child:
        if journal_of_child is None:
            raise ChildError(child.name, 2)
        ending = lifecycle.attempt(child, journal_of_child, config, run)
    lifecycle.say_ending(child, expected, ending)
    if ending.code == 130:
        raise Stopped
    if ending.code:
        raise ChildError(child.name, ending.code)
    return ending.results


def _say_means(label, results):
    summary = summarize(results)
    for name in results[0]:
        values = ", ".join(f"{result[name]:.4g}" for result in results)
        interval = f" ± {summary[f'{name}_interval']:.2g} (95 %)" if len(results) > 1 else ""
        print(f"{label} {name}: mean {summary[name]:.4g}{interval} over {len(results)} seeds: {values}".strip())


def _child(parent, seed, config, kind="seed"):
    """The child run of a seed and a configuration: the one that exists, or a new one."""
    header, settings = parent.header(), dataclasses.asdict(config)
    settings = json.loads(json.dumps(settings))  # as a header holds them
    for run in all_runs():
        try:
            found = run.header()
        except DamagedFile as error:  # if it was the child, that child is run anew
            print(f"{error}; passed over", file=sys.stderr)
            continue
        if found.get("parent") == parent.name and found["seed"] == seed and old_names.renamed(found)["config"] == settings:
            return run
    options = header["options"] | {"seed": seed, "seeds": 1}
    child = {"config": settings, "options": options, "seed": seed, "seeds": 1, "parent": parent.name, "kind": kind}
    return RunFolder.create(lifecycle.identified(header | child | {"total_steps": lifecycle.total_steps(config)}))


def summarize(results: Sequence[Results], suffix: str = "") -> Results:
    """The mean of each result over seeds, and half the width of its 95 % Student interval.

    They are named `<name><suffix>` and `<name><suffix>_interval`.
    """
    import numpy as np

    summary: Results = {}
    for name in results[0]:
        values = np.array([result[name] for result in results])
        summary[name + suffix] = values.mean()
        if len(values) > 1:
            summary[f"{name}{suffix}_interval"] = float(half_width(values))
    return summary
