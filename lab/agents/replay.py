"""Experience replay in Keras variables, which programs write and sample."""

from typing import Any, NamedTuple, Protocol

import gymnasium
import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.agents.algorithm import Trajectory
from lab.agents.spaces import fitting
from lab.validation import Interval

LARGEST = (2**31 - 1) // 3  # transitions; positions and their sums are int32


class Transition(NamedTuple):
    """Single steps, in no order."""

    observation: Any  # [N, ...]
    action: Any  # [N, ...]
    reward: Any  # [N]
    terminated: Any  # [N] bool
    next_observation: Any  # [N, ...]


class Replay(Protocol):
    """What agents that learn from old transitions need of a replay buffer.

    `variables` has all that changes, so that it is saved with the agent.
    """

    capacity: int
    observation_space: gymnasium.Space
    action_space: gymnasium.Space
    variables: list[keras.Variable]

    def add(self, trajectory: Trajectory) -> None:
        """Keeps the T x B steps of a trajectory. A program."""

    def sample(self, batch_size: int) -> Transition:
        """`batch_size` transitions to learn from. A program."""


class UniformReplay:
    """A ring buffer of the last `capacity` transitions, sampled uniformly with replacement.

    Sources: Lin 1992; Mnih et al. 2015.

    Args:
        capacity: the number of transitions that it holds.
        observation_space, action_space: Gymnasium spaces of a single environment, which give shapes
            and dtypes. Numbers are kept in at most 32 bits, and integer actions as int32.
        seed: seeds the sampling.

    Raises:
        ValueError: a space is not of numbers, or its bounds do not fit into 32 bits.
    """

    def __init__(self, capacity: int, observation_space: gymnasium.Space, action_space: gymnasium.Space, *, seed: int) -> None:
        self.capacity = Interval(1, LARGEST).check("capacity", validation.integer("capacity", capacity))
        self.observation_space, self.action_space = observation_space, action_space
        seen = observation_space.shape, fitting("observation_space", observation_space)
        whole = np.issubdtype(action_space.dtype, np.integer)
        done = action_space.shape, fitting("action_space", action_space, "int32" if whole else None)
        fields = Transition(
            observation=seen, action=done, reward=((), "float32"), terminated=((), "bool"), next_observation=seen
        )
        self.storage = Transition(
            *(
                keras.Variable(np.zeros((self.capacity, *shape), dtype), trainable=False, name=f"replay_{name}")
                for name, (shape, dtype) in fields._asdict().items()
            )
        )
        self.added = keras.Variable(0, dtype="int32", trainable=False, name="replay_added")
        self.seed = keras.random.SeedGenerator(seed)
        self.variables = [*self.storage, self.added, self.seed.state]

    def add(self, trajectory: Trajectory) -> None:
        """Writes the T x B steps of a trajectory over the oldest ones. A program."""
        steps = Transition(*(getattr(trajectory, name) for name in Transition._fields))
        count = int(np.prod(steps.reward.shape))
        if count > self.capacity:
            raise ValueError(f"trajectory: expected at most the replay's {self.capacity} steps, received {count}.")
        indices = (self.added.value + ops.arange(count, dtype="int32")) % self.capacity
        for variable, values in zip(self.storage, steps, strict=True):
            engine.write(variable, indices, ops.reshape(values, (count, *variable.shape[1:])))
        # At 2 x capacity the count falls back to capacity: the next place and whether the ring is
        # full stay right, and the count never overflows.
        total = self.added.value + count
        self.added.assign(ops.where(total >= 2 * self.capacity, total - self.capacity, total))

    def sample(self, batch_size: int) -> Transition:
        """`batch_size` transitions, drawn uniformly with replacement. A program."""
        size = ops.minimum(self.added.value, self.capacity)
        indices = keras.random.randint((batch_size,), 0, size, dtype="int32", seed=self.seed)
        return Transition(*(ops.take(variable.value, indices, axis=0) for variable in self.storage))
