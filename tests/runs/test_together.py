"""Seeds as one program: `--together`, its children, its endings, and what resumes."""

import builtins
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.attack_kills import differences, state
from lab.runs import experiment, header, lifecycle, together
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder
from tests.backends import only
from tests.processes import ON_JAX, ROOT, folders, run
from tests.runs import shared_walk

WALK = "tests.runs.shared_walk"
FLAGS = ["--together", "--tracking-uri", "none"]


@pytest.fixture
def walk(monkeypatch):
    """Runs the walk in this process, as a notebook would. Returns its results."""
    monkeypatch.setattr(builtins, "__IPYTHON__", True, raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "jax")

    def start(*flags):
        return experiment.main(shared_walk.Config, shared_walk.run, smoke={"steps": 5}, flags=flags)

    return start


def family(home):
    """(the parent, its children by seed)."""
    found = folders(home)
    (parent,) = [each for each in found if "parent" not in each.header()]
    children = [each for each in found if each.header().get("parent") == parent.name]
    return parent, sorted(children, key=lambda child: child.header()["seed"])


def unfinished(folder, without):
    """Takes the end out of a journal, and the newest checkpoint."""
    events, _ = folder.events()
    folder.journal.write_bytes(b"")
    journal = Journal(folder)
    for event in events:
        if "results" not in event and event.get("status") != "FINISHED" and event.get("step", 0) <= without:
            journal.append({key: value for key, value in event.items() if key != "time"})
    journal.close()
    for path in folder.checkpoints.glob("step-*"):
        if int(path.stem.removeprefix("step-")) > without:
            path.unlink()


@only("jax")
def test_each_seed_is_a_child_and_the_parent_has_the_means(walk, own_home, capsys):
    results = walk("--seeds", "3", *FLAGS)
    parent, children = family(own_home)
    each = [child.results()["loss"] for child in children]
    assert results["loss"] == pytest.approx(sum(each) / 3)
    assert len(set(each)) == 3
    assert {child.status() for child in children} == {parent.status()} == {"FINISHED"}
    assert all(len(child.metrics()["loss"]) == 40 for child in children)
    size = {"seeds": 3, "parts": min(3, len(os.sched_getaffinity(0)))}
    assert [child.header()["together"] for child in children] == [size] * 3
    assert len({child.header()["digest"] for child in children}) == 3
    output = capsys.readouterr().out
    assert output.count("40/40") == 1  # one display
    assert [output.count(f"run {child.name}") for child in children] == [1] * 3


@only("jax")
def test_seeds_that_were_saved_at_different_steps_end_the_same(walk, own_home):
    walk("--seeds", "3", *FLAGS)
    parent, children = family(own_home)
    alone = [state(child) for child in children]
    unfinished(parent, 0)
    unfinished(children[1], 35)  # seed 0 has finished, and 1 has saved one time less than 2
    unfinished(children[2], 40)
    assert [child.status() for child in children] == ["FINISHED", "KILLED", "KILLED"]
    walk("--resume", parent.name)
    assert [differences(before, state(child)) for before, child in zip(alone, children, strict=True)] == [[]] * 3
    assert {child.status() for child in children} == {"FINISHED"}


def test_the_newest_common_checkpoint_is_kept(own_home, monkeypatch):
    runs = []
    for saved in ([5, 10, 15], [5, 10], [10, 15]):
        made = RunFolder(own_home / f"run{len(runs)}")
        made.checkpoints.mkdir(parents=True)
        for step in saved:
            (made.checkpoints / f"step-{step:012d}.safetensors").touch()
        runs.append(made)
    monkeypatch.setattr("lab.runs.checkpoint.is_whole", lambda path: True)
    assert together.keep_common_checkpoints(runs) == 10
    assert [len(list(made.checkpoints.iterdir())) for made in runs] == [2, 2, 1]
    monkeypatch.setattr("lab.runs.checkpoint.is_whole", lambda path: path.parent.parent.name != "run1")
    assert together.keep_common_checkpoints(runs) == 0
    assert [len(list(made.checkpoints.iterdir())) for made in runs] == [0, 0, 0]


@only("jax")
def test_a_seed_that_fails_ends_the_run(walk, own_home, capsys):
    with pytest.raises(RuntimeError, match="did not finish"):
        walk("--seeds", "3", "--fails", "12", *FLAGS)
    parent, children = family(own_home)
    assert [child.status() for child in children] == ["KILLED", "FAILED", "KILLED"]
    assert parent.status() == "FAILED"
    output = capsys.readouterr()
    assert "the walker fell" in output.err
    assert output.out.count("to go on: python -m lab resume") == 1
    assert f"to go on: python -m lab resume {parent.name}" in output.out
    with pytest.raises(ValueError, match=r"^--resume: expected .*-3seeds-.*, whose seeds run together, received "):
        walk("--resume", children[0].name)


def begun(home, arguments, saved):
    """A process of the walk, after `saved` checkpoints of each seed."""
    environment = os.environ | {"KERAS_BACKEND": "jax", "LAB_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-m", WALK, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        children = [child for child in folders(home) if "parent" in child.header()]
        if len(children) == 3 and all(len(list(child.checkpoints.glob("step-*"))) >= saved for child in children):
            return process
        time.sleep(0.01)
    raise AssertionError(process.communicate()[0])


@only("jax")
@pytest.mark.parametrize("how", ["kill", *(pytest.param(how, marks=pytest.mark.long) for how in ("once", "twice"))])
def test_killed_or_interrupted_and_resumed(walk, tmp_path, monkeypatch, how):
    # The second Ctrl-C has to come well before the checkpoint at which the first one ends the run.
    flags = ["--seeds", "3", "--seed", "4", *FLAGS, "--pause", "0.08" if how == "twice" else "0.02"]
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "alone"))
    walk(*flags)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "disturbed"))
    process = begun(tmp_path / "disturbed", flags, 2)
    process.send_signal(signal.SIGKILL if how == "kill" else signal.SIGINT)
    if how == "twice":
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0].decode()
    parent, children = family(tmp_path / "disturbed")
    if how != "kill":
        assert process.returncode == 130, output
        assert f"to go on: python -m lab resume {parent.name}" in output
    if how == "once":
        assert "stopping at the next checkpoint" in output
        newest = [max(path.name for path in child.checkpoints.glob("step-*")) for child in children]
        logged = [max(step for step, _ in child.metrics()["loss"]) for child in children]
        assert len(set(newest)) == len(set(logged)) == 1
        assert logged[0] == int(newest[0][5:17]) < 40
    assert {child.status() for child in children} == {"KILLED"}
    walk("--resume", parent.name)
    undisturbed = family(tmp_path / "alone")[1]
    for one, other in zip(undisturbed, children, strict=True):
        assert differences(state(one), state(other)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "backend", "line"),
    [
        (["--together", "--seeds", "2"], "tensorflow", "--together: expected KERAS_BACKEND=jax, the only backend that "),
        (["--together"], "jax", "--together: expected --seeds 2 or more, which run as one program, received "),
        (["--together", "--seeds", "2", "--steps", "x"], "jax", "--steps: expected "),
    ],
)
def test_bad_input_in_one_line(own_home, arguments, backend, line):
    done = run(WALK, *arguments, KERAS_BACKEND=backend)
    assert done.returncode == 2
    assert done.stderr.startswith(line) and done.stderr.count("\n") == 1, done.stderr
    assert not folders(own_home)


def test_an_experiment_without_shared_programs_says_so(own_home):
    done = run("experiments.td_random_walk", "--seeds", "2", "--together", **ON_JAX)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("--together: expected a deep agent or a GAN on a mixture")
    assert not folders(own_home)


def test_headers_of_older_runs_and_digests_of_ordinary_ones():
    options = header.Options()
    new = header.new_header("walk", WALK, dataclasses.asdict(shared_walk.Config()), 40, options)
    old = json.loads(json.dumps(new))
    del old["options"]["together"]
    assert "together" not in new
    assert lifecycle.identified(old)["digest"] == new["digest"]
    folder = RunFolder.create(old | {"kind": "single"})
    config, read = header.settings_of(shared_walk.Config, folder)
    assert (config, read) == (shared_walk.Config(), options)
    both = [header.new_header("walk", WALK, {}, 40, header.Options(seeds=n, together=True))["digest"] for n in (2, 3)]
    assert len({*both, new["digest"]}) == 3
