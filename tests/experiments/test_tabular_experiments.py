"""The tabular experiments: pictures, results, exact resume, and an effect of every setting."""

import hashlib
import subprocess
import sys
from importlib import import_module

import gymnasium
import numpy as np
import pytest

from experiments import (
    double_q_learning_bias,
    dp_car_rental,
    dp_gambler,
    dp_gridworld,
    dyna_maze,
    mc_blackjack,
    policy_gradient_corridor,
    q_learning_taxi,
    sarsa_vs_q_learning_cliff,
    td_random_walk,
    tile_coding_mountaincar,
    value_iteration_frozenlake,
)
from experiments.common import tabular
from lab.agents.tabular import DiscreteStates, MonteCarloControl
from lab.runs import checkpoint
from lab.runs.journal import Journal
from lab.runs.lifecycle import identified
from lab.runs.progress import Progress
from lab.runs.run_folder import RunFolder
from lab.runs.track import Track
from tests.experiments import fields
from tests.experiments.fields import Alive
from tests.experiments.track import Memory
from tests.processes import ROOT

EXPERIMENTS = {
    "dp_gridworld": Alive(dp_gridworld, {"sweeps": (0, 3), "tolerance": 1e-06}, {"sweeps": (0, 2), "tolerance": 0.001}),
    "dp_gambler": Alive(dp_gambler, {"sweeps": (1, 2)}, {"heads": 0.3, "sweeps": (1, 3)}),
    "dp_car_rental": Alive(dp_car_rental, {"improvements": 1}, {"improvements": 2}),
    "value_iteration_frozenlake": Alive(
        value_iteration_frozenlake,
        {"evaluation_episodes": 30},
        {"environment": "CliffWalking-v1", "discount": 0.9, "tolerance": 0.001, "evaluation_episodes": 40},
    ),
    "mc_blackjack": Alive(
        mc_blackjack,
        {"few": 100, "many": 300, "control_episodes": 300, "evaluation_episodes": 100},
        {"few": 150, "many": 400, "control_episodes": 400, "evaluation_episodes": 150},
    ),
    "td_random_walk": Alive(
        td_random_walk,
        {
            "runs": 2,
            "episodes": 4,
            "td_step_sizes": (0.1,),
            "monte_carlo_step_sizes": (0.02,),
            "n": (2,),
            "n_step_sizes": (0.2, 0.4),
        },
        {
            "runs": 3,
            "episodes": 5,
            "td_step_sizes": (0.2,),
            "monte_carlo_step_sizes": (0.04,),
            "n": (4,),
            "n_step_sizes": (0.1, 0.4),
        },
    ),
    "sarsa_vs_q_learning_cliff": Alive(
        sarsa_vs_q_learning_cliff,
        {"runs": 2, "episodes": 60, "step_sizes": (0.5,)},
        {"runs": 3, "episodes": 70, "step_size": 0.2, "step_sizes": (0.3,), "epsilon": 0.3},
    ),
    "double_q_learning_bias": Alive(
        double_q_learning_bias,
        {"runs": 5, "episodes": 40},
        {"runs": 6, "episodes": 50, "actions": 4, "step_size": 0.5, "epsilon": 0.4},
    ),
    "q_learning_taxi": Alive(
        q_learning_taxi,
        {"environment": "FrozenLake-v1", "steps": 4000, "evaluation_episodes": 10},
        {
            "environment": "CliffWalking-v1",
            "steps": 5000,
            "discount": 0.5,
            "step_size_power": 0.0,
            "epsilon_end": 0.9,
            "exploration_fraction": 0.1,
            "initial": 1.0,
            "evaluation_episodes": 20,
        },
    ),
    "dyna_maze": Alive(
        dyna_maze,
        {"runs": 2, "episodes": 4, "planning": (0, 5), "changing_runs": 1, "steps": 1200},
        {
            "runs": 3,
            "episodes": 5,
            "planning": (0, 6),
            "changing_runs": 2,
            "steps": 900,
            "changing_planning": 2,
            "changing_step_size": 0.1,
            "bonus": 0.1,
        },
    ),
    "tile_coding_mountaincar": Alive(
        tile_coding_mountaincar,
        {"runs": 1, "episodes": 120, "step_sizes": (0.5,), "evaluation_episodes": 2},
        {
            "runs": 2,
            "episodes": 121,
            "tilings": 4,
            "tiles": 4,
            "step_sizes": (0.2,),
            "trace_decay": 0.5,
            "evaluation_episodes": 3,
        },
    ),
    "policy_gradient_corridor": Alive(
        policy_gradient_corridor,
        {"runs": 2, "episodes": 15, "powers": (-12,)},
        {"runs": 3, "episodes": 16, "powers": (-8,), "baseline_power": -7, "baseline_own_power": -3, "start": 0.5, "limit": 20},
    ),
}


@pytest.fixture(scope="module")
def observe(tmp_path_factory):
    """A function (experiment, **settings) -> (results, what was logged, the pictures' bytes)."""
    return fields.remember(observed, tmp_path_factory)


def observed(folder, name, **settings):
    module, start, *_ = EXPERIMENTS[name]
    track = Memory(folder)
    results = module.run(module.Config(**start | settings), track)
    assert results
    assert all(np.isfinite(value) or value == float("-inf") for value in results.values()), results
    pictures = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.png")}
    return results, track.logged, pictures


@pytest.mark.long
@pytest.mark.parametrize(("name", "field"), fields.cases(EXPERIMENTS))
def test_every_field_changes_something(observe, name, field):
    fields.check(observe, EXPERIMENTS, name, field)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_same_settings_change_nothing(observe, tmp_path, name):
    first = observe(name)
    assert name == "q_learning_taxi" or first[2], "a picture"
    assert observed(tmp_path, name) == first


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("dp_gridworld", {"sweeps": ()}, "sweeps: expected at least one"),
        ("dp_gambler", {"heads": 1.5}, "heads: expected a number"),
        ("value_iteration_frozenlake", {"environment": "Pendulum-v1"}, "environment: expected"),
        ("mc_blackjack", {"few": 10, "many": 5}, "few: expected at most many, 5, received 10"),
        ("td_random_walk", {"n": (0,)}, "n: expected a number >= 1"),
        ("q_learning_taxi", {"environment": "Nowhere-v0"}, "environment: expected"),
        ("dyna_maze", {"planning": (-1,)}, "planning: expected a number >= 0"),
        ("policy_gradient_corridor", {"powers": ()}, "powers: expected at least one"),
    ],
)
def test_bad_settings(name, settings, words):
    with pytest.raises(ValueError, match=words):
        import_module(f"experiments.{name}").Config(**settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("value_iteration_frozenlake", "--environment: expected an environment with transition probabilities"),
        ("q_learning_taxi", "--environment: expected discrete observations, received Box"),
    ],
)
def test_an_environment_that_is_unfit_stops_before_anything_is_made(name, words, own_home):
    command = [sys.executable, "-m", f"experiments.{name}", "--environment", "CartPole-v1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(own_home.rglob("run.json"))


REPEATING = [name for name in EXPERIMENTS if not name.startswith(("dp", "q_learning"))]
BRIEF = {"tile_coding_mountaincar": {"episodes": 2, "runs": 4}, "dyna_maze": {"steps": 60}}


class Killed(Exception):
    """Stands for SIGKILL: nothing of the run may be written after it."""


class Watched(Track):
    """A run's track whose process is killed after a number of repetitions; it counts them."""

    kill_after, last = None, 0

    def advance(self, variables, done):
        assert done == self.last + 1, "no repetition twice, and none left out"
        self.last = done
        super().advance(variables, done)
        if done == self.kill_after:
            raise Killed

    def begin(self, variables, total):
        self.total, self.last = total, super().begin(variables, total)
        self.begun = self.last
        return self.last


def run_watched(name, folder, *, kill_after=None):
    """(the track, results) of a run in a folder; the results are None where it was killed."""
    module, journal = import_module(f"experiments.{name}"), Journal(folder)
    track = Watched(folder, journal, Progress(name, 0))
    track.kill_after = kill_after
    try:
        results = module.run(module.Config(**folder.header()["config"]), track)
        track.finish(results)
    except Killed:
        results = None
    finally:
        journal.close()
    return track, results


@pytest.mark.parametrize(
    "name", [name if name == "policy_gradient_corridor" else pytest.param(name, marks=pytest.mark.slow) for name in REPEATING]
)
def test_a_run_that_repeats_goes_on_where_it_was_killed(name, own_home, monkeypatch):
    header = {"experiment": name, "seed": 3, "seeds": 1, "backend": "x", "versions": {}, "total_steps": 0}
    every = 50 if name == "mc_blackjack" else 2
    header |= {"config": EXPERIMENTS[name].start | BRIEF.get(name, {}), "options": {"checkpoint_every": every}}
    monkeypatch.setattr(tabular, "save_figure", lambda *picture: None)  # slow, and drawn from the same numbers
    alone, killed = (RunFolder.create(identified(header)) for _ in range(2))
    track, results = run_watched(name, alone)
    total, kept = track.total, 0
    for kill in sorted({max(total // 5, 1), total // 2, total * 8 // 9, total - 1}):
        track, nothing = run_watched(name, killed, kill_after=kill)
        assert (track.begun, nothing) == (kept, None), "the newest checkpoint"
        kept += (kill - kept) // every * every
    track, resumed = run_watched(name, killed)
    assert track.begun == kept > 0
    assert resumed == results
    assert killed.metrics() == alone.metrics()
    last = [checkpoint.read(sorted(folder.checkpoints.glob("step-*"))[-1]) for folder in (alone, killed)]
    assert last[0][1] == last[1][1], "the headers, with the digest of everything that was kept"


def test_resumable_episodes_are_those_of_a_rollout(own_home):
    def make():
        env = DiscreteStates(gymnasium.make("Blackjack-v1", sab=True, disable_env_checker=True))
        return env, MonteCarloControl(int(np.prod(env.sizes)), 2, exploring_starts=True)

    env, learner = make()
    expected, _ = tabular.run_episodes(learner, env, 30, seed=7)
    env, other = make()
    returns, episodes = np.zeros(30), tabular.ResumableEpisodes(Memory(own_home), env, [])
    episodes.restore(30)
    episodes.run(other, 30, returns.__setitem__, **tabular.rollout_seeds(7))
    assert returns.tolist() == expected.tolist()
    assert other.values.rows != learner.values.rows
    episodes.complete_hundred(other)
    assert other.values.rows == learner.values.rows


def test_saving_by_the_clock_and_by_the_count(own_home, monkeypatch):
    header = {"experiment": "toy", "seed": 3, "seeds": 1, "backend": "x", "config": {}, "versions": {}, "total_steps": 0}
    now, saved = [0.0], []
    monkeypatch.setattr("lab.runs.track.time.monotonic", lambda: now[0])

    def save(folder, step, variables, **options):
        saved.append(step)
        now[0] += 0.25

    monkeypatch.setattr("lab.runs.checkpoint.save", save)
    for every, steps in ((0, [4, 24, 30]), (7, [7, 14, 21, 28, 30])):
        folder = RunFolder.create(identified(header | {"options": {"checkpoint_every": every}}))
        track, saved[:] = Track(folder, Journal(folder), Progress("toy", 0)), []
        assert track.begin([], 30) == 0
        for done in range(1, 31):
            now[0] += 0.25
            track.advance([], done)
        assert saved == steps, "after a second, then no more than a twentieth of the time; the last always"
        assert not track.saving


def test_a_checkpoint_interval_that_nothing_uses_is_said_to_change_nothing(own_home, capsys):
    header = {"experiment": "dp_gambler", "seed": 3, "seeds": 1, "backend": "x", "versions": {}, "total_steps": 0}
    header |= {"config": {"sweeps": (1,)}, "options": {"checkpoint_every": 5}}
    run_watched("dp_gambler", RunFolder.create(identified(header)))
    assert "--checkpoint-every 5 changed nothing" in capsys.readouterr().out
