"""Addresses: what is stored of them, what is shown, and how paths in them are quoted."""

import contextlib
import os
import sqlite3
import subprocess
import sys

import pytest

from lab.runs import courier, mlflow_server
from lab.runs.mlflow_server import VARIABLE, hide, resolve_uri, with_password, without_password
from tests.runs.test_courier import expected, finish, history, log, make

SECRETS = [
    ("http://me:hunter22@h:5000/x", "http://h:5000/x"),
    ("https://atoken@h", "https://h"),
    ("postgresql://me:hunter22@h/db", "postgresql://me@h/db"),
    ("postgresql://h/db?user=me&password=hunter22&sslmode=require", "postgresql://h/db?user=me&sslmode=require"),
    ("mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3Dhunter22", "mssql+pyodbc:///"),
    ("mysql+pymysql://me:p%40hunter22@h:3306/db?charset=utf8", "mysql+pymysql://me@h:3306/db?charset=utf8"),
    ("https://h/api?access_token=hunter22", "https://h/api"),
]
PLAIN = [
    "none",
    "sqlite:////a/b@c/d:e@f.db",
    "http://127.0.0.1:5000",
    "postgresql://me@h/db?sslkey=/a",
    "databricks",
    "databricks://p",
]


@pytest.mark.parametrize(("uri", "stored"), SECRETS)
def test_a_password_stays_in_the_environment(monkeypatch, uri, stored):
    monkeypatch.setenv(VARIABLE, "")
    assert resolve_uri(uri) == stored
    assert os.environ[VARIABLE] == uri
    assert with_password(stored) == uri
    assert with_password("http://another") == "http://another"
    assert resolve_uri() == stored  # as couriers and resumed runs find it
    assert "hunter22" not in hide(f"401 for url {uri}: bad") or "?" in uri  # of a query, what is known is hidden


@pytest.mark.parametrize("uri", PLAIN)
def test_addresses_without_secrets_stay_as_they_are(monkeypatch, uri):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert without_password(uri) == uri
    assert resolve_uri(uri) == uri
    assert VARIABLE not in os.environ


@pytest.mark.parametrize("uri", ["http://me:hun/ter22@h", "http://me:hun#ter22@h", "postgresql://me:hun?ter22@h/db"])
def test_a_password_that_must_be_encoded_is_not_shown(uri):
    with pytest.raises(ValueError, match=r"^tracking URI: expected a password whose special characters are percent-enc") as bad:
        resolve_uri(uri)
    assert "ter22" not in str(bad.value)


def test_a_scheme_that_cannot_be_shows_no_password():
    with pytest.raises(ValueError, match=r"received 'htp://\*\*\*@h'"):
        resolve_uri("htp://me:hunter22@h")


def test_what_is_shown_has_no_secrets(monkeypatch):
    monkeypatch.setenv(VARIABLE, "http://me:hunter%3222@h")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "swordfish")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abc")  # too short to be looked for among words
    text = "GET http://me:hunter%3222@h/api failed: hunter222, swordfish, abc; also mysql://a:b@c/d"
    assert hide(text) == "GET http://***@h/api failed: ***, ***, abc; also mysql://***@c/d"
    error = RuntimeError("API request failed with error code 401 for swordfish\nmore")
    assert mlflow_server.explain(error) == (
        "RuntimeError: API request failed with error code 401 for *** (passwords are not kept: give it again in "
        "$MLFLOW_TRACKING_URI, or in $MLFLOW_TRACKING_USERNAME and $MLFLOW_TRACKING_PASSWORD)"
    )


def test_the_command_line_is_freed_of_the_password(monkeypatch):
    started = []
    monkeypatch.setattr(os, "execv", lambda program, line: started.append(line))
    monkeypatch.setenv(VARIABLE, "")
    for given in (["--tracking-uri", "http://a:hunter22@h"], ["--tracking-uri=http://a:hunter22@h"]):
        monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "x", *given, "--seed", "1"])
        mlflow_server.conceal_password()
        assert "hunter22" not in " ".join(started[-1])
        assert "http://h" in " ".join(started[-1])
        assert os.environ[VARIABLE] == "http://a:hunter22@h"
    monkeypatch.setattr(sys, "orig_argv", started[-1])
    mlflow_server.conceal_password()
    assert len(started) == 2


@pytest.mark.parametrize("name", ["what?no", "a#b", "p%41", "50%", "with blank", "ünï猫", "a&b=c@d:e'f"])
def test_a_path_in_a_uri_is_quoted(tmp_path, name):
    path = tmp_path / name / "mlflow.db"
    assert mlflow_server.store_path(mlflow_server.store_uri(path)) == path
    assert mlflow_server.store_path("http://h") is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["what?no %41#ü"])
def test_a_home_of_any_name(tmp_path, monkeypatch, name):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / name))
    uri = resolve_uri()
    folder = make(uri)
    (folder.artifacts / "note.txt").write_text("hello")
    log(folder, 0, 3)
    with tracking_journal(folder) as journal:
        journal.append({"artifact": "note.txt"})
    finish(folder)
    assert courier.sync() == {folder.name: None}
    assert history(uri, folder.mlflow_id()) == expected(3)
    assert len(list((tmp_path / name / "mlruns" / "artifacts").rglob("note.txt"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]  # and nothing elsewhere


def tracking_journal(folder):
    import contextlib

    from lab.runs.journal import Journal

    return contextlib.closing(Journal(folder))


def test_a_store_that_is_none_is_told_at_once(tmp_path):
    path = tmp_path / "mlflow.db"
    path.write_bytes(b"hello, this is no database" * 100)
    with pytest.raises(ValueError, match=rf"^tracking store {path}: expected a database that can be opened, .*lab sync` makes"):
        mlflow_server._require_database(path)
    with pytest.raises(ValueError, match="unable to open database file"):
        mlflow_server._require_database(tmp_path)


def test_a_store_that_is_locked_is_told(tmp_path, monkeypatch):
    path, connect = tmp_path / "mlflow.db", sqlite3.connect
    holder = connect(path)
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(sqlite3, "connect", lambda *arguments, **options: connect(*arguments, **options | {"timeout": 0.01}))
    with pytest.raises(ValueError, match=r"database is locked$"):
        mlflow_server._require_database(path)
    holder.close()


def test_a_read_only_store_is_told(tmp_path, monkeypatch):
    path = tmp_path / "mlflow.db"
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anything
    with pytest.raises(ValueError, match=f"^tracking store {path}: expected a database that can be written, received a read-o"):
        mlflow_server._require_database(path)


@pytest.mark.slow
def test_a_process_that_dies_while_it_makes_a_store_leaves_none(tmp_path):
    path = tmp_path / "mlflow.db"
    dies = """
import os, sys, alembic.op
alembic.op.create_foreign_key = alembic.op.create_table = lambda *arguments, **options: os._exit(9)
from lab import server
server.client(sys.argv[1])
"""
    uri = mlflow_server.store_uri(path)
    done = subprocess.run([sys.executable, "-c", dies, uri], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    assert path.stat().st_size == 0 and len(list(tmp_path.glob(".mlflow.db.*.partial"))) == 1  # half of the tables
    assert mlflow_server.client(uri).get_experiment_by_name("Default")
    assert not list(tmp_path.glob(".mlflow.db.*.partial*"))


@pytest.mark.slow
def test_a_store_behind_a_link_is_made_where_it_leads_with_the_mode_that_it_had(tmp_path):
    place, link = tmp_path / "big" / "[1].db", tmp_path / "mlflow.db"
    place.parent.mkdir()
    place.touch(mode=0o640)
    left = place.with_name(".[1].db.abc.partial")
    left.touch()
    link.symlink_to(place)
    assert mlflow_server.client(mlflow_server.store_uri(link)).get_experiment_by_name("Default")
    assert link.is_symlink() and place.stat().st_size and place.stat().st_mode & 0o777 == 0o640
    assert not left.exists()


def test_a_store_that_another_process_makes_meanwhile_stays(tmp_path, monkeypatch):
    path = tmp_path / "mlflow.db"
    path.touch()

    @contextlib.contextmanager
    def other_process_had_it(lock):
        assert lock.parent == tmp_path
        path.write_bytes(b"theirs")
        yield

    monkeypatch.setattr(mlflow_server, "_lock", other_process_had_it)
    mlflow_server._make_if_empty(path)
    assert path.read_bytes() == b"theirs"


def test_whoever_opens_a_store_that_was_made_half_is_told_the_way_out(tmp_path):
    path = tmp_path / "mlflow.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("create table _alembic_tmp_params (key varchar(250))")
    with pytest.raises(
        ValueError, match=rf"^tracking store {path}: \(sqlite3.OperationalError\) .*lab sync` makes it again\)$"
    ):
        mlflow_server.client(mlflow_server.store_uri(path))


def test_a_store_that_was_made_half_is_told_with_the_way_out():
    words = r"_alembic_tmp_params already exists \(the journals have .*lab sync` makes it again\)$"
    with pytest.raises(ValueError, match=words), mlflow_server.naming_store("sqlite:////a/x.db"):
        raise RuntimeError("(sqlite3.OperationalError) table _alembic_tmp_params already exists\nmore")


def test_what_sqlite_complains_of_names_the_store():
    words = r"^tracking store /a/x.db: \(sqlite3.OperationalError\) disk I/O error$"
    with pytest.raises(ValueError, match=words), mlflow_server.naming_store("sqlite:////a/x.db"):
        raise RuntimeError("(sqlite3.OperationalError) disk I/O error\nmore")
    with pytest.raises(RuntimeError), mlflow_server.naming_store("http://h"):
        raise RuntimeError("(sqlite3.OperationalError) of the server's")
