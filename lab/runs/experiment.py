"""The contract of every experiment module: configuration -> command line -> tracked, resumable run.

A module holds a docstring, a frozen dataclass `Config` and `run(config, track) -> {result: value}`.
It ends with `experiment.main(Config, run, smoke=...)`. Heavy imports belong inside `run`, so that
`--help` and the menu answer at once.

`lab.runs.about` says what is read from the docstring. Scripts and notebooks call `start` and `run`.
"""

import builtins
import contextlib
import dataclasses
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lab import renamed, validation
from lab.errors import EventError
from lab.runs import (
    children,
    command_line,
    devices,
    events,
    keras_settings,
    lifecycle,
    memory,
    mlflow_server,
    opening,
    planning,
    side_by_side,
    together,
)
from lab.runs.about import About
from lab.runs.header import Options, new_header
from lab.runs.planning import Experiment, plan
from lab.runs.run_folder import RunFolder
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
    if planning.offer(experiment):
        return None
    if hasattr(builtins, "__IPYTHON__"):
        return _in_notebook(experiment, list(flags))
    folder = None
    try:
        lifecycle.listen()
        with command_line.one_line_errors():
            mlflow_server.conceal_password()
            asked, folder = _prepare(experiment, sys.argv[1:])
        code, _ = _start(experiment, asked, folder)
    except KeyboardInterrupt:  # before or after the run, which handles its own
        code = lifecycle.say_interrupted(folder)
    sys.exit(code)


def _in_notebook(experiment, flags):
    asked, folder = _prepare(experiment, flags)
    code, results = _start(experiment, asked, folder)
    if code == lifecycle.INTERRUPTED:
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
    config, precision = devices.with_precision(config, keras_settings.backend())
    header = planning.header_of(experiment, config, options)
    keras_settings.choose_backend(header["backend"])
    for note in (memory.require(config.memory()) if hasattr(config, "memory") else "", precision):
        if note:
            print(note)
    folder = _opened(None, header)
    with lifecycle.recorded(folder, _expected(experiment, folder, config)) as track:
        track.finish(run(config, track))
    return track.results or {}


def _prepare(experiment, argv):
    """(plan, folder) of a new or resumed run.

    Raises a ValueError, and makes nothing, if the command line is bad.
    """
    asked = planning.plan(experiment, argv)
    with contextlib.redirect_stdout(sys.stderr if asked.options.print_jobs else sys.stdout):
        for note in asked.notes:
            print(note)
        return asked, _opened(asked.folder, asked.header, with_keras=not side_by_side.asked(asked.options))


def _opened(folder, header, with_keras=True):
    """The folder of a run that is about to begin, after its first line and the import of Keras."""
    opened = folder or RunFolder.create(header)
    opening.say(opened)
    try:
        if with_keras:
            keras_settings.import_keras()
            devices.use(opened.header()["options"].get("devices", 1))
    except ValueError:
        if folder is None:
            shutil.rmtree(opened.path, ignore_errors=True)
        raise
    return opened


def _start(experiment, asked, folder):
    """(exit code, results or None) of the run. Several seeds or variants become child runs."""
    options, config = asked.options, asked.config
    expected = _expected(experiment, folder, config)
    if not asked.variants and folder.header()["seeds"] == 1:
        return lifecycle.run_one(folder, config, experiment.run, expected)
    variants: children.Variants = asked.variants or ({},)
    if options.print_jobs:
        return side_by_side.print_jobs(folder, children.wanted(folder, config, variants), options)
    execute: Any = None
    if options.together:
        execute = together.OneProgram(experiment.run, expected)
    elif side_by_side.asked(options):
        execute = side_by_side.SideBySide(options, experiment.started_by)
    return children.run_children(folder, config, experiment.run, expected, variants, experiment.summary, execute)


def _expected(experiment, folder, config):
    """What the run is to reach. Experiments say it for their default settings alone."""
    promised = config == experiment.config_class() and not folder.header()["options"]["smoke"]
    return experiment.about.expected if promised else ""


__getattr__ = renamed(__name__, {"tracked": "start"})
