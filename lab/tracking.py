"""Delivery of runs to MLflow; the only module that imports mlflow.

A run writes its journal (lab/journal.py) and never talks to a server. A *courier*, a process of its own with low priority,
copies the journal to the tracking server while the run goes on: creating the MLflow run, sending metrics in batches,
uploading artifacts, logging the model. If the server is away it tries again; if the run ends first, `python -m lab sync`
delivers later. Each metric arrives once: what was sent is remembered in `mlflow.json`, and after any doubt (a lost answer, a
killed courier) the server's own history is asked before sending again.
"""

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from lab.flavor import KerasFlavor
from lab.journal import FINAL, RunFolder, all_runs, home, write_json

BATCH = 1_000  # metrics in one log_batch, MLflow's limit
POINTS = 2_000  # points per key that MLflow gets; the CSV artifact has all of them
SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
NONE = "none"  # the tracking URI of runs that stay on the disk


def resolve_uri(uri=None):
    """The tracking URI: the argument, else $MLFLOW_TRACKING_URI, else the local store. ValueError for one that cannot be."""
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / 'mlruns' / 'mlflow.db'}"
    scheme = urlparse(uri).scheme.split("+")[0]
    if uri != NONE and scheme not in SCHEMES:
        raise ValueError(f"tracking URI: expected one of {', '.join(f'{s}:' for s in SCHEMES)} or 'none', received {uri!r}")
    return uri


def start_courier(folder):
    """Starts the courier of a run as a process that outlives this one and ignores its Ctrl-C."""
    with open(folder.path / "courier.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "lab.tracking", str(folder.path)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def sync(uri=None):
    """Delivers every run on the disk that its server does not have whole. Returns {run name: the error, None where all went well}."""
    results: dict[str, Exception | None] = {}
    for folder in [run for run in all_runs() if uri or run.header()["tracking_uri"] != NONE]:
        try:
            if _deliver(folder, uri):
                results[folder.name] = None
        except Exception as error:  # every kind of server fails in its own way
            results[folder.name] = error
    return results


def delivered(folder, uri=None):
    """Whether MLflow has all of a run's journal: the server at `uri`, or without one any."""
    there = folder.delivery()
    return there.get("offset") == folder.events()[1] and uri in (None, there["uri"])


def _deliver(folder, uri=None):
    """Brings a run up to date whose courier is not at work. Returns whether there was something to bring."""
    with folder.lock("courier") as mine:
        settled = folder.delivery().get("status") in FINAL or folder.locked("writer")
        if not mine or (settled and delivered(folder, uri)):
            return False
        delivery = Delivery(folder, uri)
        delivery.advance()
        delivery.conclude()
        return True


class Delivery:
    """Brings one run's MLflow copy up to date, as far as its journal goes."""

    def __init__(self, folder, uri=None):
        self.folder, self.header = folder, folder.header()
        self.uri = uri or self.header["tracking_uri"]
        self.sent = folder.delivery()
        self._doubt = True  # whether the server may hold more than `sent` says
        self._client: Any = None  # mlflow.MlflowClient
        self._bins: dict[str, float] | None = None  # see _chosen

    def advance(self):
        """Delivers what the journal holds now; raises where the server fails, and can be called again."""
        try:
            self._connect()
            events, end = self.folder.events(self.sent["offset"])
            if not events:
                return
            bins = dict(self._bins or {})
            self._send_metrics(events, bins)
            for event in events:
                self._send(event)
            self.folder.sync()  # or after a power failure the offset might lie where no journal is
            self._remember(offset=end)
            self._bins, self._doubt = bins, False
        except BaseException:
            self._doubt = True
            raise

    def conclude(self):
        """Whether the run is over and delivered; one whose process is gone without a word is marked as killed."""
        if self.folder.locked("writer") or not delivered(self.folder, self.uri):
            return False
        if self.sent.get("status") not in FINAL:
            self._client.set_terminated(self.sent["run_id"], "KILLED")
            self._remember(status="KILLED")
        return True

    def _remember(self, **what):
        self.sent = self.sent | what
        write_json(self.folder.path / "mlflow.json", self.sent)

    def _connect(self):
        if self._client is None:
            self._client = _client(self.uri)
        if self.sent.get("uri", self.uri) != self.uri:
            self.sent = {}  # another server: deliver from the beginning
        if "run_id" not in self.sent:
            run_id = self._find_run() or self._create_run()
            self._describe(run_id)
            self._remember(run_id=run_id, uri=self.uri, offset=0)
        if self._bins is None:
            if not self.folder.line_ends_at(self.sent["offset"]):
                self._remember(offset=0)  # a power failure took the end of the journal
            self._bins = {}
            before, _ = self.folder.events(0, self.sent["offset"])
            list(self._chosen(before, self._bins))

    def _experiment(self):
        name = self.header["experiment"]
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return found.experiment_id
        local = self.uri.startswith("sqlite:")
        location = (home() / "mlruns" / "artifacts" / name).as_uri() if local else None
        try:
            kind = {"mlflow.experimentKind": "custom_model_development"}  # or the UI shows its pages for language models
            return self._client.create_experiment(name, artifact_location=location, tags=kind)
        except Exception:
            found = self._client.get_experiment_by_name(name)  # another process was faster
            if found is None:
                raise
            return found.experiment_id

    def _find_run(self):
        runs = self._client.search_runs([self._experiment()], f"tags.`lab.run` = '{self.folder.name}'", max_results=1)
        return runs[0].info.run_id if runs else None

    def _create_run(self):
        header = self.header
        tags = {"lab.run": self.folder.name, "mlflow.source.name": header["module"] or "script", "mlflow.source.type": "LOCAL"}
        tags |= {f"lab.{key}": str(value) for key, value in header["versions"].items()}
        if header.get("parent"):
            parent = Delivery(RunFolder(self.folder.path.parent / header["parent"]), self.uri)
            parent._connect()
            tags["mlflow.parentRunId"] = parent.sent["run_id"]
        began, name = int(header["created"] * 1000), self.folder.name.removeprefix(f"{header['experiment']}-")
        return self._client.create_run(self._experiment(), start_time=began, tags=tags, run_name=name).info.run_id

    def _describe(self, run_id):
        from mlflow.entities import Param

        params = {"seed": self.header["seed"], "backend": self.header["backend"]} | self.header["config"]
        self._client.log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])

    def _send_metrics(self, events, bins):
        from mlflow.entities import Metric

        run_id = self.sent["run_id"]
        metrics = [Metric(key, value, when, step) for key, value, when, step in self._chosen(events, bins)]
        if self._doubt and metrics:
            keys = {metric.key for metric in metrics}
            there = {(key, point.step) for key in keys for point in self._client.get_metric_history(run_id, key)}
            metrics = [metric for metric in metrics if (metric.key, metric.step) not in there]
        for start in range(0, len(metrics), BATCH):
            self._client.log_batch(run_id, metrics=metrics[start : start + BATCH])

    def _chosen(self, events, bins):
        """The first point of each of `POINTS` equal spans of steps, by key; `bins` remembers the last span of each."""
        span = max(self.header["total_steps"] / POINTS, 1.0)
        for event in events:
            for key, value in event.get("metrics", {}).items():
                if bins.get(key) != event["step"] // span:
                    bins[key] = event["step"] // span
                    yield key, value, event["time"], event["step"]

    def _send(self, event):
        run_id = self.sent["run_id"]
        if "artifact" in event:
            path = self.folder.artifacts / event["artifact"]
            self._client.log_artifact(run_id, str(path), os.path.dirname(event["artifact"]) or None)
        if "model" in event and not self._has_model():
            self._log_model(event)
        for key, value in event.get("tags", {}).items():
            self._client.set_tag(run_id, key, value)
        if "status" in event:
            if event["status"] in FINAL:
                self._client.set_terminated(run_id, event["status"], event["time"])
            else:
                self._client.update_run(run_id, status=event["status"])
            self._remember(status=event["status"])

    def _has_model(self):
        found = self._client.search_logged_models([self._experiment()], f"source_run_id = '{self.sent['run_id']}'")
        return any(model.status == "READY" for model in found)  # the others' upload was cut short

    def _log_model(self, event):
        import mlflow

        flavor = KerasFlavor(self.folder.artifacts / event["model"], self.header["backend"], event["requirements"])
        with mlflow.start_run(run_id=self.sent["run_id"], log_system_metrics=False):
            mlflow.models.Model.log(None, flavor, name="model", step=event["step"])


def _client(uri):
    """An MLflow client that fails soon, not after minutes of retries; a local store is created under a lock."""
    settings = {
        "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }  # fmt: skip
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    import mlflow

    mlflow.set_tracking_uri(uri)
    with _store_lock():
        client = mlflow.MlflowClient(uri)
        client.get_experiment_by_name("Default")  # creates the tables of a new local store
    return client


@contextlib.contextmanager
def _store_lock():
    folder = home() / "mlruns"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".store.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ui(port, uri):
    """Serves the MLflow UI on 127.0.0.1 until interrupted."""
    _client(uri)
    print(f"MLflow UI: http://127.0.0.1:{port}   (Ctrl-C to stop)", flush=True)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--default-artifact-root", (home() / "mlruns" / "artifacts").as_uri(), "--workers", "1"]
    # Eight processes for jobs that nobody here gives: 1.7 GB and a third of the time to start.
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"} | os.environ
    with contextlib.suppress(KeyboardInterrupt):
        return subprocess.call(command, env=environment)
    return 0


def fetch_policy(run_id, uri):
    """(Keras model, settings) of a run that another machine logged to a tracking server."""
    import mlflow

    import lab.layers  # noqa: F401  registers ours

    _client(uri)
    settings = mlflow.artifacts.load_dict(f"runs:/{run_id}/config.json")["config"]  # MLflow's params are words
    return mlflow.keras.load_model(f"runs:/{run_id}/model"), settings


def _courier(path, poll=0.2, patience=20.0):
    """Follows a run until its journal is delivered; gives up `patience` seconds after the run has ended."""
    os.nice(10)
    folder = RunFolder(path)
    with folder.lock("courier", wait=True):
        delivery = Delivery(folder)
        gone, wait, complaint = None, poll, None
        while True:
            try:
                delivery.advance()
                wait = poll
                if delivery.conclude():
                    if parent := delivery.header.get("parent"):
                        _deliver(RunFolder(folder.path.with_name(parent)))  # it may have died with its child
                    return
            except Exception as error:
                if repr(error) != complaint:
                    complaint = repr(error)
                    print(complaint, flush=True)
                wait = min(wait * 2, 8.0)
            gone = None if folder.locked("writer") else gone or time.monotonic()
            if gone and time.monotonic() - gone > patience:
                return
            time.sleep(wait)


if __name__ == "__main__":
    _courier(Path(sys.argv[1]))
