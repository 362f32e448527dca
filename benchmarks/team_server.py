"""Servers to measure and to test: docs/examples/team_server.sh on SQLite or PostgreSQL."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from benchmarks.machine import ROOT

SCRIPT = ROOT / "docs" / "examples" / "team_server.sh"
ADMIN = "correct-horse-battery"  # the administrator's password
DATABASE = "its-own-password"  # of PostgreSQL


class Missing(Exception):
    """Something that this machine lacks."""


def free_port():
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def postgresql():
    """The address of a PostgreSQL server of its own, which ends with the block."""
    if not (shutil.which("initdb") and shutil.which("pg_ctl")):
        raise Missing("needs PostgreSQL's initdb and pg_ctl")
    if not importlib.util.find_spec("psycopg"):
        raise Missing("needs psycopg: pip install '.[team]'")
    port, folder = free_port(), tempfile.mkdtemp(dir="/tmp")
    as_postgres = []
    if os.getuid() == 0:  # PostgreSQL refuses root
        try:
            shutil.chown(folder, pwd.getpwnam("postgres").pw_uid)
        except KeyError as error:
            raise Missing("needs a user postgres, because PostgreSQL refuses root") from error
        as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def do(*words):
        subprocess.run([*as_postgres, *words], check=True, cwd="/tmp", stdout=subprocess.DEVNULL)

    place = f"{folder}/data"
    do("initdb", "-D", place, "-U", "lab", "-A", "trust")
    do(
        "pg_ctl",
        "-D",
        place,
        "-o",
        f"-c listen_addresses=127.0.0.1 -p {port} -k {folder}",
        "-l",
        f"{folder}/log",
        "-w",
        "start",
    )
    try:
        do("psql", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "lab", "-d", "postgres", "-c", "CREATE DATABASE runs")
        yield f"postgresql+psycopg://lab:{DATABASE}@127.0.0.1:{port}/runs"
    finally:
        do("pg_ctl", "-D", place, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def team(folder, store="", workers=1):
    """The address of a server by the script, which ends with the block."""
    port, log = free_port(), folder.with_suffix(".log")
    settings = {"PYTHON": sys.executable, "TEAM_FOLDER": str(folder), "TEAM_PORT": str(port), "TEAM_WORKERS": str(workers)}
    settings |= {"MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN} | ({"TEAM_STORE": store} if store else {})
    with open(log, "w") as said:
        options = {"stdout": said, "stderr": said, "start_new_session": True}
        process = subprocess.Popen(["sh", SCRIPT], env=os.environ | settings, **options)
    try:
        end = time.monotonic() + 120
        while answer(f"http://127.0.0.1:{port}/health") != 200:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whatever did not end


def answer(url, host=None):
    """The HTTP status of a page, None without an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host} if host else {}), timeout=10) as found:
            return found.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
