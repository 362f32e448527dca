"""The tabular experiments: each makes its pictures and results, and each of its settings is alive."""

import dataclasses
import hashlib
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

from tests.experiments.track import Memory
from tests.processes import ROOT

# {experiment: (small settings, {setting: another value})}
EXPERIMENTS: dict = {
    "dp_gridworld": ({"sweeps": (0, 3), "tolerance": 1e-6}, {"sweeps": (0, 2), "tolerance": 1e-3}),
    "dp_gambler": ({"sweeps": (1, 2)}, {"heads": 0.3, "sweeps": (1, 3)}),
    "dp_car_rental": ({"improvements": 1}, {"improvements": 2}),
    "value_iteration_frozenlake": (
        {"evaluation_episodes": 30},
        {"environment": "CliffWalking-v1", "discount": 0.9, "tolerance": 1e-3, "evaluation_episodes": 40},
    ),
    "mc_blackjack": (
        {"few": 100, "many": 300, "control_episodes": 300, "evaluation_episodes": 100},
        {"few": 150, "many": 400, "control_episodes": 400, "evaluation_episodes": 150},
    ),
    "td_random_walk": (
        {"runs": 2, "episodes": 4, "td_step_sizes": (0.1,), "monte_carlo_step_sizes": (0.02,), "n": (2,), "n_step_sizes": (0.2, 0.4)},
        {"runs": 3, "episodes": 5, "td_step_sizes": (0.2,), "monte_carlo_step_sizes": (0.04,), "n": (4,), "n_step_sizes": (0.1, 0.4)},
    ),
    "sarsa_vs_q_learning_cliff": (
        {"runs": 2, "episodes": 60, "step_sizes": (0.5,)},
        {"runs": 3, "episodes": 70, "step_size": 0.2, "step_sizes": (0.3,), "epsilon": 0.3},
    ),
    "double_q_learning_bias": (
        {"runs": 5, "episodes": 40}, {"runs": 6, "episodes": 50, "actions": 4, "step_size": 0.5, "epsilon": 0.4},
    ),
    "q_learning_taxi": (
        {"environment": "FrozenLake-v1", "steps": 4_000, "evaluation_episodes": 10},
        {
            "environment": "CliffWalking-v1", "steps": 5_000, "discount": 0.5, "step_size_power": 0.0, "epsilon_end": 0.9,
            "exploration_fraction": 0.1, "initial": 1.0, "evaluation_episodes": 20,
        },
    ),
    "dyna_maze": (
        {"runs": 2, "episodes": 4, "planning": (0, 5), "changing_runs": 1, "steps": 1_200},
        {
            "runs": 3, "episodes": 5, "planning": (0, 6), "changing_runs": 2, "steps": 900, "changing_planning": 2,
            "changing_step_size": 0.1, "bonus": 0.1,
        },
    ),
    "tile_coding_mountaincar": (
        {"runs": 1, "episodes": 120, "step_sizes": (0.5,), "evaluation_episodes": 2},
        {
            "runs": 2, "episodes": 121, "tilings": 4, "tiles": 4, "step_sizes": (0.2,), "decay": 0.5, "evaluation_episodes": 3,
        },
    ),
    "policy_gradient_corridor": (
        {"runs": 2, "episodes": 15, "powers": (-12,)},
        {"runs": 3, "episodes": 16, "powers": (-8,), "baseline_power": -7, "baseline_own_power": -3, "start": 0.5, "limit": 20},
    ),
}  # fmt: skip


def observe(name, folder, settings):
    """(results, what was logged, the pictures' bytes)."""
    module = import_module(f"experiments.{name}")
    folder.mkdir(exist_ok=True)
    track = Memory(folder)
    results = module.run(module.Config(**settings), track)
    assert results
    assert all(np.isfinite(value) or value == float("-inf") for value in results.values()), results
    pictures = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.png")}
    return results, track.logged, pictures


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_setting_is_alive(name, tmp_path):
    base, changes = EXPERIMENTS[name]
    fields = {field.name for field in dataclasses.fields(import_module(f"experiments.{name}").Config)}
    assert fields == set(changes), "a change for every setting"
    first = observe(name, tmp_path / "base", base)
    assert name == "q_learning_taxi" or first[2], "a picture"
    assert observe(name, tmp_path / "again", base) == first, "the same twice"
    for key, value in changes.items():
        assert observe(name, tmp_path / key, base | {key: value}) != first, key


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
