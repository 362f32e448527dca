"""What the attacks on deliveries and on files share: runs to damage, processes to damage them in, and what MLflow has of them."""

import contextlib
import ctypes
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

STEPS, SAVED, KILLED = 60, 10, 45  # of a run, between two checkpoints, and where it was killed
HEADER = {
    "experiment": "toy", "module": "experiments.toy", "config": {"rate": 0.5}, "options": {"checkpoint_every": SAVED}, "seed": 3,
    "seeds": 1, "backend": "tensorflow", "total_steps": STEPS, "versions": {"keras": "3"},
}  # fmt: skip


class Variable:
    """As much of a Keras variable as a checkpoint needs."""

    path, shape = "count", ()

    def __init__(self):
        self.value = np.zeros((), np.int64)

    def __array__(self, dtype=None, copy=None):
        return self.value

    def assign(self, value):
        """Sets it."""
        self.value = np.asarray(value)


def toy(config, track):
    """A run that logs two metrics a step, a picture, a model, and saves: the same however often it is interrupted."""
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
    """A run of the toy, done or killed; nothing of it is delivered."""
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
    """What a whole run has logged: {(key, step): value}."""
    points = {("loss", step): step / 2 for step in range(STEPS)} | {("reward", step): float(-step) for step in range(STEPS)}
    return points | {("count", STEPS - 1): float(STEPS)}


def in_child(work, *, unprivileged=False):
    """(result, lines printed) of a function, called in a process of its own that nothing outlives."""
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
    """Takes from this process what root may do against a file's permissions; others have no such right."""
    library, header = ctypes.CDLL(None, use_errno=True), (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    if library.capget(header, sets) == 0:
        for place in (0, 1):  # effective and permitted; bits 1 and 2: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
            sets[place] &= ~0b110
        library.capset(header, sets)


def sync(uri=None):
    """What `python -m lab sync` says, as lines."""
    said: list[str] = []
    results = courier.sync(uri, said.append)
    return said + [f"{name}: {mlflow_server.explain(error) if error else 'delivered'}" for name, error in results.items()]


def held(database, name):
    """What a store has of a run: {(key, step): [values]}, or None where the run is not there once, alive and ended."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        found = store.execute(
            "SELECT r.run_uuid, r.status, r.lifecycle_stage FROM runs r JOIN tags t ON r.run_uuid = t.run_uuid"
            " WHERE t.key = 'lab.run' AND t.value = ?", [name],
        ).fetchall()  # fmt: skip
        if len(found) != 1 or found[0][1:] != ("FINISHED", "active"):
            return None
        points: dict = {}
        for key, step, value in store.execute("SELECT key, step, value FROM metrics WHERE run_uuid = ?", found[0][:1]):
            points.setdefault((key, step), []).append(value)
        return points


def lacks(database, name):
    """What a store lacks of a whole run, or has twice; empty where it is whole."""
    points = held(database, name)
    if points is None:
        return ["the run"]
    twice = [f"{key} twice" for key, values in points.items() if len(values) > 1]
    wanted = metrics()
    return twice + [f"{key}" for key in wanted if points.get(key) != [wanted[key]]]


def new_home(home):
    """Makes a folder the home of runs, with a store of MLflow's in which is nothing. Returns the store's file."""
    home = Path(home)
    (home / "mlruns").mkdir(parents=True, exist_ok=True)
    os.environ["LAB_HOME"] = str(home)
    shutil.copyfile(empty_store(), home / "mlruns" / "mlflow.db")
    return home / "mlruns" / "mlflow.db"


def empty_store(made=[]):  # noqa: B006  made once
    """A store without runs: to make one takes MLflow seconds."""
    if not made:
        made.append(Path(tempfile.mkdtemp()) / "mlflow.db")
        mlflow_server.client(mlflow_server.store_uri(made[0]))
    return made[0]


def prepare():
    """Delivers a run once, so that what that imports and compiles is there in every child. No other store is opened here."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    with tempfile.TemporaryDirectory() as home, open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        uri = mlflow_server.store_uri(new_home(home))
        begin(uri)
        sync()
