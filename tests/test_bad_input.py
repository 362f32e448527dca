"""What can go wrong: bad input, runs that fail, full disks."""

import ast
import os
import subprocess
import sys

import pytest

from lab.runs.run_folder import RunFolder
from tests.processes import ON_JAX, ROOT, TINY, dqn, folders, run


@pytest.fixture(autouse=True)
def quick_to_start(monkeypatch):
    """New processes use JAX if both backends do the same: they start in half the time."""
    monkeypatch.setenv("KERAS_BACKEND", ON_JAX["KERAS_BACKEND"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--gamma", "1"], "command line: expected a known flag, received --gamma"),
        (["--discount", "abc"], "--discount: expected float, received 'abc'"),
        (["--discount", "1.2"], "--discount: expected a number >= 0 and <= 1, received 1.2"),
        (["--steps", "0"], "--steps: expected a number >= 1 and <= 2,000,000,000, received 0"),
        (["--hidden", "64", "0"], "--hidden: expected a number >= 1 and <= 100,000 in each place, received (64, 0)"),
        (["--learning-starts", "60000"], "--learning-starts: expected less than steps, 50000, received 60000"),
        (["--buffer-size", "300", "--batch-size", "400"], "--batch-size: expected at most buffer_size, 300, received 400"),
        (["--environment", "CartPol-v1"], "(nearest: CartPole-v1)"),
        (["--environment", "Pendulum-v1"], "--environment: expected a Discrete action space, received Box"),
        (
            ["--environment", "Acrobot-v1", "--device"],
            "--environment: expected CartPole-v1 with --device, received 'Acrobot-v1'",
        ),
        (["--resume", "nobody"], "run id: expected one of the 0 runs"),
        (["--resume", "", *TINY], "run id: expected one of the 0 runs"),
        (["--tracking-uri", "htp://x"], "tracking URI: expected one of"),
        (["--seeds", "0"], "--seeds: expected a number >= 1 and <= 100,000, received 0"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(own_home, arguments, words):
    done = dqn(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert list(own_home.iterdir()) == []


TOYS = '''
import gymnasium
import numpy as np
from gymnasium import spaces

class Toy(gymnasium.Env):
    """Observes zeros and gives the same reward again and again."""

    def __init__(self, actions=spaces.Discrete(2), reward=0.0, observations=spaces.Box(-1, 1, (2,)), **options):
        self.action_space, self.observation_space, self.reward = actions, observations, reward

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        return np.zeros(2, np.float32), self.reward, False, False, {}

def broken(**options):
    raise RuntimeError

gymnasium.register("Dict-v0", Toy, kwargs={"actions": spaces.Dict(a=spaces.Discrete(2))})
gymnasium.register("Unbounded-v0", Toy, kwargs={"actions": spaces.Box(-np.inf, np.inf, (40,))})
gymnasium.register("NaN-v0", Toy, kwargs={"reward": np.nan})
gymnasium.register("Text-v0", Toy, kwargs={"observations": spaces.Text(3)})
gymnasium.register("Large-v0", Toy, kwargs={"observations": spaces.Box(-1, 1, (3,))})
gymnasium.register("Broken-v0", broken)
'''


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "arguments", "words"),
    [
        (
            "ppo_cartpole",
            ["--minibatches", "5"],
            "--minibatches: expected a divisor of num_envs x rollout_length, 256, received 5",
        ),
        (
            "ppo_cartpole",
            ["--environment", "toys:Dict-v0"],
            "--environment: action space: expected Discrete, MultiDiscrete, MultiBinary or Box",
        ),
        (
            "ppo_any",
            ["--environment", "toys:Unbounded-v0"],
            "--environment: action space: expected finite bounds, low below high, received low",
        ),
        ("a2c_cartpole", ["--environment", "FrozenLake-v1", "--device"], "--environment: expected one of CartPole-v1"),
        ("a2c_cartpole", ["--environment", "toys:NaN-v0"], "--environment: expected a finite number as reward, received nan"),
        (
            "a2c_cartpole",
            ["--environment", "toys:Broken-v0"],
            "--environment: expected an environment that can be made, received 'toys:Broken-v0'",
        ),
        ("reinforce_cartpole", ["--environment", "toys:Text-v0"], "expected an observation space of Box, Discrete"),
        ("reinforce_cartpole", ["--environment", "toys:Large-v0"], "--environment: expected of reset an observation in Box"),
    ],
)
def test_bad_input_to_policy_gradients_is_one_line_and_leaves_nothing(own_home, tmp_path_factory, experiment, arguments, words):
    toys = tmp_path_factory.mktemp("toys")
    (toys / "toys.py").write_text(TOYS)
    done = run(f"experiments.{experiment}", *arguments, PYTHONPATH=str(toys), PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert list(own_home.iterdir()) == []


@pytest.mark.slow
def test_what_tensorflow_says_at_its_start_is_not_a_line_of_ours(own_home):
    done = run("experiments.sac_pendulum", "--environment", "lab/CartPole-v1", KERAS_BACKEND="tensorflow")
    assert done.returncode == 2
    assert done.stderr == "--environment: expected a Box action space, received Discrete(2) of lab/CartPole-v1\n"


@pytest.mark.long
def test_a_run_in_which_no_episode_ends(own_home):
    few = ["--steps", "40", "--num-envs", "8", "--evaluation-episodes", "1"]  # 200 steps make an episode
    done = run("experiments.a2c_cartpole", "--environment", "Pendulum-v1", "--tracking-uri", "none", *few)
    assert done.returncode == 0, done.stderr
    (folder,) = folders(own_home)
    assert folder.status() == "FINISHED"
    assert "greedy_return" in folder.results()


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "command: expected one of runs, ui, resume, watch, evaluate, "),
        (["resume"], "resume: expected a run id, received 'nothing'"),
        (["resume", "nobody"], "run id: expected one of the 0 runs"),
        (["watch", "nobody"], "run id: expected one of the 0 runs"),
        (["watch", "nobody", "--seed", "-1"], "--seed: expected a number >= 0 and <= 4,294,967,295, received -1"),
        (["ui", "--tracking-uri", "none"], "tracking URI: expected the address of a server or a store, received 'none'"),
        (["sync", "--tracking-uri", "none"], "tracking URI: expected the address of a server or a store, received 'none'"),
        (["ui", "--port", "0"], "--port: expected a number >= 1 and <= 65,535, received 0"),
    ],
)
def test_bad_commands(arguments, words):
    done = run("lab", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


TOY = '''
"""A toy that fails.

Expected: r >= 1
Time: a moment
"""
from dataclasses import dataclass
from lab.errors import NonFiniteError
from lab.runs import experiment

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
            kind = {"error": RuntimeError, "nan": NonFiniteError}[os.environ["FAIL"]]
            raise kind("the machine is on fire")
    return {"r": float(variable.value)}

if __name__ == "__main__":
    experiment.main(Config, run, smoke={})
'''


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["error", pytest.param("nan", marks=pytest.mark.long)])
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


@pytest.mark.long
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
    assert parent.results() == {"r": 10.0}
    assert dict(parent.metrics())["r"] == [(step, float(step)) for step in range(1, 11)]  # the mean curve, and the result


def test_a_full_disk_at_a_checkpoint_does_not_stop_the_run(own_home, monkeypatch):
    import keras

    from lab.runs import checkpoint
    from lab.runs.journal import Journal
    from lab.runs.track import Track

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


@pytest.mark.long
def test_a_disk_that_takes_no_checkpoint_does_not_stop_a_run(own_home):
    limited = "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20));"  # a checkpoint has 4 MB
    code = f"{limited} runpy.run_module('experiments.dqn_cartpole', run_name='__main__')"
    command = [sys.executable, "-c", code, *TINY, "--checkpoint-every", "1000"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("no checkpoint at step") >= 2
    (folder,) = folders(own_home)
    assert folder.status() == "FINISHED"
    assert list(folder.checkpoints.iterdir()) == []


@pytest.mark.long
def test_a_loss_that_is_not_finite_stops_the_run_and_is_named(own_home):
    done = dqn(*TINY, "--learning-rate", "1e6", "--loss", "squared", KERAS_BACKEND="tensorflow")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "failed" in line]
    assert "NonFiniteError" in line
    assert "loss" in line
    assert "Traceback" not in done.stderr
    (folder,) = folders(own_home)
    assert folder.status() == "FAILED"


def test_the_toy_is_python():
    ast.parse(TOY)
