"""Environments that a user has made: their names, and copies of them.

This module does not import Keras.
"""

import copy
from collections.abc import Callable
from typing import Any

import gymnasium
from gymnasium.vector import VectorEnv


class Copies:
    """Makes environments from one that exists: itself first, when asked for, then copies of it."""

    def __init__(self, environment: gymnasium.Env, again: Callable[[], gymnasium.Env]) -> None:
        self.environment, self._again, self._mine = environment, again, False
        self.__name__ = type(environment.unwrapped).__name__

    def first(self) -> None:
        """The next one is the environment itself."""
        self._mine = True

    def __call__(self) -> gymnasium.Env:
        """The environment itself after `first`, else a copy."""
        if self._mine:
            self._mine = False
            return self.environment
        return self._again()


def copies(environment: gymnasium.Env) -> Copies:
    """`Copies` of an environment.

    Raises:
        ValueError: it can neither be copied nor made again.
    """
    try:
        template = copy.deepcopy(environment)
        return Copies(environment, lambda: copy.deepcopy(template))
    except Exception as error:  # a window, a file or a generator cannot be copied
        if environment.spec is None:
            message = (str(error).strip() or type(error).__name__).splitlines()[0]
            expected = "a class or function that makes environments, because it is evaluated in fresh ones"
            raise ValueError(f"environment: expected {expected}, received one that cannot be copied: {message}") from error
        spec = environment.spec
        return Copies(environment, lambda: gymnasium.make(spec))


def name_of(environment: Any) -> str:
    """The id of an environment, or the name of its class or function."""
    if isinstance(environment, str):
        return environment
    spec = getattr(environment, "spec", None)
    if isinstance(environment, gymnasium.Env | VectorEnv):
        return spec.id if spec else type(environment).__name__
    return getattr(environment, "__name__", type(environment).__name__)
