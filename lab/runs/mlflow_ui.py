"""The MLflow UI: its server, and the addresses of its pages.

MLflow 3 has two views. "GenAI" is the usual one; it files a run under evaluations of language
models. "Model training" is ours. An address asks for it by a parameter, and a browser remembers the
view that a person has clicked. `lab.runs.mlflow_app` makes "Model training" the usual one.
"""

import contextlib
import importlib.metadata
import os
import signal
import subprocess
import sys

from lab.errors import DamagedFile
from lab.runs import mlflow_server
from lab.runs.paths import home
from lab.runs.run_folder import RunFolder, all_runs

PORT = 5000
VIEW = "?workflowType=machine_learning"
APP = "keras-rl-gan-lab"  # in the entry points `mlflow.app`: see lab/runs/mlflow_app.py
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


def base(uri: str, port: int = PORT) -> str:
    """Where the UI of a store is served: a tracking server itself, else `python -m lab ui`."""
    if uri.startswith("http"):
        return mlflow_server.without_password(uri).partition("?")[0].rstrip("/")
    return f"http://127.0.0.1:{port}"


def page(base: str, experiment: str | None = None, run: str | None = None) -> str:
    """The address of a run in the UI. Without its ids, that of the list of experiments."""
    place = f"/{experiment}/runs/{run}" if experiment and run else ""
    return f"{base}/#/experiments{place}{VIEW}"


def newest(uri: str) -> RunFolder | None:
    """The newest run on this disk that the store has, parents before their children."""
    for folder in reversed(all_runs()):
        with contextlib.suppress(DamagedFile):
            there = folder.delivery()
            if there.get("uri") == uri and there.get("experiment_id") and not folder.header().get("parent"):
                return folder
    return None


def ui(port: int, uri: str, folder: RunFolder | None = None) -> int:
    """Serves the MLflow UI on 127.0.0.1 until an interrupt. Returns the exit code.

    Prints the address of the experiments, and that of a run.

    Args:
        folder: the run, by default the newest one.
    """
    mlflow_server.client(uri)
    here = base("", port)
    print(f"MLflow UI: {page(here)}   (Ctrl-C to stop)", flush=True)
    if shown := folder or newest(uri):
        there = shown.delivery()
        print(f"{shown.name}: {page(here, there['experiment_id'], there['run_id'])}", flush=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--default-artifact-root", (home() / "mlruns" / "artifacts").as_uri(), "--workers", "1"]
    if any(point.name == APP for point in importlib.metadata.entry_points(group="mlflow.app")):
        command += ["--app-name", APP]  # where the laboratory was installed by a version that has it
    # MLflow starts eight processes for jobs. Nobody here gives it any, and they take 1.7 GB and a
    # third of the time to start.
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"} | QUIET | os.environ
    environment["MLFLOW_BACKEND_STORE_URI"] = mlflow_server.with_password(uri)  # everyone can read a command line
    return serve(command, environment)


def serve(command: list[str], environment: dict[str, str]) -> int:
    """Runs a server until it ends, or until an interrupt or SIGTERM, which ends it too."""
    server = subprocess.Popen(command, env=environment)
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()
