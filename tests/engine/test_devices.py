"""Training on several devices: the numbers of one device, and exact resume, in processes of their own."""

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

KINDS = ("classifier", "r3gan", "wgan_gp", "pacgan2")


def start(kind, count, epochs, folder, **more):
    """Begins a process with eight virtual devices."""
    flags = "--xla_force_host_platform_device_count=8"
    environment = os.environ | {"KERAS_BACKEND": "jax", "XLA_FLAGS": flags, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    words = [sys.executable, "-m", "tests.engine.on_devices", kind, str(count), str(epochs), str(folder), f"{folder}.npz"]
    return subprocess.Popen(words, env=environment | more, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def trained(process, code=0):
    _, said = process.communicate(timeout=300)
    assert process.returncode == code, said[-3000:]
    return np.load(process.args[-1]) if code == 0 else None


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_eight_devices_have_the_numbers_of_one(kind, tmp_path):
    eight, one = (start(kind, count, 2, tmp_path / f"on{count}") for count in (8, 1))
    eight, one = trained(eight), trained(one)
    assert eight.files == one.files
    for name in one.files:
        np.testing.assert_allclose(eight[name], one[name], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classifier", "r3gan"])
def test_a_killed_run_goes_on_with_the_same_bits(kind, tmp_path):
    trained(start(kind, 8, 2, tmp_path / "killed", DIE_AFTER="1"), code=9)
    resumed, whole = start(kind, 8, 2, tmp_path / "killed"), start(kind, 8, 2, tmp_path / "whole")
    resumed, whole = trained(resumed), trained(whole)
    for name in whole.files:
        if not name.startswith("history"):
            np.testing.assert_array_equal(resumed[name], whole[name], err_msg=name)


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
def test_a_distribution_on_tensorflow_is_refused():
    with pytest.raises(ValueError, match="keras.distribution: expected none on tensorflow, for which Keras marks it 'do not use'"):
        try:
            keras.distribution.set_distribution(keras.distribution.DataParallel(devices=["cpu:0"]))
            engine.devices()
        finally:
            keras.distribution.set_distribution(None)
