"""`Agent.fit`: the training loop with Keras's callbacks, progress bar and history."""

import itertools
import math
from typing import Any

import keras
import numpy as np

from lab import validation
from lab.agents.selection import BestSnapshot
from lab.agents.training import evaluate, round_up, train

NEVER = 2 * 10**9  # steps
SHOWN = ("episode_return", "val_return")  # beside the progress bar


class TableModel:
    """What Keras's callbacks need of a model, for algorithms that learn tables."""

    stop_training = False

    def __init__(self, variables: list) -> None:
        self.variables = variables

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all tables."""
        return [np.array(variable) for variable in self.variables]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Replaces all tables."""
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value)


class BestTables:
    """A copy of the tables that had the highest score; of equal scores, the latest."""

    def __init__(self, model: TableModel) -> None:
        self._model, self._score = model, -math.inf
        self._kept = model.get_weights()

    def offer(self, score: float) -> None:
        """Takes a copy if no earlier score was higher."""
        if score >= self._score:
            self._score, self._kept = score, self._model.get_weights()

    def restore(self) -> None:
        """Puts the copy into the tables."""
        self._model.set_weights(self._kept)


def fit(
    agent: Any,
    steps: int,
    *,
    callbacks: list,
    validation_episodes: int,
    report_every: int | None,
    horizon: int | None,
    verbose: int | str,
) -> keras.callbacks.History:
    """See `lab.agents.Agent.fit`."""
    algorithm, rollout, begin = agent.algorithm, agent.rollout, agent.step
    every = min(max(steps // 100, 1_000), 100_000)
    every = every if report_every is None else validation.integer("report_every", report_every)
    per_iteration = algorithm.rollout_length * rollout.num_envs
    every = round_up(every, per_iteration)
    first = max(round_up(algorithm.learning_starts, per_iteration) - begin, 0)  # steps before learning
    total = begin + first + round_up(max(steps - first, 0), every)
    model: Any = getattr(algorithm, "model", None) or TableModel(algorithm.variables)
    if agent.horizon:
        agent.horizon.steps.assign(float(horizon or total))
    selection = _Selection(agent, model, validation_episodes) if validation_episodes else None
    listeners = _listeners(agent, model, callbacks, -(-steps // every))
    boundaries = min((each.every for each in callbacks if getattr(each, "exact", False)), default=NEVER)
    level = 1 if verbose == "auto" else int(verbose)
    bar = keras.utils.Progbar(total - begin, verbose=level % 2, stateful_metrics=SHOWN, unit_name="step")
    loop = train(algorithm, rollout, steps=total, start=begin, report_every=every, checkpoint_every=boundaries, total=total)
    model.stop_training = False
    model.optimizer = algorithm.optimizer if hasattr(algorithm, "optimizer") else None  # of Keras's callbacks for step sizes
    listeners.on_train_begin()
    try:
        for epoch in itertools.count():
            listeners.on_epoch_begin(epoch)
            for rate in agent.rates:
                rate.update(agent.step)
            report = next(loop, None)
            if report is None:
                break
            logs = _logs(agent, report, selection)
            shown = [(name, logs[name]) for name in SHOWN if not math.isnan(logs.get(name, math.nan))]
            bar.update(min(report.step, total) - begin, shown, finalize=report.step >= total)
            if level == 2:
                print(f"step {report.step:,}", *(f"{name}: {value:.4g}" for name, value in shown), sep=" - ", flush=True)
            listeners.on_epoch_end(epoch, logs)
            if model.stop_training or report.step >= total:
                break
    finally:  # also after Ctrl-C: what was learnt since the last report counts
        agent.step = max(agent.step, int(getattr(algorithm, "steps", 0)))
        if selection:
            selection.end()
    listeners.on_train_end()
    agent.history = next(each for each in listeners.callbacks if isinstance(each, keras.callbacks.History))
    _align(agent.history)
    return agent.history


def _logs(agent, report, selection):
    """What callbacks get of a report."""
    agent.step, agent.boundary = report.step, report.boundary
    agent.refresh()
    logs = {"step": report.step, "episode_return": math.nan, "episode_length": math.nan, **report.metrics}
    return logs | ({"val_return": selection.offer()} if selection else {})


class _Selection:
    """Greedy checks, of which the best chooses the weights."""

    def __init__(self, agent, model, episodes):
        self.agent, self.episodes, self.checked = agent, episodes, False
        self.best = BestTables(model) if isinstance(model, TableModel) else BestSnapshot(model)
        self.environments = agent.source.fresh(max(size for size in range(1, 33) if episodes % size == 0))
        self.seed = int(np.random.SeedSequence((agent.seed, 2)).generate_state(1)[0])

    def offer(self):
        """The mean return of a check of the present weights."""
        score = float(evaluate(self.agent.algorithm, self.environments, episodes=self.episodes, seed=self.seed).mean())
        self.best.offer(score)
        self.checked = True
        return score

    def end(self):
        """Puts the best weights into the model, if there was a check."""
        self.environments.close()
        if self.checked:
            self.best.restore()
        self.agent.refresh()


def _listeners(agent, model, callbacks, epochs):
    for each in callbacks:
        if hasattr(each, "set_agent"):
            each.set_agent(agent)
    return keras.callbacks.CallbackList(callbacks, add_history=True, model=model, epochs=epochs, steps=1, verbose=0)


def _align(history):
    """Gives all metrics a number for each report: NaN before the first."""
    longest = max((len(values) for values in history.history.values()), default=0)
    for values in history.history.values():
        values[:0] = [math.nan] * (longest - len(values))
