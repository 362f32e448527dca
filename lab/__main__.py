"""The commands over runs: ui, resume, watch, sample, sync, info."""

import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from lab import validation
from lab.runs import (
    command_line,
    courier,
    files,
    info,
    keras_settings,
    lifecycle,
    mlflow_server,
    mlflow_ui,
    old_names,
    origin,
    paths,
    run_folder,
)

USAGE = """python -m lab <command>

  ui [RUN_ID] [--port N] [--tracking-uri URI]
      Show the runs in the MLflow UI, on 127.0.0.1. Print the address of a run, by default the newest.
  resume RUN_ID
      Resume an interrupted run, exactly from its last checkpoint.
  watch RUN_ID [--seed N] [--window] [--environment ID] [--output FILE] [--tracking-uri URI]
      Play one episode with the greedy policy of a run. Write it to a GIF or show it in a window.
  sample RUN_ID [--count N] [--label K] [--truncation T] [--seed N] [--output FILE] [--tracking-uri URI]
      Draw samples from the generator of a run. Write them to a PNG.
  sync [--tracking-uri URI]
      Deliver to MLflow what could not be delivered while the runs were running.
  info [--json]
      Print versions, machine and store, for a report of a bug.

RUN_ID is the name of a run or its MLflow run id.
python -m lab <command> --help explains the flags of a command.
"""
HELP = ("-h", "--help")


@dataclass(frozen=True)
class Ui:
    """The flags of `ui`."""

    port: Annotated[int, validation.Interval(1, 65535)] = 5000
    """Port on 127.0.0.1. If it is in use, the next free one is taken."""
    tracking_uri: str | None = None
    """The store to show, instead of $MLFLOW_TRACKING_URI or the local store."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


@dataclass(frozen=True)
class Watch:
    """The flags of `watch`."""

    seed: Annotated[int, validation.Interval(0, 2**32 - 1)] = 0
    """Seed of the episode."""
    window: bool = False
    """Show the episode in a window."""
    environment: str = ""
    """Gymnasium id. The default is the setting `environment` of the run."""
    output: str = ""
    """The GIF to write. The default is <run name>.gif in the current folder."""
    tracking_uri: str | None = None
    """The server that has the run, if it is not on this disk. RUN_ID is then its MLflow run id."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


@dataclass(frozen=True)
class Sample:
    """The flags of `sample`."""

    count: Annotated[int, validation.Interval(1, 10**4)] = 64
    """How many samples to draw."""
    label: Annotated[int | None, validation.Interval(0, 10**6)] = None
    """The class of the samples, if the generator takes labels. By default each class in turn."""
    truncation: Annotated[float | None, validation.Interval(over=0, high=100)] = None
    """Latent numbers beyond this bound are drawn again: less variety, better samples."""
    seed: Annotated[int, validation.Interval(0, 2**32 - 1)] = 0
    """Seed of the latents."""
    output: str = ""
    """The PNG to write. The default is <run name>.png in the current folder."""
    tracking_uri: str | None = None
    """The server that has the run, if it is not on this disk. RUN_ID is then its MLflow run id."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


@dataclass(frozen=True)
class Sync:
    """The flags of `sync`."""

    tracking_uri: str | None = None
    """Deliver to this server, instead of the one with which each run was started."""


def main(argv: Sequence[str]) -> int:
    """Runs a command. Returns the exit code."""
    name, rest = (argv[0], argv[1:]) if argv else ("", [])
    if name in ("", *HELP) or (name == "resume" and rest and rest[0] in HELP):  # resume has no flags
        print(USAGE, end="")
        return 0
    try:
        with command_line.one_line_errors():
            mlflow_server.conceal_password()
            if name not in COMMANDS:
                raise ValueError(f"command: expected one of {', '.join(COMMANDS)}, received {name!r}")
            return COMMANDS[name](rest)
    except KeyboardInterrupt:
        return lifecycle.say_interrupted()


def ui(argv: Sequence[str]) -> int:
    """Serves the MLflow UI."""
    run_id, rest = _run_id("ui", argv) if argv and not argv[0].startswith("-") else ("", argv)
    (flags,) = command_line.parse("python -m lab ui [RUN_ID]", "Shows the runs in the MLflow UI.", rest, Ui())
    folder = run_folder.find(run_id) if run_id else None
    if folder and not folder.delivery().get("experiment_id"):
        raise ValueError(f"run id: expected a run that MLflow has, received {folder.name}; deliver it: python -m lab sync")
    port = next((port for port in range(flags.port, flags.port + 20) if _free(port)), 0)
    validation.require(port, "port", "a free port among this and the next 19", flags.port)
    uri = _server(flags.tracking_uri or (folder and folder.delivery()["uri"]))
    with _whatever_fails("tracking URI: expected a store that can be opened", uri):
        return mlflow_ui.ui(port, uri, folder)


def resume(argv: Sequence[str]) -> int:
    """Replaces this process by a run's experiment, with --resume. So signals reach the run."""
    run_id, rest = _run_id("resume", argv)
    folder = run_folder.find(run_id)
    started_by = folder.header()["module"]
    if not started_by:
        raise ValueError(
            f"run id: expected a run of an experiment, received {folder.name}, which a notebook or a script made itself"
        )
    origin.require_experiment(started_by)
    os.environ["LAB_HOME"] = str(paths.home())  # where the run was found
    os.execv(sys.executable, [sys.executable, *origin.command_line(started_by), "--resume", folder.name, *rest])


def watch(argv: Sequence[str]) -> int:
    """Plays one episode with the greedy policy of a run."""
    run_id, rest = _run_id("watch", argv)
    (flags,) = command_line.parse("python -m lab watch RUN_ID", "Plays one episode of a run.", rest, Watch())
    if flags.window:
        _require_screen()
    name, model, settings = _model(run_id, flags.tracking_uri)
    environment = flags.environment or settings.get("environment")
    if not environment:
        raise ValueError(f"run id: expected a run with the setting environment, received {name}; name one with --environment")
    for named in (environment, *settings.get("wrappers", ())):
        module, _, _ = named.split()[0].rpartition(":")
        if module:
            print(f"importing {module} for {named}", flush=True)  # the run folder may come from somebody else
    import gymnasium

    from lab.agents import environments
    from lab.agents.watching import record_episode, show_episode

    output = Path(flags.output or f"{name}.gif").resolve()
    options = {"seed": flags.seed, **environments.arguments(settings)}
    kinds = (RuntimeError, ImportError, gymnasium.error.Error)  # pygame raises RuntimeErrors
    with _whatever_fails("run id: expected an environment that can be shown here", environment, kinds):
        if flags.window:
            print(f"return {show_episode(environment, model, **options):.6g}")
        else:
            print(f"return {record_episode(environment, model, output, **options):.6g}, written to {output}")
    return 0


def _require_screen():
    """Raises a ValueError without a screen. pygame would draw a window that nobody sees."""
    variables = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    hidden = os.environ.get("SDL_VIDEODRIVER") in ("dummy", "offscreen")
    if hidden or (sys.platform == "linux" and not any(map(os.environ.get, variables))):
        raise ValueError("--window: expected a screen ($DISPLAY), received none; leave the flag out for a GIF")


def sample(argv: Sequence[str]) -> int:
    """Draws samples from the generator of a run."""
    run_id, rest = _run_id("sample", argv)
    (flags,) = command_line.parse("python -m lab sample RUN_ID", "Draws samples of a run.", rest, Sample())
    name, model, settings = _model(run_id, flags.tracking_uri)
    from lab.gan import sheet

    output = Path(flags.output or f"{name}.png").resolve()
    options = {"label": flags.label, "truncation": flags.truncation, "seed": flags.seed}
    sheet.draw(output, model, settings, flags.count, **options)
    print(f"{flags.count} samples, written to {output}")
    return 0


def _model(run_id, uri):
    """(name, model, settings under their new names) of a run here or on the server `uri`."""
    if uri:
        uri = _server(uri)
        keras_settings.choose_backend(keras_settings.backend())
        with _whatever_fails("run id: expected the MLflow id of a run that has logged its model", run_id):
            return run_id, *mlflow_server.fetch_policy(run_id, uri)
    folder = run_folder.find(run_id)
    path = folder.artifacts / "model.keras"
    if not path.exists():
        raise ValueError(f"run id: expected a run that has logged its model, received {folder.name} without {path}")
    files.require_readable(path)
    header = folder.header()
    keras_settings.choose_backend(keras_settings.backend(header["backend"]))
    keras_settings.import_keras()
    import keras

    import lab.layers  # noqa: F401  registers the layers of the laboratory

    return folder.name, keras.saving.load_model(path, compile=False), old_names.renamed(header)["config"]


def sync(argv: Sequence[str]) -> int:
    """Delivers what MLflow does not have yet."""
    (flags,) = command_line.parse("python -m lab sync", "Delivers to MLflow what it does not have yet.", argv, Sync())
    results = courier.sync(flags.tracking_uri and _server(flags.tracking_uri))
    for name, error in results.items():
        print(f"{name}: {mlflow_server.explain(error) if error else 'delivered'}")
    if not results:
        print("nothing to deliver")
    return 1 if any(results.values()) else 0


def show_info(argv: Sequence[str]) -> int:
    """Prints versions, machine and store."""
    (flags,) = command_line.parse("python -m lab info", "Prints versions, machine and store.", argv, info.Info())
    found = info.collect()
    print(json.dumps(found, indent=2) if flags.json else "\n".join(info.lines(found)))
    return 0


def _server(uri):
    """The address of a server or a store: the argument, $MLFLOW_TRACKING_URI or the local store."""
    uri = mlflow_server.resolve_uri(uri)
    if uri == mlflow_server.NONE:
        raise ValueError(f"tracking URI: expected the address of a server or a store, received {uri!r}")
    return uri


@contextlib.contextmanager
def _whatever_fails(expected, received, kinds=Exception):
    """Turns errors into bad input. Each kind of server fails in its own way."""
    try:
        yield
    except kinds as error:
        raise ValueError(f"{expected}, received {received!r}: {mlflow_server.explain(error)}") from error


def _run_id(name, argv):
    """(run id, the flags after it). --help needs no run id."""
    if argv and argv[0] in HELP:
        return "", argv
    if not argv or argv[0].startswith("-"):
        raise ValueError(f"{name}: expected a run id, received {argv[0] if argv else 'nothing'!r}")
    return argv[0], argv[1:]


def _free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "ui": ui,
    "resume": resume,
    "watch": watch,
    "sample": sample,
    "sync": sync,
    "info": show_info,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
