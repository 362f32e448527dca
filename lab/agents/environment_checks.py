"""Checks of environments before a run begins: interface, spaces, numbers.

This module does not import Keras.
"""

import difflib
from collections.abc import Callable
from numbers import Real
from typing import Any

import gymnasium
import numpy as np

from lab.agents import environments
from lab.agents.environments import first_line
from lab.agents.parts import MASK, action_counts, flat_mask
from lab.agents.spaces import NUMBERS, check_actions, fitting, one_line
from lab.errors import EnvironmentFailure
from lab.validation import shown

RESET = "reset(seed, options) to return (observation, info)"
STEP = "step(action) to return (observation, reward, terminated, truncated, info)"


def check(env: Any, steps: int = 10) -> None:
    """ValueError where the environment breaks Gymnasium's interface or leaves its own spaces.

    Rewards must be finite numbers, and each observation a new array. The check makes a reset and
    some random steps. The environment inside the wrappers is tried first, because they rely on it.

    Args:
        steps: random steps.
    """
    check_actions(env.action_space)
    if isinstance(env.observation_space, NUMBERS):
        fitting("observation space", env.observation_space)
    check_interface(env.unwrapped)
    env.action_space.seed(0)
    observation, info = _reset(env)
    _check_observation(env, "reset", observation)
    for _ in range(steps):
        before = np.array(observation) if isinstance(observation, np.ndarray) else None
        following, reward, terminated, truncated, info = _step(env, info)
        _check_observation(env, "step", following)
        if before is not None and not np.array_equal(before, observation, equal_nan=before.dtype.kind == "f"):
            raise ValueError("env: expected a new array as each observation, received one that step changes; return a copy")
        if not isinstance(reward, Real | np.bool_) or not np.isfinite(float(reward)):
            raise ValueError(f"env: expected a finite number as reward, received {reward!r}")
        observation, info = _reset(env) if terminated or truncated else (following, info)


def check_interface(env: Any) -> None:
    """ValueError where a reset or a random step fails, or returns something else than it should."""
    env.action_space.seed(0)
    _step(env, _reset(env)[1])


def require_environment(
    name: str,
    space: str | None = None,
    *,
    check: Callable[[Any], Any] | None = None,
    make: Callable[[str], Any] | None = None,
) -> None:
    """Checks that a Gymnasium id exists, and that an agent can act in its environment.

    Args:
        name: the id.
        space: the name of the only type of action space that is allowed, such as "Box"; None allows
            all. Discrete actions must count from 0.
        check: is called with the environment, and raises a ValueError where that is unfit.
        make: a function, id -> environment, instead of `gymnasium.make`.

    Raises:
        ValueError: one of these is not so. The message is one line and names --environment.
    """
    known = environments.register(name)
    if known not in gymnasium.registry:
        near = difflib.get_close_matches(known, gymnasium.registry, n=1, cutoff=0.3)
        hint = f" (nearest: {near[0]})" if near else ""
        raise ValueError(f"--environment: expected the id of a Gymnasium environment, received {shown(name)}{hint}")
    try:
        env = (make or gymnasium.make)(name)
    except Exception as error:
        if str(error).startswith("--"):  # the message names its own flag
            raise
        message = (str(error) or repr(error)).splitlines()[0].removeprefix("env: ")
        raise ValueError(
            f"--environment: expected an environment that can be made, received {shown(name)}: {message}"
        ) from error
    actions = env.action_space
    try:
        if check is not None:
            check(env)
    except ValueError as error:
        raise ValueError(f"--environment: {str(error).removeprefix('env: ').rstrip('.')}, of {name}") from error
    finally:
        env.close()
    if space is not None and type(actions).__name__ != space:
        received = " ".join(str(actions).split())
        raise ValueError(f"--environment: expected a {space} action space, received {received} of {name}")
    if space == "Discrete" and getattr(actions, "start", 0) != 0:
        raise ValueError(f"--environment: expected actions that count from 0, received {actions} of {name}")


def _reset(env):
    """(observation, info) after a reset; ValueError where the reset fails."""
    result = _called(env.reset, RESET, seed=0)
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):
        raise ValueError(f"env: expected {RESET}, received {_kind(result)}")
    return result


def _step(env, info):
    """What a random step returns; ValueError where it fails.

    Args:
        info: of the step before. The action is one that its mask allows.
    """
    space, mask = env.action_space, info.get(MASK)
    discrete = isinstance(space, gymnasium.spaces.Discrete | gymnasium.spaces.MultiDiscrete)
    if mask is not None and discrete:
        try:
            flat_mask(mask, action_counts(space))
        except EnvironmentFailure as error:
            raise ValueError(f"env: {error}") from error
        several = isinstance(mask, tuple | list) and np.ndim(mask[0])
        mask = tuple(np.asarray(part, np.int8) for part in mask) if several else np.asarray(mask, np.int8)
    action = space.sample(mask) if mask is not None and discrete else space.sample()
    result = _called(env.step, STEP, action)
    if not isinstance(result, tuple) or len(result) != 5 or not isinstance(result[4], dict):
        raise ValueError(f"env: expected {STEP}, received {_kind(result)}")
    return result


def _called(function, expected, *positional, **named):
    """What a function of the environment returns. Any exception of it becomes a ValueError."""
    try:
        return function(*positional, **named)
    except Exception as error:
        raise ValueError(f"env: expected {expected}, received {first_line(error)}") from error


def _kind(result):
    if isinstance(result, tuple):
        return f"({', '.join(type(part).__name__ for part in result)})"
    return type(result).__name__


def _check_observation(env, where, observation):
    space = env.observation_space
    if space.contains(observation):
        return
    dtype = getattr(observation, "dtype", type(observation).__name__)
    received = f"shape {np.shape(observation)}, {dtype}" if isinstance(observation, np.ndarray) else _kind(observation)
    if isinstance(observation, np.ndarray) and observation.shape == space.shape:
        received = one_line(np.array2string(observation, threshold=8, precision=4))
        if not np.can_cast(observation.dtype, space.dtype):
            received = f"{dtype} {received}; return observation.astype({str(space.dtype)!r})"
    raise ValueError(f"env: expected of {where} an observation in {one_line(space)}, received {received}")
