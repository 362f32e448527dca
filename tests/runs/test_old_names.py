"""Settings that have a new name: runs of older versions are resumed and watched all the same."""

import dataclasses
import json

import keras
import pytest

from lab import __main__ as commands
from lab.errors import LabError
from lab.runs import children, experiment, lifecycle, old_names, planning
from lab.runs.experiment import About
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder
from tests.processes import folders

COMMIT = "0123456789abcdef"


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of a toy. `environment` was `game` before, and `start` was `late`."""

    steps: int = 3
    start: int = 0
    environment: str = "CartPole-v1"
    hidden: tuple[int, ...] = ()


OLD = {"steps": 3, "late": 2, "game": "CartPole-v1", "hidden": [8]}


def run(config, track):
    """Counts its steps and saves each. The first process stops at the second step."""
    count = keras.Variable(0.0)
    first = track.restore([count])
    for step in range(first + 1, config.steps + 1):
        count.assign_add(config.start)
        track.checkpoint([count], step)
        if step == 2 and not first:
            raise LabError("the end of the first process")
    return {"r": float(count.value)}


TOY = experiment.Experiment("toy", About("A toy.", "", ""), "mypkg.toy", Config, run, {}, None, None)


@pytest.fixture(autouse=True)
def table(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())
    monkeypatch.setattr(old_names, "SETTINGS", {"*": {"game": "environment"}, "toy": {"late": "start"}})


def older(config=OLD, **changes):
    """A run that an older version started."""
    options = {"seed": 0, "seeds": 1, "smoke": False, "tracking_uri": "none", "checkpoint_every": 1}
    header = {
        "experiment": "toy",
        "module": "mypkg.toy",
        "config": config,
        "options": options,
        "seed": 0,
        "seeds": 1,
        "backend": keras.backend.backend(),
        "tracking_uri": "none",
        "total_steps": 3,
        "versions": {"git_commit": COMMIT},
    }
    return RunFolder.create(lifecycle.identified(header | changes))


def parse(folder, *flags):
    return planning.parse(TOY, ["--resume", folder.name, *flags], folder)[0]


def test_names_change_for_one_experiment_or_for_all_of_them():
    header = {"experiment": "toy", "seed": 1, "config": {"late": 2, "game": "x", "other": 3}}
    new = {"experiment": "toy", "seed": 1, "config": {"start": 2, "environment": "x", "other": 3}}
    assert old_names.renamed(header) == new
    assert list(old_names.renamed(header)["config"]) == ["start", "environment", "other"]
    assert header["config"] == {"late": 2, "game": "x", "other": 3}
    assert old_names.renamed(header | {"experiment": "another"})["config"] == {"late": 2, "environment": "x", "other": 3}
    assert old_names.renamed({"config": {"late": 2, "game": "x"}}) == {"config": {"late": 2, "environment": "x"}}


def test_a_new_field_has_the_value_of_before_in_one_experiment_or_in_all(monkeypatch):
    monkeypatch.setattr(old_names, "ADDED", {"*": {"hidden": (4,)}, "toy": {"start": 7}})
    header = {"experiment": "toy", "config": {"steps": 3}}
    assert old_names.renamed(header)["config"] == {"hidden": (4,), "start": 7, "steps": 3}
    assert old_names.renamed(header | {"experiment": "another"})["config"] == {"hidden": (4,), "steps": 3}
    assert old_names.renamed({"experiment": "toy", "config": {"start": 1}})["config"]["start"] == 1


def test_the_first_names_come_back_and_new_fields_go_where_nothing_has_changed(monkeypatch):
    monkeypatch.setattr(old_names, "ADDED", {"*": {"hidden": (4,)}, "toy": {"rate": 7}})
    now = {"steps": 3, "start": 1, "environment": "x", "hidden": (4,), "rate": 7}
    assert old_names.original("toy", now) == {"steps": 3, "late": 1, "game": "x"}
    assert old_names.original("another", now) == {"steps": 3, "start": 1, "game": "x", "rate": 7}
    assert old_names.original("toy", now | {"rate": 8})["rate"] == 8
    header = {"experiment": "toy", "config": old_names.original("toy", now)}
    assert old_names.renamed(header)["config"] == now


def test_a_name_stays_where_the_new_one_is_there_too():
    header = {"experiment": "toy", "config": {"late": 2, "start": 1}}
    assert old_names.renamed(header) == header


def test_an_older_run_keeps_its_names_and_is_resumed_under_the_new_ones(own_home, capsys):
    folder = older()
    config = parse(folder)
    assert config == Config(3, 2, "CartPole-v1", (8,))
    assert parse(folder, "--start", "2") == config
    with pytest.raises(ValueError, match="--resume: expected start=2, with which the run was started, received 5"):
        parse(folder, "--start", "5")
    assert lifecycle.run_one(folder, config, run, "") == (1, None)
    assert lifecycle.run_one(folder, parse(folder), run, "") == (0, {"r": 6.0})
    assert "resuming at step 2" in capsys.readouterr().out
    assert folder.header()["config"] == OLD


def test_edited_settings_are_still_found(own_home):
    folder = older()
    content = json.loads((folder.path / "run.json").read_text())
    content.pop("checksum")
    content["config"]["late"] = 1
    (folder.path / "run.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="expected the settings that the run was started with, received edited ones"):
        parse(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"rate": 1}, "unknown rate"), ({"start": 2}, "unknown late"), ({"game": None, "hiden": 1}, "unknown hiden")],
)
def test_an_unknown_setting_is_refused_with_the_commit_that_made_the_run(own_home, changes, words):
    folder = older(OLD | changes)
    with pytest.raises(ValueError) as refused:
        parse(folder)
    assert str(refused.value) == (
        f"--resume: expected a run of this version's settings, received {folder.name}: {words}; "
        f"only the code that started it, {COMMIT[:12]}, can go on with it exactly"
    )


def test_a_child_of_an_older_run_is_found_again(own_home):
    parent = older(seeds=2)
    child = older(parent=parent.name)
    family = children.Family(parent, Journal(parent))
    assert family.child(children.Wanted("", 0, parse(child), "seed")).name == child.name
    assert len(folders(own_home)) == 2
    assert family.child(children.Wanted("", 1, parse(child), "seed")).header()["config"] == {
        "steps": 3,
        "start": 2,
        "environment": "CartPole-v1",
        "hidden": [8],
    }


def test_an_older_run_is_watched(own_home, capsys):
    folder = older()
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(folder.artifacts / "model.keras")
    output = own_home / "w.gif"
    assert commands.main(["watch", folder.name, "--output", str(output)]) == 0
    assert output.read_bytes()[:4] == b"GIF8"
