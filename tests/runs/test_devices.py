"""The flag --devices: kept with a run, the same when it is resumed, unknown to older runs."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import pytest

from lab.runs import experiment, keras_settings, lifecycle
from lab.runs.run_folder import RunFolder
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    several_devices: ClassVar[bool] = True
    batch_size: Annotated[int, Interval(1, 100)] = 8


def work(config, track):
    return {}


@pytest.fixture
def plan(monkeypatch):
    """Reads a command line on JAX. Returns the header of the run."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(keras_settings, "backend", lambda usual="jax": "jax")
    it = experiment.Experiment.of(Config, work, {}, None, None)
    return lambda *words: experiment.plan(it, [*words, "--tracking-uri", "none"])[1]


def test_they_are_kept_with_the_run_and_another_number_is_refused(plan):
    header = plan("--devices", "4")
    assert header["options"]["devices"] == 4
    assert header["command"][-2:] == ["--devices", "4"]
    assert header["digest"] != plan()["digest"]
    folder = RunFolder.create(header)
    assert plan("--resume", folder.name)["options"]["devices"] == 4
    with pytest.raises(ValueError, match="--resume: expected devices=4, with which the run was started, received 2"):
        plan("--resume", folder.name, "--devices", "2")
    with pytest.raises(ValueError, match="--batch-size: expected a multiple of the 3 devices, received 8"):
        plan("--devices", "3")


def test_an_older_run_has_one_and_its_digest(plan):
    header = plan()
    older = header | {"options": {name: value for name, value in header["options"].items() if name != "devices"}}
    assert lifecycle.identified(older)["digest"] == header["digest"]
    folder = RunFolder.create(older)
    assert plan("--resume", folder.name)["digest"] == header["digest"]
    with pytest.raises(ValueError, match="--resume: expected devices=1, with which the run was started, received 4"):
        plan("--resume", folder.name, "--devices", "4")
