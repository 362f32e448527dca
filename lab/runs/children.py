"""A run of several seeds or variants: each is a child run, and the parent has their means."""

import dataclasses
import json
import sys

from lab.errors import ChildError, DamagedFile
from lab.runs import events, lifecycle, old_names, run_folder
from lab.runs.progress import Progress
from lab.runs.track import Stopped, Track


def run_children(parent, config, run, expected, variants=({},), summary=None):
    """Runs every variant of the configuration with every seed as a child run of `parent`. Returns (exit code, results or None).

    The mean and the 95 % interval of each result are logged to it.

    Args:
        variants: dicts of the fields that differ; results of a variant that has some are logged with its values in their names.
        summary: function (track of the parent, {label: list of results}), called at the end.
    """
    header = parent.header()
    seeds = range(header["seed"], header["seed"] + header["seeds"])
    rows: dict[str, list] = {}
    with lifecycle.opened(parent) as writer:
        if writer is None:
            return 2, None
        courier = lifecycle.start_courier(parent)

        def work():
            for label, variant in _labelled(variants).items():
                for seed in seeds:
                    result = _child_results(parent, writer, seed, dataclasses.replace(config, **variant), run, expected)
                    rows.setdefault(label, []).append(result)
            means: dict[str, float] = {}
            for label, results in rows.items():
                means |= summarize(results, f"_{label}" if label else "")
            writer.metrics(means, header["total_steps"])
            if summary is not None:
                summary(Track(parent, writer, Progress(header["experiment"], 0)), rows)
            return {
                name: value for name, value in means.items() if name in rows.get("", [{}])[0] or expected.startswith(f"{name} ")
            }

        ending = lifecycle.do(work, writer)
    code = lifecycle.see_off(parent, courier, expected, ending)
    if ending.results is not None:
        for label, results in rows.items():
            _say_means(label, results)
    return code, ending.results


def _labelled(variants):
    """The variants by their values, in words that the name of a metric can have."""
    labels = [events.NOT_IN_NAMES.sub("_", "_".join(map(str, variant.values()))) for variant in variants]
    if len(set(labels)) < len(labels):
        labels = [f"{label}_{place}" for place, label in enumerate(labels)]
    return dict(zip(labels, variants, strict=True))


def _child_results(parent, writer, seed, config, run, expected):
    """The results of the child run for a seed and a configuration, which is run if it has not finished."""
    child = _child(parent, seed, config)
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


def _child(parent, seed, config):
    """The child run for a seed and a configuration: the one there is, or a new one."""
    header, settings = parent.header(), dataclasses.asdict(config)
    settings = json.loads(json.dumps(settings))  # as a header gives them back
    for run in run_folder.all_runs():
        try:
            found = run.header()
        except DamagedFile as error:  # of whichever run: should it be the child's, that is run anew
            print(f"{error}; passed over", file=sys.stderr)
            continue
        if found.get("parent") == parent.name and found["seed"] == seed and old_names.renamed(found)["config"] == settings:
            return run
    options = header["options"] | {"seed": seed, "seeds": 1}
    child = {"config": settings, "options": options, "seed": seed, "seeds": 1, "parent": parent.name}
    return run_folder.RunFolder.create(lifecycle.identified(header | child | {"total_steps": lifecycle.total_steps(config)}))


def summarize(results, suffix=""):
    """Mean and half-width of the 95 % Student interval of each result, over seeds, as `name + suffix` and with `_interval`."""
    import numpy as np
    from scipy import stats

    summary = {}
    for name in results[0]:
        values = np.array([result[name] for result in results])
        summary[name + suffix] = values.mean()
        if len(values) > 1:
            summary[f"{name}{suffix}_interval"] = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return summary
