"""A user's own experiment in a package of their own, and a script, as they start them."""

import os
import shutil
import subprocess
import sys

import keras
import pytest

from lab.runs.run_folder import RunFolder
from tests.processes import ROOT, folders

pytestmark = pytest.mark.slow

TOY = '''"""A toy walks, and shows what an experiment is.

Expected: r >= 1
Time: seconds
"""
from dataclasses import dataclass
from lab.runs import experiment

@dataclass(frozen=True)
class Config:
    """A toy's."""

    steps: int = 4
    """Steps."""
    stop: int = 0
    """The step to fail at the first time."""
    environment: str = "CartPole-v1"
    """Gymnasium id."""

def run(config, track):
    import keras
    import numpy as np
    count = keras.Variable(np.zeros(1, "float32"))
    for step in range(track.restore([count]) + 1, config.steps + 1):
        count.assign_add([1.0])
        track.log({"count": float(count.numpy()[0] if hasattr(count, "numpy") else count[0])}, step)
        track.checkpoint([count], step)
        if step == config.stop and not (track.artifacts / "failed").exists():
            (track.artifacts / "failed").touch()
            raise RuntimeError("stopped")
    track.model(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))
    return {"r": 1.0}

if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 2})
'''
SCRIPT = """
import lab.runs
with lab.runs.start("mine", {"rate": 1}, tracking_uri="none") as run:
    run.log({"loss": 1.0}, 1)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a package `theirs`, from which a user starts."""
    monkeypatch.delenv("LAB_HOME")
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())
    trials = tmp_path / "theirs" / "trials"
    trials.mkdir(parents=True)
    (tmp_path / "theirs" / "__init__.py").touch()
    (trials / "__init__.py").touch()
    (trials / "toy.py").write_text(TOY)
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[keras_rl_gan_lab.experiments]\nmine = theirs.trials\n")
    return tmp_path


def start(place, *arguments, code=ROOT):
    """Runs Python in a folder, with the packages of that folder and the laboratory in `code`."""
    environment = os.environ | {"PYTHONPATH": f"{place}{os.pathsep}{code}"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=200)


@pytest.mark.long
def test_an_own_experiment_lives_like_ours(place):
    helped = start(place, "-m", "theirs.trials.toy", "--help")
    assert helped.returncode == 0 and "python -m theirs.trials.toy" in helped.stdout and "--stop" in helped.stdout

    failed = start(place, "-m", "theirs.trials.toy", "--stop", "2", "--tracking-uri", "none")
    assert failed.returncode == 1, failed.stdout
    (folder,) = folders(place)  # in the current folder
    assert folder.header()["module"] == "theirs.trials.toy"
    assert f"to go on: python -m lab resume {folder.name}" in failed.stdout

    resumed = start(place, "-m", "lab", "resume", folder.name)
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming at step 2" in resumed.stdout
    assert folder.metrics()["count"] == [(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)]
    again = start(place, "-m", "theirs.trials.toy", "--resume", folder.name)
    assert (again.returncode, "which is FINISHED" in again.stderr) == (2, True)

    watched = start(place, "-m", "lab", "watch", folder.name, "--output", "w.gif")
    assert watched.returncode == 0, watched.stderr
    assert (place / "w.gif").read_bytes()[:4] == b"GIF8"

    listed = start(place, "-m", "experiments")
    assert "\ntheirs.trials\n  theirs.trials.toy  A toy walks, and shows what an experiment is.\n" in listed.stdout
    assert "  dqn_cartpole" in listed.stdout
    chosen = start(place, "-m", "experiments", "TOY WALKS")
    assert chosen.stdout.endswith("expected: r >= 1\ntime: seconds\npython -m theirs.trials.toy --help\n")
    assert [path.name for path in place.glob("mlruns/runs/*")] == [folder.name]


@pytest.mark.parametrize("installed", [False, True])
def test_a_script_writes_to_its_current_folder(place, installed):
    code = ROOT
    if installed:  # as pip lays it: packages without the checkout around them
        code = place / "site-packages"
        for package in ("lab", "experiments"):
            shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "work").mkdir()
    (place / "work" / "script.py").write_text(SCRIPT)
    for command in (["script.py"], ["-c", SCRIPT], ["-m", "script"]):
        done = start(place / "work", *command, code=code)
        assert done.returncode == 0, done.stderr
    assert len(folders(place / "work")) == 3
    if installed:
        done = start(place / "work", "-c", "from lab.runs import paths; print(paths.CHECKOUT)", code=code)
        assert done.stdout.strip() == str(code)  # the copy was used
        (place / "fresh").mkdir()
        done = start(place / "fresh", "-m", "lab", "info", code=code)
        assert f"runs: {place / 'fresh' / 'mlruns' / 'runs'}\n" in done.stdout


@pytest.mark.long
@pytest.mark.parametrize("folder", [None, "elsewhere"])
def test_an_experiment_of_the_checkout_writes_to_the_checkout(place, tmp_path, folder):
    """Shown by a copy of the checkout, so that the real one stays as it is."""
    code = place / "checkout"
    for package in ("lab", "experiments", "envs"):
        shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", code)
    current = place / folder if folder else code
    current.mkdir(exist_ok=True)
    done = start(current, "-m", "experiments.dp_gambler", "--smoke", "--tracking-uri", "none", code=code)
    assert done.returncode == 0, done.stderr
    assert [RunFolder(path).header()["experiment"] for path in (code / "mlruns" / "runs").iterdir()] == ["dp_gambler"]
    assert folder is None or not (current / "mlruns").exists()
