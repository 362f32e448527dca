"""What the commands share: the run that is meant, its model, the server."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import validation
from lab.runs import command_line, files, keras_settings, mlflow_server, old_names, run_folder

LAST = "last_model.keras"  # the artifact with the last policy, of runs that also have a best one


def run_id(name: str, argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """(run id, the flags after it). --help needs no run id."""
    if argv and argv[0] in command_line.HELP:
        return "", argv
    if not argv or argv[0].startswith("-"):
        raise ValueError(f"{name}: expected a run id, received {argv[0] if argv else 'nothing'!r}")
    return argv[0], argv[1:]


def word(argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """(a word to search for, or "", the flags after it)."""
    return (argv[0], argv[1:]) if argv and not argv[0].startswith("-") else ("", argv)


def server(uri: str | None) -> str:
    """The address of a server or a store: the argument, $MLFLOW_TRACKING_URI or the local store."""
    uri = mlflow_server.resolve_uri(uri)
    if uri == mlflow_server.NONE:
        raise ValueError(f"tracking URI: expected the address of a server or a store, received {uri!r}")
    return uri


@contextlib.contextmanager
def whatever_fails(expected: str, received: str, kinds: Any = Exception) -> Iterator[None]:
    """Turns errors into bad input. Each kind of server fails in its own way."""
    try:
        yield
    except kinds as error:
        raise ValueError(f"{expected}, received {received!r}: {mlflow_server.explain(error)}") from error


def model(run_id: str, uri: str | None, policy: str | None = None, backend: str = "") -> tuple[str, Any, dict[str, Any]]:
    """(name, model, settings under their new names) of a run here or on the server `uri`.

    Args:
        policy: "best" or "last", of agents that have both; None for the one that the run logged.
        backend: on which the model is loaded; "" for that of the run.
    """
    if uri:
        uri = server(uri)
        keras_settings.choose_backend(backend or keras_settings.backend())
        _register()
        with whatever_fails("run id: expected the MLflow id of a run that has logged its model", run_id):
            return run_id, *mlflow_server.fetch_policy(run_id, uri, lambda settings: file_of(policy, settings, run_id))
    folder = run_folder.find(run_id)
    header = folder.header()
    settings = old_names.renamed(header)["config"]
    path = folder.artifacts / file_of(policy, settings, folder.name)
    if not path.exists():
        older = "; only newer runs keep their last policy beside the best one" if path.name == LAST else ""
        raise ValueError(f"run id: expected a run that has logged its model, received {folder.name} without {path}{older}")
    files.require_readable(path)
    keras_settings.choose_backend(backend or keras_settings.backend(header["backend"]))
    _register()
    import keras

    return folder.name, keras.saving.load_model(path, compile=False), settings


def _register():
    """Makes Keras know the layers of the laboratory."""
    keras_settings.import_keras()
    import lab.layers
    import lab.vision  # noqa: F401


def file_of(policy: str | None, settings: Mapping[str, Any], name: str) -> str:
    """The artifact of a run that has its policy. Only runs with checks have two."""
    checked = bool(settings.get("check_episodes"))
    if policy == "best" and not checked:
        raise ValueError(f"--policy: expected last, the only one without check_episodes, received best of {name}")
    return LAST if policy == "last" and checked else "model.keras"


def results(run_id: str, uri: str | None) -> dict[str, float]:
    """The results of a run here, or the last metrics of a run on the server `uri`."""
    if uri:
        return dict(mlflow_server.client(server(uri)).get_run(run_id).data.metrics)
    return run_folder.find(run_id).results() or {}


def environment_of(given: str, settings: Mapping[str, Any], refusal: str, screen: Any = None) -> str:
    """The environment of a run, or the one that was given. Says what it is going to import.

    Args:
        refusal: the message where the run has none.
        screen: where it says that; None is stdout.
    """
    environment = given or settings.get("environment")
    if not environment:
        raise ValueError(refusal)
    for named in (environment, *settings.get("wrappers", ())):
        module, _, _ = named.split()[0].rpartition(":")
        if module:
            print(f"importing {module} for {named}", file=screen, flush=True)  # the run may come from somebody else
    return environment


def is_saved_agent(name: str) -> bool:
    """Whether a name is that of a file of `lab.agents.Agent.save`, and not of a run."""
    return name.endswith(".zip")


def saved_agent(path: str, flags: Any, environment: str | None = None) -> Any:
    """The `lab.agents.Agent` of a file. The flags `policy` and `tracking_uri` are for runs only."""
    for name in ("policy", "tracking_uri"):
        validation.require(getattr(flags, name) is None, name, "none with the file of an agent", getattr(flags, name))
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: expected a file that Agent.save wrote, received nothing")
    keras_settings.choose_backend(keras_settings.backend())
    keras_settings.import_keras()
    from lab.agents import agent_file

    return agent_file.load(path, environment=environment)
