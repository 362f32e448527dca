"""The contract every experiment module follows: configuration -> command line -> tracked, resumable run.

A module holds a docstring, a frozen dataclass `Config` and `run(config, track) -> dict of results`, and ends with
`experiment.main(Config, run, smoke=...)`. Heavy imports belong inside `run`, so that `--help` and the menu answer at once.

The docstring's first line says what the experiment shows. A line `Expected: <result> >= <number> (...)` names the result to
compare at the end, a line `Time: ...` how long it takes.
"""

import ast
import builtins
import contextlib
import dataclasses
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

from lab import validation
from lab.runs import (
    children,
    command_line,
    keras_settings,
    lifecycle,
    memory,
    mlflow_server,
    old_names,
    origin,
    paths,
    run_folder,
)
from lab.validation import Interval

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

    seed: Annotated[int, Interval(0, 2**32 - 1)] = 0
    """Seed of every random number of the run."""
    seeds: Annotated[int, Interval(1, 10**5)] = 1
    """Run this many seeds, one after another, from --seed upwards, as children of one run."""
    smoke: bool = False
    """Run for a few seconds on the same code path, to see that everything works."""
    resume: str | None = None
    """Go on with an interrupted run: its MLflow run id or its name."""
    tracking_uri: str | None = None
    """MLflow tracking URI; the default is $MLFLOW_TRACKING_URI or else the local store; 'none' keeps the run on the disk.
    A password in it is not kept: who resumes or syncs the run gives it again, best in $MLFLOW_TRACKING_URI."""
    checkpoint_every: Annotated[int, Interval(0, 10**11)] = 0
    """Steps between two checkpoints, rounded up to whole rollouts or epochs; 0 is 10,000 or more, at whole reports.
    Experiments of many short repetitions count those; 0 saves once a second."""

    def __post_init__(self):
        validation.check_fields(self)
        validation.require(
            self.seed + self.seeds <= 2**32, "seeds", f"at most {2**32 - self.seed} from this seed on", self.seeds
        )


def main(config_class, run, *, smoke, variants=None, summary=None, flags=()):
    """Runs an experiment from the command line, and exits: 0 done, 1 failed, 2 bad input, 130 interrupted.

    In a notebook it returns the results instead, and bad input is a ValueError.

    Args:
        config_class: the frozen dataclass; its fields become flags.
        run: `run(config, track) -> {result name: value}`.
        smoke: the fields that `--smoke` changes, as a dict.
        variants: function, config -> dicts of fields; each is run with every seed as a child of one parent run.
        summary: function (track of the parent, {label of a variant: list of results}), which may log tables and pictures.
        flags: of a run in a notebook, which has no command line.
    """
    experiment = Experiment.of(config_class, run, smoke, variants, summary)
    if hasattr(builtins, "__IPYTHON__"):
        return _in_notebook(experiment, list(flags))
    folder = None
    try:
        lifecycle.listen()
        with command_line.one_line_errors():
            mlflow_server.conceal_password()
            folder, config, changes = _prepare(experiment, sys.argv[1:])
        code, _ = _start(experiment, folder, config, changes)
    except KeyboardInterrupt:  # before or after the run; in it, it is the run's
        code = lifecycle.say_interrupted(folder)
    sys.exit(code)


class Experiment(NamedTuple):
    """What `main` was given, and what is known of its module."""

    name: str
    about: About
    started_by: str  # see `lab.runs.origin`
    config_class: type
    run: Callable
    smoke: dict
    variants: Callable | None
    summary: Callable | None

    @classmethod
    def of(cls, config_class, run, *rest):
        """Names the experiment after the file of `run`, or after the notebook it stands in."""
        started_by = origin.of_experiment(run)
        name = Path(run.__code__.co_filename).stem if started_by else "notebook"
        return cls(name, About.parse(run.__globals__["__doc__"] or "-"), started_by, config_class, run, *rest)


def _in_notebook(experiment, flags):
    folder, config, changes = _prepare(experiment, flags)
    code, results = _start(experiment, folder, config, changes)
    if code == 130:
        raise KeyboardInterrupt
    if code:
        raise RuntimeError(f"{folder.name} did not finish")
    return results


@contextlib.contextmanager
def tracked(name, settings, *, seed=0, total_steps=0, tracking_uri=None):
    """A run of a script or a notebook, without a `Config` and a `run`. Yields its `Track`.

        with experiment.tracked("my_agent", {"rate": 0.1}) as track:
            track.log({"loss": 0.5}, step=1)
            track.finish({"loss": 0.5})

    It stands beside all other runs. What the script does itself, `python -m lab resume` cannot go on with.

    Args:
        name: of the experiment in MLflow.
        settings: a dict, kept with the run.
        total_steps: of the whole run; 0 where it is not known.
    """
    if not re.fullmatch(r"\w[\w.-]{0,99}", name):
        raise ValueError(f"name: expected up to 100 letters, digits, '_', '-' and '.', received {validation.shown(name)}")
    with lifecycle.recorded(
        run_folder.RunFolder.create(_header(name, "", settings, total_steps, Options(seed=seed, tracking_uri=tracking_uri)))
    ) as track:
        yield track


def _prepare(experiment, argv):
    """(folder, configuration, its variants) of a run that begins; a ValueError, and nothing made, where it cannot."""
    folder, header, config, changes, sentence = plan(experiment, argv)
    if sentence:
        print(sentence)
    keras_settings.import_keras()
    return folder or run_folder.RunFolder.create(header), config, changes


def plan(experiment, argv):
    """(folder to resume, header, configuration, its variants, what memory it needs) of a command line; makes nothing."""
    if Path(experiment.run.__code__.co_filename).resolve().parent == paths.CHECKOUT / "experiments":
        paths.require_ours("envs")
    resumed = command_line.flag_value(argv, "--resume")
    folder = run_folder.find(resumed) if resumed is not None else None
    if folder:
        keras_settings.choose_backend(folder.header()["backend"])  # to look at some environments imports Keras
    config, options = _parse(experiment, argv, folder)
    header = folder.header() if folder else _new_header(experiment, config, options)
    changes = list(experiment.variants(config)) if experiment.variants and "parent" not in header else []
    configs = [dataclasses.replace(config, **change) for change in changes] or [config]  # says so here if it is not one
    keras_settings.choose_backend(header["backend"])
    needs = [each.memory() for each in configs if hasattr(each, "memory")]
    return folder, header, config, changes, memory.require(max(needs, key=memory.total)) if needs else ""


def _start(experiment, folder, config, changes):
    """(exit code, results or None) of the run or, with several seeds or variants, of a run of runs."""
    expected = experiment.about.expected if config == experiment.config_class() else ""  # which is of its own settings
    if changes:
        return children.run_children(folder, config, experiment.run, expected, changes, experiment.summary)
    if folder.header()["seeds"] > 1:
        return children.run_children(folder, config, experiment.run, expected)
    return lifecycle.run_one(folder, config, experiment.run, expected)


def _parse(experiment, argv, folder):
    """(config, options) from the command line; with --resume, what the run was started with, which must not differ."""
    prog = " ".join(["python", *origin.command_line(experiment.started_by)])
    if folder is None:
        base = experiment.config_class(**experiment.smoke) if "--smoke" in argv else experiment.config_class()
        return command_line.parse(prog, experiment.about.summary, argv, base, Options())
    header = folder.header()
    if header["experiment"] != experiment.name:
        raise ValueError(
            f"--resume: expected a run of {experiment.name}, received {folder.name}, a run of {header['experiment']}"
        )
    status = folder.status()
    if status in ("FINISHED", "RUNNING"):
        raise ValueError(f"--resume: expected an interrupted run, received {folder.name}, which is {status}")
    recorded, options = _settings_of(experiment.config_class, folder)
    config, given = command_line.parse(prog, experiment.about.summary, argv, recorded, options)
    wanted = json.loads(json.dumps({**dataclasses.asdict(config), **_recorded(given)}))
    started = {**old_names.renamed(header)["config"], **_recorded(options)}
    if wanted["tracking_uri"] == mlflow_server.without_password(header["tracking_uri"]):
        wanted["tracking_uri"] = started["tracking_uri"]  # by its address, or as the default
    for key, value in started.items():
        if wanted[key] != value:
            raise ValueError(f"--resume: expected {key}={value!r}, with which the run was started, received {wanted[key]!r}")
    return recorded, options


def _settings_of(config_class, folder):
    """(config, options) that a run was started with, under the names of today.

    Raises a ValueError if the settings are not those of this version, or were edited since.
    """
    header = folder.header()
    settings = old_names.renamed(header)["config"]
    _require_fields(config_class, settings, folder)
    _require_fields(Options, header["options"], folder)
    if lifecycle.identified(header)["digest"] != header["digest"]:  # over the names of the time
        raise ValueError(
            f"{folder.path / 'run.json'}: expected the settings that the run was started with, received edited ones"
        )
    # JSON has no tuples.
    config = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return config_class(**config), Options(**header["options"])


def _require_fields(kind, settings, folder):
    """Checks that the settings of a run are the fields of a dataclass; `resume` is not kept by every version."""
    fields = {field.name for field in dataclasses.fields(kind)} - {"resume"}
    found = settings.keys() - {"resume"}
    unknown = ", ".join(sorted(found - fields))
    missing = ", ".join(sorted(fields - found))
    wrong = [f"unknown {unknown}"] * bool(unknown) + [f"without {missing}"] * bool(missing)
    if wrong:
        commit = folder.header()["versions"].get("git_commit", "of another version")
        raise ValueError(
            f"--resume: expected a run of this version's settings, received {folder.name}: {', '.join(wrong)}; "
            f"only the code that started it, {commit[:12]}, can go on with it exactly"
        )


def _recorded(options):
    """The options a run is started with; --resume is not one of them, and a password is not kept."""
    uri = options.tracking_uri and mlflow_server.resolve_uri(options.tracking_uri)
    return {key: value for key, value in (dataclasses.asdict(options) | {"tracking_uri": uri}).items() if key != "resume"}


def _new_header(experiment, config, options):
    total = lifecycle.total_steps(config)
    return _header(experiment.name, experiment.started_by, dataclasses.asdict(config), total, options)


def _header(name, started_by, settings, total_steps, options):
    validation.require(total_steps < 10**12, "steps", "fewer than 1,000,000,000,000 in the whole run", total_steps)
    options = _recorded(options)
    return lifecycle.identified(
        {
            "experiment": name,
            "module": started_by,
            "config": settings,
            "options": options,
            "seed": options["seed"],
            "seeds": options["seeds"],
            "backend": keras_settings.backend(),
            "tracking_uri": mlflow_server.resolve_uri(options["tracking_uri"]),
            "total_steps": total_steps,
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
