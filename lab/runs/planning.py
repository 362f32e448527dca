"""What a command line asks for: an experiment, its configuration, and a new or resumed run."""

import dataclasses
import importlib.util
import json
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from lab import validation
from lab.runs import (
    command_line,
    devices,
    keras_settings,
    lifecycle,
    machine,
    memory,
    mlflow_server,
    old_names,
    origin,
    paths,
    side_by_side,
    together,
)
from lab.runs.about import About
from lab.runs.header import LOCAL, UNKEPT, Options, kept, new_header, settings_of
from lab.runs.run_folder import RunFolder, find


class Experiment(NamedTuple):
    """The arguments of `main`, and what is known of its module."""

    name: str
    about: About
    started_by: str  # see `lab.runs.origin`
    config_class: type
    run: lifecycle.Run
    smoke: Mapping[str, Any]
    variants: Callable | None
    summary: Callable | None

    @classmethod
    def of(cls, config_class: type, run: Any, *rest: Any) -> "Experiment":
        """Names the experiment after the file of `run`, or "notebook" if there is no file."""
        started_by = origin.of_experiment(run)
        name = Path(run.__code__.co_filename).stem if started_by else "notebook"
        return cls(name, About.parse(run.__globals__["__doc__"] or "-"), started_by, config_class, run, *rest)


_loading: list[list[Experiment]] = []  # where `offer` puts experiments, the innermost last


def offer(experiment: Experiment) -> bool:
    """Gives an experiment to the `load` that is loading it. False if none is."""
    if _loading:
        _loading[-1].append(experiment)
    return bool(_loading)


def load(started_by: str) -> Experiment:
    """The experiment of a module or a script, which becomes this process's `__main__`.

    Its command line is not read and nothing of it is run.

    Args:
        started_by: see `lab.runs.origin`.

    Raises:
        ValueError: it is no experiment.
    """
    origin.require_experiment(started_by)
    module = ModuleType("__main__")
    if started_by.endswith(".py"):
        sys.path.insert(0, str(Path(started_by).parent))
        module.__file__ = started_by
        code: Any = compile(Path(started_by).read_text(encoding="utf-8"), started_by, "exec")
    else:
        spec = importlib.util.find_spec(started_by)
        module.__file__, module.__spec__, module.__package__ = spec.origin, spec, spec.parent  # type: ignore[union-attr]
        code = spec.loader.get_code(started_by)  # type: ignore[union-attr]
    sys.modules["__main__"] = module
    found: list[Experiment] = []
    _loading.append(found)
    try:
        exec(code, module.__dict__)
    finally:
        _loading.remove(found)
    if not found:
        raise ValueError(f"module: expected an experiment, which calls experiment.main, received {started_by!r}")
    return found[0]


class Plan(NamedTuple):
    """What a command line asks for."""

    folder: RunFolder | None  # to resume
    header: dict[str, Any]
    config: Any
    variants: list[Mapping[str, Any]]
    options: Options
    notes: list[str]  # sentences on the memory that it takes and on its precision


def plan(experiment: Experiment, argv: Sequence[str]) -> Plan:
    """Reads and checks a command line. Makes nothing."""
    if Path(experiment.run.__code__.co_filename).resolve().parent == paths.CHECKOUT / "experiments":
        paths.require_ours("envs")
    resumed = command_line.flag_value(argv, "--resume")
    folder = find(resumed) if resumed is not None else None
    if folder:
        keras_settings.choose_backend(folder.header()["backend"])  # the check of some environments imports Keras
    config, options = together.checked(parse(experiment, argv, folder), experiment.name, folder)
    config, precision = devices.with_precision(config, keras_settings.backend())
    header = folder.header() if folder else header_of(experiment, config, options)
    changes = list(experiment.variants(config)) if experiment.variants and "parent" not in header else []
    if changes and folder is None:
        header["kind"] = "parent"
    configs = [dataclasses.replace(config, **change) for change in changes] or [config]  # checks each variant
    keras_settings.choose_backend(header["backend"])
    devices.require(options.devices, header["backend"], configs)
    largest: list[memory.Need] = max(
        (together.needs(each, options) for each in configs if hasattr(each, "memory")), key=memory.total, default=[]
    )
    several = bool(changes) or options.seeds > 1
    for name in ("jobs", "print_jobs", "cores_per_job"):
        received = getattr(options, name)
        validation.require(several or not received, name, "--seeds above 1 or variants with it", received)
    alone = not (options.jobs or options.print_jobs) and options.engine == LOCAL
    validation.require(experiment.started_by or alone, "jobs", "an experiment in a module or a script with it", "a notebook")
    validation.require(several or options.engine == LOCAL, "engine", "--seeds above 1 or variants with it", options.engine)
    sentence = memory.require(memory.times(largest, max(options.jobs, 1))) if largest else ""
    side_by_side.require_engine(options)
    machine.use_as_recorded(header)
    return Plan(folder, header, config, changes, options, [note for note in (sentence, precision) if note])


def parse(experiment: Experiment, argv: Sequence[str], folder: RunFolder | None) -> tuple[Any, Options]:
    """(config, options) from the command line.

    With --resume they are those with which the run was started. A flag must not differ from them.
    """
    prog = " ".join(["python", *origin.command_line(experiment.started_by)])
    if folder is None:
        base = experiment.config_class(**experiment.smoke) if "--smoke" in argv else experiment.config_class()
        if file := command_line.flag_value(argv, "--config"):
            base = from_file(base, Path(file))
        return command_line.parse(prog, experiment.about.summary, argv, base, Options())
    header = folder.header()
    if header["experiment"] != experiment.name:
        raise ValueError(
            f"--resume: expected a run of {experiment.name}, received {folder.name}, a run of {header['experiment']}"
        )
    status = folder.status()
    if status in ("FINISHED", "RUNNING"):
        raise ValueError(f"--resume: expected an interrupted run, received {folder.name}, which is {status}")
    recorded, options = settings_of(experiment.config_class, folder)
    base = recorded
    if file := command_line.flag_value(argv, "--config"):
        base = from_file(recorded, Path(file))  # a difference is found below
    config, given = command_line.parse(prog, experiment.about.summary, argv, base, options)
    wanted = json.loads(json.dumps({**dataclasses.asdict(config), **kept(given)}))
    started = {**old_names.renamed(header)["config"], **kept(options)}
    if wanted.get("precision") == "auto":
        wanted["precision"] = started["precision"]  # it was chosen when the run was started
    if wanted["tracking_uri"] == mlflow_server.without_password(header["tracking_uri"]):
        wanted["tracking_uri"] = started["tracking_uri"]  # the same server, given or by default
    for key, value in started.items():
        if wanted[key] != value:
            raise ValueError(f"--resume: expected {key}={value!r}, with which the run was started, received {wanted[key]!r}")
    return recorded, dataclasses.replace(options, print_jobs=given.print_jobs)


def from_file(base: Any, path: Path) -> Any:
    """A configuration with the settings of a TOML file in place of those of `base`.

    Raises:
        ValueError: the file, the name of a setting or a value is bad.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"--config: expected a TOML file, received {path}: {error}") from error
    names = [field.name for field in dataclasses.fields(base)]
    for name in settings:
        validation.require_name(f"--config: setting of {path}", name, names)
    words = [word for name, value in settings.items() for word in command_line.words_of(name, value)]
    try:
        return command_line.parse("--config", "", words, base)[0]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def header_of(experiment: Experiment, config: Any, options: Options) -> dict[str, Any]:
    """The header of a new run of an experiment."""
    total = lifecycle.total_steps(config)
    header = new_header(experiment.name, experiment.started_by, dataclasses.asdict(config), total, options)
    shown: dict[str, Any] = {"kind": "parent" if options.seeds > 1 else "single", "about": experiment.about._asdict()}
    if experiment.started_by:
        smoke = experiment.smoke if options.smoke else {}
        flags = command_line.words(config, experiment.config_class(**smoke))
        # Seeds are added where the command is shown. A run without smoke settings has no --smoke.
        again = {name: getattr(Options(), name) for name in ("seed", "seeds", "tracking_uri", *UNKEPT)}
        asked = dataclasses.replace(options, smoke=bool(smoke), **again)
        started_by = origin.command_line(experiment.started_by)
        shown["command"] = ["python", *started_by, *flags, *command_line.words(asked, Options())]
    return header | shown
