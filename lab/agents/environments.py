"""Gymnasium environments as deep agents need them: observations are one array, channels come last.

`make` makes every environment: for training, evaluation, checks and pictures. This module does not
import Keras, because settings are checked before Keras is imported.
"""

import contextlib
import importlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces, wrappers
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from lab import renamed
from lab.agents import parts
from lab.agents.spaces import NUMBERS, one_line
from lab.runs import paths

LONGEST_EPISODE = 10_000  # steps, of environments without a time limit
RESERVED = ("final_obs", "final_info")  # names that a vector environment puts into its infos


def register(name: str) -> str:
    """Imports the package that registers an id with Gymnasium. Returns the id without its package.

    The package is the one of "package:id", the laboratory's own for "lab/...", or Atari's for
    "ALE/...". Other ids need none.

    Raises:
        ValueError: the package cannot be imported, or Atari's is not installed.
    """
    given, _, name = name.rpartition(":")
    package = given or {"lab": "envs", "ALE": "ale_py"}.get(name.split("/")[0])
    if package == "envs":
        paths.require_ours(package)
    try:
        if package:
            importlib.import_module(package)
    except Exception as error:
        expected = "pip install '.[atari]'" if package == "ale_py" else "a package that can be imported"
        raise ValueError(f"--environment: expected {expected} for {name}, received {first_line(error)}") from error
    return name


def time_limit(name: str) -> int | None:
    """The longest episode that the registration of an id allows, in steps; None without a limit."""
    return gymnasium.spec(register(name)).max_episode_steps


def arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `make` and `make_vector` from the settings of a run."""
    stack = int(settings.get("frame_stack", 1))
    options = parse_options(settings.get("environment_options", ()))
    return {"frame_stack": stack, "options": options, "wrappers": tuple(settings.get("wrappers", ()))}


def parse_options(pairs: Iterable[str], flag: str = "--environment-options") -> dict[str, Any]:
    """["name=value", ...] as a dict. A value is JSON, such as 3, true or [1,2]; otherwise text."""
    options = {}
    for pair in pairs:
        name, sign, options[name] = pair.partition("=")
        if not sign or not name.isidentifier():
            raise ValueError(f"{flag}: expected name=value, received {pair!r}")
        with contextlib.suppress(ValueError):
            options[name] = json.loads(options[name])
    return options


def make(
    environment: Any,
    *,
    options: Any = (),
    wrappers: Iterable[Any] = (),
    frame_stack: int = 1,
    render_mode: str | None = None,
    training: bool = False,
    action_mask: bool | None = True,
) -> gymnasium.Env:
    """An environment with observations that are one Box.

    Discrete, MultiDiscrete and MultiBinary observations are flattened. Categories become one-hot. A
    single number becomes a vector of length 1. A Dict with one part becomes that part. Other Dicts
    and Tuples become a vector of their parts, whose space knows where each part is
    (`lab.agents.parts.Composite`).

    With `frame_stack` = n the agent sees the last n observations: images side by side in the
    channels, vectors as `[n, D]`.

    Atari games get the preprocessing of Mnih et al. 2015: grey images of 84 x 84, one action for 4
    frames, and up to 30 idle steps at the start. In training their rewards are replaced by their
    signs.

    An environment without a time limit gets one of 10,000 steps, because a greedy policy may go
    round in circles. Observations are copies, because an environment may reuse its array.

    Args:
        environment: a Gymnasium id, or a class or function that makes an environment.
        options: the environment's keyword arguments.
        wrappers: functions, environment -> environment, or their names as "module:name" or
            "module:name argument=value ...". The innermost comes first. All of the above is done
            outside of them.
        frame_stack: n, the number of observations that the agent sees at once.
        render_mode: of the environment. With None it gets no such argument.
        training: whether the rewards of Atari games are clipped.
        action_mask: True puts `info["action_mask"]`, if the first reset gives one, behind each
            observation. Networks then exclude the actions that it forbids. False leaves masks
            out, None knows that there is one.

    Raises:
        ValueError: the environment cannot be made, or its observations cannot become one Box.
    """
    atari = isinstance(environment, str) and environment.rpartition(":")[2].startswith("ALE/")  # these have a time limit
    options = dict(options) | ({"frameskip": 1} if atari else {})
    env = create(environment, options=options, wrappers=wrappers, render_mode=render_mode)
    env = _prepared(env, atari, frame_stack, training)
    return parts.MaskInObservation(env) if action_mask is None or (action_mask and _has_mask(env)) else env


def create(
    environment: Any, *, options: Any = (), wrappers: Iterable[Any] = (), render_mode: str | None = None
) -> gymnasium.Env:
    """An environment in its wrappers, with its own observations; the arguments of `make`."""
    env = _create(environment, dict(options) | ({} if render_mode is None else {"render_mode": render_mode}))
    for wrapper in wrappers:
        env = _wrapped(env, wrapper) if isinstance(wrapper, str) else wrapper(env)
    return env


def limited(env: gymnasium.Env) -> gymnasium.Env:
    """The environment, with a time limit of 10,000 steps if it has none."""
    return env if _limited(env) else wrappers.TimeLimit(env, LONGEST_EPISODE)


def make_vector(environment: Any, count: int, **arguments: Any) -> Any:
    """A vector environment of `count` environments, each as `make` makes it.

    Each is reset in the step that ends its episode. The laboratory's functional environments are
    stepped together, because one by one they are slow.

    Args:
        **arguments: those of `make`.
    """
    if is_functional(environment) and _plain(arguments):
        return gymnasium.make_vec(environment, count, vectorization_mode="vector_entry_point")
    masked: list[bool] = []  # what the first one found out

    def one():
        env = make(environment, **(arguments | ({"action_mask": None if masked[0] else False} if masked else {})))
        masked.append(isinstance(env, parts.MaskInObservation))
        return env

    return SyncVectorEnv([one] * count, autoreset_mode=AutoresetMode.SAME_STEP, copy=False)


def is_functional(environment: Any) -> bool:
    """Whether it is the id of an environment of the laboratory that also runs on the device."""
    if not isinstance(environment, str) or not environment.startswith("lab/"):
        return False
    return bool(gymnasium.spec(register(environment)).vector_entry_point)


def _plain(arguments):
    """Whether an environment is made without changes."""
    return arguments.get("frame_stack", 1) == 1 and not arguments.get("options") and not arguments.get("wrappers")


def _has_mask(env):
    """Whether the first reset of an environment with discrete actions gives a mask of them."""
    if not isinstance(env.action_space, spaces.Discrete | spaces.MultiDiscrete):
        return False
    try:
        return parts.MASK in env.reset(seed=0)[1]
    except Exception:  # `environment_checks.check` says what is wrong
        return False


class _Detached(gymnasium.Wrapper):
    """Copies observations, and drops the infos whose names a vector environment uses."""

    def reset(self, *, seed=None, options=None):
        return _detached(*self.env.reset(seed=seed, options=options))

    def step(self, action):
        observation, *rest, info = self.env.step(action)
        observation, info = _detached(observation, info)
        return observation, *rest, info


def _copied(observation):
    if isinstance(observation, dict):
        return {name: _copied(part) for name, part in observation.items()}
    if isinstance(observation, tuple):
        return tuple(map(_copied, observation))
    return observation.copy() if isinstance(observation, np.ndarray) else observation


def _detached(observation, info):
    return _copied(observation), {name: value for name, value in info.items() if name.removeprefix("_") not in RESERVED}


def _create(environment, options):
    """The environment of an id, a class or a function, in a `_Detached`."""
    if isinstance(environment, str):
        return _Detached(gymnasium.make(register(environment), disable_env_checker=True, **options))
    env = environment(**options) if callable(environment) else environment
    if not callable(environment) or not isinstance(env, gymnasium.Env):
        raise ValueError(
            f"env: expected an id, or a class or function that makes a gymnasium.Env, received {type(env).__name__}"
        )
    return _Detached(env)


def _wrapped(env, wrapper):
    """The environment inside the wrapper that "module:name argument=value ..." names."""
    name, *pairs = wrapper.split()
    module, _, attribute = name.partition(":")
    options = parse_options(pairs, "--wrappers")
    try:
        return getattr(importlib.import_module(module), attribute)(env, **options)
    except Exception as error:
        expected = 'a wrapper as "module:name argument=value ..."'
        raise ValueError(f"--wrappers: expected {expected}, received {wrapper!r}: {first_line(error)}") from error


def _prepared(env, atari, frame_stack, training):
    """What `make` does to every environment."""
    if atari:
        env = wrappers.AtariPreprocessing(env)
        env = wrappers.TransformReward(env, lambda reward: float(np.sign(float(reward)))) if training else env
    else:
        env = limited(env)
    env = _as_box(env)
    if frame_stack > 1:
        seen = parts.parts_of(env.observation_space)
        if len(seen) > 1 and any(part.kind != "vector" for part in seen):
            raise ValueError(f"frame_stack: expected 1 with an image among other parts, received {frame_stack}.")
        images = len(env.observation_space.shape or ()) > 1
        env = wrappers.FrameStackObservation(env, frame_stack)
        env = _channels_last(env) if images else env
    return env


def _limited(env):
    """Whether one of the wrappers is a time limit."""
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, wrappers.TimeLimit):
            return True
        env = env.env
    return False


def first_line(error: Exception) -> str:
    """The type of an error and the first line of its message."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


def _as_box(env):
    space = env.observation_space
    if isinstance(space, spaces.Dict) and len(space.spaces) == 1:  # becomes its only part
        return _as_box(parts.OnlyPart(env))
    if isinstance(space, spaces.Box):
        return env if space.shape else wrappers.FlattenObservation(env)
    expected = "an observation space of Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple"
    for where, part in parts.leaves(space):
        if not isinstance(part, NUMBERS):
            place = f" at {''.join(f'[{name!r}]' for name in where)}" if where else ""
            raise ValueError(f"env: expected {expected}, received {one_line(part)}{place}")
    return parts.Flattened(env) if isinstance(space, spaces.Dict | spaces.Tuple) else wrappers.FlattenObservation(env)


def _channels_last(env):
    """Frames `[n, H, W]` or `[n, H, W, C]` -> `[H, W, n]` or `[H, W, n C]`."""
    old = env.observation_space

    def merge(frames):
        frames = np.moveaxis(frames, 0, 2)
        return frames.reshape(*frames.shape[:2], -1)

    space = spaces.Box(merge(old.low), merge(old.high), dtype=old.dtype)
    return wrappers.TransformObservation(env, merge, space)


__getattr__ = renamed(
    __name__,
    {
        "check": "lab.agents.environment_checks.check",
        "check_interface": "lab.agents.environment_checks.check_interface",
        "require_environment": "lab.agents.environment_checks.require_environment",
    },
)
