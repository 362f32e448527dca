"""What `--smoke` sets, of every experiment."""

import runpy

import pytest

from lab import experiment
from tests.processes import ROOT

PATHS = sorted(path for path in (ROOT / "experiments").glob("[!_]*.py"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_smoke_settings_are_settings_and_change_something(monkeypatch, path):
    given = []
    monkeypatch.setattr(experiment, "main", lambda config, run, *, smoke, **options: given.append((config, smoke)))
    runpy.run_path(str(path), run_name="__main__")
    [(config, smoke)] = given
    assert config(**smoke) != config()
