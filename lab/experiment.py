"""The contract every experiment module follows: configuration -> command line -> tracked, resumable run.

A module holds a docstring, a frozen dataclass `Config` and `run(config, track) -> dict of results`, and ends with
`experiment.main(Config, run, smoke=...)`. Heavy imports belong inside `run`, so that `--help` and the menu answer at once.

The docstring's first line says what the experiment shows. A line `Expected: <result> >= <number> (...)` names the result to
compare at the end, a line `Time: ...` how long it takes.
"""

import ast
import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from lab import command, journal, tracking
from lab.progress import Progress
from lab.track import Stopped, Track

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

    seed: int = 0
    """Seed of every random number of the run."""
    seeds: int = 1
    """Run this many seeds, one after another, from --seed upwards, as children of one run."""
    smoke: bool = False
    """Run for a few seconds on the same code path, to see that everything works."""
    resume: str | None = None
    """Go on with an interrupted run: its MLflow run id or its name."""
    tracking_uri: str | None = None
    """MLflow tracking URI; the default is $MLFLOW_TRACKING_URI or else the local store; 'none' keeps the run on the disk."""
    checkpoint_every: int = 10_000
    """Steps between two checkpoints, rounded up to whole rollouts."""

    def __post_init__(self):
        command.require(self.seed >= 0, "seed", "an integer >= 0", self.seed)
        command.require(self.seeds >= 1, "seeds", "an integer >= 1", self.seeds)
        command.require(self.checkpoint_every >= 1, "checkpoint_every", "an integer >= 1", self.checkpoint_every)


def main(config_class, run, *, smoke):
    """Runs an experiment from the command line, and exits: 0 done, 1 failed, 2 bad input, 130 interrupted.

    Args:
        config_class: the frozen dataclass; its fields become flags.
        run: `run(config, track) -> {result name: value}`.
        smoke: the fields that `--smoke` changes, as a dict.
    """
    module = sys.modules[run.__module__]
    name = Path(str(module.__file__)).stem
    sys.exit(_main(name, About.parse(str(module.__doc__)), config_class, run, smoke, sys.argv[1:]))


def _main(name, about, config_class, run, smoke, argv):
    with command.one_line_errors():
        resumed = command.flag_value(argv, "--resume")
        folder = journal.find(resumed) if resumed else None
        config, options = _parse(name, about, config_class, smoke, argv, folder)
        header = folder.header() if folder else _header(name, config, options)
        _prepare_backend(header)
        if folder is None:
            folder = journal.RunFolder.create(header)
    return _run_seeds(folder, config, run, about) if header["seeds"] > 1 else _run_one(folder, config, run, about)[0]


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
    recorded = config_class(**header["config"])
    options = Options(**header["options"])
    config, given = command.parse(prog, about.summary, argv, recorded, options)
    wanted = {**dataclasses.asdict(config), **dataclasses.asdict(given), "resume": None}
    for key, value in {**header["config"], **header["options"]}.items():
        if wanted[key] != value:
            raise ValueError(f"--resume: expected {key}={value!r}, with which the run was started, received {wanted[key]!r}")
    return recorded, options


def _header(name, config, options):
    config, options = dataclasses.asdict(config), dataclasses.asdict(options)
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    identity = [name, config, options["seed"], options["checkpoint_every"], backend]
    return {
        "experiment": name,
        "module": f"experiments.{name}",
        "config": config,
        "options": options,
        "seed": options["seed"],
        "seeds": options["seeds"],
        "backend": backend,
        "digest": hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest(),
        "tracking_uri": tracking.resolve_uri(options["tracking_uri"]),
        "total_steps": config.get("steps", 0),
        "versions": _versions(),
    }


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


def _import_keras():
    """Imports the backend with its start-up messages, which the C++ side writes to the process's stderr, kept away."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            import keras  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _run_one(folder, config, run, about):
    """Runs or resumes one seed. Returns (exit code, results or None)."""
    header = folder.header()
    with folder.lock("writer") as mine:
        if not mine:
            print(f"{folder.name}: expected a run that no process is writing, received one that is running", file=sys.stderr)
            return 2, None
        writer = journal.Journal(folder)
        courier = tracking.start_courier(folder) if header["tracking_uri"] != tracking.NONE else None
        progress = Progress(header["experiment"], header["total_steps"])
        track = Track(folder, writer, progress)
        writer.append({"status": "RUNNING"})
        status, code, results, error = "FINISHED", 0, None, None
        try:
            _import_keras()
            with progress, _interruptible(track):
                results = run(config, track)
            track.finish(results)
        except (Stopped, KeyboardInterrupt):
            status, code = "KILLED", 130
        except Exception as failure:
            status, code, error = "FAILED", 1, f"{type(failure).__name__}: {failure}"
            if not _said_by_lab(failure):
                import traceback

                traceback.print_exc()
        _end(writer, status, error)
    delivered = _wait(courier, folder)
    _say_goodbye(folder, about, status, results, error, delivered)
    return code, results


def _said_by_lab(failure):
    """Whether the message says all that there is to say; others get their traceback."""
    return type(failure).__name__ in ("NonFiniteError", "EnvironmentFailure", "CheckpointError")


def _end(writer, status, error):
    try:
        writer.append({"status": status} | ({"tags": {"lab.error": error[:500]}} if error else {}))
        writer.close()
    except OSError as failure:
        print(f"the end of the run could not be written: {failure}", file=sys.stderr)


@contextlib.contextmanager
def _interruptible(track):
    """The first Ctrl-C or SIGTERM stops the run at its next checkpoint, the second at once."""

    def handle(number, frame):
        if track.stopping:
            raise KeyboardInterrupt
        track.stopping = True
        track.progress.say(
            "stopping at the next checkpoint; press Ctrl-C again to stop at once and lose the steps since the last"
        )

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _wait(courier, folder):
    """Waits for the courier to deliver what is left; whether it did."""
    if courier is None:
        return True
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        courier.wait(timeout=60)
    return tracking.Delivery(folder).done()


def _say_goodbye(folder, about, status, results, error, delivered):
    if results is not None:
        for name, value in results.items():
            expected = about.expected.removeprefix(name) if about.expected.startswith(f"{name} ") else ""
            print(f"{name} {value:.4g}" + (f"   expected{expected}" if expected else ""))
    if error:
        print(f"failed: {error}", file=sys.stderr)
    if status != "FINISHED":
        print(f"to go on: python -m lab resume {folder.name}")
    run_id = folder.delivery().get("run_id")
    print(f"run {folder.name}" + (f"   MLflow run id {run_id}" if run_id else ""))
    if folder.header()["tracking_uri"] == tracking.NONE:
        return
    if not delivered:
        print("the tracking server did not take everything; to deliver the rest later: python -m lab sync")
    print("to see it: python -m lab ui")


def _run_seeds(parent, config, run, about):
    """Runs every seed as a child run of `parent`, then logs mean and 95 % interval of each result to it."""
    header = parent.header()
    results = []
    with parent.lock("writer") as mine:
        if not mine:
            print(f"{parent.name}: expected a run that no process is writing, received one that is running", file=sys.stderr)
            return 2
        writer = journal.Journal(parent)
        writer.append({"status": "RUNNING"})
        for seed in range(header["seed"], header["seed"] + header["seeds"]):
            child = _child(parent, seed)
            done = child.results() if child.status() == "FINISHED" else None
            code, result = (0, done) if done else _run_one(child, config, run, about)
            if code:
                _end(writer, child.status(), None)
                _wait(_start(parent), parent)
                print(f"to go on with all seeds: python -m lab resume {parent.name}")
                return code
            results.append(result)
        summary = _summarize(results)
        writer.metrics(summary, header["total_steps"])
        _end(writer, "FINISHED", None)
    delivered = _wait(_start(parent), parent)
    means = {name: summary[name] for name in results[0]}
    _say_goodbye(parent, about, "FINISHED", means, None, delivered)
    for name in results[0]:
        values = ", ".join(f"{result[name]:.4g}" for result in results)
        print(
            f"{name}: mean {summary[name]:.4g} ± {summary[f'{name}_interval']:.2g} (95 %) over {len(results)} seeds: {values}"
        )
    return 0


def _start(folder):
    return tracking.start_courier(folder) if folder.header()["tracking_uri"] != tracking.NONE else None


def _child(parent, seed):
    """The child run for a seed: the one there is, or a new one."""
    for path in journal.runs_folder().glob("*/run.json"):
        header = json.loads(path.read_text())
        if header.get("parent") == parent.name and header["seed"] == seed:
            return journal.RunFolder(path.parent)
    header = parent.header()
    options = header["options"] | {"seed": seed, "seeds": 1}
    identity = [header["experiment"], header["config"], seed, options["checkpoint_every"], header["backend"]]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    child = header | {"options": options, "seed": seed, "seeds": 1, "parent": parent.name, "digest": digest}
    return journal.RunFolder.create(child)


def _summarize(results):
    """Mean and half-width of the 95 % Student interval of each result, over seeds."""
    import numpy as np
    from scipy import stats

    summary = {}
    for name in results[0]:
        values = np.array([result[name] for result in results])
        summary[name] = values.mean()
        spread = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
        summary[f"{name}_interval"] = float(spread)
    return summary
