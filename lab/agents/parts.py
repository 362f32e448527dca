"""Observations of several parts in one vector, and the masks of actions among them.

Agents take observations that are one Box. A Dict becomes a vector of its parts, side by side. Its
space remembers them, so that a network can treat an image as an image. Where an environment says
which actions are allowed, the mask is the last part: so the replay, the next observation and
programs on the device hold it like the rest.

This module does not import Keras.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces

from lab.agents.spaces import one_line
from lab.errors import EnvironmentFailure

MASK = "action_mask"  # Gymnasium's name in the infos


class Part(NamedTuple):
    """A part of an observation."""

    name: str  # of a Dict's part; "" for the whole observation
    kind: str  # "vector", "image" or "sequence"
    start: int  # the position of its first number in the vector of all parts
    shape: tuple[int, ...]
    scale: float  # 1/255 for the pixels of an image that are bytes, else 1

    @property
    def end(self) -> int:
        """The position after its last number."""
        return self.start + math.prod(self.shape)


class Composite(spaces.Box):
    """A Box of one axis that holds the parts of another observation space, side by side.

    Args:
        box: the Box with the numbers of all parts.
        parts: where each part is.
        mask: how many of the last numbers say which actions are allowed, 0 for none.
    """

    def __init__(self, box: spaces.Box, parts: tuple[Part, ...], mask: int = 0) -> None:
        super().__init__(box.low, box.high, dtype=box.dtype.type)
        self.parts, self.mask = parts, mask


def parts_of(space: Any) -> tuple[Part, ...]:
    """The parts of an observation Box; a Box that is no `Composite` is one part."""
    return space.parts if isinstance(space, Composite) else (part("", space, 0),)


def mask_size(space: Any) -> int:
    """How many of the last numbers of an observation are a mask of actions."""
    return getattr(space, "mask", 0)


def is_vector(space: Any) -> bool:
    """Whether dense layers can take the observations as they are: only vectors, and no mask."""
    return not mask_size(space) and all(each.kind == "vector" for each in parts_of(space))


def part(name: str, space: Any, start: int) -> Part:
    """The part that a space becomes: images and sequences keep their shape."""
    shape = tuple(space.shape or ()) if isinstance(space, spaces.Box) else ()
    pixels = isinstance(space, spaces.Box) and space.dtype == np.uint8
    scale = 1 / 255 if pixels else 1.0
    if len(shape) == 3 or (len(shape) == 2 and pixels):
        return Part(name, "image", start, shape, scale)
    if len(shape) == 2:
        return Part(name, "sequence", start, shape, 1.0)
    return Part(name, "vector", start, (int(spaces.flatdim(space)),), 1.0)


def leaves(space: Any, where: tuple = ()) -> Iterator[tuple[tuple, Any]]:
    """(names or positions on the way, space) of each part that has no parts itself."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        inner = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
        for name, each in inner:
            yield from leaves(each, (*where, name))
    else:
        yield where, space


def composite(space: Any) -> Composite:
    """The vector that a Dict or a Tuple becomes, in the order of `gymnasium.spaces.flatten`."""
    parts: list[Part] = []
    for where, each in leaves(space):
        parts.append(part("/".join(map(str, where)), each, parts[-1].end if parts else 0))
    flat = spaces.flatten_space(space)
    return Composite(flat, tuple(parts))  # type: ignore[arg-type]  # of numbers, it is a Box


class OnlyPart(gymnasium.ObservationWrapper):
    """Takes the only part of a Dict."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        space: Any = env.observation_space
        ((self._name, self.observation_space),) = space.spaces.items()

    def observation(self, observation: Any) -> Any:
        """The part."""
        return observation[self._name]


class Flattened(gymnasium.ObservationWrapper):
    """Turns a Dict or a Tuple into a `Composite`."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.observation_space = composite(env.observation_space)

    def observation(self, observation: Any) -> np.ndarray:
        """The numbers of all parts."""
        return spaces.flatten(self.env.observation_space, observation)  # type: ignore[return-value]


class MaskInObservation(gymnasium.Wrapper):
    """Puts `info["action_mask"]` behind the numbers of each observation.

    Args:
        env: an environment with discrete actions, and observations that are one Box or Discrete.
            The observations become a `Composite`, or integers `[1 + A]`.

    Raises:
        ValueError: its actions have no masks of this kind.
    """

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.sizes = action_counts(env.action_space)
        space: Any = env.observation_space
        count = sum(self.sizes)
        if isinstance(space, spaces.Discrete):
            self.observation_space: Any = spaces.MultiDiscrete([space.n] + [2] * count)
            return
        low = np.concatenate([space.low.ravel(), np.zeros(count, space.dtype)])
        high = np.concatenate([space.high.ravel(), np.ones(count, space.dtype)])
        self.observation_space = Composite(spaces.Box(low, high, dtype=space.dtype.type), parts_of(space), count)

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        """See `gymnasium.Env.reset`."""
        observation, info = self.env.reset(**options)
        return self._joined(observation, info, False), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """See `gymnasium.Env.step`."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._joined(observation, info, terminated), reward, terminated, truncated, info

    def _joined(self, observation, info, terminated):
        if MASK not in info and not terminated:
            raise EnvironmentFailure(f"env: expected info[{MASK!r}] at each step, as at the first, received none.")
        mask = flat_mask(info.get(MASK), self.sizes, required=not terminated)
        return np.concatenate([np.ravel(observation), mask.astype(self.observation_space.dtype)])


def action_counts(space: Any) -> list[int]:
    """How many actions each part of a discrete action space has."""
    if isinstance(space, spaces.Discrete):
        return [int(space.n)]
    if isinstance(space, spaces.MultiDiscrete):
        return [int(count) for count in space.nvec]
    raise ValueError(f"env: expected Discrete or MultiDiscrete actions with info[{MASK!r}], received {one_line(space)}.")


def flat_mask(mask: Any, sizes: list[int], *, required: bool = True) -> np.ndarray:
    """The masks of all parts of an action, side by side, as bool.

    Args:
        mask: an array for one part, a tuple of arrays for several; None allows all actions.
        sizes: the number of actions of each part.
        required: whether each part needs an action that is allowed.

    Raises:
        EnvironmentFailure: a mask has another shape, or allows nothing.
    """
    if mask is None:
        return np.ones(sum(sizes), bool)
    several = mask if isinstance(mask, tuple | list) and len(mask) and np.ndim(mask[0]) else (mask,)
    arrays = [np.asarray(each) for each in several]
    if [each.shape for each in arrays] != [(size,) for size in sizes]:
        expected, received = ", ".join(f"[{size}]" for size in sizes), ", ".join(str(list(each.shape)) for each in arrays)
        raise EnvironmentFailure(f"action_mask: expected {expected}, one number for each action, received {received}.")
    for position, each in enumerate(arrays):
        if required and not each.any():
            where = f" in part {position}" if len(sizes) > 1 else ""
            raise EnvironmentFailure(f"action_mask: expected at least one allowed action{where}, received none.")
    return np.concatenate(arrays) > 0


def mask_rows(mask: Any, sizes: list[int], count: int) -> np.ndarray:
    """The masks of a batch `[count, A]`, as bool, from one for all of them or one for each.

    Args:
        mask: as in `flat_mask`; or an array `[count, A]`, a tuple of `[count, n]` for the parts of
            an action, a list of masks.
        sizes: the number of actions of each part.
        count: how many rows there are.

    Raises:
        ValueError: a mask has another shape, or allows nothing.
    """
    first: Any = mask[0] if isinstance(mask, tuple | list | np.ndarray) and len(mask) else 0
    try:
        if isinstance(first, tuple) or (len(sizes) == 1 and np.ndim(first) == 1):
            rows = [flat_mask(row, sizes) for row in mask]
        elif len(sizes) > 1 and np.ndim(first) == 2:  # a batch of each part
            rows = [flat_mask(row, sizes) for row in zip(*mask, strict=True)]
        else:
            rows = [flat_mask(mask, sizes)] * count
    except EnvironmentFailure as error:
        raise ValueError(str(error)) from error
    if len(rows) != count:
        raise ValueError(f"action_mask: expected one for each of {count} observations, received {len(rows)}.")
    return np.stack(rows)
