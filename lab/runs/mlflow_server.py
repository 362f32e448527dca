"""Addresses of tracking servers and stores, the secrets in them, and MLflow's client.

The files of a run hold the address without its password. The password stays in the environment,
which child processes inherit, and nowhere else. It is in $MLFLOW_TRACKING_URI, if that is the
address of the same server, or in MLflow's own variables: MLFLOW_TRACKING_USERNAME,
MLFLOW_TRACKING_PASSWORD and MLFLOW_TRACKING_TOKEN.
"""

import contextlib
import fcntl
import glob
import logging
import os
import re
import shutil
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from lab import renamed as renamed_names
from lab.runs.old_names import renamed
from lab.runs.paths import home

SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
NONE = "none"  # the tracking URI of runs that stay on the disk
VARIABLE = "MLFLOW_TRACKING_URI"
ANEW = " (the journals have everything: move it away, and `python -m lab sync` makes it again)"
CLIENT_SETTINGS = {  # of MLflow, in the environment
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
SECRET = re.compile(r"(pass(word|wd|phrase)?|pwd|token|secret|api_?key)\s*=", re.IGNORECASE)
LOGIN = re.compile(r"(?<=://)[^\s/@'\"]+@")


def resolve_uri(uri: str | None = None) -> str:
    """The tracking URI without its password.

    It is the argument, else $MLFLOW_TRACKING_URI, else the local store. A password in the argument
    is kept in the environment of this process.

    Raises:
        ValueError: the scheme of the address is unknown, or its password must be percent-encoded.
    """
    given = uri or os.environ.get(VARIABLE) or store_uri(home() / "mlruns" / "mlflow.db")
    scheme = given.partition(":")[0].split("+")[0]
    if given != NONE and scheme not in SCHEMES:
        expected = f"one of {', '.join(f'{s}:' for s in SCHEMES)} or 'none'"
        raise ValueError(f"tracking URI: expected {expected}, received {hide(given)!r}")
    address = without_password(given)
    if address != given:
        os.environ[VARIABLE] = given
    return address


def store_uri(path: Path) -> str:
    """The URI of an SQLite file.

    SQLAlchemy decodes the path. But MLflow makes the folder of a `sqlite:///` URI without decoding
    it, so a path with special characters gets another scheme.
    """
    place = str(path).replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{place}" if place == str(path) else f"sqlite+pysqlite:///{place}"


def store_path(uri: str) -> Path | None:
    """The file of an SQLite store, None for every other address."""
    return Path(unquote(uri.partition(":///")[2].partition("?")[0])) if uri.startswith("sqlite") else None


def without_password(uri: str) -> str:
    """The address without its secrets.

    The address of an HTTP server loses its user too, because MLflow takes both or none.
    """
    scheme, found, rest = uri.partition("://")
    if not found or scheme.startswith("sqlite"):
        return uri
    login, at, place = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")
    if "@" in rest[len(login + at) :]:
        raise ValueError("tracking URI: expected a password whose special characters are percent-encoded, received others")
    user = "" if scheme in ("http", "https") else login.partition(":")[0]
    place, mark, query = rest[len(login + at) :].partition("?")
    query = "&".join(part for part in query.split("&") if not SECRET.search(unquote(part)))
    return f"{scheme}://{user}{at if user else ''}{place}{mark if query else ''}{query}"


def with_password(uri: str) -> str:
    """The address with the password of $MLFLOW_TRACKING_URI, if that is the same server."""
    known = os.environ.get(VARIABLE, "")
    return known if known and without_password(known) == uri else uri


def hide(text: str) -> str:
    """The text, with *** in place of passwords and tokens."""
    found = re.search(r"://[^:/]*:(.*)@", os.environ.get(VARIABLE, ""))
    known = found[1] if found else ""
    kept = [os.environ.get(f"MLFLOW_TRACKING_{name}", "") for name in ("PASSWORD", "TOKEN")]
    for secret in (known, unquote(known), *kept):
        if len(secret) > 3:  # a shorter one would hide ordinary words too
            text = text.replace(secret, "***")
    return LOGIN.sub("***@", text)


def conceal_password() -> None:
    """Starts this process anew if its command line holds a password, which `ps` would show."""
    line = list(sys.orig_argv)
    for place, word in enumerate(line):
        flag, equals, value = word.partition("=")
        if flag == "--tracking-uri" and equals:
            line[place] = f"{flag}={without_password(value)}"
        elif place and line[place - 1] == "--tracking-uri":
            value = word
            line[place] = without_password(value)
        if line[place] != word:
            os.environ[VARIABLE] = value
    if line != sys.orig_argv:
        os.execv(sys.executable, line)


def explain(error: BaseException) -> str:
    """An error in one line, without secrets, and with advice if there is any."""
    line = (str(error).strip() or repr(error)).splitlines()[0]
    if not isinstance(error, ValueError):
        line = f"{type(error).__name__}: {line}"
    if re.search(r"\b40[13]\b|UNAUTHENTICATED|UNAUTHORIZED|authentication failed|no password supplied", str(error)):
        line += (
            f" (passwords are not kept: give it again in ${VARIABLE}, or in $MLFLOW_TRACKING_USERNAME and"
            " $MLFLOW_TRACKING_PASSWORD)"
        )
    return hide(line)


def client(uri: str) -> Any:
    """An `mlflow.MlflowClient` that fails soon, not after minutes of retries.

    Only one process makes a local store, completely or not at all.
    """
    for name, value in CLIENT_SETTINGS.items():
        os.environ.setdefault(name, value)
    uri = with_password(uri)
    if path := store_path(uri):
        _require_database(path)
        _make_if_empty(path.resolve())
    with naming_store(uri), _lock(home() / "mlruns" / ".store.lock"):
        import mlflow

        logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # it would log what it raises, too
        mlflow.set_tracking_uri(uri)
        found = mlflow.MlflowClient(uri)
        found.get_experiment_by_name("Default")  # creates the tables of a database of another kind
    return found


def _make_if_empty(path):
    """Makes MLflow's tables in a file beside an empty store. That file then takes its place.

    MLflow cannot open a file again if a process was killed while MLflow made the tables in it.
    """
    if path.stat().st_size:
        return
    with _lock(path.with_name(f".{path.name}.lock")):
        if path.stat().st_size:  # another process has made it
            return
        import mlflow

        for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial*"):
            left.unlink()
        # A new name each time: MLflow does not forget an address that it has opened.
        beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
        mlflow.MlflowClient(store_uri(beside)).get_experiment_by_name("Default")
        shutil.copymode(path, beside)
        beside.replace(path)


def _require_database(path):
    """Raises a ValueError at once for a file that MLflow would try to open for 100 s."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}", uri=True, timeout=20)) as database:
            database.execute("SELECT count(*) FROM sqlite_master")
        if not os.access(path, os.W_OK):
            raise ValueError(f"tracking store {path}: expected a database that can be written, received a read-only one")
    except (sqlite3.Error, OSError) as error:
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        reason = f"{error}{ANEW if damaged else ''}"
        raise ValueError(f"tracking store {path}: expected a database that can be opened, received: {reason}") from error


@contextlib.contextmanager
def naming_store(uri: str) -> Iterator[None]:
    """Adds the file of a local store to the errors of SQLite, which do not name it."""
    try:
        yield
    except Exception as error:
        if "sqlite3." not in str(error) or str(error).startswith("tracking store ") or not (path := store_path(uri)):
            raise
        # Its tables were made by a process that was killed, or not by MLflow.
        half = re.search(r"already exists|no such (table|column)", str(error))
        raise ValueError(f"tracking store {path}: {str(error).splitlines()[0]}{ANEW if half else ''}") from error


@contextlib.contextmanager
def _lock(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch_policy(
    run_id: str, uri: str, choose: Callable[[dict[str, Any]], str] = lambda settings: "model.keras"
) -> tuple[Any, dict[str, Any]]:
    """(Keras model, settings under their new names) of a run on a tracking server.

    Args:
        choose: a function of the settings, which names the artifact that has the model.
    """
    import mlflow

    import lab.layers  # noqa: F401  registers the layers of the laboratory

    client(uri)
    logged = mlflow.artifacts.load_dict(f"runs:/{run_id}/config.json")  # MLflow's own params are text
    settings = renamed(logged)["config"]
    file = choose(settings)
    if file == "model.keras":
        return mlflow.keras.load_model(f"runs:/{run_id}/model"), settings
    import keras

    path = mlflow.artifacts.download_artifacts(f"runs:/{run_id}/{file}")
    return keras.saving.load_model(path, compile=False), settings


__getattr__ = renamed_names(__name__, {"ui": "lab.runs.mlflow_ui.ui"})
