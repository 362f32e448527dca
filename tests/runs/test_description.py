"""The tags and the description that MLflow shows of a run."""

import dataclasses
from pathlib import Path

import pytest

from lab.runs import children, command_line, description, experiment, lifecycle, mlflow_server
from lab.runs.journal import Journal
from lab.runs.mlflow_delivery import Delivery
from lab.runs.run_folder import RunFolder
from tests.runs.test_courier import local, make

ABOUT = {"summary": "A toy.", "expected": "r >= 1 (of 2)", "time": "seconds", "algorithm": "", "task": "", "topic": ""}
HEADER = {
    "experiment": "q_learning_taxi",
    "module": "experiments.q_learning_taxi",
    "config": {"environment": "Taxi-v4"},
    "options": {"smoke": False},
    "seed": 3,
    "seeds": 1,
    "kind": "single",
    "about": ABOUT,
    "command": ["python", "-m", "experiments.q_learning_taxi", "--steps", "5"],
}


@pytest.mark.parametrize(
    ("name", "config", "algorithm", "task"),
    [
        ("dqn_cartpole", {}, "dqn", "cartpole"),
        ("dqn_cartpole", {"environment": "Acrobot-v1"}, "dqn", "Acrobot-v1"),
        ("double_q_learning_bias", {}, "double_q_learning", "bias"),
        ("recurrent_ppo_cartpole_no_velocity", {}, "recurrent_ppo", "cartpole_no_velocity"),
        ("gan_ring", {"family": "lsgan"}, "lsgan", "ring"),
        ("classifier_digits", {"model": "resnet20"}, "resnet20", "digits"),
        ("cnn_families_glyphs", {"model": ""}, "cnn_families", "glyphs"),
        ("cifar10_resnet", {}, "resnet", "cifar10"),
        ("copy_memory", {}, None, "copy_memory"),
        ("toy", {}, "toy", None),
    ],
)
def test_algorithm_and_task_come_from_the_settings_or_the_name(name, config, algorithm, task):
    found = description.tags(HEADER | {"experiment": name, "config": config})
    assert (found.get("algorithm"), found.get("task")) == (algorithm, task)


def test_the_docstring_decides_on_both_and_a_script_has_none():
    about = ABOUT | {"algorithm": "Q(λ)", "task": "taxis"}
    assert description.tags(HEADER | {"about": about}).items() >= {"algorithm": "Q(λ)", "task": "taxis"}.items()
    script = HEADER | {"module": "", "config": {}, "experiment": "my_agent"}
    assert description.tags(script) == {"kind": "single", "smoke": "false"}
    long = description.tags(script | {"config": {"environment": "x" * 9_999}})
    assert len(long["task"]) == 250


def test_the_parent_of_families_has_the_family_of_none():
    config = {"family": "gan", "families": ["gan", "lsgan"]}
    parent = HEADER | {"experiment": "gan_objectives_ring", "config": config, "kind": "parent"}
    assert description.tags(parent)["algorithm"] == "gan_objectives"
    assert description.tags(parent | {"kind": "variant", "parent": "p"})["algorithm"] == "gan"


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ({"kind": "variant", "parent": "p"}, "variant"),
        ({"parent": "p"}, "seed"),
        ({"seeds": 3}, "parent"),
        ({"seeds": 1}, "single"),
    ],
)
def test_headers_of_older_versions_have_a_kind_too(header, kind):
    assert description.kind(header) == kind


def test_the_description_of_a_run():
    assert description.of_run(HEADER) == (
        "A toy.\n\n- Expected with the default settings: `r >= 1 (of 2)`\n- Time with the default settings: seconds\n"
        "- Command: `python -m experiments.q_learning_taxi --steps 5 --seed 3`"
    )
    seed = description.of_run(HEADER | {"kind": "seed", "parent": "the-parent"})
    assert "- A seed of the run `the-parent`.\n" in seed and "--seed 3`" in seed
    assert description.of_run(HEADER | {"seed": 0, "seeds": 5, "kind": "parent"}).endswith("--steps 5 --seeds 5`")
    variant = description.of_run(HEADER | {"kind": "variant", "parent": "the-parent"})
    assert variant.endswith("- Command of all variants: `python -m experiments.q_learning_taxi --steps 5`")
    smoke = description.of_run(HEADER | {"options": {"smoke": True}})
    assert "A smoke run" in smoke and "r >= 1" not in smoke and "seconds\n" not in smoke
    assert len(description.of_run(HEADER | {"command": ["x" * 9_999]})) == 4_000


def test_a_run_of_an_older_version_has_no_description():
    old = {key: value for key, value in HEADER.items() if key not in ("about", "command", "kind")}
    assert description.of_run(old) == description.of_experiment(old) == ""


def test_the_description_of_an_experiment_has_the_command_of_the_default():
    assert description.of_experiment(HEADER) == (
        "A toy.\n\n- Expected: `r >= 1 (of 2)`\n- Time: seconds\n- Command: `python -m experiments.q_learning_taxi`"
    )
    script = HEADER | {"command": ["python", "/a b/toy.py", "--rate", "1"]}
    assert description.of_experiment(script).endswith("- Command: `python '/a b/toy.py'`")


@dataclasses.dataclass(frozen=True)
class Config:
    """A toy's."""

    rate: float = 0.1
    """A number."""
    hidden: tuple[int, ...] = (32, 32)
    """Units."""
    names: tuple[str, ...] = ("a",)
    """Names."""
    fast: bool = True
    """Yes or no."""
    limit: int | None = 3
    """A bound."""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rate": 1e-7, "hidden": (8,)},
        {"fast": False, "limit": None},
        {"names": ("b c", "d"), "hidden": ()},
    ],
)
def test_the_command_makes_the_same_settings_again(changes):
    wanted = Config(**changes)
    flags = command_line.words(wanted, Config())
    assert command_line.parse("x", "A toy.", flags, Config())[0] == wanted
    assert bool(flags) == bool(changes)


def toy(config, track):
    track.log({"loss": config.rate + track.seed}, 1)
    return {"r": 1.0}


def headers(argv, **changes):
    name = experiment.Experiment("toy", experiment.About("A toy.", "r >= 1", ""), "mypkg.toy", Config, toy, {}, None, None)
    return experiment.plan(name._replace(**changes), [*argv, "--tracking-uri", "none"])[1]


def test_a_header_says_kind_command_and_what_the_docstring_says():
    header = headers(["--rate", "0.5", "--seed", "7", "--seeds", "2"])
    assert header["command"] == ["python", "-m", "mypkg.toy", "--rate", "0.5"]
    assert (header["kind"], header["about"]["expected"]) == ("parent", "r >= 1")
    assert headers([])["kind"] == "single"
    assert headers([], variants=lambda config: [{"rate": 1.0}])["kind"] == "parent"
    smoke = headers(["--smoke"], smoke={"rate": 9.0})
    assert smoke["command"] == ["python", "-m", "mypkg.toy", "--smoke"]


def test_what_is_shown_is_not_in_the_digest():
    header = headers([])
    shown = {"kind": "x", "about": {}, "command": ["y"]}
    assert lifecycle.identified(header | shown)["digest"] == header["digest"]
    assert lifecycle.identified({key: value for key, value in header.items() if key not in shown})["digest"] == header["digest"]


@pytest.mark.parametrize(("variants", "kind"), [([{}], "seed"), ([{"rate": 1.0}, {"rate": 2.0}], "variant")])
def test_children_are_seeds_or_variants(variants, kind):
    parent = RunFolder.create(headers(["--seeds", "2"]))
    assert children.run_children(parent, Config(), toy, "", variants)[0] == 0
    runs = [run for run in map(RunFolder, Path(parent.path.parent).iterdir()) if run.header().get("parent")]
    assert {run.header()["kind"] for run in runs} == {kind}
    assert len(runs) == 2 * len(variants)


@pytest.mark.slow
def test_mlflow_has_the_tags_and_the_descriptions(tmp_path):
    uri = local(tmp_path)
    client = mlflow_server.client(uri)
    folder = make(uri, **HEADER)
    run = client.get_run(Delivery(folder).identify())
    assert run.data.tags.items() >= description.tags(HEADER).items() and len(description.tags(HEADER)) == 4
    assert run.data.tags["mlflow.note.content"] == description.of_run(HEADER)
    found = client.get_experiment(run.info.experiment_id)
    assert found.tags["mlflow.note.content"] == description.of_experiment(HEADER)
    assert found.tags["mlflow.experimentKind"] == "custom_model_development"
    assert folder.delivery()["experiment_id"] == run.info.experiment_id
    # A tag that the run sets itself counts.
    journal = Journal(folder)
    journal.append({"tags": {"algorithm": "mine"}})
    journal.close()
    Delivery(folder).advance()
    assert client.get_run(run.info.run_id).data.tags["algorithm"] == "mine"


@pytest.mark.slow
def test_an_experiment_of_an_older_version_gets_a_description_but_keeps_a_persons(tmp_path):
    uri = local(tmp_path)
    client = mlflow_server.client(uri)
    old, mine = client.create_experiment("old"), client.create_experiment("mine", tags={"mlflow.note.content": "My words."})
    for name, experiment_id, note in (("old", old, description.of_experiment(HEADER)), ("mine", mine, "My words.")):
        Delivery(make(uri, **HEADER | {"experiment": name})).identify()
        tags = client.get_experiment(experiment_id).tags
        assert (tags["mlflow.note.content"], tags["mlflow.experimentKind"]) == (note, "custom_model_development")
