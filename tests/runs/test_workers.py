"""Seeds in processes side by side: they end as one after another, whatever happens."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.runs import children, planning, side_by_side, worker, workers
from lab.runs.header import Options
from lab.runs.jobs import Job
from lab.runs.journal import Journal
from lab.runs.paths import home
from lab.runs.planning import Experiment
from lab.runs.run_folder import RunFolder
from tests.processes import ON_JAX, ROOT, folders
from tests.runs import bowl
from tests.runs.test_lifecycle import HEADER

TOY = ["-m", "tests.runs.bowl", "--steps", "20", "--tracking-uri", "none"]
SLOWLY = ["--wait", "0.1"]
SEEDS = range(3)


def start(*words):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # Tests that are started in the background would ignore a Ctrl-C, and so would what they start.
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | ON_JAX,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        **pipes,
    )


def go(*words):
    """(exit code, stdout, stderr) of Python with these words."""
    process = start(*words)
    out, errors = process.communicate(timeout=200)
    return process.returncode, out, errors


def wait_for(condition, process=None, patience=120):
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def family():
    """(parent, its children in the order of their seeds)."""
    runs = folders(home())
    (parent,) = (run for run in runs if not run.header().get("parent"))
    return parent, sorted((run for run in runs if run.header().get("parent")), key=lambda run: run.header()["seed"])


def logged(run):
    """What a journal says that must not depend on interruptions, in its order."""
    events, _ = run.events()
    kept = [{key: value for key, value in event.items() if key != "time"} for event in events]
    return [event for event in kept if not event.keys() & {"status", "tags"}]


def expected(seed, steps=20):
    """What a seed logs and finds, by hand: rate 1 and size 64 are one off, twice."""
    loss = 1.0 + 1.0 + 0.01 * seed
    return {
        "loss": [(step, pytest.approx(loss + 5 / step)) for step in range(1, steps + 1)],
        "count": [(step, float(step)) for step in range(1, steps + 1)],
    }


def require_results(cores=1):
    """All is there as if nothing had happened."""
    parent, seeds = family()
    assert [run.header()["seed"] for run in seeds] == list(SEEDS)
    for seed, run in enumerate(seeds):
        assert run.status() == "FINISHED"
        assert run.metrics() == expected(seed)
        assert run.results() == {"loss": pytest.approx(2.25 + 0.01 * seed)}
        assert {event["tags"]["cores"] for event, _ in run.read(key="tags") if "cores" in event["tags"]} == {str(cores)}
        assert run.header()["threads"] == cores
    assert parent.status() == "FINISHED"
    assert parent.results()["loss"] == pytest.approx(2.26)
    assert parent.metrics()["loss_interval"][0][1] == pytest.approx(0.0248, abs=1e-4)  # 4.303 * 0.01 / sqrt(3)
    return parent, seeds


def processes(parent):
    """The processes that a process has started, {id: its command line}."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    lines = {}
    for each in found:
        with contextlib.suppress(OSError):
            lines[int(each)] = Path(f"/proc/{each}/cmdline").read_text()
    return {number: line for number, line in lines.items() if "lab.runs.worker" in line}


def is_alive(number):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def steps_of(place):
    """The last step that a child has logged."""
    runs = folders(home())
    found = [run for run in runs if run.header().get("parent") and run.header()["seed"] == place]
    return max((step for step, _ in found[0].metrics().get("loss", ())), default=0) if found else 0


@pytest.mark.long
def test_a_process_that_is_killed_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "in_turn"))
    one_core = {min(os.sched_getaffinity(0))}
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, one_core)
    try:
        in_turn = start(*TOY, "--seeds", "3")
    finally:
        os.sched_setaffinity(0, before)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "jobs"))
    process = start(*TOY, *SLOWLY, "--seeds", "3", "--jobs", "2", "--cores-per-job", "1")
    wait_for(lambda: steps_of(0) >= 7, process)
    first, second = processes(process.pid)
    os.kill(min(first, second), signal.SIGKILL)  # the first that was started has seed 0
    out, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert "seed 0: its process died by signal 9; started again from its checkpoint\n" in out
    assert "loss: mean 2.26 ± 0.025 (95 %) over 3 seeds: 2.25, 2.26, 2.27\n" in out
    _, seeds = require_results()
    assert "resuming at step 5" in seeds[0].output.read_text()
    assert "bowl 20/20  loss 2.27" in seeds[2].output.read_text()
    assert not any(map(is_alive, (first, second)))
    side_by_side = [logged(run) for run in [family()[0], *seeds]]

    monkeypatch.setenv("LAB_HOME", str(tmp_path / "in_turn"))
    assert in_turn.wait(timeout=200) == 0, in_turn.communicate()
    parent, seeds = family()
    assert [logged(run) for run in seeds] == side_by_side[1:]
    names = {run.name for run in seeds}
    assert {event["child"] for event in logged(parent) if "child" in event} == names
    assert [event for event in logged(parent) if "child" not in event] == [
        event for event in side_by_side[0] if "child" not in event
    ]


@pytest.mark.long
def test_ctrl_c_and_kill_9_and_it_goes_on():
    process = start(*TOY, "--wait", "0.4", "--seeds", "3", "--jobs", "2", "--cores-per-job", "1")
    wait_for(lambda: min(steps_of(0), steps_of(1)) >= 1, process)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=200)
    assert process.returncode == 130, errors
    assert "stopping each job at its next checkpoint" in out
    parent, seeds = family()
    assert f"to go on: python -m lab resume {parent.name}" in out
    assert [run.status() for run in (parent, *seeds)] == ["KILLED"] * 3  # the third has not begun
    for run in seeds:
        assert (
            max(path.stem for path in run.checkpoints.iterdir())
            == f"step-{max(step for step, _ in run.metrics()['loss']):012d}"
        )

    before = [steps_of(0), steps_of(1)]
    process = start("-m", "lab", "resume", parent.name)
    wait_for(lambda: steps_of(0) > before[0] and steps_of(1) > before[1], process)
    found = processes(process.pid)
    assert len(found) == 2
    process.kill()
    process.communicate()
    wait_for(lambda: not any(map(is_alive, found)), patience=10)
    wait_for(lambda: [run.status() for run in family()[1]] == ["KILLED"] * 2, patience=10)

    code, out, errors = go("-m", "lab", "resume", parent.name)
    assert code == 0, errors
    require_results()


@pytest.mark.long
def test_a_seed_that_fails_lets_the_running_ones_end():
    code, out, errors = go(*TOY, *SLOWLY, "--seeds", "3", "--jobs", "2", "--fails", "0")
    assert code == 1
    parent, seeds = family()
    assert [run.status() for run in (parent, *seeds)] == ["FAILED", "FAILED", "FINISHED"]  # the third has not begun
    line = f"run {seeds[0].name}; what it printed: {seeds[0].output}"
    assert f"seed 0: failed: ArithmeticError: the bowl is broken   {line}\n" in out
    assert "Traceback" in seeds[0].output.read_text()
    assert f"failed: ChildError: {seeds[0].name} did not finish\n" in errors
    assert "Traceback" not in errors
    assert seeds[1].metrics() == expected(1)


@pytest.mark.long
def test_jobs_that_are_printed_are_run_by_somebody_else():
    code, out, errors = go(*TOY, "--seeds", "3", "--print-jobs")
    assert code == 0, errors
    commands = out.splitlines()
    parent, seeds = family()
    assert [line.split()[-1] for line in commands] == [run.name for run in seeds]
    words = f"cd {ROOT} && LAB_HOME={home()} KERAS_BACKEND=jax {sys.executable} -m lab resume "
    assert all(line.startswith(words) for line in commands)
    last = errors.splitlines()[-1].removeprefix("when all have ended, their means: ")
    assert [run.status() for run in seeds] == ["KILLED"] * 3
    environment = {name: value for name, value in os.environ.items() if name not in ("LAB_HOME", "KERAS_BACKEND")}
    for batch in (commands[:2], commands[2:]):
        running = [subprocess.Popen(line, shell=True, cwd="/", env=environment, stdout=subprocess.DEVNULL) for line in batch]
        assert [each.wait(timeout=200) for each in running] == [0] * len(batch)
    code, out, _ = go("-m", "tests.runs.bowl", "--resume", parent.name, "--print-jobs")
    assert (code, out) == (0, "")  # nothing is left
    done = subprocess.run(last, shell=True, cwd="/", env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "loss: mean 2.26 ± 0.025 (95 %) over 3 seeds: 2.25, 2.26, 2.27\n" in done.stdout
    assert parent.results()["loss"] == pytest.approx(2.26)
    assert [run.metrics() for run in seeds] == [expected(seed) for seed in SEEDS]


EXPERIMENT = Experiment.of(bowl.Config, bowl.run, {"steps": 3}, None, None)


@pytest.mark.parametrize("flag", [["--jobs", "2"], ["--print-jobs"], ["--cores-per-job", "1"], ["--engine", "ray"]])
def test_one_seed_needs_no_processes(flag):
    expected = f"^{flag[0]}: expected --seeds above 1 or variants with it, received "
    with pytest.raises(ValueError, match=expected):
        planning.plan(EXPERIMENT, flag)


def test_the_flags_are_settings_of_the_parent_alone(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3, 4, 5})
    plan = planning.plan(EXPERIMENT, ["--seeds", "2", "--jobs", "3", "--cores-per-job", "2", "--tracking-uri", "none"])
    assert side_by_side.asked(plan.options)
    assert side_by_side.threads(plan.options) == {"threads": 2}
    parent = RunFolder.create(json.loads(json.dumps(plan.header)))
    family = children.Family(parent, Journal(parent), side_by_side.threads(plan.options))
    child = family.child(children.wanted(parent, plan.config)[1])
    header = child.header()
    assert (header["seed"], header["threads"], header["parent"]) == (1, 2, parent.name)
    assert header["options"]["jobs"] == header["options"]["cores_per_job"] == 0
    assert not side_by_side.asked(Options(**header["options"]))
    assert planning.parse(EXPERIMENT, ["--resume", child.name], child)[0] == bowl.Config()
    assert side_by_side.threads(Options(seeds=2)) == {}
    with pytest.raises(ValueError, match=r"^--resume: expected jobs=3, with which the run was started, received 1$"):
        planning.parse(EXPERIMENT, ["--resume", parent.name, "--jobs", "1"], parent)


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Makes a `Worker` of a few lines of Python."""
    made = []

    def make(code):
        (tmp_path / "fake.py").write_text("import json, os, sys, time\n" + code)
        monkeypatch.setattr(workers.sys, "executable", "/usr/bin/env")
        popen = subprocess.Popen

        def started(command, **options):
            return popen([python, str(tmp_path / "fake.py")], **options)

        monkeypatch.setattr(workers.subprocess, "Popen", started)
        made.append(workers.Worker("x"))
        return made[-1]

    python = sys.executable
    yield make
    for each in made:
        each.process.kill()
        each.process.wait()


def job():
    return Job(RunFolder.create(HEADER), "seed 0")


def code_of(made):
    wait_for(lambda: made.process.poll() is not None, patience=20)
    return made.code()


READY = 'print(json.dumps({"ready": True}), flush=True)\n'


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("sys.exit(2)", 2),  # bad input, before it was ready
        ("sys.exit(0)", 1),  # a script that ends before it is one
        ("os.kill(os.getpid(), 9)", -9),
        (READY + "os.kill(os.getpid(), 15)", -15),
        (READY + "sys.exit(3)", -3),
        (READY + "sys.exit(0)", -9),
        (READY + 'print(json.dumps({"code": 0}), flush=True)', 0),
        (READY + 'print(json.dumps({"code": 130}), flush=True)\nos.kill(os.getpid(), 9)', 130),
    ],
)
def test_what_the_end_of_a_process_says_of_its_job(fake, code, expected):
    made = fake(code)
    made.run(job())
    assert code_of(made) == expected
    made.tell({"stop": 1})  # nobody hears it
    made.close()


def test_what_a_process_is_told(fake, tmp_path):
    made = fake(READY + f'open({str(tmp_path / "told")!r}, "w").write(sys.stdin.read())')
    first = job()
    made.run(first)
    for at_once in (False, False, True, True, False):
        made.stop(at_once)
    wait_for(lambda: made.code() is None and made._ready, patience=20)
    made.close()
    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert told == [{"run": first.folder.name}, {"stop": 1}, {"stop": 2}]
    assert made.process.returncode == 0


@pytest.fixture
def orders():
    """What a worker is told, and a function that tells it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    reading, writing = os.pipe()
    made = worker.Orders(os.fdopen(reading, "rb", 0))
    made.listen()

    def tell(*messages):
        for message in messages:
            os.write(writing, json.dumps(message).encode() + b"\n")

    yield made, tell
    os.close(writing)
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_job_that_is_stopped_before_it_begins_does_not_begin(orders):
    orders, tell = orders
    tell({"run": "a"}, {"stop": 1}, {"stop": 2})
    assert orders.runs.get(timeout=10) == "a"
    wait_for(lambda: orders._level == 2, patience=10)
    with orders.work() as wanted:
        assert not wanted
    tell({"run": "b"})
    assert orders.runs.get(timeout=10) == "b"
    with orders.work() as wanted:  # the next one was not stopped
        assert wanted


@pytest.mark.parametrize("level", [1, 2])
def test_signals_reach_a_job_and_nobody_else(orders, level):
    orders, tell = orders
    received = []
    tell({"run": "a"})
    orders.runs.get(timeout=10)
    with orders.work() as wanted:
        assert wanted
        for number in (signal.SIGINT, signal.SIGTERM):  # as a run does: lab.runs.lifecycle
            signal.signal(number, lambda number, frame: received.append(number))
        tell({"stop": level})
        wait_for(lambda: len(received) == level, patience=10)
        orders.listen()
    assert received == [signal.SIGINT, signal.SIGTERM][:level]
    os.kill(os.getpid(), signal.SIGINT)  # nothing is running
    os.kill(os.getpid(), signal.SIGTERM)

    def job():
        with orders.work():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)

    with pytest.raises(KeyboardInterrupt):
        job()
    assert not orders.working


def test_the_end_of_what_it_is_told_ends_a_worker_that_waits(orders):
    reading, writing = os.pipe()
    waiting = worker.Orders(os.fdopen(reading, "rb", 0))
    os.close(writing)
    assert waiting.runs.get(timeout=10) is None
