"""Tabular methods: dynamic programming on the arrays of an MDP, and learners.

The learners act in any Gymnasium environment with discrete observations and actions.
"""

from typing import Any

import lazy_loader

from lab import renamed

_find, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
_old = renamed(
    __name__,
    {
        "expectation": "expectation_operator",
        "greedy": "greedy_policy",
        "optimality": "optimality_operator",
        "under": "reward_process",
        "uniform": "uniform_policy",
    },
)


def __getattr__(name: str) -> Any:
    """A name of this package, which is imported now, or an old one of these."""
    return _find(name) if name in __all__ else _old(name)
