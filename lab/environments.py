"""Gymnasium environments as deep agents want them: observations are one array, images have their channels last.

No Keras in here: settings are checked before it is imported.
"""

import importlib
from numbers import Real

import gymnasium
import numpy as np
from gymnasium import spaces, wrappers
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from lab import origin

LONGEST_EPISODE = 10_000  # steps, of environments without a time limit


def register(name):
    """Makes an id known to Gymnasium whose package registers it when imported: the laboratory's own, and Atari's.

    Raises:
        ValueError: Atari's package is not installed.
    """
    package = {"lab": "envs", "ALE": "ale_py"}.get(name.split("/")[0])
    if package == "envs":
        origin.require_ours(package)
    try:
        if package:
            importlib.import_module(package)
    except ImportError as error:
        raise ValueError(f"--environment: expected pip install '.[atari]' for {name}, received {error}") from error


def make(name, *, frame_stack=1, render_mode=None, training=False):
    """The environment of a Gymnasium id, with observations that are one Box.

    Dict, Tuple, Discrete, MultiDiscrete and MultiBinary observations are flattened (one-hot where they are categories). With `frame_stack` the
    last n observations are seen: of images side by side in the channels, of vectors `[n, D]`. Atari games get Mnih et al. 2015's
    preprocessing (84 x 84 grey, 4 frames skipped, up to 30 idle steps at the start) and, in training, rewards clipped to their sign. An environment without a
    time limit gets one of 10,000 steps, for a greedy policy may go round in circles.

    Raises:
        ValueError: the observation space is none of these.
    """
    register(name)
    atari = name.startswith("ALE/")  # has a limit of its own
    options = {"frameskip": 1} if atari else {}
    env: gymnasium.Env = gymnasium.make(name, render_mode=render_mode, disable_env_checker=True, **options)
    if atari:
        env = wrappers.AtariPreprocessing(env)
        env = wrappers.TransformReward(env, lambda reward: float(np.sign(float(reward)))) if training else env
    if not atari and env.spec is not None and env.spec.max_episode_steps is None:
        env = wrappers.TimeLimit(env, LONGEST_EPISODE)
    env = _as_box(env)
    shape = env.observation_space.shape or ()
    if frame_stack > 1:
        env = wrappers.FrameStackObservation(env, frame_stack)
        env = _channels_last(env) if len(shape) > 1 else env
    return env


def make_vector(name, count, **options):
    """`count` environments of `make` side by side, reset in the step that ends an episode.

    The laboratory's functional environments step together, for one by one they are slow.
    """
    if name.startswith("lab/") and options.get("frame_stack", 1) == 1:
        register(name)
        if gymnasium.spec(name).vector_entry_point:
            return gymnasium.make_vec(name, count, vectorization_mode="vector_entry_point")
    return SyncVectorEnv([lambda: make(name, **options)] * count, autoreset_mode=AutoresetMode.SAME_STEP, copy=False)


def check(env, steps=10):
    """ValueError where the environment does not keep to its own spaces, or gives rewards that are no finite numbers.

    Looks at a reset and some random steps.
    """
    check_actions(env.action_space)
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    _check_observation(env, "reset", observation)
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        _check_observation(env, "step", observation)
        if not isinstance(reward, Real | np.bool_) or not np.isfinite(float(reward)):
            raise ValueError(f"env: expected a finite number as reward, received {reward!r}")
        if terminated or truncated:
            env.reset()


def bounded(space):
    """(low, high) in float64 of an action space that is a Box of floats with one axis and finite bounds; ValueError otherwise."""
    if not isinstance(space, spaces.Box) or len(space.shape) != 1 or not np.issubdtype(space.dtype, np.floating):
        raise ValueError(f"action space: expected a Box of floats with one axis, received {_line(space)}.")
    low, high = np.asarray(space.low, "float64"), np.asarray(space.high, "float64")
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise ValueError(
            f"action space: expected finite bounds, low below high, received low {_line(low)}, high {_line(high)}."
        )
    return low, high


def check_actions(space):
    """ValueError where no policy gradient agent acts in the space: it takes Discrete, MultiDiscrete, MultiBinary and bounded Box."""
    if isinstance(space, spaces.Box):
        bounded(space)
    elif not isinstance(space, spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
        raise ValueError(f"action space: expected Discrete, MultiDiscrete, MultiBinary or Box, received {_line(space)}.")
    elif np.any(getattr(space, "start", 0)):
        raise ValueError(f"action space: expected actions that count from 0, received {_line(space)}.")
    elif isinstance(space, spaces.MultiDiscrete | spaces.MultiBinary) and len(space.shape) != 1:
        raise ValueError(f"action space: expected one axis, received {_line(space)}.")


def _line(x):
    """An array or a space on one line."""
    return " ".join(str(x).split())


def _check_observation(env, where, observation):
    if not env.observation_space.contains(observation):
        received = f"shape {np.shape(observation)}, {getattr(observation, 'dtype', type(observation).__name__)}"
        if np.shape(observation) == env.observation_space.shape:
            received = _line(np.array2string(np.asarray(observation), threshold=8, precision=4))
        raise ValueError(f"env: expected of {where} an observation in {_line(env.observation_space)}, received {received}")


def _as_box(env):
    space = env.observation_space
    if isinstance(space, spaces.Box):
        return env
    if _flattens(space):
        return wrappers.FlattenObservation(env)
    raise ValueError(
        f"env: expected an observation space of Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple, received {_line(space)}"
    )


def _flattens(space):
    if isinstance(space, spaces.Dict | spaces.Tuple):
        parts = space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces
        return all(_flattens(part) for part in parts)
    return isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary)


def _channels_last(env):
    """Frames `[n, H, W]` or `[n, H, W, C]` -> `[H, W, n]` or `[H, W, n C]`."""
    old = env.observation_space

    def merge(frames):
        frames = np.moveaxis(frames, 0, 2)
        return frames.reshape(*frames.shape[:2], -1)

    space = spaces.Box(merge(old.low), merge(old.high), dtype=old.dtype)
    return wrappers.TransformObservation(env, merge, space)
