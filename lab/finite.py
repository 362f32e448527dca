"""Stops a run that diverged, and names what is no longer a finite number."""

import numpy as np


class NonFiniteError(ArithmeticError):
    """A loss, a gradient or a weight is no longer a finite number."""


def require_metrics(metrics, variables, when):
    """Raises where a metric is not finite, naming it and the first variable that is not.

    Args:
        metrics: dict of numbers.
        variables: Keras variables, or a dict of them by owner; looked at only then.
        when: such as "step 3", for the message.
    """
    bad = [name for name, value in metrics.items() if not np.isfinite(value)]
    if bad:
        guilty = _guilty(variables)
        where = f"; first variable that is not finite: {guilty[0]}" if guilty else ""
        raise NonFiniteError(f"{bad[0]}: expected a finite number, received {metrics[bad[0]]} at {when}{where}.")


def require_variables(variables, when):
    """Raises where a variable is not finite, naming it."""
    guilty = _guilty(variables)
    if guilty:
        raise NonFiniteError(f"{guilty[0]}: expected finite numbers, received others at {when}.")


def _guilty(variables):
    groups = variables if isinstance(variables, dict) else {"": variables}
    return [
        f"{owner} {variable.path}".strip()
        for owner, group in groups.items()
        for variable in group
        if not np.isfinite(np.asarray(variable, np.float64)).all()
    ]
