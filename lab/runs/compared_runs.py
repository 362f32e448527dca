"""Groups of runs to compare: which runs an argument means, and what is read of each.

`RULES` says what an argument may be. Runs on this disk are read from their journals. All that is
not here is asked of a server (`lab.runs.compared_server`), if one is named.
"""

import dataclasses
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from lab import validation
from lab.errors import DamagedFile
from lab.runs import description, old_names
from lab.runs.bands import Points
from lab.runs.curves import PROBLEM
from lab.runs.listing import NOT_STARTED
from lab.runs.run_folder import FINAL, RunFolder, all_runs, runs_folder

RULES = """\
A group is one of these, in this order:
  a run         its name or MLflow run id. A run of several seeds means its seeds. If it has variants
                too, each variant is a group.
  an experiment its name: the seeds of its newest run of several seeds; without one, all its
                runs. Trials of sweeps are not among them.
  a search      "algorithm=ppo task=CartPole-v1", in one argument: all runs of one seed on this disk
                with these tags, settings, seed, backend or experiment.
"LABEL: GROUP" names a group. Of runs with equal settings and seeds one counts: one that has
finished, else the newest. Smoke runs count where a group has no others."""
SINGLE = ("single", "seed", "variant", "trial")  # kinds of runs of one seed
LABEL = re.compile(r"([\w .+-]{1,40}): +(?=\S)")
WORD = re.compile(r"[\w.-]+=.*", re.DOTALL)


def _is_single(header):
    """Whether it is a run of one seed."""
    return description.kind(header) in SINGLE and header.get("seeds", 1) == 1


@dataclasses.dataclass(eq=False)
class OneRun:
    """A run of one seed, wherever it is kept."""

    name: str
    task: str
    seed: int
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    expected: str = ""  # what its experiment expects, if its problem is that of the experiment
    status: str = NOT_STARTED
    results: Mapping[str, float] = dataclasses.field(default_factory=dict)
    seconds: float = float("nan")  # of wall time, over all its sessions
    metrics: Callable[..., Mapping[str, Points]] = lambda *names: {}  # the metrics named, or all
    variant: bool = False


@dataclasses.dataclass
class Group:
    """Runs that are compared with those of other groups."""

    label: str
    runs: list[OneRun]
    notes: list[str] = dataclasses.field(default_factory=list)


def find(arguments: Sequence[str], uri: str | None = None) -> list[Group]:
    """The groups that the arguments mean. See `RULES`.

    Args:
        uri: a tracking server or store that is asked for what is not on this disk.

    Raises:
        ValueError: an argument means nothing.
    """
    if not arguments:
        raise ValueError("compare: expected runs, experiments or searches, received none; see --help")
    disk, groups = Disk(), []
    for argument in arguments:
        found = LABEL.match(argument)
        label, text = (found[1], argument[found.end() :]) if found else (argument, argument)
        runs, notes = _chosen(disk, text, uri)
        groups += _of_variants(label, runs, notes, alone=len(arguments) == 1)
    labels = [group.label for group in groups]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise ValueError(f"compare: expected different groups, received {twice[0]!r} twice; write 'LABEL: {twice[0]}'")
    return groups


def _chosen(disk, text, uri):
    """(runs, notes) of an argument."""
    if text not in disk.headers and all(map(WORD.fullmatch, words := _words(text))):
        return disk.search(words)
    if text in disk.headers:
        return disk.of_run(text), []
    if experiment := [name for name, header in disk.headers.items() if header["experiment"] == text]:
        return disk.of_experiment(experiment)
    if name := disk.by_id(text):
        return disk.of_run(name), []
    if uri:
        from lab.runs import compared_server

        return compared_server.find(text, uri)
    known = {*disk.headers, *(header["experiment"] for header in disk.headers.values())}
    near = validation.nearest(text, known, 1, 0.5)
    raise ValueError(
        f"compare: expected a run or an experiment in {runs_folder()}, or a search NAME=VALUE, received {text!r}"
        + (near or "; --tracking-uri names a server that may have it")
    )


def _words(text):
    try:
        return shlex.split(text) or [""]
    except ValueError as error:
        raise ValueError(f"search: expected words NAME=VALUE, received {text!r}: {error}") from None


def _of_variants(label, runs, notes, alone):
    """A group, or one for each variant of a run. Names the settings that differ in a group."""
    known = [run.settings for run in runs]
    names = sorted({name for settings in known for name in settings if settings.get(name) != known[0].get(name)})
    if any(run.variant for run in runs):
        rows: dict[str, list[OneRun]] = {}
        for run in runs:
            rows.setdefault(" ".join(f"{name}={_text(run.settings.get(name))}" for name in names), []).append(run)
        return [Group(words if alone else f"{label} {words}", each, notes) for words, each in rows.items()]
    if differing := [name for name in names if name not in PROBLEM]:
        notes = [*notes, f"{label}: runs of different settings: {', '.join(differing[:6])}{', …' * (len(differing) > 6)}"]
    return [Group(label, runs, notes)]


class Disk:
    """The runs on this disk. Their headers are read once."""

    def __init__(self) -> None:
        self.folders = {folder.name: folder for folder in all_runs()}  # oldest first

    @cached_property
    def headers(self) -> dict[str, dict[str, Any]]:
        """{name: header} of all runs, oldest first, with today's names of settings."""
        found = {}
        for name, folder in self.folders.items():
            try:
                found[name] = old_names.renamed(folder.header())
            except DamagedFile as error:
                print(f"{error}; passed over", file=sys.stderr)
        return found

    def by_id(self, text: str) -> str:
        """The name of the run with this MLflow run id, or whose name ends with it. Else ""."""
        ends = (name for name in self.headers if text and name.endswith(f"-{text}"))
        return next(ends, "") or next((name for name in self.headers if self.folders[name].mlflow_id() == text), "")

    def of_run(self, name: str) -> list[OneRun]:
        """The run, or its children. A seed that was never started is among them."""
        header = self.headers[name]
        if _is_single(header):
            return [self.read(name)]
        children = [each for each, found in self.headers.items() if found.get("parent") == name]
        runs, _ = self._once(children)
        variants = any(description.kind(self.headers[child]) == "variant" for child in children)
        if not variants and header.get("seeds", 1) > 1:
            seeds = range(header["seed"], header["seed"] + header.get("seeds", 1))
            started = {run.seed for run in runs}
            runs += [_unstarted(header, name, seed) for seed in seeds if seed not in started]
        if not runs:
            raise ValueError(f"compare: expected a run with results of its own or of its seeds, received {name}")
        return runs

    def of_experiment(self, names: Sequence[str]) -> tuple[list[OneRun], list[str]]:
        """The seeds of the newest run of several seeds among these, else those of one seed."""
        names = self._serious(names)
        parents = [name for name in names if description.kind(self.headers[name]) == "parent"]
        if parents:
            return self.of_run(parents[-1]), []
        headers = {name: self.headers[name] for name in names}
        return self._once([name for name, header in headers.items() if _is_single(header) and "trial" not in header])

    def search(self, words: Sequence[str]) -> tuple[list[OneRun], list[str]]:
        """All runs of one seed that have these values of tags and settings."""
        left = {name: _fields(header) for name, header in self.headers.items() if _is_single(header)}
        known = {field for fields in left.values() for field in fields}
        for word in words:
            name, _, value = word.partition("=")
            if name not in known:
                near = validation.nearest(name, known, 1, 0.6)
                raise ValueError(f"search: expected a tag or a setting of a run in {runs_folder()}, received {name!r}{near}")
            values = dict.fromkeys(_text(fields[name]) for fields in left.values() if name in fields)
            left = {run: fields for run, fields in left.items() if name in fields and _is(fields[name], value)}
            if not left:
                raise ValueError(f"search: expected {name}={'|'.join([*values][:8])}, received {word!r}, which no such run has")
        return self._once(left if any(word.startswith("smoke=") for word in words) else self._serious([*left]))

    def _serious(self, names):
        """Those that are no smoke runs, or all if there are no others."""
        return [name for name in names if not self.headers[name].get("options", {}).get("smoke")] or names

    def _once(self, names):
        """(runs, notes). Of those with equal settings and seeds one: see `RULES`."""
        best: dict[str, OneRun] = {}
        for name in names:
            key = self.headers[name].get("digest", name)
            run = self.read(name)
            if key not in best or run.status == "FINISHED" or best[key].status != "FINISHED":
                best[key] = run
        left = len(names) - len(best)
        return list(best.values()), [f"{left} repetitions of runs were left out"] * (left > 0)

    def read(self, name: str) -> OneRun:
        """A run, from its header and its journal."""
        header, folder = self.headers[name], self.folders[name]
        variant, results = description.kind(header) == "variant", folder.results() or {}
        what = (name, task(header), header["seed"], header["config"], expected(header))
        return OneRun(*what, folder.status(), results, wall_time(folder), folder.metrics, variant)


def _unstarted(header, name, seed):
    return OneRun(f"seed {seed} of {name}", task(header), seed, header["config"], expected(header))


def task(header: Mapping[str, Any]) -> str:
    """The task of a run: its tag, with what else decides what a score means."""
    config = header["config"]
    more = [word for name in PROBLEM[1:] for word in config.get(name) or ()]
    return " ".join([description.tags(dict(header)).get("task", header["experiment"]), *map(str, more)])


def expected(header: Mapping[str, Any]) -> str:
    """What the experiment expects, or "" where the run's problem is not that of the experiment."""
    flags = {f"--{name.replace('_', '-')}" for name in PROBLEM}
    return "" if flags & {*header.get("command", ())} else header.get("about", {}).get("expected", "")


def wall_time(folder: RunFolder) -> float:
    """Seconds that a run took: the sum over its sessions, each from RUNNING to its end.

    A session that was killed ends with the last line that it wrote. NaN if no line has a time.
    """
    said = [event["status"] for event, _ in folder.read(key="status")]
    killed = said[-1:] == ["RUNNING"] or any(said[i : i + 2] == ["RUNNING"] * 2 for i in range(len(said)))
    total, began, last = 0.0, None, 0.0
    for event, _ in folder.read() if killed else folder.read(key="status"):
        if event is None or "time" not in event:
            continue
        if event.get("status") == "RUNNING":
            total += last - began if began is not None else 0
            began = event["time"]
        elif event.get("status") in FINAL and began is not None:
            total += event["time"] - began
            began = None
        last = event["time"]
    total += last - began if began is not None else 0
    return total / 1000 if last else float("nan")


def _fields(header):
    """{name: value} by which a run is found."""
    own = {key: header[key] for key in ("experiment", "seed", "backend")}
    return {**own, **header["config"], **description.tags(header)}


def _text(value):
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _is(value, text):
    """Whether a value is what a word of a search says. Numbers may be written in any way."""
    if _text(value).lower() == text.lower():
        return True
    try:
        return not isinstance(value, bool | str | None) and float(value) == float(text)
    except (TypeError, ValueError):
        return False
