"""Stochastic policies: from the outputs of a network to actions of a Gymnasium space.

A *sample* is what is drawn and has a probability. An *action* is what the environment gets. They
differ for a Box. Its samples are unbounded, in units where the bounds are -1 and 1. Its actions are
in the units of the Box, and clipped to the bounds.

A policy has a `space`, the `shapes` of its parameters after the batch axis, and their `meaning` for
messages. It works inside programs (`sample`, `action`) and on the host (`host_sampler`).
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from gymnasium.spaces import Discrete, MultiBinary, MultiDiscrete
from keras import ops

from lab import validation
from lab.agents.box import UnitBox
from lab.agents.spaces import check_actions, one_line
from lab.distributions import Categorical, DiagonalNormal, MultiCategorical
from lab.engine.types import Tensor
from lab.layers import GaussianHead, GSDEHead

HostSampler = Callable[..., tuple[np.ndarray, np.ndarray]]


def policy_for(space: Any) -> Any:
    """The policy for an action space: one categorical, several independent ones, or a normal."""
    check_actions(space)
    if isinstance(space, Discrete):
        return CategoricalPolicy(space)
    if isinstance(space, MultiDiscrete | MultiBinary):
        return MultiCategoricalPolicy(space)
    return NormalPolicy(space)


class CategoricalPolicy:
    """One of n actions. Its parameters are logits `[..., n]`."""

    variables = ()

    def __init__(self, space: Any) -> None:
        self.space, self.count = space, int(space.n)
        self.shapes, self.meaning = [(self.count,)], f"the logits of {space}"

    def head(self, initializer: Any) -> keras.layers.Layer:
        """The last layer of a network for this policy."""
        return keras.layers.Dense(self.count, kernel_initializer=initializer, name="logits")

    def distribution(self, logits: Tensor) -> Categorical:
        """The distribution of the samples."""
        return Categorical(logits)

    def sample(self, seed: Any, logits: Tensor) -> Tensor:
        """Random samples `[B]`. A program."""
        return self.distribution(logits).sample(seed)

    def action(self, sample: Tensor) -> Tensor:
        """What the environment gets. A program."""
        return sample

    def host_sampler(self, generator: np.random.Generator | None) -> HostSampler:
        """A function of arrays, parameters -> (samples, actions).

        It draws with a NumPy generator. Without one it takes the most likely samples.
        """

        def draw(logits):
            noisy = logits if generator is None else logits + generator.gumbel(size=logits.shape)
            sample = noisy.argmax(axis=-1)
            return sample, sample

        return draw

    def greedy_output(self, logits: Tensor) -> Tensor:
        """What a saved model gives: the logits. The largest is that of the greedy action."""
        return logits


class MultiCategoricalPolicy:
    """D independent choices, from n_d each. Its parameters are logits `[..., sum n_d]`.

    In a `MultiBinary` space all counts are 2.
    """

    variables = ()

    def __init__(self, space: Any) -> None:
        counts = np.full(space.shape, 2) if isinstance(space, MultiBinary) else space.nvec
        self.counts = [int(count) for count in counts]
        self._ends = np.cumsum(self.counts)[:-1]
        self.space = space
        self.shapes = [(sum(self.counts),)]
        self.meaning = f"the logits of {space}"

    def head(self, initializer: Any) -> keras.layers.Layer:
        """The last layer of a network for this policy."""
        return keras.layers.Dense(sum(self.counts), kernel_initializer=initializer, name="logits")

    def distribution(self, logits: Tensor) -> MultiCategorical:
        """The distribution of the samples."""
        return MultiCategorical(logits, self.counts)

    def sample(self, seed: Any, logits: Tensor) -> Tensor:
        """Random samples `[B, D]`. A program."""
        return self.distribution(logits).sample(seed)

    def action(self, sample: Tensor) -> Tensor:
        """What the environment gets. A program."""
        return sample

    def host_sampler(self, generator: np.random.Generator | None) -> HostSampler:
        """See `CategoricalPolicy.host_sampler`."""

        def draw(logits):
            noisy = logits if generator is None else logits + generator.gumbel(size=logits.shape)
            parts = np.split(noisy, self._ends, axis=-1)
            sample = np.stack([part.argmax(axis=-1) for part in parts], axis=-1)
            return sample, sample

        return draw

    def greedy_output(self, logits: Tensor) -> Tensor:
        """What a saved model gives: the logits. In each part the largest is greedy."""
        return logits


class NormalPolicy:
    """A diagonal normal distribution in a Box. Its parameters are loc and scale, `[..., D]` each.

    `head` learns one standard deviation for each dimension, the same in all states (Schulman et al.
    2017).

    Args:
        space: a bounded Box.
        initial_log_scale: the logarithm of the standard deviation at the start, where the bounds of
            the Box are -1 and 1.
    """

    variables: tuple | list = ()

    def __init__(self, space: Any, *, initial_log_scale: float = 0.0) -> None:
        self.box, self.initial_log_scale = UnitBox(space), initial_log_scale
        self.space, self.shapes = space, [(self.box.dimensions,)] * 2
        self.meaning = f"mean and standard deviation of {one_line(space)}"

    def head(self, initializer: Any) -> keras.layers.Layer:
        """The last layer of a network for this policy."""
        return GaussianHead(
            self.box.dimensions,
            state_dependent=False,
            initial_log_scale=self.initial_log_scale,
            kernel_initializer=initializer,
            name="normal",
        )

    def distribution(self, loc: Tensor, scale: Tensor) -> DiagonalNormal:
        """The distribution of the samples."""
        return DiagonalNormal(loc, scale)

    def sample(self, seed: Any, loc: Tensor, scale: Tensor) -> Tensor:
        """Random samples `[B, D]`. A program."""
        return self.distribution(loc, scale).sample(seed)

    def action(self, sample: Tensor) -> Tensor:
        """What the environment gets: in the units of the Box, within its bounds. A program."""
        return self.box.from_unit(sample)

    def host_sampler(self, generator: np.random.Generator | None) -> HostSampler:
        """See `CategoricalPolicy.host_sampler`. The most likely sample is the mean."""

        def draw(loc, scale):
            sample = loc
            if generator is not None:
                sample = loc + scale * generator.standard_normal(loc.shape, np.float32)
            return sample, self.box.from_unit(sample)

        return draw

    def greedy_output(self, loc: Tensor, *_: Tensor) -> Tensor:
        """What a saved model gives: the mean in the units of the Box, not clipped."""
        return keras.layers.Rescaling(self.box.half.tolist(), self.box.middle.tolist(), name="action")(loc)


class GSDEPolicy:
    """State-dependent exploration (Raffin et al. 2022).

    The noise is a fixed function of the state for `redraw_every` steps. The parameters are loc,
    scale and factors of a `GSDEHead`. Each environment has a noise matrix of its own, so `sample`
    takes exactly one state of each.

    Args:
        space: a bounded Box.
        num_envs: B, the number of environments.
        features: the number of units of the last hidden layer.
        redraw_every: steps between two draws of the noise matrices. They are also drawn at the
            start of each host rollout.
        initial_log_scale: log sigma at the start.
    """

    def __init__(self, space: Any, *, num_envs: int, features: int, redraw_every: int, initial_log_scale: float = -2.0) -> None:
        self.redraw_every = validation.integer("redraw_every", redraw_every)
        self.normal = NormalPolicy(space, initial_log_scale=initial_log_scale)
        self.num_envs = validation.integer("num_envs", num_envs)
        shape = (num_envs, features, self.normal.box.dimensions)
        self.space, self.shapes = space, [*self.normal.shapes, shape[1:]]
        self.meaning = f"{self.normal.meaning}, factors of the noise"
        self._noise = keras.Variable(np.zeros(shape), dtype="float32", trainable=False, name="exploration_noise")
        self._age = keras.Variable(0, dtype="int32", trainable=False, name="exploration_noise_age")
        self.variables = [self._noise, self._age]
        self.action, self.greedy_output = self.normal.action, self.normal.greedy_output

    def head(self, initializer: Any) -> keras.layers.Layer:
        """The last layer of a network for this policy."""
        return GSDEHead(
            self.normal.box.dimensions,
            initial_log_scale=self.normal.initial_log_scale,
            kernel_initializer=initializer,
            name="normal",
        )

    def distribution(self, loc: Tensor, scale: Tensor, factors: Tensor) -> DiagonalNormal:
        """The distribution of the samples."""
        return DiagonalNormal(loc, scale)

    def sample(self, seed: Any, loc: Tensor, scale: Tensor, factors: Tensor) -> Tensor:
        """Random samples `[B, D]`. A program."""
        fresh = keras.random.normal(self._noise.shape, seed=seed)
        self._noise.assign(ops.where(self._age.value % self.redraw_every == 0, fresh, self._noise.value))
        self._age.assign_add(1)
        return loc + ops.sum(factors * self._noise.value, axis=1)

    def host_sampler(self, generator: np.random.Generator | None) -> HostSampler:
        """See `CategoricalPolicy.host_sampler`. The most likely sample is the mean."""
        age, noise = 0, None

        def draw(loc, scale, factors):
            nonlocal age, noise
            sample = loc
            if generator is not None:
                if age % self.redraw_every == 0:
                    noise = generator.standard_normal(factors.shape, np.float32)
                age += 1
                sample = loc + (factors * noise).sum(axis=1)
            return sample, self.normal.box.from_unit(sample)

        return draw
