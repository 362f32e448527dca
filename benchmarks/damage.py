"""What attacks on deliveries and on files share: runs to damage, and what MLflow has of them."""

import contextlib
import ctypes
import functools
import io
import json
import os
import shutil
import sqlite3
import tempfile
import traceback
import zipfile
from pathlib import Path

import numpy as np

from lab.runs import courier, lifecycle, mlflow_server, run_folder

STEPS = 60  # of a run
SAVED = 10  # steps between two checkpoints
KILLED = 45  # the step at which a run is killed
HEADER = {
    "experiment": "toy",
    "module": "experiments.toy",
    "config": {"rate": 0.5},
    "options": {"checkpoint_every": SAVED},
    "seed": 3,
    "seeds": 1,
    "backend": "tensorflow",
    "total_steps": STEPS,
    "versions": {"keras": "3"},
}


class Variable:
    """As much of a Keras variable as a checkpoint needs."""

    path = "count"
    shape = ()

    def __init__(self):
        self.value = np.zeros((), np.int64)

    def __array__(self, dtype=None, copy=None):
        return self.value

    def assign(self, value):
        """Sets the value."""
        self.value = np.asarray(value)


def toy(config, track):
    """A run that logs two metrics a step, a file and a model, and saves checkpoints.

    It logs the same however often it is interrupted.
    """
    variable = Variable()
    for step in range(track.restore([variable]), STEPS):
        variable.assign(step + 1)
        track.log({"loss": step / 2, "reward": -step}, step)
        if step == config.get("killed"):
            raise KeyboardInterrupt
        if (step + 1) % SAVED == 0:
            track.checkpoint([variable], step + 1)
    (track.artifacts / "note.txt").write_text("hello")
    track.artifact("note.txt")
    with zipfile.ZipFile(track.artifacts / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    track._journal.append({"model": "model.keras", "step": STEPS, "requirements": []})
    return {"count": int(variable.value)}


def begin(uri, **config):
    """A run of the toy, finished or killed. Nothing of it is delivered."""
    folder = run_folder.RunFolder.create(lifecycle.identified(HEADER | {"tracking_uri": uri, "config": {"rate": 0.5}}))
    go_on(folder, **config)
    return folder


def go_on(folder, **config):
    """Runs or resumes the toy, without a courier."""
    start, lifecycle.start_courier = lifecycle.start_courier, lambda folder: None
    try:
        return lifecycle.run_one(folder, config, toy, "")
    finally:
        lifecycle.start_courier = start


def metrics():
    """What a whole run logs: {(key, step): value}."""
    points = {("loss", step): step / 2 for step in range(STEPS)} | {("reward", step): float(-step) for step in range(STEPS)}
    return points | {("count", STEPS - 1): float(STEPS)}


def in_child(work, *, unprivileged=False):
    """Calls a function in a process of its own. Returns (its result, the lines it printed)."""
    with tempfile.TemporaryFile("w+") as output:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                said = io.StringIO()
                if unprivileged:
                    _obey_permissions()
                with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                    try:
                        result = work()
                    except BaseException:
                        traceback.print_exc()
                        result = None
                json.dump([result, said.getvalue().splitlines()], output)
                output.flush()
                code = 0
            finally:
                os._exit(code)
        os.waitpid(pid, 0)
        output.seek(0)
        return json.load(output)


def _obey_permissions():
    """Takes from this process root's right to ignore permissions of files."""
    library = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    if library.capget(header, sets) == 0:
        for place in (0, 1):  # effective and permitted; bits 1 and 2: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
            sets[place] &= ~0b110
        library.capset(header, sets)


def sync(uri=None):
    """The lines that `python -m lab sync` prints."""
    said: list[str] = []
    results = courier.sync(uri, said.append)
    return said + [f"{name}: {mlflow_server.explain(error) if error else 'delivered'}" for name, error in results.items()]


def held(database, name):
    """A store's metrics of a run, {(key, step): [values]}.

    None where the store does not hold the run exactly once, active and finished.
    """
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        found = store.execute(
            "SELECT r.run_uuid, r.status, r.lifecycle_stage FROM runs r JOIN tags t ON r.run_uuid = t.run_uuid"
            " WHERE t.key = 'lab.run' AND t.value = ?",
            [name],
        ).fetchall()
        if len(found) != 1 or found[0][1:] != ("FINISHED", "active"):
            return None
        points: dict = {}
        for key, step, value in store.execute("SELECT key, step, value FROM metrics WHERE run_uuid = ?", found[0][:1]):
            points.setdefault((key, step), []).append(value)
        return points


def lacks(database, name):
    """What a store lacks of a whole run, or holds twice."""
    points = held(database, name)
    if points is None:
        return ["the run"]
    twice = [f"{key} twice" for key, values in points.items() if len(values) > 1]
    wanted = metrics()
    return twice + [f"{key}" for key in wanted if points.get(key) != [wanted[key]]]


def new_home(home):
    """Makes a folder LAB_HOME, with an empty MLflow store. Returns the store's file."""
    home = Path(home)
    (home / "mlruns").mkdir(parents=True, exist_ok=True)
    os.environ["LAB_HOME"] = str(home)
    shutil.copyfile(empty_store(), home / "mlruns" / "mlflow.db")
    return home / "mlruns" / "mlflow.db"


@functools.cache
def empty_store():
    """A store without runs, made once: MLflow takes seconds for it."""
    path = Path(tempfile.mkdtemp()) / "mlflow.db"
    mlflow_server.client(mlflow_server.store_uri(path))
    return path


def prepare():
    """Delivers a run once, so that child processes need not import everything again.

    No other store is opened in this process.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    with tempfile.TemporaryDirectory() as home, open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        uri = mlflow_server.store_uri(new_home(home))
        begin(uri)
        sync()
