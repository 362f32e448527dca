"""Random command lines of every experiment and of `python -m lab`.

python -m benchmarks.attack_command_lines [--scale 0.1] [--seed 0]

2,000 lines are parsed in one process. Each is legitimate, or it is refused: exit code 2, one line
on the screen, no file or folder made. Fifty legitimate lines of moderate numbers are run with
--smoke: each ends well, or says in one line why it does not.
"""

import argparse
import contextlib
import dataclasses
import io
import os
import runpy
import subprocess
import sys
import tempfile
import typing
from pathlib import Path
from unittest import mock

import numpy as np

from lab import __main__ as commands
from lab import validation
from lab.commands import evaluate, export, sample, shared, sync, ui, watch
from lab.runs import command_line, courier, experiment, mlflow_ui

ROOT = Path(__file__).resolve().parent.parent
LINES = 2_000  # parsed
RUNS = 50
PATIENCE = 300  # seconds that a run may take
STRANGE = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e400", "-1e400", "1e-400", "None", "abc", "0x10", "1_0", "１２", "1,5", "1.5",
    "true", "é\u0301", "\U0001f9ea",
    "--", "-", "a\nb", "'; rm -rf x", "../../x", "%41?#", "9" * 5_000, "-" + "9" * 300, "x" * 20_000,
)  # fmt: skip
WORDS = {
    "environment": (
        "CartPole-v1", "Pendulum-v1", "FrozenLake-v1", "Taxi-v4", "Acrobot-v1", "lab/CartPole-v1", "lab/Cliff-v0",
        "lab/Nothing-v0", "CartPol-v1", "nowhere:Toy-v0", "os:Toy-v0", "ALE/Pong-v5", "CartPole-v99", ":", "a/b/c",
    ),
    "tracking_uri": ("none", "htp://x", "file:x", "sqlite:", "x"),
    "resume": ("nobody", "../..", "."),
    "data": ("glyphs", "mnist", "digits", "/nowhere", "."),
    "cell": ("lstm", "gru", "simple", "lst"),
    "cells": ("lstm", "gru", "irnn"),
    "model": ("lenet5", "resnet20", "vgg11", "resnet21"),
    "models": ("lenet5", "vgg11"),
    "families": ("gan", "r3gan", "wgan"),
    "forms": ("plain", "residual"),
    "optimizers": ("SGD", "Adam"),
    "environment_options": ("x=1", "=", "x", "continuous=true", "map_name=8x8", "gravity=[1,2"),
    "wrappers": (
        "gymnasium.wrappers:TimeLimit max_episode_steps=5", "gymnasium.wrappers:Nothing", "nowhere:X", "x", ":", "os:getcwd",
    ),
    "augment": ("colour", "cutout"), "characters": ("0123456789", "abc", "0", "00"),
}  # fmt: skip


class Reached(Exception):
    """Raised in place of the work of a command of `python -m lab`."""


class Target(typing.NamedTuple):
    """An experiment or a command of `python -m lab`."""

    name: str
    before: tuple[str, ...]  # words before the flags
    fields: dict  # name -> (type, its `Interval` or None, the default)
    plan: typing.Callable  # takes the words; raises where they are not legitimate


def targets():
    """Yields every experiment and every command."""
    for path in sorted((ROOT / "experiments").glob("[a-z]*.py")):
        given: dict = {}

        def main(config_class, run, given=given, **options):
            given |= {"variants": None, "summary": None, "config_class": config_class, "run": run} | options

        with mock.patch.object(experiment, "main", main):
            runpy.run_module(f"experiments.{path.stem}", run_name="__main__")
        it = experiment.Experiment.of(*(given[key] for key in ("config_class", "run", "smoke", "variants", "summary")))
        fields = _fields(given["config_class"]()) | _fields(experiment.Options())
        yield Target(path.stem, (), fields, lambda argv, it=it: experiment.plan(it, argv))
    for kind in (ui.Ui, watch.Watch, evaluate.Evaluate, export.Export, sample.Sample, sync.Sync):
        name = kind.__name__.lower()
        before = (name,) if name in ("ui", "sync") else (name, "nobody")
        yield Target(f"lab {name}", before, _fields(kind()), _command)
    yield Target("lab resume", ("resume",), {"steps": (int, None, 1)}, _command)


def _fields(usual):
    hints = typing.get_type_hints(type(usual))
    bounds = dict(validation.intervals(type(usual)))
    return {
        field.name: (hints[field.name], bounds.get(field.name), getattr(usual, field.name))
        for field in dataclasses.fields(usual)
    }


def _command(argv):
    with (
        mock.patch.object(mlflow_ui, "ui", side_effect=Reached),
        mock.patch.object(courier, "sync", side_effect=Reached),
        mock.patch.object(shared, "model", side_effect=Reached),
        mock.patch.dict(os.environ, {"DISPLAY": ":0"}),
        contextlib.suppress(Reached),
    ):
        commands.main(argv)


def line(target, rng):
    """A random command line: (its words, whether a run of it is short)."""
    argv, moderate = list(target.before), True
    for name in rng.permutation(list(target.fields))[: rng.integers(0, 5)]:
        hint, bounds, usual = target.fields[str(name)]
        kind = rng.choice(["right", "edge", "strange", "missing", "unknown"], p=[0.8, 0.08, 0.07, 0.03, 0.02])
        moderate &= kind == "right" and name not in ("seeds", "steps")  # many of these take long
        flag = validation.flag(str(name)) + ("x" if kind == "unknown" else "")
        if hint is bool:
            argv.append(flag if rng.random() < 0.7 else flag.replace("--", "--no-", 1))
            argv += [str(rng.choice(STRANGE))] if kind == "strange" else []
            continue
        words = {"edge": _edges, "strange": _strange, "missing": lambda *a: []}.get(str(kind), _right)(
            str(name), hint, bounds, usual, rng
        )
        argv += [f"{flag}={words[0]}"] if len(words) == 1 and rng.random() < 0.2 else [flag, *words]
    return argv, moderate


def _right(name, hint, bounds, usual, rng):
    """Words that are legitimate by themselves."""
    if typing.get_origin(hint) is typing.Literal:
        return [str(rng.choice([str(each) for each in typing.get_args(hint)]))]
    if typing.get_origin(hint) is tuple:
        kind = typing.get_args(hint)[0]
        return [_right(name, kind, bounds, 2, rng)[0] for _ in range(rng.integers(1, 4))]
    kinds = typing.get_args(hint) or (hint,)
    if int in kinds or float in kinds:
        low, high = (bounds.low if bounds.over is None else bounds.over, bounds.high) if bounds else (0, 100)
        if int in kinds:
            return [str(int(rng.integers(low, min(high, low + 70) + 1)))]
        return [
            repr(
                float(rng.choice([usual if usual is not None else high, low + (min(high, low + 1) - low) * (1 - rng.random())]))
            )
        ]
    return [str(rng.choice(WORDS.get(name, ("",))))]


def _edges(name, hint, bounds, usual, rng):
    if bounds is None:
        return _strange(name, hint, bounds, usual, rng)
    low = bounds.low if bounds.over is None else bounds.over
    return [str(rng.choice([str(low), str(bounds.high), str(low - 1), str(bounds.high + 1), str(-(10**30)), str(10**400)]))]


def _strange(name, hint, bounds, usual, rng):
    return [str(rng.choice(STRANGE)) for _ in range(rng.integers(1, 3))]


def parse(target, argv, home):
    """Parses a line. Returns (whether it is legitimate, what broke the promise)."""
    said, screen = io.StringIO(), io.StringIO()
    wrong, code = [], None
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(screen), command_line.one_line_errors():
            target.plan(argv)
    except SystemExit as stop:
        code = stop.code
    except BaseException as error:
        return False, [f"{type(error).__name__}: {str(error)[:200]}"]
    lines = said.getvalue().splitlines()
    if code is not None and (code != 2 or len(lines) != 1 or not lines[0].strip() or len(lines[0]) > 2_000):
        wrong.append(f"exit code {code}: {said.getvalue()[:300]!r}")
    if code == 2 and not ("expected" in lines[0] and "received" in lines[0]):
        wrong.append(f"expected 'expected …, received …', received {lines[0][:300]!r}")
    if any(home.iterdir()):
        wrong.append(f"made {[str(path.relative_to(home)) for path in home.rglob('*')]}")
    return code is None, wrong


def run(target, argv):
    """Runs a legitimate line with --smoke. Returns (how it ended, what broke the promise)."""
    with tempfile.TemporaryDirectory() as home:
        words = [sys.executable, "-m", f"experiments.{target.name}", "--smoke", *argv, "--tracking-uri", "none"]
        environment = os.environ | {"LAB_HOME": home, "XLA_FLAGS": "--xla_backend_optimization_level=0"}
        try:
            done = subprocess.run(
                ["nice", "-n", "10", *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            return "stopped", []
    if done.returncode == 0:
        return "finished", []
    if "Traceback" in done.stderr or done.returncode not in (1, 2):
        return "failed", [f"exit code {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"]
    return "refused" if done.returncode == 2 else "diverged", []


def attack(seed, scale, done, keep):
    """Parses and runs lines; see `benchmarks/attack.py`."""
    made = list(targets())
    rng = np.random.default_rng(seed)
    wrong = []
    short = []
    counts = {"lines": max(round(LINES * scale), 1), "legitimate": 0, "refused": 0}
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, {"LAB_HOME": folder}):
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        for _ in range(counts["lines"]):
            target = made[rng.integers(len(made))]
            argv, moderate = line(target, rng)
            legitimate, broken = parse(target, argv, Path(folder))
            counts["legitimate" if legitimate else "refused"] += 1
            wrong += [f"{target.name} {' '.join(argv)[:300]!r}: {each}" for each in broken]
            if legitimate and moderate and not target.before and not {"--resume", "--help"} & set(argv):
                short.append((target, argv))
    kinds = {row["kind"] for row in done}
    if "parsed" not in kinds:
        keep({"kind": "parsed", "counts": counts, "differences": wrong})
    if "run" not in kinds:
        ends, wrong = dict.fromkeys(("runs", "finished", "refused", "diverged", "stopped", "failed"), 0), []
        for at in rng.permutation(len(short))[: max(round(RUNS * scale), 1)]:
            target, argv = short[at]
            end, broken = run(target, argv)
            ends["runs"] += 1
            ends[end] += 1
            wrong += [f"{target.name} {' '.join(argv)[:300]!r}: {each}" for each in broken]
            print(target.name, *argv, end, *broken, flush=True)
        keep({"kind": "run", "counts": ends, "differences": wrong})


def main():
    """Attacks, and prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the lines and of the runs, for a trial")
    parser.add_argument("--seed", type=int, default=0, help="seed of the lines")
    parser.add_argument("--parse-only", action="store_true", help="parse lines and run none")
    flags = parser.parse_args()
    done = [{"kind": "run"}] if flags.parse_only else []
    attack(flags.seed, flags.scale, done, lambda row: print(row["kind"], row["counts"], *row["differences"], sep="\n"))


if __name__ == "__main__":
    main()
