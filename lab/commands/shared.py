"""What the commands share: the run that is meant, its model, the server."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from lab.runs import command_line, files, keras_settings, mlflow_server, old_names, run_folder


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


def model(run_id: str, uri: str | None) -> tuple[str, Any, dict[str, Any]]:
    """(name, model, settings under their new names) of a run here or on the server `uri`."""
    if uri:
        uri = server(uri)
        keras_settings.choose_backend(keras_settings.backend())
        with whatever_fails("run id: expected the MLflow id of a run that has logged its model", run_id):
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
