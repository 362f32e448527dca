"""The contract every experiment module follows: configuration -> command line -> tracked, resumable run.

A module holds a docstring, a frozen dataclass `Config` and `run(config, track) -> dict of results`, and ends with
`experiment.main(Config, run, smoke=...)`. Heavy imports belong inside `run`, so that `--help` and the menu answer at once.

The docstring's first line says what the experiment shows. A line `Expected: <result> >= <number> (...)` names the result to
compare at the end, a line `Time: ...` how long it takes.
"""

import ast
import contextlib
import dataclasses
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, NamedTuple

from lab import command, journal, lifecycle, tracking
from lab.command import Range

PACKAGES = ("keras", "tensorflow", "jax", "numpy", "gymnasium", "mlflow", "keras-rl-gan-lab")


class About(NamedTuple):
    """What an experiment's docstring says of it."""

    summary: str
    expected: str  # "greedy_return >= 475 (random policy 22)", or ""
    time: str

    @classmethod
    def parse(cls, docstring):
        """Reads the first line and the lines `Expected:` and `Time:`."""
        fields = dict(re.findall(r"^(Expected|Time):\s*(.+)$", docstring, re.MULTILINE))
        return cls(docstring.strip().splitlines()[0], fields.get("Expected", ""), fields.get("Time", ""))

    @classmethod
    def of_file(cls, path):
        """Reads a module's docstring without importing it."""
        return cls.parse(ast.get_docstring(ast.parse(Path(path).read_text())) or "-")


@dataclasses.dataclass(frozen=True)
class Options:
    """Flags that every experiment takes."""

    seed: Annotated[int, Range(0, 2**32 - 1)] = 0
    """Seed of every random number of the run."""
    seeds: Annotated[int, Range(1, 10**5)] = 1
    """Run this many seeds, one after another, from --seed upwards, as children of one run."""
    smoke: bool = False
    """Run for a few seconds on the same code path, to see that everything works."""
    resume: str | None = None
    """Go on with an interrupted run: its MLflow run id or its name."""
    tracking_uri: str | None = None
    """MLflow tracking URI; the default is $MLFLOW_TRACKING_URI or else the local store; 'none' keeps the run on the disk."""
    checkpoint_every: Annotated[int, Range(0, 10**11)] = 0
    """Steps between two checkpoints, rounded up to whole rollouts; 0 is 10,000, and more where host environments have long episodes.
    Experiments of many short repetitions count those; 0 saves once a second."""

    def __post_init__(self):
        command.check_ranges(self)
        command.require(self.seed + self.seeds <= 2**32, "seeds", f"at most {2**32 - self.seed} from this seed on", self.seeds)


def main(config_class, run, *, smoke, variants=None, summary=None):
    """Runs an experiment from the command line, and exits: 0 done, 1 failed, 2 bad input, 130 interrupted.

    Args:
        config_class: the frozen dataclass; its fields become flags.
        run: `run(config, track) -> {result name: value}`.
        smoke: the fields that `--smoke` changes, as a dict.
        variants: function, config -> dicts of fields; each is run with every seed as a child of one parent run.
        summary: function (track of the parent, {label of a variant: list of results}), which may log tables and pictures.
    """
    name = Path(run.__code__.co_filename).stem
    about = About.parse(run.__globals__["__doc__"])
    lifecycle.listen()
    sys.exit(_main(name, about, config_class, run, smoke, sys.argv[1:], variants, summary))


def _main(name, about, config_class, run, smoke, argv, variants=None, summary=None):
    with command.one_line_errors():
        resumed = command.flag_value(argv, "--resume")
        folder = journal.find(resumed) if resumed is not None else None
        config, options = _parse(name, about, config_class, smoke, argv, folder)
        header = folder.header() if folder else _header(name, config, options)
        changes = list(variants(config)) if variants and "parent" not in header else []
        for change in changes:
            dataclasses.replace(config, **change)  # says so here if it is not one
        _prepare_backend(header)
        if folder is None:
            folder = journal.RunFolder.create(header)
    expected = about.expected
    if changes:
        return lifecycle.run_children(folder, config, run, expected, changes, summary)
    if header["seeds"] > 1:
        return lifecycle.run_children(folder, config, run, expected)
    return lifecycle.run_one(folder, config, run, expected)[0]


def _parse(name, about, config_class, smoke, argv, folder):
    """(config, options) from the command line; with --resume, what the run was started with, which must not differ."""
    prog = f"python -m experiments.{name}"
    if folder is None:
        base = config_class(**smoke) if "--smoke" in argv else config_class()
        return command.parse(prog, about.summary, argv, base, Options())
    header = folder.header()
    if header["experiment"] != name:
        raise ValueError(f"--resume: expected a run of {name}, received {folder.name}, a run of {header['experiment']}")
    status = folder.status()
    if status in ("FINISHED", "RUNNING"):
        raise ValueError(f"--resume: expected an interrupted run, received {folder.name}, which is {status}")
    # JSON has no tuples.
    recorded = config_class(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in header["config"].items()}
    )
    options = Options(**header["options"])
    config, given = command.parse(prog, about.summary, argv, recorded, options)
    wanted = json.loads(json.dumps({**dataclasses.asdict(config), **_recorded(given)}))
    for key, value in {**header["config"], **_recorded(options)}.items():
        if wanted[key] != value:
            raise ValueError(f"--resume: expected {key}={value!r}, with which the run was started, received {wanted[key]!r}")
    return recorded, options


def _recorded(options):
    """The options a run is started with; --resume is not one of them."""
    return {key: value for key, value in dataclasses.asdict(options).items() if key != "resume"}


def _header(name, config, options):
    total = lifecycle.total_steps(config)
    config, options = dataclasses.asdict(config), _recorded(options)
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    return lifecycle.identified(
        {
            "experiment": name,
            "module": f"experiments.{name}",
            "config": config,
            "options": options,
            "seed": options["seed"],
            "seeds": options["seeds"],
            "backend": backend,
            "tracking_uri": tracking.resolve_uri(options["tracking_uri"]),
            "total_steps": total,
            "versions": _versions(),
        }
    )


def _versions():
    versions = {"python": platform.python_version(), "device": f"{platform.machine()}, {os.cpu_count()} cores"}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    folder = Path(__file__).parent

    def git(*arguments):
        result = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        return result.stdout.strip() if result.returncode == 0 else None

    with contextlib.suppress(OSError):
        commit = git("rev-parse", "HEAD")
        if commit:
            versions |= {"git_commit": commit, "git_dirty": str(bool(git("status", "--porcelain", "-uno")))}
    return versions


def _prepare_backend(header):
    wanted = header["backend"]
    if wanted not in ("tensorflow", "jax"):
        raise ValueError(f"KERAS_BACKEND: expected 'tensorflow' or 'jax', received {wanted!r}")
    if os.environ.get("KERAS_BACKEND", wanted) != wanted:
        raise ValueError(f"--resume: expected KERAS_BACKEND={wanted!r}, received {os.environ['KERAS_BACKEND']!r}")
    os.environ["KERAS_BACKEND"] = wanted
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
