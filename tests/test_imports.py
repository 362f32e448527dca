"""What imports cost and change.

Packages load only what they need, old paths still work, and TensorFlow stays as it was.
"""

import importlib
import json
import subprocess
import sys

import pytest

import lab
from tests.processes import ROOT

HEAVY = ("mlflow", "gymnasium", "tyro", "rich", "sklearn", "nltk", "matplotlib", "fcntl")


def loaded_by(code, before=""):
    """The packages that lines of Python load, without those that the lines before load."""
    script = f"import sys, json\n{before}\nold = set(sys.modules)\n{code}\nprint(json.dumps(sorted(set(sys.modules) - old)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.slow
def test_components_load_nothing_beside_keras():
    found = loaded_by("import lab.layers, lab.losses, lab.optimizers, lab.models, lab.distributions", before="import keras")
    assert found == {"lab", "lazy_loader"}


def test_rooms_load_nothing_at_all():
    packages = ["agents", "agents.tabular", "data", "engine", "gan", "metrics", "runs.paths", "supervised", "visualize"]
    found = loaded_by("\n".join(["import lab", *(f"import lab.{package}" for package in packages)]))
    assert not found & {"keras", "tensorflow", "numpy", *HEAVY}


def test_paths_need_no_lock():
    assert "fcntl" not in loaded_by("from lab.runs.paths import home; home()", before="import contextlib, importlib.util")


@pytest.mark.slow
def test_importing_leaves_tensorflow_as_it_was():
    script = """
import os
before = dict(os.environ)
import tensorflow as tf
from tensorflow.python.eager import backprop
options, adds = tf.config.optimizer.get_experimental_options(), backprop._default_vspace.aggregate_fn
import lab, lab.layers, lab.losses.penalties, lab.optimizers, lab.distributions, lab.models
from lab.agents import DQN
from lab.gan import GAN
from lab.supervised import Training
assert tf.config.optimizer.get_experimental_options() == options
assert backprop._default_vspace.aggregate_fn is adds
changed = {name for name, value in os.environ.items() if before.get(name) != value}
assert not [name for name in changed if name.startswith(("TF_", "XLA_"))]
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("old", lab.MOVED)
def test_old_paths_warn(old, monkeypatch):
    monkeypatch.delitem(sys.modules, f"lab.{old}", raising=False)
    with pytest.warns(DeprecationWarning, match=f"lab.{old}: its name is {lab.MOVED[old]} now"):
        found = importlib.import_module(f"lab.{old}")
    assert found is importlib.import_module(lab.MOVED[old])


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from lab import experiment", "experiment.main"),
        ("from lab.command import Range", "Range"),
        ("from lab import command", "command.require"),
        ("from lab.watch import log_episode", "log_episode"),
        ("from lab.files import DamagedFile, home", "home"),
        ("from lab.finite import NonFiniteError, require_metrics", "require_metrics"),
        ("from lab.environments import require_environment", "require_environment"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_lines_still_work(line, name):
    names = {}
    exec(line, names)
    assert callable(eval(name, names))
