"""What `--smoke` sets in every experiment."""

import importlib
import runpy

import numpy as np
import pytest
from PIL import Image

from lab.runs import experiment
from tests.experiments.track import Memory
from tests.processes import ROOT

PATHS = sorted(path for path in (ROOT / "experiments").glob("[!_]*.py"))


def given(monkeypatch, path):
    """[(config, smoke)], which an experiment gives to `experiment.main`."""
    found = []
    monkeypatch.setattr(experiment, "main", lambda config, run, *, smoke, **options: found.append((config, smoke)))
    runpy.run_path(str(path), run_name="__main__")
    return found


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_smoke_settings_are_settings_and_change_something(monkeypatch, path):
    [(config, smoke)] = given(monkeypatch, path)
    assert config(**smoke) != config()


@pytest.mark.slow
@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("name", ["dcgan_glyphs", "infogan_digits"])  # their samples stayed grey longest
def test_a_smoke_run_of_a_gan_leaves_pictures_that_are_not_grey(monkeypatch, tmp_path, name):
    [(config, smoke)] = given(monkeypatch, ROOT / "experiments" / f"{name}.py")
    importlib.import_module(f"experiments.{name}").run(config(**smoke), Memory(tmp_path))
    sheet = np.asarray(Image.open(sorted(tmp_path.glob("samples-*.png"))[-1]), float)
    first = sheet[:56, :56]  # a sample of 28 pixels, twice as large
    assert np.ptp(first) > 40  # of 255; before training it is 1
