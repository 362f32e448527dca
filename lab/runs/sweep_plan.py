"""What a sweep is to do: how many trials, how they are drawn, and what is good."""

from typing import Any, NamedTuple

from lab import validation
from lab.runs.about import conditions
from lab.runs.planning import Experiment
from lab.runs.study import Sampler


class Plan(NamedTuple):
    """What a sweep is to do. It is kept in the header of the study."""

    words: tuple[str, ...]  # of the space
    trials: int
    sampler: Sampler
    metric: str  # the result that is the objective
    maximize: bool
    prune: str  # the curve by which trials are stopped early, or ""


def objective(experiment: Experiment, metric: str = "", minimize: bool = False) -> tuple[str, bool]:
    """(name of the objective, whether large values are good).

    The default is what the experiment's `Expected:` line names first, in the direction of its sign.

    Raises:
        ValueError: the experiment names none, and none is given.
    """
    promised = conditions(experiment.about.expected)
    name = metric or next(iter(promised), "")
    if not name:
        raise ValueError(f"--metric: expected the name of a result, because {experiment.name} promises none, received none")
    return name, not minimize and (name not in promised or promised[name].sign == ">=")


def curve(prune: bool, name: str, metric: str, config: Any) -> str:
    """The name of the curve by which trials are stopped early, "" if they are not.

    The default is the objective itself. For a final return it is the return of greedy checks, or of
    training episodes where there are no checks.

    Raises:
        ValueError: a curve is named, but no trial is to be stopped early.
    """
    if not prune:
        validation.require(not name, "curve", "--prune with it", name)
        return ""
    if name or not metric.endswith("greedy_return"):
        return name or metric
    return "check_return" if getattr(config, "check_episodes", 0) else "episode_return"
