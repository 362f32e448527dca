"""Agents: one algorithm per file, the few pieces they share, and the face: `PPO.for_env(...)`."""

import lazy_loader

from lab import renamed

_find, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
_renamed = renamed(
    __name__, {"recurrent_ppo": "lab.agents.recurrent_ppo.RecurrentPPO", "squared": "lab.losses.half_squared_error"}
)


def __getattr__(name: str) -> object:
    """A public name, from the file that has it."""
    return _find(name) if name in __all__ else _renamed(name)
