"""The header of a run: what run.json records of its start, and how that is read back."""

import contextlib
import dataclasses
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from lab import validation
from lab.runs import keras_settings, lifecycle, mlflow_server, old_names
from lab.runs.run_folder import RunFolder
from lab.validation import Interval

LOCAL = "local"  # the engine of jobs on this machine
UNKEPT = ("resume", "config", "print_jobs")  # flags that are no settings of a run
PACKAGES = ("keras", "tensorflow", "jax", "numpy", "gymnasium", "mlflow", "keras-rl-gan-lab")


@dataclasses.dataclass(frozen=True)
class Options:
    """The flags of every experiment."""

    seed: Annotated[int, Interval(0, 2**32 - 1)] = 0
    """Seed of every random number of the run."""
    seeds: Annotated[int, Interval(1, 10**5)] = 1
    """Run this many seeds, one after another, from --seed upwards. Each is a child of one run."""
    together: bool = False
    """Run all --seeds as one program, on JAX. A seed has the same bits only among as many seeds."""
    smoke: bool = False
    """Run the same code for a few seconds, to see that everything works."""
    resume: str | None = None
    """Resume an interrupted run. Expects its name or its MLflow run id."""
    tracking_uri: str | None = None
    """MLflow tracking URI. The default is $MLFLOW_TRACKING_URI or else the local store. With 'none'
    the run stays on the disk. A password in it is not kept: to resume or to sync the run, give it
    again, best in $MLFLOW_TRACKING_URI."""
    checkpoint_every: Annotated[int, Interval(0, 10**11)] = 0
    """Steps between two checkpoints, rounded up to whole rollouts or epochs. 0 means 10,000 or
    more, at whole reports. Experiments of many short repetitions count repetitions; there 0 saves
    once a second."""
    config: str = ""
    """A TOML file with settings of the experiment, such as the best.toml of a sweep. Flags win."""
    jobs: Annotated[int, Interval(0, 4096)] = 0
    """Processes that work side by side on the seeds and variants, and share the cores. 0 runs them
    one after another in this process; with --engine ray it sets no limit."""
    engine: str = LOCAL
    """Where jobs run: 'local', 'ray' (a cluster on this machine) or 'ray:ADDRESS'."""
    cores_per_job: Annotated[int, Interval(0, 1024)] = 0
    """Cores of each job. 0 shares those of this machine among the --jobs; with Ray it is 1."""
    gpus_per_job: Annotated[float, Interval(0, 1024)] = 0.0
    """GPUs of each job, with --engine ray."""
    shared_folder: bool = False
    """With --engine ray: all machines see the folder of the runs. Otherwise runs are fetched."""
    print_jobs: bool = False
    """Make the runs, print one command a line for SLURM or xargs, and start none of them."""
    devices: Annotated[int, Interval(1, 10**4)] = 1
    """Train on this many devices, of supervised networks and GANs on JAX. Each has a part of every
    batch."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(
            self.seed + self.seeds <= 2**32, "seeds", f"at most {2**32 - self.seed} from this seed on", self.seeds
        )
        kind = self.engine.partition(":")[0]
        known = kind == "ray" or self.engine == LOCAL
        validation.require(known, "engine", "'local', 'ray' or 'ray:ADDRESS'", self.engine)
        for name in () if kind == "ray" else ("gpus_per_job", "shared_folder"):
            validation.require(not getattr(self, name), name, "--engine ray with it", getattr(self, name))


def new_header(name: str, started_by: str, settings: Mapping[str, Any], total_steps: int, options: Options) -> dict[str, Any]:
    """The header of a new run.

    Args:
        name: the experiment's.
        started_by: see `lab.runs.origin`.
        settings: the fields of the configuration.
        total_steps: steps of the whole run, 0 if unknown.
    """
    validation.require(total_steps < 10**12, "steps", "fewer than 1,000,000,000,000 in the whole run", total_steps)
    flags = kept(options)
    return lifecycle.identified(
        {
            "experiment": name,
            "module": started_by,
            "config": settings,
            "options": flags,
            "seed": flags["seed"],
            "seeds": flags["seeds"],
            "backend": keras_settings.backend(),
            "tracking_uri": mlflow_server.resolve_uri(flags["tracking_uri"]),
            "total_steps": total_steps,
            "versions": _versions(),
        }
        | _together(options)
    )


def _together(options):
    """How many seeds run together, and in how many parts. See `lab.engine.together`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"together": {"seeds": options.seeds, "parts": min(cores, options.seeds)}} if options.together else {}


def kept(options: Options) -> dict[str, Any]:
    """The options as a run keeps them: settings alone, and no password in the tracking URI."""
    uri = options.tracking_uri and mlflow_server.resolve_uri(options.tracking_uri)
    found = dataclasses.asdict(options) | {"tracking_uri": uri}
    return {key: value for key, value in found.items() if key not in UNKEPT}


def settings_of(config_class: type, folder: RunFolder) -> tuple[Any, Options]:
    """(config, options) with which a run was started, under the names of this version.

    Raises:
        ValueError: they are not settings of this version, or were edited since.
    """
    header = folder.header()
    settings = old_names.renamed(header)["config"]
    _require_fields(config_class, settings, folder)
    options = dataclasses.asdict(Options()) | header["options"]  # older runs lack the newer flags
    _require_fields(Options, options, folder)
    if lifecycle.identified(header)["digest"] != header["digest"]:  # computed over the recorded names
        raise ValueError(
            f"{folder.path / 'run.json'}: expected the settings that the run was started with, received edited ones"
        )
    # JSON has no tuples.
    config = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return config_class(**config), Options(**options)


def _require_fields(kind, settings, folder):
    """Checks that settings are the fields of a dataclass."""
    fields = {field.name for field in dataclasses.fields(kind)}
    found = settings.keys()
    unknown = ", ".join(sorted(found - fields))
    missing = ", ".join(sorted(fields - found))
    wrong = [f"unknown {unknown}"] * bool(unknown) + [f"without {missing}"] * bool(missing)
    if wrong:
        commit = folder.header()["versions"].get("git_commit", "of another version")
        raise ValueError(
            f"--resume: expected a run of this version's settings, received {folder.name}: {', '.join(wrong)}; "
            f"only the code that started it, {commit[:12]}, can go on with it exactly"
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
