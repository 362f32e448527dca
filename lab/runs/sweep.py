"""A sweep: many trials of one experiment, each with settings of its own, run as jobs.

The study is a run. Each trial is its child, and with several seeds a trial is the parent of its
seeds. All trials have the same seeds, so that they differ by their settings alone. The objective of
a trial is the mean of one result over its seeds.

A sweep that was stopped or killed goes on: a trial that was running is resumed from its
checkpoints, and its settings stay.
"""

import contextlib
import math
from collections.abc import Sequence
from typing import Any

from lab.errors import ChildError, LabError, SettingError
from lab.runs import children, jobs, jobs_display, lifecycle, side_by_side, sweep_report
from lab.runs.header import Options
from lab.runs.journal import Journal
from lab.runs.planning import Experiment
from lab.runs.run_folder import RunFolder
from lab.runs.space import Setting, Space
from lab.runs.study import Study
from lab.runs.sweep_plan import Plan
from lab.runs.track import Stopped

ENDS = {"FAIL": "a seed of the trial failed", "PRUNED": "stopped early: its curve was below the median"}
TRIALS = "lab.trials"  # the tag of a study that was resumed with more trials
HOPELESS = 5  # trials that fail, from the first on, before a sweep gives up


class Trial:
    """A trial that is under way.

    Args:
        number: of the trial.
        folder: its run, or the parent of its runs.
        wanted: what it runs, one for each seed.
        family: of the seeds; None if there is one seed.
        stack: what is open as long as the trial.
    """

    def __init__(
        self,
        number: int,
        folder: RunFolder,
        wanted: Sequence[children.Wanted],
        family: children.Family | None,
        stack: contextlib.ExitStack,
    ) -> None:
        self.number, self.folder, self.wanted, self.family, self.stack = number, folder, wanted, family, stack
        self.left = list(wanted)
        self.running = 0
        self.state = ""  # PRUNED or FAIL, once that is decided

    def known(self, wanted: children.Wanted) -> RunFolder | None:
        """The run of a seed, None if there is none yet."""
        return self.family.known(wanted) if self.family else self.folder

    def run(self, wanted: children.Wanted) -> RunFolder:
        """The run of a seed."""
        return self.family.child(wanted) if self.family else self.folder


class Trials:
    """The `lab.runs.jobs.Source` of a sweep.

    Args:
        folder, writer: the run of the study and its open journal.
        plan: what the sweep is to do.
        space: what is tried.
        study: Optuna's part.
        options: the flags.
    """

    def __init__(self, folder: RunFolder, writer: Journal, plan: Plan, space: Space, study: Study, options: Options) -> None:
        self.folder, self._writer, self._plan, self._space, self._study = folder, writer, plan, space, study
        self._options = options
        self._threads = side_by_side.threads(options)
        self._family = children.Family(folder, writer, self._threads)
        self._active: dict[int, Trial] = {}
        self._of_job: dict[str, tuple[Trial, int]] = {}  # {name of a run: (its trial, place among its seeds)}
        self._read: dict[str, int] = {}  # {name of a run: how much of its journal was read for reports}
        self._ended = 0
        self._failed: dict[int, RunFolder] = {}  # {number of a trial: its run that failed}
        self.interrupted = False  # a run was stopped before its end, and its trial goes on later

    def __enter__(self) -> "Trials":
        return self

    def __exit__(self, *exception: object) -> None:
        for trial in self._active.values():
            trial.stack.close()

    @property
    def done(self) -> int:
        """How many runs belong to trials that have ended."""
        return self._ended * self._options.seeds

    def take_up(self) -> None:
        """Goes on with the trials that were running when the sweep stopped."""
        self._ended = sum(trial.state.is_finished() for trial in self._study.trials())
        for trial in self._study.trials():
            if not trial.state.is_finished():
                self._begin(trial.number, dict(trial.params))
            elif trial.state.name == "COMPLETE":
                self._log(trial.number, trial.value)  # it may have been killed before it could

    def next(self) -> jobs.Job | None:
        """The next run: of a trial that has begun, else of a new one."""
        while True:
            for trial in list(self._active.values()):
                if trial.left and not trial.state:
                    return self._job(trial)
            if len(self._study.trials()) >= self._plan.trials:
                return None
            self._begin(*self._study.add())

    def ended(self, job: jobs.Job, code: int) -> None:
        """Takes note of a run that has ended, and ends its trial after the last one."""
        trial, _ = self._of_job[job.folder.name]
        trial.running -= 1
        self._reported(job)
        if code == lifecycle.INTERRUPTED and not trial.state:
            self.interrupted = True
            return
        if code and not trial.state:
            trial.state = "FAIL"
            self._failed[trial.number] = job.folder
        if not trial.running and (trial.state or not trial.left):
            self._end(trial)

    def unwanted(self, job: jobs.Job) -> bool:
        """Whether the trial of a run is decided."""
        self._reported(job)
        return bool(self._of_job[job.folder.name][0].state)

    def _job(self, trial: Trial) -> jobs.Job:
        place = len(trial.wanted) - len(trial.left)
        wanted = trial.left.pop(0)
        run = trial.run(wanted)
        self._of_job[run.name] = trial, place
        trial.running += 1
        seed = f", seed {wanted.seed}" if trial.family else ""
        return jobs.Job(run, f"trial {trial.number}{seed}")

    def _begin(self, number: int, settings: dict[str, Setting]) -> None:
        """Makes a trial, or finds it. One whose settings the `Config` refuses ends at once."""
        try:
            config = self._space.configured(settings)
        except ValueError as error:
            self._writer.append({"tags": {f"lab.trial.{number}": str(error)[:250]}})
            self._told(number, None, "FAIL")
            return
        seed, seeds = self._options.seed, self._options.seeds
        about = {"trial": number, "seeds": seeds, "settings": settings}
        folder = self._family.child(children.Wanted(f"trial {number}", seed, config, "trial", about))
        self._study.note(number, run=folder.name)
        stack, family = contextlib.ExitStack(), None
        if seeds > 1:
            journal = stack.enter_context(lifecycle.opened(folder))
            if journal is None:
                raise LabError(f"{folder.name}: expected a trial that no process is writing, received one that is open")
            journal.append({"status": "RUNNING"})
            family = children.Family(folder, journal, self._threads)
        trial = self._active[number] = Trial(number, folder, children.wanted(folder, config), family, stack)
        self._pass_over_finished(trial)

    def _pass_over_finished(self, trial: Trial) -> None:
        """Leaves out the runs that finished before the sweep was stopped."""
        while trial.left and not trial.state:
            run = trial.known(trial.left[0])
            if run is None or run.status() != "FINISHED" or not run.results():
                return
            self.ended(self._job(trial), 0)

    def _reported(self, job: jobs.Job) -> None:
        """Reads how a run does, point by point, and decides whether its trial is stopped early."""
        trial, place = self._of_job[job.folder.name]
        if not self._plan.prune or trial.state:
            return
        start = place * max(job.folder.header()["total_steps"], 1)
        for event, end in job.folder.read(self._read.get(job.folder.name, 0), key="metrics"):
            self._read[job.folder.name] = end
            if self._plan.prune in event["metrics"] and self._study.report(
                trial.number, start + event["step"], event["metrics"][self._plan.prune]
            ):
                trial.state = "PRUNED"
                return

    def _end(self, trial: Trial) -> None:
        """Tells the study how a trial has ended."""
        with trial.stack:
            value = None if trial.state else self._objective(trial)
            if trial.state and trial.family:
                status = "FAILED" if trial.state == "FAIL" else "KILLED"
                lifecycle.end(trial.family.writer, lifecycle.Ending(status, error=ENDS[trial.state]))
        del self._active[trial.number]
        if value is not None and not math.isfinite(value):
            value = None
        self._told(trial.number, value, trial.state or ("COMPLETE" if value is not None else "FAIL"))

    def _objective(self, trial: Trial) -> float | None:
        """The mean of the result over the seeds. The parent of the seeds gets the means of all."""
        if trial.family is None:
            results = trial.folder.results() or {}
        else:
            family = trial.family
            ending = lifecycle.do(lambda: children.conclude(family, trial.wanted)[0], family.writer)
            if ending.results is None:
                raise ChildError(trial.folder.name, ending.code)
            results = ending.results
        if self._plan.metric not in results:
            raise SettingError(f"--metric: expected one of {', '.join(results)}, received {self._plan.metric!r}")
        if self._plan.prune and not self._study.trials()[trial.number].intermediate_values:
            curves = ", ".join(self._of_trial(trial).metrics())
            raise SettingError(f"--curve: expected one of {curves}, received {self._plan.prune!r}, which no run logs")
        return results[self._plan.metric]

    @staticmethod
    def _of_trial(trial: Trial) -> RunFolder:
        """A run of a trial that has ended."""
        return trial.run(trial.wanted[0])

    def _told(self, number: int, value: float | None, state: Any) -> None:
        self._study.tell(number, value, state)
        self._ended += 1
        if value is not None:
            self._log(number, value)
        ended = [trial for trial in self._study.trials() if trial.state.is_finished()]
        if self._ended >= HOPELESS and all(trial.state.name == "FAIL" for trial in ended):
            raise LabError(f"trials: expected one that ends well, received {self._ended} that failed; {self._why(number)}")

    def _log(self, number: int, value: float) -> None:
        complete = [trial.value for trial in self._study.trials() if trial.state.name == "COMPLETE"]
        best = max(complete) if self._plan.maximize else min(complete)
        self._writer.metrics({"objective": value, "best_objective": best}, number)

    def _why(self, number: int) -> str:
        tag = f"lab.trial.{number}"
        refused = [event["tags"][tag] for event, _ in self.folder.read(key="tags") if tag in event["tags"]]
        if refused:
            return refused[-1]
        run = self._failed.get(number)
        return f"what the last one printed: {run.output}" if run else "their results are not finite"


def run(folder: RunFolder, experiment: Experiment, plan: Plan, space: Space, options: Options) -> int:
    """Runs or resumes a sweep. Returns the exit code."""
    with lifecycle.opened(folder) as writer:
        if writer is None:
            return 2
        if plan.trials > folder.header()["study"]["trials"]:
            writer.append({"tags": {TRIALS: str(plan.trials)}})
        courier = lifecycle.start_courier(folder)

        def work() -> lifecycle.Results:
            warm_up = lifecycle.total_steps(space.config) // 4
            study = Study(
                folder.path / "optuna.log",
                folder.name,
                space,
                sampler=plan.sampler,
                seed=options.seed,
                maximize=plan.maximize,
                warm_up=warm_up,
            )
            count = min(plan.trials, study.most() or plan.trials)
            with Trials(folder, writer, plan._replace(trials=count), space, study, options) as source:
                source.take_up()
                display = jobs_display.Display(f"{experiment.name}, {count} trials", count * options.seeds, source.done)
                jobs.work(source, side_by_side.make_pool(options, experiment.started_by), display)
                if source.interrupted:
                    raise Stopped
            return sweep_report.conclude(folder, writer, experiment, plan, space, study.trials(), study.importances())

        ending = lifecycle.do(work, writer)
    return lifecycle.see_off(folder, courier, "", ending)
