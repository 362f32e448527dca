"""The laboratory's exceptions, and the checks for numbers that are not finite.

The message of each exception is one complete line, and each has an exit code: that of the run which
it ends. `python -m` prints the line of a `LabError` without a traceback. Exit code 2 means bad
input, 1 a run that failed.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lab import renamed


class LabError(Exception):
    """An error whose message says everything."""

    exit_code = 1


class SettingError(LabError, ValueError):
    """A setting is bad, and only the run could find out."""

    exit_code = 2


class EventError(LabError, ValueError):
    """Something cannot be logged. The message names it."""

    exit_code = 2


class DamagedFile(LabError, ValueError):
    """A file of the laboratory is not as it was written. The message names it."""

    exit_code = 2

    def __init__(self, path: Path, expected: str, received: str) -> None:
        super().__init__(f"{path}: expected {expected}, received {received}")


class DownloadError(LabError, OSError):
    """A data set could not be downloaded."""

    exit_code = 2


class CheckpointError(LabError, ValueError):
    """A checkpoint does not belong to the variables into which it is restored."""


class EnvironmentFailure(LabError, RuntimeError):
    """An environment returned something that cannot be learnt from."""


class ChildError(LabError):
    """A child run failed. It has printed the reason itself."""

    def __init__(self, name: str, exit_code: int) -> None:
        super().__init__(f"{name} did not finish")
        self.exit_code = exit_code


class NonFiniteError(LabError, ArithmeticError):
    """A loss, a gradient or a weight is no longer a finite number."""


class UndeclaredVariableError(LabError, ValueError):
    """A program of the engine touched a Keras variable that is not in its declared state."""


class TogetherError(LabError, ValueError):
    """Seeds that are to run as one program do not have the same program."""


class BusyError(LabError, RuntimeError):
    """Another process is delivering this run to MLflow."""


def require_finite_metrics(
    metrics: Mapping[str, float], variables: Iterable[Any] | Mapping[str, Iterable[Any]], when: str
) -> None:
    """Raises if a metric is not finite. Names it, and the first variable that is not finite.

    Args:
        metrics: numbers by name.
        variables: Keras variables, or a dict {owner: variables}. They are read only on failure.
        when: for the message, such as "step 3".

    Raises:
        NonFiniteError: a metric is infinite or not a number.
    """
    bad = [name for name, value in metrics.items() if not np.isfinite(value)]
    if bad:
        names = _not_finite(variables)
        where = f"; first variable that is not finite: {names[0]}" if names else ""
        raise NonFiniteError(f"{bad[0]}: expected a finite number, received {metrics[bad[0]]} at {when}{where}.")


def require_finite_variables(variables: Iterable[Any] | Mapping[str, Iterable[Any]], when: str) -> None:
    """Raises a `NonFiniteError` if a variable is not finite. Names it."""
    names = _not_finite(variables)
    if names:
        raise NonFiniteError(f"{names[0]}: expected finite numbers, received others at {when}.")


def _not_finite(variables):
    groups = variables if isinstance(variables, dict) else {"": variables}
    return [
        f"{owner} {variable.path}".strip()
        for owner, group in groups.items()
        for variable in group
        if not np.isfinite(np.asarray(variable, np.float64)).all()
    ]


__getattr__ = renamed(
    __name__,
    {
        "require_metrics": "require_finite_metrics",
        "require_variables": "require_finite_variables",
    },
)
