"""Gymnasium environments as deep agents want them: observations are one array, images have their channels last.

`make` is the one way to an environment, for training, evaluation, checks and pictures. No Keras in here: settings are checked before it
is imported.
"""

import contextlib
import importlib
import json
from numbers import Real

import gymnasium
import numpy as np
from gymnasium import spaces, wrappers
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from lab import origin
from lab.spaces import NUMBERS, check_actions, fitting, one_line

LONGEST_EPISODE = 10_000  # steps, of environments without a time limit
RESET = "reset(seed, options) to return (observation, info)"
STEP = "step(action) to return (observation, reward, terminated, truncated, info)"
RESERVED = ("final_obs", "final_info")  # what a vector environment calls its own


def register(name):
    """Makes an id known to Gymnasium whose package registers it when imported: the laboratory's own, Atari's, and that of "package:id".

    Returns the id without its package.

    Raises:
        ValueError: the package cannot be imported, or Atari's is not installed.
    """
    given, _, name = name.rpartition(":")
    package = given or {"lab": "envs", "ALE": "ale_py"}.get(name.split("/")[0])
    if package == "envs":
        origin.require_ours(package)
    try:
        if package:
            importlib.import_module(package)
    except Exception as error:
        expected = "pip install '.[atari]'" if package == "ale_py" else "a package that can be imported"
        raise ValueError(f"--environment: expected {expected} for {name}, received {_first_line(error)}") from error
    return name


def time_limit(name):
    """The steps of an episode that the registration of an id allows, or None."""
    return gymnasium.spec(register(name)).max_episode_steps


def arguments(settings):
    """The arguments of `make` and `make_vector` in the settings of a run, a dict: frame_stack, environment_options, wrappers."""
    stack = int(settings.get("frame_stack", 1))
    options = parse_options(settings.get("environment_options", ()))
    return {"frame_stack": stack, "options": options, "wrappers": tuple(settings.get("wrappers", ()))}


def parse_options(pairs, flag="--environment-options"):
    """["name=value", ...] as a dict; a value is JSON, such as 3, true or [1,2], or else text."""
    options = {}
    for pair in pairs:
        name, sign, options[name] = pair.partition("=")
        if not sign or not name.isidentifier():
            raise ValueError(f"{flag}: expected name=value, received {pair!r}")
        with contextlib.suppress(ValueError):
            options[name] = json.loads(options[name])
    return options


def make(environment, *, options=(), wrappers=(), frame_stack=1, render_mode=None, training=False):
    """An environment with observations that are one Box.

    Dict, Tuple, Discrete, MultiDiscrete and MultiBinary observations are flattened (one-hot where they are categories), a single number is a
    vector of one, and a Dict of one part is that part. With `frame_stack` the last n observations are seen: of images side by side in the channels, of vectors `[n, D]`.
    Atari games get Mnih et al. 2015's preprocessing (84 x 84 grey, 4 frames skipped, up to 30 idle steps at the start) and, in training,
    rewards clipped to their sign. An environment without a time limit gets one of 10,000 steps, for a greedy policy may go round in circles.
    Observations are copies: an environment may reuse its array.

    Args:
        environment: a Gymnasium id, or a class or function that makes an environment.
        options: its keyword arguments.
        wrappers: functions, environment -> environment, or their names as "module:name" or "module:name argument=value ..."; the innermost
            first, before all of the above.
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


def make_vector(environment, count, **arguments):
    """`count` environments of `make` side by side, reset in the step that ends an episode.

    The laboratory's functional environments step together, for one by one they are slow.
    """
    plain = arguments.get("frame_stack", 1) == 1 and not arguments.get("options") and not arguments.get("wrappers")
    if plain and isinstance(environment, str) and environment.startswith("lab/"):
        register(environment)
        if gymnasium.spec(environment).vector_entry_point:
            return gymnasium.make_vec(environment, count, vectorization_mode="vector_entry_point")
    return SyncVectorEnv([lambda: make(environment, **arguments)] * count, autoreset_mode=AutoresetMode.SAME_STEP, copy=False)


def check(env, steps=10):
    """ValueError where the environment does not keep to Gymnasium's interface or to its own spaces.

    Rewards must be finite numbers, and observations new arrays. Looks at a reset and some random steps, of the environment inside its
    wrappers first, for they rely on it.
    """
    check_actions(env.action_space)
    if isinstance(env.observation_space, NUMBERS):
        fitting("observation space", env.observation_space)
    check_interface(env.unwrapped)
    env.action_space.seed(0)
    observation = _reset(env)
    _check_observation(env, "reset", observation)
    for _ in range(steps):
        before = np.array(observation) if isinstance(observation, np.ndarray) else None
        following, reward, terminated, truncated = _step(env)
        _check_observation(env, "step", following)
        if before is not None and not np.array_equal(before, observation, equal_nan=before.dtype.kind == "f"):
            raise ValueError("env: expected a new array as each observation, received one that step changes; return a copy")
        if not isinstance(reward, Real | np.bool_) or not np.isfinite(float(reward)):
            raise ValueError(f"env: expected a finite number as reward, received {reward!r}")
        observation = _reset(env) if terminated or truncated else following


def check_interface(env):
    """ValueError where a reset or a step fails, or does not return what Gymnasium asks for."""
    env.action_space.seed(0)
    _reset(env)
    _step(env)


class _Detached(gymnasium.Wrapper):
    """Copies of the observations, and infos without the names that a vector environment uses for its own."""

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
        raise ValueError(f"--wrappers: expected {expected}, received {wrapper!r}: {_first_line(error)}") from error


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


def _reset(env):
    """The observation after a reset; ValueError where it does not work."""
    result = _called(env.reset, RESET, seed=0)
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):
        raise ValueError(f"env: expected {RESET}, received {_kind(result)}")
    return result[0]


def _step(env):
    """(observation, reward, terminated, truncated) of a random step; ValueError where it does not work."""
    result = _called(env.step, STEP, env.action_space.sample())
    if not isinstance(result, tuple) or len(result) != 5 or not isinstance(result[4], dict):
        raise ValueError(f"env: expected {STEP}, received {_kind(result)}")
    return result[:4]


def _called(function, expected, *positional, **named):
    """What a function of the environment returns; whatever it raises is bad input."""
    try:
        return function(*positional, **named)
    except Exception as error:
        raise ValueError(f"env: expected {expected}, received {_first_line(error)}") from error


def _kind(result):
    if isinstance(result, tuple):
        return f"({', '.join(type(part).__name__ for part in result)})"
    return type(result).__name__


def _first_line(error):
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


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
