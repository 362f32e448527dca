"""A run of several seeds or variants: each is a child run, and the parent run holds their means."""

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from lab.errors import ChildError, DamagedFile
from lab.runs import bands, events, lifecycle, old_names
from lab.runs.about import conditions
from lab.runs.header import Options
from lab.runs.intervals import half_width
from lab.runs.journal import Journal
from lab.runs.lifecycle import Results, Run
from lab.runs.progress import Progress
from lab.runs.run_folder import RunFolder, all_runs
from lab.runs.track import Stopped, Track

Variants: TypeAlias = Sequence[Mapping[str, Any]]
ONE_JOB = {field: getattr(Options(), field) for field in ("jobs", "engine", "cores_per_job", "gpus_per_job", "shared_folder")}


class Wanted(NamedTuple):
    """A child that a parent needs."""

    label: str  # of the variant, or ""
    seed: int
    config: Any
    kind: str  # "seed", "variant" or "trial"
    extra: Mapping[str, Any] = {}  # more of its header, such as the number of a trial

    @property
    def title(self) -> str:
        """How it is called where several run side by side."""
        return f"{self.label} seed {self.seed}".strip()


class Family:
    """A parent and its children. Finds those that exist and makes the others.

    Args:
        parent: of the children.
        writer: the parent's open journal. It names the children, so that its courier delivers them.
        extra: fields of the headers of new children.
    """

    def __init__(self, parent: RunFolder, writer: Journal, extra: Mapping[str, Any] | None = None) -> None:
        self.parent, self.writer, self.extra = parent, writer, dict(extra or {})
        self._named = {event["child"] for event, _ in parent.read(key="child")}
        self._found = dict(_found(parent))

    def known(self, wanted: Wanted) -> RunFolder | None:
        """The child, None if it does not exist yet."""
        return self._found.get(_key(wanted.seed, _settings(wanted), wanted.extra.get("trial")))

    def child(self, wanted: Wanted) -> RunFolder:
        """The child: the one that exists, or a new one."""
        child = self.known(wanted) or self._made(wanted)
        if child.name not in self._named:
            self._named.add(child.name)
            self.writer.append({"child": child.name})
        return child

    def has_finished(self, wanted: Wanted) -> bool:
        """Whether the child has finished, with results."""
        child = self.known(wanted)
        return child is not None and child.status() == "FINISHED" and bool(child.results())

    def _made(self, wanted: Wanted) -> RunFolder:
        header, settings = self.parent.header(), _settings(wanted)
        own = {"seed": wanted.seed, "seeds": 1, "parent": self.parent.name, "kind": wanted.kind, "config": settings}
        own["options"] = header["options"] | {"seed": wanted.seed, "seeds": 1} | ONE_JOB
        own["total_steps"] = lifecycle.total_steps(wanted.config)
        made = RunFolder.create(lifecycle.identified(header | own | self.extra | dict(wanted.extra)))
        self._found[_key(wanted.seed, settings, wanted.extra.get("trial"))] = made
        return made


def _found(parent):
    """Yields (key, run) of the children that exist."""
    for run in all_runs():
        try:
            header = run.header()
        except DamagedFile as error:  # if it was a child, that child is run anew
            print(f"{error}; passed over", file=sys.stderr)
            continue
        if header.get("parent") == parent.name:
            trial = header.get("trial") if header.get("kind") == "trial" else None
            yield _key(header["seed"], old_names.renamed(header)["config"], trial), run


def _settings(wanted):
    return json.loads(json.dumps(dataclasses.asdict(wanted.config)))  # as a header holds them


def _key(seed, settings, trial):
    return seed, json.dumps(settings, sort_keys=True), trial


Execute: TypeAlias = Callable[[Family, Sequence[Wanted]], None]


def run_children(
    parent: RunFolder,
    config: Any,
    run: Run,
    expected: str,
    variants: Variants = ({},),
    summary: Callable[[Track, dict[str, list[Results]]], None] | None = None,
    execute: Execute | None = None,
) -> tuple[int, Results | None]:
    """Runs every variant of the configuration with every seed, each as a child run of `parent`.

    The mean and the 95 % interval of each result are logged to the parent, and so are the mean
    curves of the seeds (see `lab.runs.bands`).

    Args:
        variants: dicts of the fields that differ. The values of these fields are part of the names
            under which the results of the variant are logged.
        summary: function (track of the parent, {label: list of results}), called at the end.
        execute: function (family, children that are wanted). It runs those that have not finished.
            By default they run one after another in this process.

    Returns:
        (exit code, results or None).
    """
    found: dict[str, list[Results]] = {}
    with lifecycle.opened(parent) as writer:
        if writer is None:
            return 2, None
        courier = lifecycle.start_courier(parent)

        def work() -> Results:
            family, all_wanted = Family(parent, writer), wanted(parent, config, variants)
            (execute or _InTurn(run, expected))(family, all_wanted)
            means, rows = conclude(family, all_wanted, expected, summary)
            found.update(rows)
            return means

        ending = lifecycle.do(work, writer)
    code = lifecycle.see_off(parent, courier, expected, ending)
    if ending.results is not None:
        for label, results in found.items():
            _say_means(label, results)
    return code, ending.results


def wanted(parent: RunFolder, config: Any, variants: Variants = ({},)) -> list[Wanted]:
    """The children of a parent: each variant of the configuration with each seed."""
    header = parent.header()
    seeds = range(header["seed"], header["seed"] + header["seeds"])
    return [
        Wanted(label, seed, dataclasses.replace(config, **variant), "variant" if variant else "seed")
        for label, variant in _labelled(variants).items()
        for seed in seeds
    ]


def conclude(
    family: Family,
    all_wanted: Sequence[Wanted],
    expected: str = "",
    summary: Callable[[Track, dict[str, list[Results]]], None] | None = None,
) -> tuple[Results, dict[str, list[Results]]]:
    """Logs the means of children that have all finished to their parent.

    Returns:
        (the parent's results, {label: the results of each seed}).
    """
    parent, writer = family.parent, family.writer
    found: dict[str, list[Results]] = {}
    histories: dict[str, list[bands.History]] = {}
    for each in all_wanted:
        child = family.child(each)
        found.setdefault(each.label, []).append(child.results() or {})
        histories.setdefault(each.label, []).append(child.metrics())
    means: dict[str, float] = {}
    for label, results in found.items():
        means |= summarize(results, f"_{label}" if label else "")
    header = parent.header()
    track = Track(parent, writer, Progress(header["experiment"], 0))
    curves = {label: bands.of_histories(each) for label, each in histories.items()}
    # MLflow shows the value of the last step: the mean of the results, not of a curve.
    writer.metrics(means, max(header["total_steps"], bands.last_step(curves)))
    bands.log(track, writer.metrics, curves, expected)
    if summary is not None:
        summary(track, found)
    promised = conditions(expected)
    own = {name: float(value) for name, value in means.items() if name in found.get("", [{}])[0] or name in promised}
    writer.append({"results": own})
    return own, found


class _InTurn:
    """Runs children one after another in this process."""

    def __init__(self, run: Run, expected: str) -> None:
        self._run, self._expected = run, expected

    def __call__(self, family: Family, all_wanted: Sequence[Wanted]) -> None:
        for each in all_wanted:
            if not family.has_finished(each):
                self._one(family.child(each), each.config)

    def _one(self, child: RunFolder, config: Any) -> None:
        with lifecycle.opened(child) as writer:
            if writer is None:
                raise ChildError(child.name, 2)
            ending = lifecycle.attempt(child, writer, config, self._run)
        lifecycle.say_ending(child, self._expected, ending)
        if ending.code == lifecycle.INTERRUPTED:
            raise Stopped
        if ending.code:
            raise ChildError(child.name, ending.code)


def _labelled(variants):
    """{label: variant}. A label is made of the values, in characters that metric names may have."""
    labels = [events.NOT_IN_NAMES.sub("_", "_".join(map(str, variant.values()))) for variant in variants]
    if len(set(labels)) < len(labels):
        labels = [f"{label}_{place}" for place, label in enumerate(labels)]
    return dict(zip(labels, variants, strict=True))


def _say_means(label, results):
    summary = summarize(results)
    for name in results[0]:
        values = ", ".join(f"{result[name]:.4g}" for result in results)
        interval = f" ± {summary[f'{name}_interval']:.2g} (95 %)" if len(results) > 1 else ""
        print(f"{label} {name}: mean {summary[name]:.4g}{interval} over {len(results)} seeds: {values}".strip())


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
