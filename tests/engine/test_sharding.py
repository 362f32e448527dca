"""Training on several devices: the numbers of one device, and exact resume."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from lab import engine
from lab.runs import devices
from tests.backends import only
from tests.processes import ROOT

QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # to compile
KINDS = ("classifier", "r3gan")


def train(folder, *jobs, code=0):
    """Runs jobs of on_devices.py in a process with eight virtual devices."""
    flags = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": f"--xla_force_host_platform_device_count=8 {QUICK}"}
    words = [sys.executable, "-m", "tests.engine.on_devices", str(folder), *jobs]
    done = subprocess.run(words, env=os.environ | flags | {"PYTHONPATH": str(ROOT)}, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stderr[-3000:]


@pytest.mark.long
def test_eight_devices_have_the_numbers_of_one_and_resume_exactly(tmp_path):
    both = [f"{kind}:{count}:{kind}{count}" for kind in KINDS for count in (8, 1)]
    train(tmp_path, *both, "classifier:8:killed_classifier", "r3gan:8:killed_r3gan", code=9)
    for kind in KINDS:
        eight, one = (np.load(tmp_path / f"{kind}{count}.npz") for count in (8, 1))
        assert eight.files == one.files and len(one.files) > 20
        for name in one.files:
            np.testing.assert_allclose(eight[name], one[name], rtol=1e-5, atol=1e-5, err_msg=f"{kind} {name}")
    train(tmp_path, "classifier:8:killed_classifier", "r3gan:8:killed_r3gan")
    for kind in ("classifier", "r3gan"):
        resumed, whole = (np.load(tmp_path / f"{name}.npz") for name in (f"killed_{kind}", f"{kind}8"))
        for name in whole.files:
            wanted = whole[name] if name.startswith("0") else whole[name][-len(resumed[name]) :]  # the history of one epoch
            np.testing.assert_array_equal(resumed[name], wanted, err_msg=f"{kind} {name}")


def test_one_device_is_no_distribution():
    assert engine.devices() == 1
    x = np.ones((3, 2))
    assert engine.shard(x) is x
    engine.require_batch("batch_size", 7)


class Able:
    several_devices, batch_size = True, 12


@pytest.mark.parametrize(
    ("count", "backend", "config", "words"),
    [
        (2, "jax", object(), "--devices: expected 1: only supervised networks and GANs train on several, received 2"),
        (2, "tensorflow", Able(), "--devices: expected 1 on TensorFlow, where Keras marks keras.distribution 'do not use'"),
        (8, "jax", Able(), "--batch-size: expected a multiple of the 8 devices, received 12"),
    ],
)
def test_what_cannot_be_divided_is_refused(count, backend, config, words):
    with pytest.raises(ValueError) as error:
        devices.require(count, backend, [config])
    assert str(error.value).startswith(words)
    devices.require(1, backend, [config])
    devices.require(4, "jax", [Able()])


@only("jax")
def test_more_devices_than_there_are():
    found = len(keras.distribution.list_devices())
    with pytest.raises(ValueError, match=f"--devices: expected at most {found}, which JAX finds here, received {found + 1}"):
        devices.use(found + 1)
    assert keras.distribution.distribution() is None


@only("tensorflow")
def test_a_distribution_on_tensorflow_is_refused(monkeypatch):
    monkeypatch.setattr(keras.distribution, "distribution", object)
    with pytest.raises(ValueError, match=r"keras\.distribution: expected none on tensorflow, for which Keras marks it 'do not"):
        engine.devices()
