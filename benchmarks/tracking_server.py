"""What one MLflow server takes per second, from 1, 2 and 4 clients.

python -m benchmarks.tracking_server [--seconds 8]

The server is that of docs/team.md, with two processes, on SQLite and, where it is installed, on
PostgreSQL. Clients send what a courier sends, over HTTP with a password:

- a delivery is one `log_batch` of 10 metrics and one `set_tag`: what it sends after a report;
- a full batch is one `log_batch` of 1,000 metrics: what it sends when it catches up;
- a run is `create_run`, 20 params, two deliveries, an artifact of 10 kB, and the end.

Server and clients share the machine, as the numbers of cores say. Each client is a process.
"""

import argparse
import contextlib
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe, keep
from benchmarks.team_server import ADMIN, Missing, postgresql, team

CLIENTS = (1, 2, 4)
KEYS = 10  # metrics of a report
FULL = 1_000  # metrics of a full batch
CLIENT = {
    "MLFLOW_TRACKING_USERNAME": "admin",
    "MLFLOW_TRACKING_PASSWORD": ADMIN,
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def client(uri, number, kind, seconds, begin, results):
    """Sends for so many seconds after all clients are ready. Puts how many things were sent."""
    os.environ |= CLIENT
    from lab.runs import mlflow_server

    there = mlflow_server.client(uri)
    experiment = there.get_experiment_by_name("measured").experiment_id
    send = {"deliveries": _deliveries, "full batches": _full_batches, "runs": _runs}[kind](there, experiment, number)
    next(send)
    begin.wait()
    end, count = time.perf_counter() + seconds, 0
    started = time.perf_counter()
    while time.perf_counter() < end:
        next(send)
        count += 1
    results.put(count / (time.perf_counter() - started))


def _metrics(step, count):
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(f"metric_{i % KEYS}", 1 / (step + i + 1), now, step + i // KEYS) for i in range(count)]


def _deliver(there, run_id, step, count):
    there.log_batch(run_id, metrics=_metrics(step, count))
    there.set_tag(run_id, "lab.offset", f"{step} 123")


def _deliveries(there, experiment, number):
    run_id, step = there.create_run(experiment).info.run_id, 0
    while True:
        _deliver(there, run_id, step, KEYS)
        step += 1
        yield


def _full_batches(there, experiment, number):
    run_id, step = there.create_run(experiment).info.run_id, 0
    while True:
        there.log_batch(run_id, metrics=_metrics(step, FULL))
        step += FULL // KEYS
        yield


def _runs(there, experiment, number):
    from mlflow.entities import Param

    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "note.txt"
        note.write_text("x" * 10_000)
        while True:
            run_id = there.create_run(experiment).info.run_id
            there.log_batch(run_id, params=[Param(f"setting_{i}", str(i)) for i in range(20)])
            for step in range(2):
                _deliver(there, run_id, step, KEYS)
            there.log_artifact(run_id, str(note))
            there.set_terminated(run_id)
            yield


def measure(uri, kind, clients, seconds):
    """Things sent per second by all clients together."""
    context = multiprocessing.get_context("spawn")
    begin, results = context.Barrier(clients), context.Queue()
    arguments = [(uri, number, kind, seconds, begin, results) for number in range(clients)]
    processes = [context.Process(target=client, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return sum(results.get(timeout=1) for _ in processes)


def main():
    """Measures both stores and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8, help="of each measurement")
    flags = parser.parse_args()
    os.environ |= CLIENT
    from lab.runs import mlflow_server

    measured = {}
    for store in ("sqlite", "postgresql"):
        try:
            with (
                tempfile.TemporaryDirectory() as folder,
                _address(store) as address,
                team(Path(folder) / "team", address, workers=2) as uri,
            ):
                mlflow_server.client(uri).create_experiment("measured")
                for kind in ("deliveries", "full batches", "runs"):
                    for clients in CLIENTS:
                        rate = measure(uri, kind, clients, flags.seconds)
                        measured.setdefault(store, {}).setdefault(f"{kind} per second", {})[str(clients)] = round(rate, 2)
                        print(f"{store}: {rate:.2f} {kind} per second from {clients} clients", flush=True)
        except Missing as reason:
            print(f"{store}: {reason}")
    packages = ("mlflow", "Flask-WTF", "psycopg") if "postgresql" in measured else ("mlflow", "Flask-WTF")
    keep("tracking_server", {"seconds": flags.seconds, "servers": measured} | describe(*packages))


def _address(store):
    return postgresql() if store == "postgresql" else contextlib.nullcontext("")


if __name__ == "__main__":
    main()
