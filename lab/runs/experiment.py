"""The contract of every experiment module: configuration -> command line -> tracked, resumable run.

A module holds a docstring, a frozen dataclass `Config` and `run(config, track) -> {result: value}`.
It ends with `experiment.main(Config, run, smoke=...)`. Heavy imports belong inside `run`, so that
`--help` and the menu answer at once.

`lab.runs.about` says what is read from the docstring. `start` and `run` are for scripts and
notebooks.
"""

import builtins
import contextlib
import dataclasses
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lab import renamed, validation
from lab.errors import EventError
from lab.runs import (
    children,
    command_line,
    events,
    keras_settings,
    lifecycle,
    memory,
    mlflow_server,
    old_names,
    opening,
    origin,
    paths,
    together,
)
from lab.runs.about import About
from lab.runs.header import Options, kept, new_header, settings_of
from lab.runs.run_folder import RunFolder, find
from lab.runs.track import Track

__all__ = ["About", "Experiment", "Options", "main", "plan", "run", "start"]


def main(
    config_class: type,
    run: lifecycle.Run,
    *,
    smoke: Mapping[str, Any],
    variants: Callable[[Any], Sequence[Mapping[str, Any]]] | None = None,
    summary: Callable[..., None] | None = None,
    flags: Sequence[str] = (),
) -> Any:
    """Runs an experiment from the command line, and exits.

    The exit code is 0 if it is done, 1 if it failed, 2 after bad input and 130 after an interrupt.
    In a notebook the function returns the results instead, and bad input is a ValueError.

    Args:
        config_class: the frozen dataclass. Its fields become flags.
        run: `run(config, track) -> {result name: value}`.
        smoke: the fields that `--smoke` changes, as a dict.
        variants: function, config -> dicts of fields. Each dict is run with every seed, as a child
            of one parent run.
        summary: function (track of the parent, {label of a variant: list of results}). It may log
            tables and pictures.
        flags: the flags of a run in a notebook, which has no command line.
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
    except KeyboardInterrupt:  # before or after the run, which handles its own
        code = lifecycle.say_interrupted(folder)
    sys.exit(code)


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


def _in_notebook(experiment, flags):
    folder, config, changes = _prepare(experiment, flags)
    code, results = _start(experiment, folder, config, changes)
    if code == 130:
        raise KeyboardInterrupt
    if code:
        raise RuntimeError(f"{folder.name} did not finish")
    return results


@contextlib.contextmanager
def start(
    name: str, settings: Any = None, *, seed: int = 0, total_steps: int = 0, tracking_uri: str | None = None
) -> Iterator[Track]:
    """A run of a script or a notebook, without a `Config` and a `run`. Yields its `Track`.

        with lab.runs.start("my_agent", {"rate": 0.1}) as run:
            run.log({"loss": 0.5}, step=1)
            run.finish({"loss": 0.5})

    Without `run.finish` the run ends with the block and has no results. It is listed with all other
    runs, but `python -m lab resume` cannot resume it.

    Args:
        name: the name of the experiment in MLflow.
        settings: a dict or a dataclass object, kept with the run.
        total_steps: steps of the whole run, 0 if unknown.
        tracking_uri: as the flag of experiments. With "none" the run stays on the disk.
    """
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]{0,99}", name):
        raise ValueError(f"name: expected up to 100 letters, digits, '_', '-' and '.', received {validation.shown(name)}")
    options = Options(seed=seed, tracking_uri=tracking_uri)
    header = new_header(name, "", _plain_settings(settings), total_steps, options) | {"kind": "single"}
    folder = RunFolder.create(header)
    opening.say(folder)
    with lifecycle.recorded(folder) as track:
        yield track
        if track.results is None:
            track.finish({})


def _plain_settings(settings):
    """Settings as run.json can hold them: NumPy's numbers and arrays become Python's."""
    if dataclasses.is_dataclass(settings) and not isinstance(settings, type):
        settings = dataclasses.asdict(settings)
    settings = {} if settings is None else settings
    if not isinstance(settings, Mapping) or not all(isinstance(name, str) for name in settings):
        raise ValueError(f"settings: expected a dict with names as keys, or a dataclass object, received {settings!r:.200}")
    try:
        return json.loads(json.dumps(dict(settings), default=events.plain))
    except (EventError, TypeError, ValueError) as error:
        raise ValueError(f"settings: expected text, numbers, lists and dicts, received {settings!r:.200}") from error


def run(
    config: Any, run: lifecycle.Run, *, seed: int = 0, smoke: bool = False, tracking_uri: str | None = None
) -> lifecycle.Results:
    """Runs an experiment with a configuration, tracked as usual, and returns its results.

        from experiments.dqn_cartpole import Config, run
        results = experiment.run(Config(steps=3_000), run)

    Errors of `run` pass through, after the run has recorded them. Where the experiment's module is
    known, `python -m lab resume` can resume the run.

    Args:
        config: the `Config` of the experiment, with its fields as they are to be.
        run: the `run(config, track)` of the experiment.
        smoke: marks the run as a trial. It changes no field of `config`.
        tracking_uri: as the flag. With "none" the run stays on the disk.

    Raises:
        ValueError: the configuration is no dataclass object, or the memory does not suffice.
    """
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise ValueError(f"config: expected an object of the experiment's Config, received {validation.shown(config)}")
    experiment = Experiment.of(type(config), run, {}, None, None)
    options = Options(seed=seed, smoke=smoke, tracking_uri=tracking_uri)
    header = _new_header(experiment, config, options)
    keras_settings.choose_backend(header["backend"])
    if sentence := memory.require(config.memory()) if hasattr(config, "memory") else "":
        print(sentence)
    folder = _opened(None, header)
    with lifecycle.recorded(folder, _expected(experiment, folder, config)) as track:
        track.finish(run(config, track))
    return track.results or {}


def _prepare(experiment, argv):
    """(folder, configuration, its variants) of a new or resumed run.

    Raises a ValueError, and makes nothing, if the command line is bad.
    """
    folder, header, config, changes, sentence = plan(experiment, argv)
    if sentence:
        print(sentence)
    return _opened(folder, header), config, changes


def _opened(folder, header):
    """The folder of a run that is about to begin, after its first line and the import of Keras."""
    opened = folder or RunFolder.create(header)
    opening.say(opened)
    try:
        keras_settings.import_keras()
    except ValueError:
        if folder is None:
            shutil.rmtree(opened.path, ignore_errors=True)
        raise
    return opened


def plan(experiment: Experiment, argv: Sequence[str]) -> tuple[RunFolder | None, dict[str, Any], Any, list, str]:
    """Reads and checks a command line. Makes nothing.

    Returns:
        (folder to resume or None, header, configuration, its variants, a sentence on the memory).
    """
    if Path(experiment.run.__code__.co_filename).resolve().parent == paths.CHECKOUT / "experiments":
        paths.require_ours("envs")
    resumed = command_line.flag_value(argv, "--resume")
    folder = find(resumed) if resumed is not None else None
    if folder:
        keras_settings.choose_backend(folder.header()["backend"])  # the check of some environments imports Keras
    config, options = together.checked(_parse(experiment, argv, folder), experiment.name, folder)
    header = folder.header() if folder else _new_header(experiment, config, options)
    changes = list(experiment.variants(config)) if experiment.variants and "parent" not in header else []
    if changes and folder is None:
        header["kind"] = "parent"
    configs = [dataclasses.replace(config, **change) for change in changes] or [config]  # checks each variant
    keras_settings.choose_backend(header["backend"])
    needs = [together.needs(each, options) for each in configs if hasattr(each, "memory")]
    sentence = memory.require(max(needs, key=memory.total)) if needs else ""
    return folder, header, config, changes, sentence


def _start(experiment, folder, config, changes):
    """(exit code, results or None) of the run. Several seeds or variants become child runs."""
    expected = _expected(experiment, folder, config)
    if changes:
        return children.run_children(folder, config, experiment.run, expected, changes, experiment.summary)
    if folder.header()["seeds"] > 1:
        return children.run_children(folder, config, experiment.run, expected)
    return lifecycle.run_one(folder, config, experiment.run, expected)


def _expected(experiment, folder, config):
    """What the run is to reach. Experiments say it for their default settings alone."""
    promised = config == experiment.config_class() and not folder.header()["options"]["smoke"]
    return experiment.about.expected if promised else ""


def _parse(experiment, argv, folder):
    """(config, options) from the command line.

    With --resume they are those with which the run was started. A flag must not differ from them.
    """
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
    recorded, options = settings_of(experiment.config_class, folder)
    config, given = command_line.parse(prog, experiment.about.summary, argv, recorded, options)
    wanted = json.loads(json.dumps({**dataclasses.asdict(config), **kept(given)}))
    started = {**old_names.renamed(header)["config"], **kept(options)}
    if wanted["tracking_uri"] == mlflow_server.without_password(header["tracking_uri"]):
        wanted["tracking_uri"] = started["tracking_uri"]  # the same server, given or by default
    for key, value in started.items():
        if wanted[key] != value:
            raise ValueError(f"--resume: expected {key}={value!r}, with which the run was started, received {wanted[key]!r}")
    return recorded, options


def _new_header(experiment, config, options):
    total = lifecycle.total_steps(config)
    header = new_header(experiment.name, experiment.started_by, dataclasses.asdict(config), total, options)
    shown = {"kind": "parent" if options.seeds > 1 else "single", "about": experiment.about._asdict()}
    if experiment.started_by:
        smoke = experiment.smoke if options.smoke else {}
        flags = command_line.words(config, experiment.config_class(**smoke))
        # Seeds are added where the command is shown. A run without smoke settings has no --smoke.
        asked = dataclasses.replace(options, seed=0, seeds=1, smoke=bool(smoke), resume=None, tracking_uri=None)
        started_by = origin.command_line(experiment.started_by)
        shown["command"] = ["python", *started_by, *flags, *command_line.words(asked, Options())]
    return header | shown


__getattr__ = renamed(__name__, {"tracked": "start"})
