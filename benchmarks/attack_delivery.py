"""Lets servers fail and spoils stores. MLflow must get each metric exactly once.

python -m benchmarks.attack_delivery [--scale 0.1] [--seed 0]

A proxy stands between the lab and an MLflow server. At random it answers 500, 429 or HTML, hangs
up, or carries the request out and then hangs up. A local store is deleted, emptied, replaced by
an empty one or by an older copy, cut, overwritten, locked, full, or read-only. Each time `sync`
is called until it has nothing left to do. Then the store is compared with the journal. Where
`sync` cannot deliver, it must say in one line what to do.
"""

import argparse
import contextlib
import http.client
import math
import os
import random
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks import damage
from lab.runs import mlflow_server as lab_server

FAULTS = ("500", "429", "HTML", "HTML 502", "hang up", "answer lost", "any")
STORES = ("deleted", "emptied", "replaced", "older copy", "cut", "overwritten", "locked", "full", "read-only", "no artifacts")
REPEATS = 10  # of each fault, at other moments
SHARE = 0.1  # probability that a request fails
MOST = 30  # requests that fail; afterwards the proxy is honest


class Proxy(BaseHTTPRequestHandler):
    """Hands requests on to a server's port; some of them fail."""

    protocol_version = "HTTP/1.1"
    port = 0
    fault = ""
    rng = random.Random()
    failed = 0

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = type(self)
        fault = ""
        if kind.failed < MOST and kind.rng.random() < SHARE:
            kind.failed += 1
            fault = kind.rng.choice(FAULTS[:-1]) if kind.fault == "any" else kind.fault
        if fault in ("", "answer lost"):
            answer = self._carried_out(body)
        else:
            page = b"<html><body>Something is wrong here.</body></html>"
            status = {"500": 500, "429": 429, "HTML": 200, "HTML 502": 502}.get(fault, 0)
            answer = status, "text/html", b'{"error_code": "INTERNAL_ERROR", "message": "no"}' if fault == "500" else page
        if fault in ("hang up", "answer lost"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, content, text = answer
        self.send_response(status)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _carried_out(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            headers = {key: value for key, value in self.headers.items() if key.lower() != "host"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read()

    def log_message(self, *arguments):
        """Prints nothing."""


@contextlib.contextmanager
def proxy(port, fault, rng):
    """Yields the address of a proxy before a server, in a process of its own."""
    Proxy.port = port
    Proxy.fault = fault
    Proxy.rng = rng
    Proxy.failed = 0
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
        listening.serve_forever()
    try:
        yield f"http://127.0.0.1:{listening.server_address[1]}"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        listening.server_close()


@contextlib.contextmanager
def mlflow_server(folder):
    """Yields (port, store) of an MLflow server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = Path(folder) / "server.db"
    shutil.copyfile(damage.empty_store(), store)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{store}", "--host", "127.0.0.1"]
    command += ["--artifacts-destination", str(Path(folder) / "artifacts"), "--port", str(port), "--workers", "1"]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, start_new_session=True, **quiet)
    try:
        for _ in range(1_200):
            time.sleep(0.25)
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                break
        yield port, store
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def attack(seed, scale, done, keep):
    """Spoils servers and stores; see `benchmarks/attack.py`."""
    damage.prepare()
    had = {row["kind"] for row in done}
    repeats = max(math.ceil(REPEATS * scale), 1)
    for how in STORES:
        if (kind := f"store: {how}") not in had:
            keep({"kind": kind, **_sum(spoilt(how, random.Random(f"{seed} {how} {repeat}")) for repeat in range(repeats))})
    left = [fault for fault in FAULTS if f"proxy: {fault}" not in had]
    if not left:
        return
    with tempfile.TemporaryDirectory() as folder, mlflow_server(folder) as (port, store):
        for fault in left:
            rows = (failing(port, store, fault, random.Random(f"{seed} {fault} {repeat}")) for repeat in range(repeats))
            keep({"kind": f"proxy: {fault}", **_sum(rows)})


def _sum(rows):
    counts: dict = {"runs": 0, "syncs": 0, "errors told": 0}
    differences: list = []
    for number, (said, wrong) in enumerate(rows):
        counts["runs"] += 1
        counts["syncs"] += len(said)
        counts["errors told"] += sum(not line.endswith(": delivered") for lines in said for line in lines)
        differences += [f"{number}: {line}" for line in wrong]
    return {"counts": counts, "differences": differences}


def _ended(uri):
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        return damage.begin(uri)


def _settled(said, times=4):
    """Calls `sync`, each time in a process of its own, until it has nothing left to do."""
    for _ in range(times):
        lines, printed = damage.in_child(damage.sync)
        said.append((lines or []) + [line for line in printed if "Traceback" in line])
        if not said[-1]:
            return


def _again_and_again():
    """Calls `sync` until it has nothing left to do. Returns the lines of each call."""
    said = [damage.sync()]
    while said[-1] and len(said) < MOST + 10:
        said.append(damage.sync())
    return said


def _broken(said, store, folder):
    wrong = [f"lacks {what}" for what in damage.lacks(store, folder.name)[:3]]
    wrong += [f"no line: {line!r}" for lines in said for line in lines if "\n" in line or "Traceback" in line]
    return wrong + ([f"never settled: {said[-1]}"] if said[-1] else [])


def failing(port, store, fault, rng):
    """Delivers through a failing proxy. Returns (lines of each `sync`, what broke the promise)."""
    with tempfile.TemporaryDirectory() as home, proxy(port, fault, rng) as uri:
        damage.new_home(home)
        folder = _ended(uri)
        said, printed = damage.in_child(_again_and_again)
        said = said or [printed]
        return said, _broken(said, store, folder)


def spoilt(how, rng):
    """Spoils a store after a delivery. Returns (lines of each `sync`, what broke the promise)."""
    with tempfile.TemporaryDirectory() as home:
        store = damage.new_home(home)
        uri = lab_server.store_uri(store)
        said: list = []
        older = store.with_name("older.db")
        folder = _ended(uri)
        if how == "older copy":
            content = folder.journal.read_bytes()
            end = content.index(b"\n", rng.randrange(len(content) // 2)) + 1
            folder.journal.write_bytes(content[:end])
            damage.in_child(damage.sync)
            shutil.copyfile(store, older)
            folder.journal.write_bytes(content)
        if how not in ("full", "read-only"):
            _settled(said)
        with _spoiling(how, store, older, rng):
            if how in ("locked", "full", "read-only"):
                work = _with_little_disk(store.stat().st_size) if how == "full" else damage.sync
                lines, printed = damage.in_child(work, unprivileged=how == "read-only")
                said.append((lines or []) + [line for line in printed if "Traceback" in line])
        _settled(said)
        if how in ("cut", "overwritten") and said[-1]:  # `sync` has said to do this
            store.rename(store.with_name("away.db"))
            _settled(said)
        return said, _broken(said, store, folder)


@contextlib.contextmanager
def _spoiling(how, store, older, rng):
    """Spoils a store. Locks and permissions are taken back at the end."""
    holder = None
    if how in ("deleted", "replaced", "older copy", "cut", "overwritten", "emptied"):
        content = store.read_bytes()
        store.unlink()
    if how == "replaced":
        shutil.copyfile(damage.empty_store(), store)
    elif how == "older copy":
        shutil.copyfile(older, store)
    elif how == "cut":
        store.write_bytes(content[: rng.randrange(len(content))])
    elif how == "overwritten":
        place = rng.randrange(len(content) // 2)
        store.write_bytes(content[:place] + rng.randbytes(len(content) // 2) + content[place + len(content) // 2 :])
    elif how == "emptied":
        store.touch()
    elif how == "locked":
        holder = sqlite3.connect(store)
        holder.execute("BEGIN EXCLUSIVE")
    elif how == "read-only":
        store.chmod(0o444)
    elif how == "no artifacts":
        shutil.rmtree(store.parent / "artifacts")
    try:
        yield
    finally:
        if holder is not None:
            holder.close()
        if store.exists():
            store.chmod(0o644)


def _with_little_disk(bytes_now):
    """A function that calls `sync` while files may hardly grow; for a process of its own."""

    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_now + 4096, bytes_now + 4096))
        return damage.sync()

    return work


def main():
    """Attacks, and prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the repetitions, for a trial")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    flags = parser.parse_args()
    attack(
        flags.seed, flags.scale, [], lambda row: print(row["kind"], row["counts"], *row["differences"], sep="\n", flush=True)
    )


if __name__ == "__main__":
    main()
