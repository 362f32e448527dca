"""Gymnasium environments as deep agents want them: observations are one array, channels come last.

`make` is the one way to an environment, for training, evaluation, checks and pictures. No Keras in
here: settings are checked before it is imported.
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
from lab.agents.spaces import NUMBERS, one_line
from lab.runs import paths

LONGEST_EPISODE = 10_000  # steps, of environments without a time limit
RESERVED = ("final_obs", "final_info")  # what a vector environment calls its own


def register(name: str) -> str:
    """Imports the package that registers an id with Gymnasium.

    That is the laboratory's own package, Atari's, or the one of "package:id". Returns the id
    without its package.

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
    """The steps of an episode that the registration of an id allows, or None."""
    return gymnasium.spec(register(name)).max_episode_steps


def arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `make` and `make_vector` that the settings of a run, a dict, hold."""
    stack = int(settings.get("frame_stack", 1))
    options = parse_options(settings.get("environment_options", ()))
    return {"frame_stack": stack, "options": options, "wrappers": tuple(settings.get("wrappers", ()))}


def parse_options(pairs: Iterable[str], flag: str = "--environment-options") -> dict[str, Any]:
    """["name=value", ...] as a dict; a value is JSON, such as 3, true or [1,2], or else text."""
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
) -> gymnasium.Env:
    """An environment with observations that are one Box.

    Dict, Tuple, Discrete, MultiDiscrete and MultiBinary observations are flattened; categories
    become one-hot. A single number becomes a vector of one. A Dict of one part becomes that part.

    With `frame_stack` the agent sees the last n observations: images side by side in the channels,
    vectors as `[n, D]`.

    Atari games get Mnih et al. 2015's preprocessing (84 x 84 grey, 4 frames skipped, up to 30 idle
    steps at the start) and, in training, rewards clipped to their sign.

    An environment without a time limit gets one of 10,000 steps, for a greedy policy may go round
    in circles. Observations are copies: an environment may reuse its array.

    Args:
        environment: a Gymnasium id, or a class or function that makes an environment.
        options: its keyword arguments.
        wrappers: functions, environment -> environment, or their names as "module:name" or
            "module:name argument=value ...". The innermost comes first, before all of the above.
        render_mode: of the environment; None does not pass one on.

    Raises:
        ValueError: the observation space is none of these.
    """
    options = dict(options) | ({} if render_mode is None else {"render_mode": render_mode})
    atari = isinstance(environment, str) and environment.rpartition(":")[2].startswith("ALE/")  # has a limit of its own
    env = _create(environment, options | ({"frameskip": 1} if atari else {}))
    for wrapper in wrappers:
        env = _wrapped(env, wrapper) if isinstance(wrapper, str) else wrapper(env)
    return _prepared(env, atari, frame_stack, training)


def make_vector(environment: Any, count: int, **arguments: Any) -> Any:
    """`count` environments of `make` side by side, reset in the step that ends an episode.

    The laboratory's functional environments step together, for one by one they are slow.
    """
    plain = arguments.get("frame_stack", 1) == 1 and not arguments.get("options") and not arguments.get("wrappers")
    if plain and isinstance(environment, str) and environment.startswith("lab/"):
        register(environment)
        if gymnasium.spec(environment).vector_entry_point:
            return gymnasium.make_vec(environment, count, vectorization_mode="vector_entry_point")
    return SyncVectorEnv([lambda: make(environment, **arguments)] * count, autoreset_mode=AutoresetMode.SAME_STEP, copy=False)


class _Detached(gymnasium.Wrapper):
    """Copies of the observations, and infos without the names that a vector environment uses."""

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
    """The environment of an id, a class or a function, with observations of its own."""
    if isinstance(environment, str):
        return _Detached(gymnasium.make(register(environment), disable_env_checker=True, **options))
    env = environment(**options) if callable(environment) else environment
    if not callable(environment) or not isinstance(env, gymnasium.Env):
        raise ValueError(
            f"env: expected an id, or a class or function that makes a gymnasium.Env, received {type(env).__name__}"
        )
    return _Detached(env)


def _wrapped(env, wrapper):
    """The environment in the wrapper of "module:name argument=value ..."."""
    name, *pairs = wrapper.split()
    module, _, attribute = name.partition(":")
    options = parse_options(pairs, "--wrappers")
    try:
        return getattr(importlib.import_module(module), attribute)(env, **options)
    except Exception as error:
        expected = 'a wrapper as "module:name argument=value ..."'
        raise ValueError(f"--wrappers: expected {expected}, received {wrapper!r}: {first_line(error)}") from error


def _prepared(env, atari, frame_stack, training):
    """What `make` does to any environment."""
    if atari:
        env = wrappers.AtariPreprocessing(env)
        env = wrappers.TransformReward(env, lambda reward: float(np.sign(float(reward)))) if training else env
    elif not _limited(env):
        env = wrappers.TimeLimit(env, LONGEST_EPISODE)
    env = _as_box(env)
    if frame_stack > 1:
        images = len(env.observation_space.shape or ()) > 1
        env = wrappers.FrameStackObservation(env, frame_stack)
        env = _channels_last(env) if images else env
    return env


def _limited(env):
    """Whether a wrapper limits the time."""
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
    if isinstance(space, spaces.Dict) and len(space.spaces) == 1:  # is that part
        ((name, part),) = space.spaces.items()
        return _as_box(wrappers.TransformObservation(env, lambda observation: observation[name], part))
    if isinstance(space, spaces.Box):
        return env if space.shape else wrappers.FlattenObservation(env)
    expected = "an observation space of Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple"
    for where, part in _parts(space):
        place = f" at {where}" if where else ""
        if not isinstance(part, NUMBERS):
            raise ValueError(f"env: expected {expected}, received {one_line(part)}{place}")
        if isinstance(part, spaces.Box) and (len(part.shape) > 2 or (len(part.shape) == 2 and part.dtype == np.uint8)):
            raise ValueError(
                f"env: expected an image alone, or vectors, received the image {part.shape}{place} among other parts; choose with "
                "gymnasium.wrappers.FilterObservation, --wrappers 'gymnasium.wrappers:FilterObservation filter_keys=[\"name\"]'"
            )
    return wrappers.FlattenObservation(env)


def _parts(space, where=""):
    """(path, space) of each part that is not made of others."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        inner = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
        for name, part in inner:
            yield from _parts(part, f"{where}[{name!r}]")
    else:
        yield where, space


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
