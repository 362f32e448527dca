"""`lab sweep`: trials as they are wanted, exact after any kill, and bad input in one line."""

import csv
import os
import random
import shlex
import signal
import subprocess
import sys
import time

import pytest

from lab.commands import resume
from lab.commands import sweep as command
from lab.runs import courier, jobs, lifecycle, mlflow_server, planning, side_by_side, sweep_plan, sweep_report
from lab.runs.header import settings_of
from lab.runs.journal import Journal
from lab.runs.paths import home
from lab.runs.planning import Experiment
from lab.runs.run_folder import RunFolder, all_runs
from tests import processes
from tests.processes import ON_JAX, ROOT, folders
from tests.runs import bowl
from tests.runs.test_courier import local
from tests.runs.test_lifecycle import press

optuna = pytest.importorskip("optuna", reason="needs the extra sweep")

EXPERIMENT = Experiment.of(bowl.Config, bowl.run, {"steps": 3}, None, None)
MODULE = "tests.runs.bowl"
LOCAL = ["--tracking-uri", "none"]
SPACE = ["rate=log:1e-3:8", "size=16,32,64", "steps=10"]


class Pool:
    """Runs each job at once, in this process."""

    def __init__(self):
        self.done = []

    def free(self):
        return not self.done

    def start(self, job):
        with lifecycle.opened(job.folder) as writer:
            config, _ = settings_of(bowl.Config, job.folder)
            self.done.append((job, lifecycle.attempt(job.folder, writer, config, EXPERIMENT.run).code))

    def ended(self):
        found, self.done = self.done, []
        return found

    def stop(self, job, at_once):
        """All have ended."""

    def close(self):
        """Nothing is open."""


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch, request):
    """Trials run in this process, but in slow tests."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background would ignore it
    monkeypatch.setattr(planning, "load", lambda started_by: EXPERIMENT)
    monkeypatch.setattr(side_by_side, "make_pool", lambda options, started_by: Pool())
    monkeypatch.setattr(jobs, "POLL", 0)
    monkeypatch.setattr(os, "fsync", lambda file: None)  # no power fails here
    if "picture" not in request.node.name:
        monkeypatch.setattr(sweep_report, "draw", lambda *arguments: None)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def go(*words):
    return command.main([MODULE, *words, *LOCAL])


def study():
    (found,) = (run for run in all_runs() if run.header().get("kind") == "study")
    return found


def rows(folder=None):
    """The trials: number, state, objective and settings."""
    with open((folder or study()).artifacts / "trials.csv") as file:
        return [row[:-1] for row in csv.reader(file)]


def children(parent):
    return [run for run in all_runs() if run.header().get("parent") == parent.name]


def require_once(runs):
    """Each pair of a key and a step is in the journal once, and the steps have no gap."""
    for run in runs:
        points = run.metrics()
        for key, found in points.items():
            assert [step for step, _ in found] == sorted({step for step, _ in found}), (run.name, key)
        if "count" in points and run.status() == "FINISHED":
            assert points["count"] == [(step, float(step)) for step in range(1, 11)]


class Killed(BaseException):
    """The process is gone."""


def run_killed(monkeypatch, generator, words):
    """A sweep that is killed again and again, before and after what it writes. How often."""
    kills = 0
    while True:
        left, after = generator.randrange(1, 60) if kills < 6 else 10**6, generator.random() < 0.5

        def deadly(write, after=after):
            def written(self, *arguments, **options):
                nonlocal left
                left -= 1
                if left == 0 and not after:
                    raise Killed
                found = write(self, *arguments, **options)
                if left <= 0:
                    raise Killed
                return found

            return written

        with monkeypatch.context() as patch:
            patch.setattr(Journal, "append", deadly(Journal.append))
            backend = optuna.storages.journal.JournalFileBackend
            patch.setattr(backend, "append_logs", deadly(backend.append_logs))
            try:
                assert command.main(words) == 0
                return kills
            except Killed:
                kills += 1
        begun = [run for run in all_runs() if run.header().get("kind") == "study"]
        words = ["--resume", begun[0].name] if begun else words


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [
        ["--sampler", "random", "--seeds", "2", "--trials", "4"],
        ["--sampler", "tpe", "--prune", "--trials", "12"],
        ["--sampler", "cmaes", "--trials", "8"],
        ["--sampler", "grid", "--trials", "9", "--seed", "5"],
    ],
    ids=["random", "tpe", "cmaes", "grid"],
)
def test_killed_at_any_moment_it_ends_with_the_trials_of_an_unkilled_one(monkeypatch, tmp_path, flags):
    space = {
        "cmaes": ["rate=log:1e-3:8", "wait=0:0.001", "steps=10"],
        "grid": ["rate=1:3:0.5", "size=16,32,64", "steps=10"],
    }
    words = space.get(flags[1], SPACE)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "whole"))
    assert go(*words, *flags) == 0
    expected, results, points = rows(), study().results(), study().metrics()
    assert len(expected) == 1 + int(flags[flags.index("--trials") + 1])
    assert len({tuple(row[3:]) for row in expected}) > 3
    assert ({row[1] for row in expected[1:]} == {"complete"}) == ("--prune" not in flags)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "killed"))
    kills = run_killed(monkeypatch, random.Random(flags[1]), [MODULE, *words, *flags, *LOCAL])
    assert kills >= 4
    assert rows() == expected
    assert study().results() == results
    assert {key: dict(found) for key, found in study().metrics().items()} == {key: dict(found) for key, found in points.items()}
    assert len(children(study())) == len(expected) - 1
    seeds = [seed for trial in children(study()) for seed in children(trial)]
    assert len(seeds) == (8 if "--seeds" in flags else 0)
    require_once(all_runs())


def test_killed_before_the_objective_is_logged_it_is_logged_later(monkeypatch):
    metrics = Journal.metrics

    def deadly(self, values, step):
        if "objective" in values and step == 1:
            raise Killed
        metrics(self, values, step)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "metrics", deadly)
        with pytest.raises(Killed):
            go("size=32,16,64", "rate=0.1", "steps=10", "--sampler", "grid")
    assert command.main(["--resume", study().name]) == 0
    assert study().metrics()["objective"] == [(0, 0.5), (1, 1.5), (2, 1.5)]
    assert study().metrics()["best_objective"] == [(0, 0.5), (1, 0.5), (2, 0.5)]


def test_the_first_trial_has_the_experiments_own_settings_and_the_best_is_said_and_is_in_pictures(capsys):
    assert go(*SPACE, "--trials", "6") == 0
    found = rows()
    assert found[0] == ["trial", "state", "objective", "rate", "size"]
    assert found[1] == ["0", "complete", "2.5", "1.0", "64"]  # log10(10)^2 + log2(2)^2 + 5 / 10
    best = min(found[1:], key=lambda row: float(row[2]))
    said = capsys.readouterr().out
    assert "6 trials complete, 0 stopped early, 0 failed\n" in said
    assert "the experiment's own settings, trial 0: loss 2.5\n" in said
    assert f"best, trial {best[0]}: loss {float(best[2]):.6g}\n" in said
    assert f"command: python -m {MODULE} --steps 10 --rate {best[3]}" in said
    assert study().results() == {"best_loss": float(best[2]), "best_trial": float(best[0]), "trials": 6.0}
    assert {path.name for path in study().artifacts.iterdir()} >= {"best.toml", "trials.csv", "slices.png", "importance.png"}
    objective = dict(study().metrics()["objective"])
    assert [objective[number] for number in range(6)] == [float(row[2]) for row in found[1:]]
    lowest = [min(list(objective.values())[: number + 1]) for number in range(6)]
    assert [value for _, value in study().metrics()["best_objective"]] == lowest
    assert {len(run.header()["settings"]) for run in children(study())} == {2}


def test_the_best_settings_are_read_back(capsys):
    assert go(*SPACE, "hidden=8 8,16", "wide=true,false", "--trials", "3") == 0
    path = study().artifacts / "best.toml"
    config, options = planning.parse(EXPERIMENT, ["--config", str(path), "--seed", "1000"], None)
    number = int(study().results()["best_trial"])
    (trial,) = (run for run in children(study()) if run.header()["trial"] == number)
    assert (config, options.seed) == (settings_of(bowl.Config, trial)[0], 1000)
    line = next(line for line in capsys.readouterr().out.splitlines() if "--config" in line)
    assert shlex.split(line)[1:] == ["-m", MODULE, "--config", str(path), "--seed", "1000", "--seeds", "5"]
    line = path.read_text().splitlines()[0]
    assert line.startswith(f"# best of 3 trials of {study().name}: loss ")


def test_the_objective_is_the_mean_over_the_seeds():
    assert go("size=32,64", "rate=0.1", "steps=10", "--sampler", "grid", "--seeds", "3", "--seed", "4") == 0
    assert [float(row[2]) for row in rows()[1:]] == pytest.approx([0.5 + 0.05, 1.5 + 0.05])
    for trial in children(study()):
        seeds = children(trial)
        assert sorted(run.header()["seed"] for run in seeds) == [4, 5, 6]
        assert {run.header()["kind"] for run in seeds} == {"seed"}
        assert trial.status() == "FINISHED"
        assert trial.results()["loss"] == pytest.approx(sum(run.results()["loss"] for run in seeds) / 3)


def test_a_trial_is_stopped_early_by_the_curve_that_is_named():
    """The losses of the trials: 5 of size 32, then one far away."""
    sizes = "size=32,33,34,35,36,1000,31"
    assert go(sizes, "rate=0.1", "steps=8", "--sampler", "grid", "--prune") == 0
    assert [row[1] for row in rows()[1:]] == [*["complete"] * 5, "pruned", "complete"]
    assert rows()[6][2] == ""
    (trial,) = (run for run in children(study()) if run.header()["trial"] == 5)
    log = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(study().path / "optuna.log")))
    kept = optuna.load_study(study_name=study().name, storage=log).trials[5]
    assert list(kept.intermediate_values) == [1, 2]  # a quarter of the steps comes first
    assert kept.user_attrs == {"run": trial.name}


def test_maximize_and_minimize():
    about = EXPERIMENT.about._replace(expected="score >= 5 and loss <= 2")
    both = EXPERIMENT._replace(about=about)
    assert sweep_plan.objective(both) == ("score", True)
    assert sweep_plan.objective(both, "loss") == ("loss", False)
    assert sweep_plan.objective(both, "score", True) == ("score", False)
    assert sweep_plan.objective(both, "other") == ("other", True)
    assert sweep_plan.objective(EXPERIMENT) == ("loss", False)
    none = EXPERIMENT._replace(about=about._replace(expected=""))
    line = "--metric: expected the name of a result, because bowl promises none, received none"
    with pytest.raises(ValueError, match=f"^{line}$"):
        sweep_plan.objective(none)


def test_settings_that_the_config_refuses_are_a_trial_that_failed(capsys):
    assert go("size=32,1001", "rate=0.1,9.5", "steps=10", "--sampler", "grid") == 0
    assert [row[1] for row in rows()[1:]] == ["complete", "complete", "complete", "fail"]
    assert "3 trials complete, 0 stopped early, 1 failed\n" in capsys.readouterr().out
    assert len(children(study())) == 3


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["size=1001:1024", "rate=9.1:10"], "--size: expected less than 1000 for such a rate, received 1"),
        (["rate=1:2", "fails=0"], "what the last one printed: "),
        (["rate=1:2", "fails=1", "--seeds", "2"], "what the last one printed: "),
    ],
)
def test_it_gives_up_where_the_first_five_trials_fail(capsys, words, reason):
    assert go(*words) == 1
    said = capsys.readouterr().err
    line = said.splitlines()[-1]
    assert line.startswith(f"failed: LabError: trials: expected one that ends well, received 5 that failed; {reason}")
    assert study().status() == "FAILED"
    if reason.startswith("what"):
        printed = line.rpartition(" ")[2]
        failed = RunFolder(printed.removesuffix("/output.log"))
        assert failed.status() == "FAILED" and failed.header()["seed"] == words.count("--seeds")


def test_more_trials(capsys):
    assert go(*SPACE, "--trials", "3") == 0
    first = rows()
    assert command.main(["--resume", study().name, "--trials", "5"]) == 0
    assert rows()[:4] == first
    assert len(rows()) == 6
    assert study().results()["trials"] == 5
    assert command.main(["--resume", study().name, "--trials", "5", "--jobs", "2"]) == 0  # nothing is left to do
    assert len(rows()) == 6
    assert study().metrics()["objective"] == sorted(study().metrics()["objective"])
    assert "trial 3: " in (said := capsys.readouterr().out) and "   4 of 5\n" in said


def test_more_trials_are_not_forgotten_by_a_kill(monkeypatch):
    assert go(*SPACE, "--trials", "2") == 0
    metrics = Journal.metrics

    def deadly(self, values, step):
        if "objective" in values and step == 3:
            raise Killed
        metrics(self, values, step)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "metrics", deadly)
        with pytest.raises(Killed):
            command.main(["--resume", study().name, "--trials", "5"])
    assert command.main(["--resume", study().name]) == 0
    assert [row[1] for row in rows()[1:]] == ["complete"] * 5
    with pytest.raises(ValueError, match=r"^--trials: expected at least 5, with which the study began, received 4$"):
        command.main(["--resume", study().name, "--trials", "4"])


def test_a_job_keeps_its_number_of_cores_if_there_are_other_jobs(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    asked = []
    monkeypatch.setattr(side_by_side, "make_pool", lambda options, started_by: asked.append(options) or Pool())
    assert go(*SPACE, "--trials", "1", "--jobs", "2") == 0
    assert command.main(["--resume", study().name, "--trials", "2", "--jobs", "1"]) == 0
    assert [(options.jobs, options.cores_per_job) for options in asked] == [(2, 0), (1, 2)]
    assert [side_by_side.threads(options) for options in asked] == [{"threads": 2}] * 2
    assert [trial.header()["threads"] for trial in children(study())] == [2, 2]


def test_a_trial_that_somebody_stops_goes_on_later(monkeypatch, capsys):
    run = EXPERIMENT.run

    def interrupted(config, track):
        if track.folder.header()["trial"] == 2 and not track.metrics():
            track.restore([bowl.Count()])
            track.log({"loss": 1.0}, 0)
            press()
            track.checkpoint([bowl.Count()], 0)
        return run(config, track)

    monkeypatch.setattr(sys.modules[__name__], "EXPERIMENT", EXPERIMENT._replace(run=interrupted))
    assert go(*SPACE, "--trials", "4") == 130
    assert study().status() == "KILLED"
    assert f"to go on: python -m lab resume {study().name}" in capsys.readouterr().out
    assert [run.status() for run in sorted(children(study()), key=lambda run: run.header()["trial"])] == [
        "FINISHED",
        "FINISHED",
        "KILLED",
        "FINISHED",
    ]
    assert command.main(["--resume", study().name]) == 0
    assert [row[1] for row in rows()[1:]] == ["complete"] * 4
    assert len(children(study())) == 4


def test_resume_starts_the_sweep_again(monkeypatch):
    assert go(*SPACE, "--trials", "2") == 0
    started = []
    monkeypatch.setattr(resume.os, "execv", lambda python, words: started.append(words))
    resume.main([study().name, "--trials", "3"])
    assert started == [[sys.executable, "-m", "lab", "sweep", "--resume", study().name, "--trials", "3"]]
    trial = children(study())[0]
    monkeypatch.setattr(resume.origin, "require_experiment", lambda started_by: None)
    resume.main([trial.name])
    assert started[1] == [sys.executable, "-m", MODULE, "--resume", trial.name]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "sweep: expected an experiment, such as dqn_cartpole, received none"),
        (["rate=1:2"], "sweep: expected an experiment, such as dqn_cartpole, received none"),
        (["dqn_cartpol", "rate=1:2"], "experiment: expected one that `python -m experiments` lists, received 'dqn_cartpol'"),
        ([MODULE], "settings: expected a list or a range to try, such as learning_rate=log:1e-4:1e-2, received none"),
        ([MODULE, "rat=1:2"], "field: expected one of steps, rate, "),
        (
            [MODULE, "rate=1:2", "--sampler", "grid"],
            "rate: expected a list, or LOW:HIGH:STEP, for a grid, received 1:2",
        ),
        ([MODULE, "size=1,2", "--sampler", "cmaes"], "--sampler: expected a range among the settings for cmaes, received "),
        ([MODULE, "rate=1:2", "--sampler", "tp"], "--sampler: expected 'tpe' or 'random' or 'grid' or 'cmaes', received 'tp'"),
        ([MODULE, "rate=1:2", "--trials", "0"], "--trials: expected a number >= 1 and <= 100,000, received 0"),
        ([MODULE, "rate=1:2", "--trails", "9"], "command line: expected a known flag, received --trails (nearest: --trials)"),
        ([MODULE, "rate=1:2", "--print-jobs"], "--print-jobs: expected no --print-jobs with a sweep, received True"),
        ([MODULE, "rate=1:2", "--curve", "loss"], "--curve: expected --prune with it, received 'loss'"),
        ([MODULE, "rate=1:2", "--config", "none.toml"], "--config: expected a TOML file, received none.toml: "),
        ([MODULE, "rate=1:2", "--gpus-per-job", "1"], "--gpus-per-job: expected --engine ray with it, received 1.0"),
        ([MODULE, "rate=1:2", "--engine", "slurm"], "--engine: expected 'local', 'ray' or 'ray:ADDRESS', received 'slurm'"),
        (["--resume", "nothing"], "run id: expected one of the 0 runs in "),
    ],
)
def test_bad_input_is_one_line_and_makes_nothing(words, line):
    with pytest.raises((ValueError, OSError)) as error:
        command.main(words)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)
    assert all_runs() == []


def test_an_unknown_experiment_has_the_nearest():
    with pytest.raises(ValueError, match=r"received 'dqn_cartpol' \(nearest: dqn_cartpole, "):
        command.main(["dqn_cartpol", "rate=1:2"])


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--metric", "los"], "failed: SettingError: --metric: expected one of loss, received 'los'"),
        (
            ["--prune", "--curve", "los"],
            "failed: SettingError: --curve: expected one of loss, count, received 'los', which no run logs",
        ),
    ],
)
def test_names_that_no_run_logs_are_one_line(capsys, flags, line):
    assert go(*SPACE, *flags) == 2
    assert capsys.readouterr().err.splitlines() == [line]
    assert study().status() == "FAILED"
    assert len(children(study())) == 1


def test_bad_input_of_a_resumed_study():
    assert go(*SPACE, "--trials", "3") == 0
    name = study().name
    again = ["--resume", name]
    shown = " ".join(SPACE)
    other = RunFolder.create({key: value for key, value in study().header().items() if key != "kind"})
    cases = [
        (["experiments.dqn_cartpole", *again], "--resume: expected a study of experiments.dqn_cartpole, received "),
        ([MODULE, "rate=1:2", *again], f"settings: expected {shown}, with which the study began, received rate=1:2"),
        ([*again, "--trials", "2"], "--trials: expected at least 3, with which the study began, received 2"),
        ([*again, "--seeds", "2"], "--resume: expected no flags but --trials and --jobs, received others"),
        ([*again, "--sampler", "random"], "--resume: expected no flags but --trials and --jobs, received others"),
        ([*again, "--prune"], "--resume: expected no flags but --trials and --jobs, received others"),
        ([*again, "--metric", "x"], "--resume: expected no flags but --trials and --jobs, received others"),
        (["--resume", other.name], f"--resume: expected a study, received {other.name}, a run"),
    ]
    before = rows()
    for words, line in cases:
        with pytest.raises(ValueError) as error:
            command.main(words)
        assert str(error.value).startswith(line)
    assert rows() == before
    assert command.main([MODULE, *SPACE, *again]) == 0  # the same words are no other


def test_a_resumed_study_asks_for_its_engine_before_anything_else(monkeypatch, capsys):
    assert go(*SPACE, "--trials", "1") == 0

    def silent(options):
        raise ValueError("--engine: nobody answers")

    monkeypatch.setattr(side_by_side, "require_engine", silent)
    capsys.readouterr()
    before = study().journal.read_bytes()
    with pytest.raises(ValueError, match="--engine: nobody answers"):
        go("--resume", study().name, "--trials", "2")
    assert capsys.readouterr().out == "" and study().journal.read_bytes() == before


def test_an_unknown_backend_is_one_line_and_makes_nothing(own_home):
    script = str(ROOT / "tests" / "runs" / "bowl.py")
    done = processes.run("lab", "sweep", script, "rate=1,2", *LOCAL, KERAS_BACKEND="numpy")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "KERAS_BACKEND: expected 'tensorflow' or 'jax', received 'numpy'\n"
    assert not folders(own_home)


@pytest.mark.slow
def test_mlflow_shows_studies_trials_and_seeds(tmp_path, monkeypatch):
    assert go(*SPACE, "--trials", "2", "--seeds", "2") == 0
    uri = local(tmp_path)
    assert set(courier.sync(uri).values()) == {None}
    client = mlflow_server.client(uri)
    runs = {run.name: client.get_run(run.mlflow_id()) for run in all_runs()}
    assert len(runs) == 1 + 2 + 4
    for run in all_runs():
        tags = runs[run.name].data.tags
        parent = run.header().get("parent")
        assert tags["kind"] == {0: "study", 1: "trial", 2: "seed"}[depth(run)]
        assert tags.get("mlflow.parentRunId") == (runs[parent].info.run_id if parent else None)
        assert runs[run.name].info.status == "FINISHED"
    trial = children(study())[0]
    assert runs[trial.name].data.metrics["loss"] == pytest.approx(trial.results()["loss"])
    there = {file.path for file in client.list_artifacts(runs[study().name].info.run_id)}
    assert {"best.toml", "trials.csv"} <= there


def depth(run):
    parent = run.header().get("parent")
    return 1 + depth(RunFolder(run.path.with_name(parent))) if parent else 0


@pytest.mark.long
@pytest.mark.parametrize("flags", [["--sampler", "random", "--jobs", "2"], ["--prune"]], ids=["random", "tpe"])
def test_killed_with_its_processes_it_ends_with_the_trials_of_an_unkilled_one(monkeypatch, tmp_path, flags):
    flags = [*flags, "--trials", "10"]
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "whole"))
    assert go(*SPACE, *flags) == 0
    expected = rows()
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "killed"))
    home().mkdir()
    environment = os.environ | ON_JAX
    words = [MODULE, *SPACE, "wait=0.03", *flags, *LOCAL]
    for kill_at in (3, 6, None):  # so many trials have begun
        process = subprocess.Popen(
            [sys.executable, "-m", "lab", "sweep", *words],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        end = time.monotonic() + 120
        while kill_at and process.poll() is None and time.monotonic() < end:
            if sum("-trial" in run.name for run in folders(home())) >= kill_at:
                time.sleep(0.1)
                process.kill()
            time.sleep(0.02)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == (-signal.SIGKILL if kill_at else 0), errors.decode()
        words = ["--resume", study().name]
    assert rows() == expected
    require_once(all_runs())
