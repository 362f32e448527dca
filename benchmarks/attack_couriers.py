"""Kills couriers beside a run that lives. MLflow must get each metric exactly once.

The run's own courier is killed at a random moment. Then the run sleeps (SIGSTOP) and goes on in
turn, while further couriers deliver and are killed. Half of them die at a random moment, half at
an fsync or a rename of the file in which they note what was delivered. After the run
`python -m lab sync` is killed in the same way, and at last it delivers. Then the store is compared
with the journal. It must hold the run once, each metric once with its value, each file, and the
end.
"""

import contextlib
import math
import os
import random
import signal
import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks.attack_kills import folder_of
from benchmarks.victims import DELIVERY, SIDES, Server

KILLS = 60
RUN = ["--environment", "FrozenLake-v1", "--steps", "60000", "--checkpoint-every", "5000", "--evaluation-episodes", "10"]
CALLS = 6  # about how often a courier calls the disk until everything is delivered
PATIENCE = 1_800  # seconds


def attack(seed, scale, done, keep):
    """Kills couriers; see `benchmarks/attack.py`."""
    left = math.ceil(KILLS * scale) - sum(row["counts"]["kills"] for row in done)
    number = len(done)
    if left <= 0:
        return
    with Server("jax") as runs, Server("jax", DELIVERY) as couriers:
        while left > 0:
            rng = random.Random(f"{seed} couriers {number}")
            with tempfile.TemporaryDirectory() as home:
                counts = beset(runs, couriers, home, rng, number, min(rng.randint(3, 8), left))
                wrong = differences(folder_of(home), Path(home) / "mlruns" / "mlflow.db")
                if wrong:
                    wrong.append((Path(home) / "output").read_text()[-1500:])
            keep({"kind": "couriers", "counts": {"runs": 1} | counts, "differences": wrong})
            left, number = left - counts["kills"], number + 1


def beset(runs, couriers, home, rng, seed, most):
    """Kills the couriers of one run. Returns how often, as counts."""
    counts = {"kills": 0, "kills of sync": 0, "kills among calls": 0}
    runs.start("experiments.q_learning_taxi", [*RUN, "--seed", str(seed)], home)
    own = _own_courier(home, PATIENCE)
    time.sleep(rng.uniform(0, 8))
    with contextlib.suppress(ProcessLookupError):
        os.kill(own, signal.SIGKILL)
        counts["kills"] += 1
    code, folder = runs.wait(0), folder_of(home)
    while counts["kills"] < most:
        if code is None:
            runs.signal(signal.SIGSTOP)
        what, arguments = ("lab.runs.courier", [str(folder.path)]) if code is None else ("lab", ["sync"])
        died, among = _deliver_and_die(couriers, what, arguments, home, rng)
        counts["kills"] += died
        counts["kills of sync"] += died and code is not None
        counts["kills among calls"] += died and among
        if code is None:
            runs.signal(signal.SIGCONT)
            code = runs.wait(rng.uniform(0, 0.5))
        elif not died:
            break  # everything is delivered
    if code is None:
        runs.wait(PATIENCE)
    couriers.start("lab", ["sync"], home)
    couriers.wait(PATIENCE)
    return counts


def _own_courier(home, seconds):
    """The process id of the courier that the run in this home has started."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().split(b"\0")
                if b"lab.runs.courier" in words and any(word.startswith(os.fsencode(home)) for word in words):
                    return int(path.parent.name)
        time.sleep(0.01)
    raise RuntimeError(f"expected a courier after {seconds} seconds, received none")


def _deliver_and_die(couriers, module, arguments, home, rng):
    """Starts and kills a delivery. Returns (whether it died before it ended, whether at a call)."""
    among = rng.random() < 0.5
    couriers.start(module, arguments, home, at=rng.randint(1, CALLS) if among else 0, side=rng.choice(SIDES))
    code = couriers.wait(rng.uniform(0, 4) if not among else 4)
    if code is None:  # it still delivers, or waits for more
        couriers.signal(signal.SIGKILL)
        return couriers.wait(PATIENCE) == -signal.SIGKILL, False
    return code == -signal.SIGKILL, among


def differences(folder, store):
    """Where MLflow's local store differs from the run's journal, as texts."""
    expected: dict = {}
    for key, points in folder.metrics().items():
        expected |= {(key, step): [value] for step, value in points}
    with contextlib.closing(sqlite3.connect(store)) as base:
        received: dict = {}
        for key, step, value in base.execute("select key, step, value from metrics"):
            received.setdefault((key, step), []).append(value)
        runs = base.execute("select status, artifact_uri from runs").fetchall()
    points = expected.keys() | received.keys()
    wrong = [f"metric {key} at {step}" for key, step in points if expected.get((key, step)) != received.get((key, step))]
    if [status for status, _ in runs] != ["FINISHED"]:
        return [*sorted(wrong), f"runs: {runs}"]
    place = Path(runs[0][1].removeprefix("file://"))
    sent = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    for event in folder.events()[0]:
        name = event.get("artifact")
        if name and sent.get(name) != (folder.artifacts / name).read_bytes():
            wrong.append(f"artifact {name}")
    return sorted(wrong)
