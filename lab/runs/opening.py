"""What a run says before anything slow, and where a person finds it in MLflow."""

import contextlib

from lab.errors import DamagedFile
from lab.runs import machine, mlflow_server, mlflow_ui
from lab.runs.run_folder import RunFolder


def say(folder: RunFolder) -> None:
    """Prints the first line of a run: its name, the backend, the device and the store."""
    header = folder.header()
    store = shown_store(header["tracking_uri"])
    print(f"run {folder.name}   {header['backend']} on {machine.device()}   store: {store}", flush=True)


def shown_store(uri: str) -> str:
    """A store as a person knows it: a path, or an address without its password."""
    if uri == mlflow_server.NONE:
        return "only the run's folder"
    return str(mlflow_server.store_path(uri) or mlflow_server.without_password(uri))


def where_to_see(folder: RunFolder) -> str:
    """The address of a run in the MLflow UI, and the command that serves it if no server runs."""
    uri = folder.header()["tracking_uri"]
    there = {}
    with contextlib.suppress(DamagedFile):
        there = folder.delivery()
    page = mlflow_ui.page(mlflow_ui.base(uri), there.get("experiment_id"), there.get("run_id"))
    return page if uri.startswith("http") else f"python -m lab ui, then {page}"
