"""Kills and resumes runs again and again, and compares them bit for bit with a run left alone.

Half of the kills come at a random time, half at a random write to the disk
(`benchmarks/victims.py`). Instead of SIGKILL a run may get SIGTERM, after which it must end with
130 at a checkpoint, or sleep for a while (SIGSTOP, SIGCONT).

Compared at the end: every variable of the last checkpoint (weights, averages, optimizers, replay,
environments, random states) and its header, all metrics but those of speed, the results, and every
file that the run has made.
"""

import csv
import math
import random
import re
import signal
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.victims import SIDES, Server
from lab.runs import checkpoint
from lab.runs.run_folder import RunFolder

TIMED = ("steps_per_second", "images_per_second", "examples_per_second")  # wall time cannot repeat
PATIENCE = 1_800  # seconds that a run may take on a shared machine


class Kind(NamedTuple):
    """A kind of run."""

    experiment: str
    arguments: str
    kills: int
    backend: str = "tensorflow"


BRIEF = "--hidden 16 16 --evaluation-episodes 2"
CARTPOLE = f"--steps 6144 --updates 16 --checkpoint-every 1024 --check-episodes 2 {BRIEF}"
KINDS = {
    "tabular Q-learning": Kind(
        "q_learning_taxi",
        "--environment FrozenLake-v1 --steps 8000 --checkpoint-every 800 --evaluation-episodes 10",
        100,
        "jax",
    ),
    "repetitions": Kind(
        "policy_gradient_corridor", "--runs 8 --episodes 20 --limit 60 --powers -9 --checkpoint-every 1", 70, "jax"
    ),
    "a sitting": Kind(
        "mc_blackjack",
        "--few 100 --many 400 --control-episodes 600 --evaluation-episodes 400 --checkpoint-every 100",
        30,
        "jax",
    ),
    "DQN, device": Kind("dqn_cartpole", f"{CARTPOLE} --device", 100),
    "DQN, host": Kind("dqn_cartpole", CARTPOLE, 30, "jax"),
    "PPO, device": Kind("ppo_cartpole", f"--device --steps 8192 --checkpoint-every 1024 {BRIEF}", 30),
    "recurrent PPO": Kind(
        "recurrent_ppo_cartpole_no_velocity",
        "--steps 1024 --num-envs 4 --rollout-length 8 --checkpoint-every 96 --units 8 --hidden 8 --epochs 1"
        " --check-episodes 2 --evaluation-episodes 2",
        30,
        "jax",
    ),
    "SAC": Kind("sac_pendulum", f"--steps 400 --learning-starts 50 --checkpoint-every 40 {BRIEF}", 30, "jax"),
    "GAN, mixture": Kind(
        "gan_ring",
        "--samples 800 --generator-units 8 --discriminator-units 8 --epochs 20 --batch-size 20 --checkpoint-every 1000",
        30,
    ),
    "GAN, images": Kind(
        "conditional_gan_glyphs",
        "--epochs 20 --batch-size 20 --samples 100 --filters 2 --latent 4 --evaluation-samples 50 --checkpoint-every 200",
        30,
    ),
    "classifier": Kind("classifier_digits", "--smoke --model lenet5 --folds 2", 30),
    "sequence model": Kind(
        "forecast_mackey_glass",
        "--cell simple --units 8 --samples 300 --test-samples 125 --epochs 10 --checkpoint-every 500",
        30,
        "jax",
    ),
}


def folder_of(home):
    """The run's folder in a home, or None while there is none."""
    found = list((Path(home) / "mlruns" / "runs").glob("[!.]*/run.json"))  # one that is still being made begins with a point
    return RunFolder(found[0].parent) if found else None


def state(folder):
    """Everything that must not depend on interruptions, as {name: value}."""
    tensors, header = checkpoint.read(sorted(folder.checkpoints.glob("step-*"))[-1])
    found = {f"variable {name}": (str(value.dtype), value.shape, value.tobytes()) for name, value in tensors.items()}
    found |= {f"metric {key}": points for key, points in folder.metrics().items() if key not in TIMED}
    found |= {"checkpoint header": header, "results": folder.results()}
    found["damaged lines of the journal"] = sum(event is None for event, _ in folder.read())
    for path in sorted(folder.artifacts.iterdir()):
        if path.name == "metrics.csv":
            with open(path) as file:
                found[path.name] = [row for row in csv.reader(file) if row[0] not in TIMED]
        elif path.name not in ("model.keras", "last_model.keras", "curve.png"):  # they contain the time and the run's name
            found[path.name] = path.read_bytes()
    return found


def differences(one, other):
    """The names of the values that differ between two `state`s."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


class Alone(NamedTuple):
    """A run left alone."""

    state: dict
    calls: int  # to the disk
    seconds: float


def leave_alone(server, kind, home, seed):
    """Runs a kind to its end."""
    server.start(f"experiments.{kind.experiment}", arguments(kind, seed), home)
    code = server.wait(PATIENCE)
    output = (Path(home) / "output").read_text()
    if code:
        raise RuntimeError(f"{kind.experiment}: expected exit code 0, received {code}: {output[-2000:]}")
    return Alone(state(folder_of(home)), int(re.findall(r"(\d+) calls", output)[-1]), server.seconds)


def arguments(kind, seed):
    """The flags of a kind."""
    return [*kind.arguments.split(), "--seed", str(seed), "--tracking-uri", "none"]


class Disturbed:
    """A run that is killed up to `most` times, then left to finish."""

    def __init__(self, server, kind, home, alone, rng, seed, most):
        self._server = server
        self._kind = kind
        self._home = home
        self._alone = alone
        self._rng = rng
        self._arguments = arguments(kind, seed)
        self._most = most
        self.blows = []  # the signals it got
        self.wrong = []  # what broke a promise

    def kills(self):
        """The number of SIGKILLs it got."""
        return sum(blow["signal"] == "SIGKILL" for blow in self.blows)

    def live(self):
        """Starts, hits and resumes it until it ends.

        Returns:
            What broke a promise, or the differences from the run left alone.
        """
        while not (self.wrong or self._over()):
            spare = self.kills() >= self._most
            code = self._left() if spare else self._at_a_call() if self._rng.random() < 0.5 else self._in_time()
            if code not in (0, -signal.SIGKILL):
                output = (Path(self._home) / "output").read_text()
                self.wrong.append(f"exit code {code}: {output[-1500:]}")
        return self.wrong or differences(self._alone.state, state(folder_of(self._home)))

    def _over(self):
        folder = folder_of(self._home)
        return folder is not None and folder.status() == "FINISHED"

    def _start(self, **trap):
        folder = folder_of(self._home)
        resumed = ["--resume", folder.name] if folder else self._arguments
        self._server.start(f"experiments.{self._kind.experiment}", resumed, self._home, **trap)

    def _left(self):
        self._start()
        return self._server.wait(PATIENCE)

    def _at_a_call(self):
        """Kills it at a random call to the disk, if it comes so far."""
        at, side = self._rng.randint(1, max(self._alone.calls // 2, 1)), self._rng.choice(SIDES)
        self._start(at=at, side=side)
        code = self._server.wait(PATIENCE)
        if code == -signal.SIGKILL:
            where = re.findall(r"^killed (.+)$", (Path(self._home) / "output").read_text(), re.MULTILINE)[-1]
            self.blows.append({"signal": "SIGKILL", "drawn": "among calls", "where": where})
        return code

    def _in_time(self):
        """Sends a signal after random seconds, if it lasts so long."""
        number = self._rng.choices((signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP), (6, 1, 1))[0]
        seconds = self._rng.uniform(0, self._alone.seconds / 2)
        self._start()
        code = self._server.wait(seconds)
        if code is not None:
            return code
        self.blows.append({"signal": number.name, "drawn": "in time", "where": round(seconds, 3)})
        self._server.signal(number)
        if number == signal.SIGSTOP:
            time.sleep(self._rng.uniform(0, 2))
            self._server.signal(signal.SIGCONT)
        code = self._server.wait(PATIENCE)
        # 130: at a checkpoint, or before the run began. 0: no checkpoint was left.
        return 0 if number == signal.SIGTERM and code in (130, -signal.SIGTERM) else code


def attack(seed, scale, done, keep):
    """Kills every kind `scale` times as often as it says, less the kills in `done`.

    Args:
        seed: seed of the moments.
        scale: 1 for all kills.
        done: rows of an attack that was stopped.
        keep: called with each new row, {"kind", "counts": {name: number}, "differences", ...}.
    """
    for backend in ("jax", "tensorflow"):
        # Two servers: hashes of strings, and with them the order of sets, differ between them.
        with Server(backend) as calm, Server(backend) as rough:
            for name, kind in KINDS.items():
                before = [row for row in done if row["kind"] == name]
                left = math.ceil(kind.kills * scale) - sum(row["counts"]["kills"] for row in before)
                if kind.backend == backend and left > 0:
                    with tempfile.TemporaryDirectory() as home:
                        alone = leave_alone(calm, kind, home, seed)
                    for row in _kill(rough, name, kind, alone, seed, len(before), left):
                        keep(row)


def _kill(server, name, kind, alone, seed, number, left):
    """Yields a row for each of some runs, numbered from `number`, with `left` kills in all."""
    while left > 0:
        rng = random.Random(f"{seed} {name} {number}")
        with tempfile.TemporaryDirectory() as home:
            run = Disturbed(server, kind, home, alone, rng, seed, min(rng.randint(3, 8), left))
            found = run.live()
        named = [blow["signal"] for blow in run.blows]
        counts = {"runs": 1, "kills": run.kills(), "SIGTERM": named.count("SIGTERM"), "SIGSTOP": named.count("SIGSTOP")}
        counts["kills among calls"] = sum(blow["drawn"] == "among calls" for blow in run.blows)
        counts["runs that differ"] = int(bool(found))
        yield {"kind": name, "backend": kind.backend, "seed": seed, "counts": counts, "differences": found, "blows": run.blows}
        number, left = number + 1, left - run.kills()
