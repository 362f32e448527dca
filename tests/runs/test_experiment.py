"""The contract of experiments, in real processes: what a person types and reads."""

import builtins
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import Annotated

import pytest

from lab import validation
from lab.runs import experiment, lifecycle, planning
from lab.runs.experiment import About
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder
from lab.runs.track import Track
from tests.processes import ON_JAX, ROOT, TINY, dqn, folders, run

EXPERIMENTS = sorted(path for path in (ROOT / "experiments").glob("*.py") if not path.stem.startswith("_"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_says_what_to_expect(path):
    about = About.of_file(path)
    assert about.summary.endswith(".")
    assert " >= " in about.expected or " <= " in about.expected
    assert about.time


@pytest.mark.slow
def test_menu_and_helps_import_no_backend():
    modules = ["experiments", *(f"experiments.{path.stem}" for path in EXPERIMENTS)]
    code = f"""
import runpy, sys
for module in {modules}:
    sys.argv = ["x", "--help"]
    print("help of", module, flush=True)
    try:
        runpy.run_module(module, run_name="__main__")
    except SystemExit as stop:
        assert stop.code == 0, module
    assert not {{"tensorflow", "jax", "keras", "mlflow"}} & set(sys.modules), module
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    menu, *helps = done.stdout.split("help of ")[1:]
    assert "dqn_cartpole" in menu and len(helps) == len(EXPERIMENTS)
    assert all("--tracking-uri" in text for text in helps)


@pytest.mark.long
def test_a_run_its_artifacts_and_watching_it(own_home):
    done = dqn(*TINY, **ON_JAX)
    assert done.returncode == 0, done.stderr
    (folder,) = folders(own_home)
    assert folder.status() == "FINISHED"
    assert "resume" not in folder.header()["options"]
    names = {path.name for path in folder.artifacts.iterdir()}
    assert names == {"config.json", "metrics.csv", "curve.png", "episode.gif", "model.keras", "last_model.keras"}
    logged = {event["artifact"] for event in folder.events()[0] if "artifact" in event}
    assert logged == names - {"model.keras"}
    assert json.loads((folder.artifacts / "config.json").read_text())["config"]["steps"] == 3000
    rows = (folder.artifacts / "metrics.csv").read_text().splitlines()
    assert len(rows) == 1 + sum(len(points) for points in folder.metrics().values())
    assert {"episode_return", "loss", "epsilon", "q_value", "td_error", "gradient_norm"} <= set(folder.metrics())
    last = done.stdout.strip().splitlines()
    assert any(line.startswith("greedy_return ") for line in last)
    assert "expected" not in done.stdout  # what a smoke test ends with is not what the experiment is to reach
    assert folder.name in last[-1]

    watched = run("lab", "watch", folder.name, "--output", str(own_home / "w.gif"), **ON_JAX)
    assert watched.returncode == 0, watched.stderr
    assert (own_home / "w.gif").read_bytes()[:4] == b"GIF8"

    # From the server too, by the MLflow run id, once it is there.
    assert run("lab", "sync", "--tracking-uri", f"sqlite:///{own_home}/m.db").returncode == 0
    uri = ("--tracking-uri", f"sqlite:///{own_home}/m.db")
    fetched = run("lab", "watch", folder.delivery()["run_id"], *uri, "--output", str(own_home / "f.gif"), **ON_JAX)
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stdout.split(",")[0] == watched.stdout.split(",")[0]  # the same return

    again = dqn("--resume", folder.name, **ON_JAX)
    assert (again.returncode, "which is FINISHED" in again.stderr) == (2, True)


@pytest.mark.long
def test_seeds_are_children_that_differ_and_repeat(own_home):
    done = dqn(*TINY, "--seeds", "2", "--seed", "4", **ON_JAX)
    assert done.returncode == 0, done.stderr
    assert "over 2 seeds" in done.stdout.splitlines()[-1]
    children = [folder for folder in folders(own_home) if folder.header().get("parent")]
    (parent,) = (folder for folder in folders(own_home) if not folder.header().get("parent"))
    assert {child.header()["seed"] for child in children} == {4, 5}
    assert all(child.header()["parent"] == parent.name for child in children)
    metrics = {child.header()["seed"]: child.metrics()["loss"] for child in children}
    assert metrics[4] != metrics[5]
    assert {"greedy_return", "greedy_return_interval"} <= set(parent.metrics())
    # The second agent of that process equals the first of another.
    dqn(*TINY, "--seed", "5", **ON_JAX)
    (alone,) = (f for f in folders(own_home) if f.header()["seed"] == 5 and not f.header().get("parent"))
    assert alone.metrics()["loss"] == metrics[5]


@pytest.mark.long
def test_variants_are_children_too_and_their_parent_has_the_table(own_home):
    command = ["experiments.gan_objectives_ring", *TINY, "--families", "gan", "lsgan", "--seeds", "2"]
    done = run(*command, **ON_JAX)
    assert done.returncode == 0, done.stderr
    children = [folder for folder in folders(own_home) if folder.header().get("parent")]
    (parent,) = (folder for folder in folders(own_home) if not folder.header().get("parent"))
    kinds = sorted((child.header()["config"]["family"], child.header()["seed"]) for child in children)
    assert kinds == [("gan", 0), ("gan", 1), ("lsgan", 0), ("lsgan", 1)]
    assert {"modes_gan", "modes_gan_interval", "high_quality_lsgan"} <= set(parent.metrics())
    mean = sum(child.results()["reverse_kl"] for child in children if child.header()["config"]["family"] == "gan") / 2
    assert parent.metrics()["reverse_kl_gan"][-1][1] == pytest.approx(mean)
    assert "lsgan reverse_kl: mean" in done.stdout.splitlines()[-1]
    table = (parent.artifacts / "families.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in table[2:]] == ["| gan", "| lsgan"]
    assert (parent.artifacts / "families.png").stat().st_size > 5_000

    # A missing child is run again. The others are not.
    gone = next(child for child in children if child.header()["config"]["family"] == "lsgan")
    gone.path.rename(own_home / "gone")
    lines = parent.journal.read_text().splitlines()
    parent.journal.write_text("\n".join(line for line in lines if "FINISHED" not in line) + "\n")
    done = run("lab", "resume", parent.name, **ON_JAX)
    assert done.returncode == 0, done.stderr
    assert len(folders(own_home)) == 5
    assert {child.name for child in children if child is not gone} <= {folder.name for folder in folders(own_home)}


def test_a_variant_that_cannot_be_is_said_before_any_is_run(own_home):
    done = run("experiments.gan_objectives_ring", *TINY, "--families", "gan", "pacgan4", "--samples", "300")
    assert done.returncode == 2
    assert "--samples: expected at least 400, pacgan4's fewest, received 300" in done.stderr and done.stderr.count("\n") == 1
    assert not folders(own_home)


@pytest.mark.parametrize("when", ["_prepare", "_start"])
def test_an_interrupt_outside_a_run_is_one_line(when, monkeypatch, capsys):
    def interrupt(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    folder = type("Folder", (), {"name": "a-run", "status": lambda self: "STARTED"})()
    monkeypatch.setattr(experiment, "_prepare", lambda *arguments: (None, folder))
    monkeypatch.setattr(experiment, when, interrupt)
    before = signal.getsignal(signal.SIGTERM)
    try:
        experiment.main(Config, interrupt, smoke={})
    except BaseException as ended:
        end = ended
    finally:
        signal.signal(signal.SIGTERM, before)
    assert isinstance(end, SystemExit) and end.code == 130
    said = capsys.readouterr()
    assert said.err == "interrupted\n"
    assert said.out == ("to go on: python -m lab resume a-run\n" if when == "_start" else "")


def start(*arguments):
    command = [sys.executable, "-m", "experiments.dqn_cartpole", "--hidden", "32", "32", *arguments, "--tracking-uri", "none"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_checkpoints(home, process):
    end = time.monotonic() + 120
    while not any(len(list(folder.checkpoints.glob("step-*"))) >= 2 for folder in folders(home)):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.long
def test_ctrl_c_saves_says_how_to_go_on_and_another_configuration_is_refused(own_home):
    process = start("--steps", "200000", "--checkpoint-every", "2000")
    wait_for_checkpoints(own_home, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    (folder,) = folders(own_home)
    assert process.returncode == 130, errors
    assert folder.status() == "KILLED"
    assert f"python -m lab resume {folder.name}" in output
    assert "stopping at the next checkpoint" in output
    saved = sorted(folder.checkpoints.iterdir())
    assert int(saved[-1].stem.removeprefix("step-")) == folder.metrics()["loss"][-1][0]

    other = dqn("--resume", folder.name, "--discount", "0.5")
    assert (other.returncode, len(other.stderr.splitlines())) == (2, 1)
    assert "--resume: expected discount=0.99, with which the run was started, received 0.5" in other.stderr
    other = dqn("--resume", folder.name, KERAS_BACKEND="jax")
    assert "KERAS_BACKEND: expected 'tensorflow', on which the run was started, received 'jax'" in other.stderr

    # A damaged checkpoint is skipped, and the run says so.
    saved[-1].write_bytes(saved[-1].read_bytes()[:-1])
    resumed = subprocess.Popen(
        [sys.executable, "-m", "lab", "resume", folder.name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    lines = []
    for line in resumed.stdout:
        lines.append(line)
        if line.startswith("dqn_cartpole "):
            break
    os.killpg(resumed.pid, signal.SIGKILL)
    assert f"falling back to {saved[-2].name}" in "".join(lines)
    assert "resuming at step" in "".join(lines)


@dataclasses.dataclass(frozen=True)
class Config:
    """A toy's."""

    hidden: Annotated[tuple[int, ...], validation.Interval(1, 99)] = (32, 32)
    """Units."""

    def __post_init__(self):
        validation.check_fields(self)


def toy(config, track):
    return {"r": float(track.seed)}


EXPERIMENT = experiment.Experiment("toy", About("A toy.", "r >= 1", ""), "mypkg.toy", Config, toy, {}, None, None)


def started(settings=None, **options):
    """A run of the toy, as `main` starts it."""
    header = planning.header_of(EXPERIMENT, Config((8, 8)), experiment.Options(tracking_uri="none"))
    header = header | {"config": settings or header["config"], "options": header["options"] | options}
    return RunFolder.create(lifecycle.identified(header))


def parse(folder, *flags):
    return planning.parse(EXPERIMENT, ["--resume", folder.name, *flags], folder)[0]


def test_what_a_run_was_started_with_is_the_same_again_when_it_goes_on(own_home):
    folder = started(resume=None)  # an older run, for these noted --resume too
    assert parse(folder) == parse(folder, "--hidden", "8", "8") == Config((8, 8))
    with pytest.raises(ValueError, match=r"expected hidden=\[8, 8\], with which the run was started, received \[8, 9\]"):
        parse(folder, "--hidden", "8", "9")


@pytest.mark.parametrize(
    ("settings", "options", "words"),
    [
        ({"hidden": [8], "hiden": 1, "rate": 2}, {}, "unknown hiden, rate"),
        ({}, {"fast": True}, "unknown fast"),
        ({"other": 1}, {}, "unknown other, without hidden"),
    ],
)
def test_a_run_of_other_code_does_not_go_on(own_home, settings, options, words):
    folder = started(settings or {"hidden": [8]}, **options)
    line = (
        f"--resume: expected a run of this version's settings, received {folder.name}: {words}; only the code that started it, "
    )
    with pytest.raises(ValueError, match=re.escape(line)):
        parse(folder)


def test_an_edited_run_does_not_go_on(own_home):
    folder = started()
    path = folder.path / "run.json"
    content = json.loads(path.read_text())
    content["config"]["hidden"] = [8, 9]
    content.pop("checksum", None)  # whoever edits a file on purpose leaves that out
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError) as caught:
        parse(folder)
    assert str(caught.value) == f"{path}: expected the settings that the run was started with, received edited ones"


@pytest.mark.parametrize(("flags", "compared"), [((), True), (("--hidden", "8"), False), (("--smoke",), False)])
def test_only_the_experiments_own_settings_are_compared_with_what_it_expects(own_home, monkeypatch, flags, compared):
    said = []
    monkeypatch.setattr(lifecycle, "run_one", lambda folder, config, run, expected: said.append(expected) or (0, {}))
    small = EXPERIMENT._replace(smoke={"hidden": (1,)})
    asked, folder = experiment._prepare(small, ["--tracking-uri", "none", *flags])
    assert experiment._start(small, asked, folder) == (0, {})
    assert said == ["r >= 1" if compared else ""]


def test_a_notebook_gets_the_results_and_no_exit(own_home, monkeypatch, capsys):
    monkeypatch.setattr(builtins, "__IPYTHON__", True, raising=False)
    source = "def run(config, track):\n    return {'r': float(config.hidden[0])}"
    names = {"__doc__": None}
    exec(compile(source, "/tmp/ipykernel_7/123.py", "exec"), names)
    results = experiment.main(Config, names["run"], smoke={}, flags=["--hidden", "5", "--tracking-uri", "none"])
    assert results == {"r": 5.0}
    (folder,) = folders(own_home)
    assert (folder.header()["experiment"], folder.header()["module"]) == ("notebook", "")
    with pytest.raises(ValueError, match="--hidden: expected a number"):
        experiment.main(Config, names["run"], smoke={}, flags=["--hidden", "0"])
    exec("def run(config, track):\n    raise OSError('full')", names)
    with pytest.raises(RuntimeError, match="did not finish"):
        experiment.main(Config, names["run"], smoke={}, flags=["--tracking-uri", "none"])
    assert "to go on" not in capsys.readouterr().out


def test_a_script_tracks_its_own_run(own_home, capsys):
    with experiment.tracked("mine", {"rate": 0.1}, seed=3, tracking_uri="none") as track:
        assert track.seed == 3
        track.log({"loss": 0.5}, 1)
        track.finish({"loss": 0.25})
    (folder,) = folders(own_home)
    assert (folder.status(), folder.results(), folder.header()["config"]) == ("FINISHED", {"loss": 0.25}, {"rate": 0.1})
    with pytest.raises(ArithmeticError), experiment.tracked("mine", {}, tracking_uri="none"):
        raise ArithmeticError
    assert sorted(run.status() for run in folders(own_home)) == ["FAILED", "FINISHED"]
    with pytest.raises(ValueError, match="name: expected up to 100 letters"), experiment.tracked("../x", {}):
        pass
    assert len(folders(own_home)) == 2


@pytest.mark.parametrize(
    ("asked", "least", "interval"), [(0, 0, 10_000), (0, 40_000, 40_000), (0, 200, 10_000), (500, 40_000, 500)]
)
def test_the_command_line_decides_on_checkpoints_and_long_episodes_where_it_says_nothing(own_home, asked, least, interval):
    header = {"experiment": "toy", "seed": 0, "seeds": 1, "backend": "x", "config": {}, "versions": {}, "digest": "d"}
    folder = RunFolder.create(header | {"options": {"checkpoint_every": asked}, "total_steps": 3})
    assert Track(folder, Journal(folder), None).checkpoint_interval(least) == interval
