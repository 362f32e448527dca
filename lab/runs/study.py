"""What Optuna keeps and decides of a sweep: its trials, the next settings, what is to be stopped.

Optuna's journal is `optuna.log` in the folder of the study's run; `optuna-dashboard` reads it. Each
trial is one line of it, with all its settings: a killed process leaves no half of a trial.

The settings of trial k are drawn by a sampler that is made anew from (seed of the study, k) and
knows the trials before it. So a resumed study goes on as if it had never stopped. Where trials run
side by side, what TPE and CMA-ES know depends on which ended first; random and grid do not.
"""

import contextlib
import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from lab.runs.space import Choices, Setting, Space, kept

Sampler: TypeAlias = Literal["tpe", "random", "grid", "cmaes"]
STARTUP = 5  # trials that end before others are compared with their median


def require_optuna(sampler: str = "tpe") -> None:
    """Raises a ValueError unless the packages of the extra `sweep` are installed."""
    import importlib.util

    for name in ("optuna", *["cmaes"] * (sampler == "cmaes")):
        if importlib.util.find_spec(name) is None:
            raise ValueError(f"{name}: expected it to be installed, received none; pip install '.[sweep]'")


class Study:
    """A study of Optuna, for one process at a time.

    Args:
        path: of Optuna's journal. What a killed process left half is taken out.
        name: of the study.
        space: what is tried.
        sampler: how settings are drawn.
        seed: of the draws.
        maximize: whether large objectives are good.
        warm_up: steps of a trial before it can be stopped early.
    """

    def __init__(
        self, path: Path, name: str, space: Space, *, sampler: Sampler, seed: int, maximize: bool, warm_up: int = 0
    ) -> None:
        import optuna
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna, self._space, self._seed, self._kind = optuna, space, seed, sampler
        _mend(path)
        self._storage = optuna.storages.JournalStorage(JournalFileBackend(str(path)))
        direction: Any = "maximize" if maximize else "minimize"
        pruner = optuna.pruners.MedianPruner(STARTUP, warm_up)
        self.study = optuna.create_study(
            storage=self._storage, study_name=name, direction=direction, pruner=pruner, load_if_exists=True
        )
        self._distributions = {name: self._distribution(each) for name, each in space.dimensions.items()}
        self._fixed = space.grid() if sampler == "grid" else [each for each in [space.usual()] if each is not None]
        # The sampler sees a copy in memory, where it keeps notes that the journal does not need.
        self._memory = optuna.storages.InMemoryStorage()
        self._copy = optuna.create_study(storage=self._memory, direction=direction)
        self._copies: list[Any] = []  # the `FrozenTrial` in memory of each trial
        for trial in self.trials():
            self._repeat(trial)

    def trials(self) -> list[Any]:
        """The `FrozenTrial`s so far, in the order of their numbers."""
        return self.study.get_trials(deepcopy=False)

    def most(self) -> int | None:
        """How many trials there can be, None if there is no end."""
        return len(self._fixed) if self._kind == "grid" else None

    def add(self) -> tuple[int, dict[str, Setting]]:
        """Begins the next trial. Returns (its number, its settings).

        A grid is tried in order. With the other samplers trial 0 has the experiment's own settings,
        if they are in the space.
        """
        copied = self._draw()
        self._copies.append(copied)
        settings = dict(copied.params)
        self.study.add_trial(self._running(settings))
        return len(self._copies) - 1, settings

    def report(self, number: int, step: int, value: float) -> bool:
        """Takes note of how a trial does at a step. Returns whether it is to be stopped."""
        trial = self.trials()[number]
        if step not in trial.intermediate_values:
            self._storage.set_trial_intermediate_value(trial._trial_id, step, value)
            self._memory.set_trial_intermediate_value(self._copies[number]._trial_id, step, value)
        seen = copy.copy(self._storage.get_trial(trial._trial_id))
        seen.intermediate_values = {at: found for at, found in seen.intermediate_values.items() if at <= step}
        return bool(np.isnan(value)) or self.study.pruner.prune(self.study, seen)

    def tell(self, number: int, value: float | None, state: Literal["COMPLETE", "PRUNED", "FAIL"]) -> None:
        """Ends a trial."""
        ended = self._optuna.trial.TrialState[state]
        self.study.tell(number, value, ended)
        self._copy.tell(self._copies[number].number, value, ended)

    def note(self, number: int, **notes: str) -> None:
        """Keeps notes on a trial, such as the name of its run."""
        for name, text in notes.items():
            self._storage.set_trial_user_attr(self.trials()[number]._trial_id, name, text)

    def importances(self) -> dict[str, float]:
        """How much of the objective's variance each setting explains (Hutter et al. 2014).

        Empty if fewer than two trials have ended, or all with the same objective.
        """
        values = [trial.value for trial in self.trials() if trial.state.name == "COMPLETE"]
        if len(values) < 2 or len(set(values)) < 2:
            return {}
        evaluator = self._optuna.importance.FanovaImportanceEvaluator(seed=0)
        return self._optuna.importance.get_param_importances(self.study, evaluator=evaluator)

    def _draw(self) -> Any:
        """The next trial in memory, running, with its settings."""
        number = len(self._copies)
        self._copy.sampler = self._sampler(number)
        if number < len(self._fixed):
            self._copy.enqueue_trial(dict(self._fixed[number]))
        drawn = self._copy.ask(self._distributions)
        return self._memory.get_trial(drawn._trial_id)

    def _repeat(self, trial: Any) -> None:
        """Brings a trial of the journal into memory, as if it had been drawn now.

        Where trials run side by side, today's draw may differ. Then its settings give way.
        """
        copied, fail = self._draw(), self._optuna.trial.TrialState.FAIL
        if copied.params != trial.params:
            notes = {key: value for key, value in copied.system_attrs.items() if key.startswith("cma:")}
            self._copy.tell(copied.number, state=fail)
            self._copy.add_trial(self._running(dict(trial.params), notes))
            copied = self._memory.get_all_trials(self._copy._study_id)[-1]
        self._copies.append(copied)
        for step, value in trial.intermediate_values.items():
            self._memory.set_trial_intermediate_value(copied._trial_id, step, value)
        if trial.state.is_finished():
            self._copy.tell(copied.number, trial.value if trial.state.name == "COMPLETE" else None, trial.state)

    def _running(self, settings: dict[str, Setting], notes: Mapping[str, Any] | None = None) -> Any:
        state = self._optuna.trial.TrialState.RUNNING
        return self._optuna.create_trial(
            state=state, params=settings, distributions=self._distributions, system_attrs=dict(notes or {})
        )

    def _sampler(self, number: int) -> Any:
        seed = int(np.random.SeedSequence((self._seed, number)).generate_state(1)[0])
        samplers = self._optuna.samplers
        if self._kind == "tpe":
            return samplers.TPESampler(seed=seed, constant_liar=True)
        if self._kind == "cmaes":
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        return samplers.RandomSampler(seed=seed)

    def _distribution(self, dimension: Any) -> Any:
        distributions = self._optuna.distributions
        if isinstance(dimension, Choices):
            return distributions.CategoricalDistribution([kept(value) for value in dimension.values])
        if dimension.whole:
            step = 1 if dimension.step is None else int(dimension.step)
            high = dimension.high if dimension.step is None else dimension.points()[-1]
            return distributions.IntDistribution(int(dimension.low), int(high), log=dimension.log, step=step)
        high = dimension.high if dimension.step is None else dimension.points()[-1]
        return distributions.FloatDistribution(dimension.low, high, log=dimension.log, step=dimension.step)


def _mend(path):
    """Takes out what a killed process left: a line without an end, and its lock."""
    with contextlib.suppress(FileNotFoundError):
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
    for lock in path.parent.glob(f"{path.name}.lock*"):
        lock.unlink(missing_ok=True)


def best(trials: Sequence[Any], maximize: bool, space: Space) -> Any | None:
    """The trial with the best objective. None if no trial is complete.

    A return often has a ceiling that many trials reach. Of equals the one in the middle is taken:
    the sum of the distances of its settings to those of the other equals is least. A range counts
    as 1, and so do two values of a list.
    """
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    if not complete:
        return None
    top = (max if maximize else min)(trial.value for trial in complete)
    equals = [trial for trial in complete if trial.value == top]

    def apart(one: Any, other: Any) -> float:
        return sum(each.distance(one.params[name], other.params[name]) for name, each in space.dimensions.items())

    return min(equals, key=lambda trial: (round(sum(apart(trial, other) for other in equals), 9), trial.number))
