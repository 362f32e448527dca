"""The contract of experiments, through real processes: what a person types and reads."""

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.experiment import About
from lab.journal import RunFolder

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENTS = sorted(path for path in (ROOT / "experiments").glob("*.py") if not path.stem.startswith("_"))
TINY = ["--smoke", "--tracking-uri", "none"]


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300
    )


def dqn(*arguments, **environment):
    return run("experiments.dqn_cartpole", *arguments, **environment)


def folders(home):
    return [RunFolder(path.parent) for path in sorted((home / "mlruns" / "runs").glob("*/run.json"))]


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_says_what_to_expect(path):
    about = About.of_file(path)
    assert about.summary.endswith(".")
    assert " >= " in about.expected or " <= " in about.expected
    assert about.time


@pytest.mark.parametrize("module", ["experiments", *(f"experiments.{path.stem}" for path in EXPERIMENTS)])
def test_menu_and_help_import_no_backend(module):
    code = f"import runpy, sys; sys.argv = ['x', '--help']\ntry: runpy.run_module('{module}', run_name='__main__')\n"
    code += "except SystemExit as stop: assert stop.code == 0\n"
    code += "assert not {'tensorflow', 'jax', 'keras', 'mlflow'} & set(sys.modules), sorted(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "dqn_cartpole" in done.stdout or "--steps" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--gamma", "1"], "command line: expected a known flag, received --gamma"),
        (["--discount", "abc"], "--discount: expected float, received 'abc'"),
        (["--discount", "1.2"], "--discount: expected a number >= 0 and <= 1, received 1.2"),
        (["--steps", "0"], "--steps: expected a number >= 1, received 0"),
        (["--buffer-size", "300", "--batch-size", "400"], "--batch-size: expected at most buffer_size, 300, received 400"),
        (["--environment", "CartPol-v1"], "(nearest: CartPole-v1)"),
        (["--environment", "Pendulum-v1"], "--environment: expected a Discrete action space, received Box"),
        (
            ["--environment", "Acrobot-v1", "--device"],
            "--environment: expected CartPole-v1 with --device, received 'Acrobot-v1'",
        ),
        (["--resume", "nobody"], "run id: expected one of the 0 runs"),
        (["--tracking-uri", "htp://x"], "tracking URI: expected one of"),
        (["--seeds", "0"], "--seeds: expected an integer >= 1, received 0"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(own_home, arguments, words):
    done = dqn(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert list(own_home.iterdir()) == []


def test_an_unknown_backend(own_home):
    done = dqn(KERAS_BACKEND="theano")
    assert (done.returncode, done.stderr) == (2, "KERAS_BACKEND: expected 'tensorflow' or 'jax', received 'theano'\n")
    assert list(own_home.iterdir()) == []


def test_an_unwritable_mlruns(own_home):
    (own_home / "mlruns").write_text("a file where the folder should be")
    done = dqn(*TINY)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "mlruns" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "command: expected one of ui, resume, watch, sync, received 'nonsense'"),
        (["resume"], "resume: expected a run id, received 'nothing'"),
        (["resume", "nobody"], "run id: expected one of the 0 runs"),
        (["watch", "nobody"], "run id: expected one of the 0 runs"),
        (["ui", "--port", "0"], "--port: expected a number >= 1 and <= 65535, received 0"),
    ],
)
def test_bad_commands(arguments, words):
    done = run("lab", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_a_run_its_artifacts_and_watching_it(own_home):
    done = dqn(*TINY)
    assert done.returncode == 0, done.stderr
    (folder,) = folders(own_home)
    assert folder.status() == "FINISHED"
    names = {path.name for path in folder.artifacts.iterdir()}
    assert names == {"config.json", "metrics.csv", "curve.png", "episode.gif", "model.keras"}
    logged = {event["artifact"] for event in folder.events()[0] if "artifact" in event}
    assert logged == names - {"model.keras"}
    assert json.loads((folder.artifacts / "config.json").read_text())["config"]["steps"] == 3000
    rows = (folder.artifacts / "metrics.csv").read_text().splitlines()
    assert len(rows) == 1 + sum(len(points) for key, points in folder.metrics().items() if "greedy_return" not in key)
    assert {"episode_return", "loss", "epsilon", "q_value", "td_error", "gradient_norm"} <= set(folder.metrics())
    last = done.stdout.strip().splitlines()
    assert any(line.startswith("greedy_return ") and "expected >= 475" in line for line in last)
    assert folder.name in last[-1]

    watched = run("lab", "watch", folder.name, "--output", str(own_home / "w.gif"))
    assert watched.returncode == 0, watched.stderr
    assert (own_home / "w.gif").read_bytes()[:4] == b"GIF8"

    # From the server too, by the MLflow run id, once it is there.
    assert run("lab", "sync", "--tracking-uri", f"sqlite:///{own_home}/m.db").returncode == 0
    uri = ("--tracking-uri", f"sqlite:///{own_home}/m.db")
    fetched = run("lab", "watch", folder.delivery()["run_id"], *uri, "--output", str(own_home / "f.gif"))
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stdout.split(",")[0] == watched.stdout.split(",")[0]  # the same return

    again = dqn("--resume", folder.name)
    assert (again.returncode, "which is FINISHED" in again.stderr) == (2, True)


@pytest.mark.slow
def test_seeds_are_children_that_differ_and_repeat(own_home):
    done = dqn(*TINY, "--seeds", "2", "--seed", "4")
    assert done.returncode == 0, done.stderr
    assert "over 2 seeds" in done.stdout.splitlines()[-1]
    children = [folder for folder in folders(own_home) if folder.header().get("parent")]
    (parent,) = (folder for folder in folders(own_home) if not folder.header().get("parent"))
    assert {child.header()["seed"] for child in children} == {4, 5}
    assert all(child.header()["parent"] == parent.name for child in children)
    metrics = {child.header()["seed"]: child.metrics()["loss"] for child in children}
    assert metrics[4] != metrics[5]
    assert {"greedy_return", "greedy_return_interval"} <= set(parent.metrics())
    # The second agent of that process equals the first of another.
    dqn(*TINY, "--seed", "5")
    (alone,) = (f for f in folders(own_home) if f.header()["seed"] == 5 and not f.header().get("parent"))
    assert alone.metrics()["loss"] == metrics[5]


def start(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.dqn_cartpole", "--hidden", "32", "32", *arguments, "--tracking-uri", "none"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    return process


def wait_for_checkpoints(home, process):
    end = time.monotonic() + 120
    while not any(len(list(folder.checkpoints.glob("step-*"))) >= 2 for folder in folders(home)):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_ctrl_c_saves_says_how_to_go_on_and_another_configuration_is_refused(own_home):
    process = start("--steps", "200000", "--checkpoint-every", "2000")
    wait_for_checkpoints(own_home, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    (folder,) = folders(own_home)
    assert process.returncode == 130, errors
    assert folder.status() == "KILLED"
    assert f"python -m lab resume {folder.name}" in output
    assert "stopping at the next checkpoint" in output
    saved = sorted(folder.checkpoints.iterdir())
    assert int(saved[-1].stem.removeprefix("step-")) == folder.metrics()["loss"][-1][0]

    other = dqn("--resume", folder.name, "--discount", "0.5")
    assert (other.returncode, len(other.stderr.splitlines())) == (2, 1)
    assert "--resume: expected discount=0.99, with which the run was started, received 0.5" in other.stderr
    other = dqn("--resume", folder.name, KERAS_BACKEND="jax")
    assert "expected KERAS_BACKEND='tensorflow', received 'jax'" in other.stderr

    # A damaged checkpoint is passed over, aloud.
    saved[-1].write_bytes(saved[-1].read_bytes()[:-1])
    resumed = subprocess.Popen(
        [sys.executable, "-m", "lab", "resume", folder.name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    lines = []
    for line in resumed.stdout:
        lines.append(line)
        if line.startswith("dqn_cartpole "):
            break
    os.killpg(resumed.pid, signal.SIGKILL)
    assert f"falling back to {saved[-2].name}" in "".join(lines)
    assert "resuming at step" in "".join(lines)


TOY = '''
"""A toy that fails.

Expected: r >= 1
Time: a moment
"""
from dataclasses import dataclass
from lab import experiment

@dataclass(frozen=True)
class Config:
    """Settings."""
    steps: int = 10
    """Steps."""

def run(config, track):
    """Fails."""
    import keras, os
    variable = keras.Variable(0.0)
    start = track.restore([variable])
    for step in range(start + 1, 11):
        variable.assign(float(step))
        track.log({"r": step}, step)
        track.checkpoint([variable], step)
        if step == 5 and os.environ.get("FAIL"):
            raise {"error": RuntimeError, "nan": __import__("lab.agents.training").agents.training.NonFiniteError}[os.environ["FAIL"]]("the machine is on fire")
    return {"r": float(variable.value)}

if __name__ == "__main__":
    experiment.main(Config, run, smoke={})
'''


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["error", "nan"])
def test_a_run_that_fails_is_marked_keeps_its_checkpoint_and_goes_on(own_home, kind):
    (own_home / "toy.py").write_text(TOY)

    def toy(*arguments, **environment):
        command = [sys.executable, str(own_home / "toy.py"), "--tracking-uri", "none", *arguments]
        return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=120)

    failed = toy(FAIL=kind)
    (folder,) = folders(own_home)
    assert failed.returncode == 1
    assert "on fire" in failed.stderr
    assert ("Traceback" in failed.stderr) == (kind == "error")  # a message that says everything needs none
    assert folder.status() == "FAILED"
    assert any("on fire" in event.get("tags", {}).get("lab.error", "") for event in folder.events()[0])
    resumed = subprocess.run(
        [sys.executable, str(own_home / "toy.py"), "--resume", folder.name], capture_output=True, text=True, timeout=120
    )
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming at step 5" in resumed.stdout
    assert folder.status() == "FINISHED"
    assert folder.metrics()["r"] == [(step, float(step)) for step in range(1, 11)]


@pytest.mark.slow
def test_seeds_go_on_where_they_stopped(own_home):
    (own_home / "toy.py").write_text(TOY)
    command = [sys.executable, str(own_home / "toy.py"), "--tracking-uri", "none"]
    failed = subprocess.run([*command, "--seeds", "2"], env=os.environ | {"FAIL": "nan"}, capture_output=True, text=True)
    assert failed.returncode == 1
    (parent,) = (folder for folder in folders(own_home) if folder.header()["seeds"] == 2)
    assert parent.status() == "FAILED"
    resumed = subprocess.run([*command[:2], "--resume", parent.name], capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.count("resuming at step 5") == 1
    assert parent.status() == "FINISHED"
    assert len(folders(own_home)) == 3
    assert parent.results() is None
    assert dict(parent.metrics())["r"] == [(10, 10.0)]


def test_a_full_disk_at_a_checkpoint_does_not_stop_the_run(own_home, monkeypatch):
    import keras

    from lab import checkpoint
    from lab.journal import Journal
    from lab.track import Track

    header = {"experiment": "toy", "seed": 0, "seeds": 1, "backend": "x", "config": {}, "versions": {}, "digest": "d"}
    folder = RunFolder.create(header | {"options": {"checkpoint_every": 1}, "total_steps": 3})
    said = []
    progress = type("P", (), {"say": lambda self, line: said.append(line), "update": lambda *a: None})()
    track = Track(folder, Journal(folder), progress)
    variable = keras.Variable(1.0)
    track.checkpoint([variable], 1)
    save = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", lambda *a, **k: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    track.checkpoint([variable], 2)
    monkeypatch.setattr(checkpoint, "save", save)
    assert "no checkpoint at step 2: [Errno 28] No space left on device" in said[0]
    variable.assign(5.0)
    assert track.restore([variable]) == 1
    assert float(variable.value) == 1.0


def test_the_toy_is_python():
    ast.parse(TOY)
