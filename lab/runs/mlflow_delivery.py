"""What MLflow has of one run, and how it gets the rest.

The journal is the truth. The tag `lab.offset` of the MLflow run says how much of it the server has.
So a deleted run, a store that was emptied or replaced by an older copy, and a new server are found
and restored from the journal. Each metric arrives once: before a key is first sent, and after any
failure, the server is asked which steps of the key it has.
"""

import itertools
import os
from typing import Any

from lab import errors
from lab.errors import DamagedFile
from lab.runs import description, events, mlflow_experiment, mlflow_server
from lab.runs.files import require_readable, write_json
from lab.runs.mlflow_flavor import KerasFlavor
from lab.runs.run_folder import FINAL, RunFolder

BATCH = 1_000  # metrics in one log_batch: MLflow's limit
PARAMS = 100  # params in one log_batch: MLflow's limit
CHUNK = 5_000  # events in memory at once
POINTS = 2_000  # points that MLflow gets of each key; metrics.csv of a finished run has all of them
OFFSET, PARENT = "lab.offset", "mlflow.parentRunId"


class Delivery:
    """Delivers to MLflow what the journal of one run holds.

    Attributes:
        notes: a sentence for each file or event that could not be delivered.
        brought: whether anything was delivered.
    """

    def __init__(self, folder: RunFolder, uri: str | None = None) -> None:
        self.folder, self.header = folder, folder.header()
        self._address = uri or self.header["tracking_uri"]
        self.uri = mlflow_server.without_password(self._address)
        self.notes: list[str] = []
        self.brought = False
        self.sent = self._recorded()
        self._client: Any = None  # mlflow.MlflowClient
        self._run: Any = None  # MLflow's run, once it is known to exist
        self._status = ""  # of MLflow's run
        self._bins: dict[str, float] = {}  # see `_chosen`
        self._there: dict[str, set] = {}  # {key: the steps that the server has}, of keys asked for
        if not uri and self.uri != self._address:
            self._note(f"{folder.path / 'run.json'}: holds a password that others may have read: change it, and take it out")

    def advance(self) -> None:
        """Delivers what the journal holds now. Raises if the server fails; can be called again."""
        try:
            if self._run is None:
                self.identify()
            while chunk := list(itertools.islice(self.folder.read(self.sent["offset"]), CHUNK)):
                self._bring([event for event, _ in chunk if event is not None], chunk[-1][1])
                if lost := sum(event is None for event, _ in chunk):
                    self._note(f"{self.folder.journal}: {lost} damaged lines, passed over")
        except BaseException:
            self._run, self._there = None, {}
            raise

    def conclude(self) -> bool:
        """Whether the run is over and delivered. Marks a run without a final status as killed.

        A child of a living run may yet begin, or be started anew. It is over only with a final
        status.
        """
        if self.folder.locked("writer") or self.sent.get("offset") != self.folder.length():
            return False
        if self._status not in FINAL:
            if self.folder.has_living_ancestor():
                return False
            self._end({"status": "KILLED"})
            self.brought = True
        return True

    def identify(self) -> str:
        """The id of the MLflow run. Finds it, restores it if it was deleted, or else makes it."""
        if self._client is None:
            self._client = mlflow_server.client(self._address)
        with self.folder.lock("delivery", wait=True):  # a child's delivery identifies its parent too
            self.sent = self._recorded()
            run = self._known() or self._found() or self._created()
            tags = run.data.tags
            self._status = run.info.status
            ids = {"run_id": run.info.run_id, "experiment_id": run.info.experiment_id}
            self._remember(uri=self.uri, offset=self._held(tags.get(OFFSET, "")), **ids)
        if not self.sent["offset"]:
            self._describe(run.info.run_id)
        parent = self._parent()
        if parent and tags.get(PARENT) != parent:
            self._client.set_tag(run.info.run_id, PARENT, parent)
        self._bins = {}
        before = (event for event, _ in self.folder.read(0, self.sent["offset"]) if event is not None)
        for _ in self._chosen(before, self._bins):
            pass
        self._run = run
        return run.info.run_id

    def _held(self, tag):
        """The byte up to which the server has the present journal, from the tag `lab.offset`."""
        offset, _, mark = tag.partition(" ")
        return int(offset) if offset.isdigit() and mark == str(self.folder.mark(int(offset))) else 0

    def begin_again_if_incomplete(self) -> None:
        """Starts again from the beginning if the server has lost an artifact or the model."""
        run_id = self.identify()
        named = [event["artifact"] for event, _ in self.folder.read(key="artifact")]
        mine = {name for name in named if (self.folder.artifacts / name).is_file()}
        folders = {os.path.dirname(name) or None for name in mine}
        there = {file.path for path in folders for file in self._client.list_artifacts(run_id, path)}
        models = any((self.folder.artifacts / event["model"]).is_file() for event, _ in self.folder.read(key="model"))
        if not mine <= there or (models and not self._has_model()):
            self._remember(offset=0)
            self._bins = {}

    def _recorded(self):
        try:
            recorded = self.folder.delivery()
        except DamagedFile as error:
            self._note(f"{error}; the server was asked what it has")
            recorded = {}
        return recorded if recorded.get("uri") == self.uri else {}  # of another server: begin again

    def _remember(self, **what):
        self.sent = self.sent | what
        write_json(self.folder.path / "mlflow.json", self.sent)

    def _note(self, sentence):
        if (sentence := mlflow_server.hide(sentence)) not in self.notes:
            self.notes.append(sentence)

    def _known(self):
        from mlflow.exceptions import MlflowException

        if "run_id" not in self.sent:
            return None
        try:
            run = self._client.get_run(self.sent["run_id"])
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return self._restored(run)

    def _restored(self, run):
        """The run. Restores it if somebody deleted it, alone or with its experiment."""
        if run.info.lifecycle_stage == "active":
            return run
        self._active(self._client.get_experiment(run.info.experiment_id))
        run_id = run.info.run_id
        if self._client.get_run(run_id).info.lifecycle_stage != "active":
            self._client.restore_run(run_id)
        self._note(f"MLflow's run {run_id} had been deleted and is restored; delete {self.folder.path} to be rid of both")
        return self._client.get_run(run_id)

    def _active(self, experiment):
        """The id of an experiment. Restores it if it was deleted."""
        if experiment.lifecycle_stage != "active":
            self._client.restore_experiment(experiment.experiment_id)
            self._note(f"experiment {experiment.name!r} had been deleted and is restored, for its name cannot be used again")
        return experiment.experiment_id

    def _experiment(self):
        return mlflow_experiment.find_or_make(self._client, self.header, self.uri, self._active)

    def _found(self):
        from mlflow.entities import ViewType

        wanted = f"tags.`lab.run` = '{self.folder.name}'"
        runs = self._client.search_runs([self._experiment()], wanted, ViewType.ALL, max_results=1)
        return self._restored(runs[0]) if runs else None

    def _created(self):
        header = self.header
        tags = {"lab.run": self.folder.name, "mlflow.source.name": header["module"] or "script", "mlflow.source.type": "LOCAL"}
        tags |= {f"lab.{key}": str(value) for key, value in header["versions"].items()} | description.tags(header)
        if note := description.of_run(header):
            tags[description.NOTE] = note
        began, name = int(header["created"] * 1000), self.folder.name.removeprefix(f"{header['experiment']}-")
        self.brought = True
        return self._client.create_run(self._experiment(), start_time=began, tags=tags, run_name=name)

    def _parent(self):
        """The id of the parent's MLflow run, or None if there is no parent or it is damaged."""
        if not self.header.get("parent"):
            return None
        try:
            return Delivery(RunFolder(self.folder.path.with_name(self.header["parent"])), self._address).identify()
        except DamagedFile as error:
            self._note(f"{error}; delivered without its parent")
            return None

    def _describe(self, run_id):
        from mlflow.entities import Param

        params = {"seed": self.header["seed"], "backend": self.header["backend"]} | self.header["config"]
        params = [Param(key, str(value)) for key, value in params.items()]
        for start in range(0, len(params), PARAMS):
            self._tolerant("params", self._client.log_batch, run_id, params=params[start : start + PARAMS])

    def _bring(self, chunk, end):
        """Delivers some events. After them the journal is delivered up to the byte `end`."""
        for event in chunk:
            self._send(event)
        bins = dict(self._bins)
        metrics = self._missing([point for point in self._chosen(chunk, bins) if self._loggable(point[0])])
        self.folder.sync()  # else, after a power failure, the journal might be shorter than the offset
        run_id = self.sent["run_id"]
        for start in range(0, len(metrics), BATCH):
            self._client.log_batch(run_id, metrics=metrics[start : start + BATCH])
        for metric in metrics:
            self._there[metric.key].add(metric.step)
        for event in [event for event in chunk if "status" in event][-1:]:
            self._end(event)
        self._client.set_tag(run_id, OFFSET, f"{end} {self.folder.mark(end)}")  # last: everything has arrived
        self._remember(offset=end)
        self._bins, self.brought = bins, True

    def _chosen(self, chunk, bins):
        """Thins each key to the first point of each of `POINTS` spans; `bins` is its last span."""
        span = max(self.header["total_steps"] / POINTS, 1.0)
        for event in chunk:
            for key, value in event.get("metrics", {}).items():
                if bins.get(key) != event["step"] // span:
                    bins[key] = event["step"] // span
                    yield key, value, event["time"], event["step"]

    def _loggable(self, key):
        try:
            events.require_name(key)
        except errors.EventError as error:  # an older version accepted it
            self._note(f"{self.folder.journal}: {error}; it stays there alone")
            return False
        return True

    def _missing(self, points):
        """The metrics among these points that the server does not have."""
        from mlflow.entities import Metric

        for key in {point[0] for point in points} - self._there.keys():
            self._there[key] = {point.step for point in self._client.get_metric_history(self.sent["run_id"], key)}
        return [Metric(*point) for point in points if point[3] not in self._there[point[0]]]

    def _send(self, event):
        """Delivers what an event holds, except its metrics and its status."""
        run_id = self.sent["run_id"]
        try:
            if "artifact" in event:
                path = self.folder.artifacts / event["artifact"]
                require_readable(path)
                self._client.log_artifact(run_id, str(path), os.path.dirname(event["artifact"]) or None)
            if "model" in event and not self._has_model():
                require_readable(self.folder.artifacts / event["model"])
                self._log_model(event)
        except DamagedFile as error:
            self._note(f"{error}; it is not delivered")
        for key, value in event.get("tags", {}).items():
            self._tolerant(f"tag {key!r}", self._client.set_tag, run_id, key, mlflow_server.hide(value))

    def _tolerant(self, what, send, *arguments, **options):
        """Sends something. Only notes it if MLflow refuses the value: the rest is delivered."""
        from mlflow.exceptions import MlflowException

        try:
            send(*arguments, **options)
        except MlflowException as error:
            deleted = self._client.get_run(self.sent["run_id"]).info.lifecycle_stage != "active"  # has the same code
            if deleted or error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            self._note(f"{what}: MLflow refuses it: {mlflow_server.explain(error)}")

    def _end(self, event):
        if event["status"] in FINAL:
            self._client.set_terminated(self.sent["run_id"], event["status"], event.get("time"))
        else:
            self._client.update_run(self.sent["run_id"], status=event["status"])
        self._status = event["status"]

    def _has_model(self):
        """Whether the server has the model. Deletes a model whose files somebody deleted."""
        found = self._client.search_logged_models([self._experiment()], f"source_run_id = '{self.sent['run_id']}'")
        for model in found:
            if model.status == "READY":  # else its upload was cut short
                if self._client.list_logged_model_artifacts(model.model_id):
                    return True
                self._client.delete_logged_model(model.model_id)
        return False

    def _log_model(self, event):
        import mlflow

        flavor = KerasFlavor(self.folder.artifacts / event["model"], self.header["backend"], event["requirements"])
        with mlflow.start_run(run_id=self.sent["run_id"], log_system_metrics=False):
            mlflow.models.Model.log(None, flavor, name="model", step=event["step"])
