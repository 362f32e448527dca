"""What algorithms and rollouts exchange: the trajectory, and the methods of every algorithm."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import gymnasium
import keras
import numpy as np

from lab.engine.types import Tensor


class Trajectory(NamedTuple):
    """What happened in B environments over T steps: arrays on the host, tensors inside a program.

    Termination ends the return: the discount of that step is zero. Truncation only cuts the return,
    as does the end of the trajectory. There the value of `next_observation` stands for the rewards
    that would follow.
    """

    observation: Any  # [T, B, ...]
    action: Any  # [T, B, ...]
    reward: Any  # [T, B] float32
    terminated: Any  # [T, B] bool, the environment itself ended the episode
    truncated: Any  # [T, B] bool, a time limit or the like stopped it
    next_observation: Any  # [T, B, ...], before any reset: the last one where the episode ended
    extras: dict[str, Any]  # what the agent's act() returned besides the action, each [T, B, ...]


class Algorithm(Protocol):
    """An algorithm: how it acts, how it learns, and the variables that hold all of its state.

    It calls its models with `training=True` when it explores and learns, and with `training=False`
    when it acts greedily (see `lab.agents.passes`).
    """

    model: keras.Model  # its weights make the greedy policy; `BestSnapshot` keeps them
    variables: list[keras.Variable]  # all variables that act and learn read or assign
    rollout_length: int  # T, steps of each environment between two calls of learn
    learning_starts: int  # environment steps before the first call of learn

    def require_place(self, observation_space: gymnasium.Space, action_space: gymnasium.Space, num_envs: int) -> None:
        """ValueError where the agent was made for other environments than these."""

    def act(self, observation: Tensor, start: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Explores: observation `[B, ...]` -> (action `[B, ...]`, extras). A program.

        `start` `[B]` bool tells which observations are the first of an episode. An agent with a
        memory forgets there.
        """

    def host_policy(self, generator: np.random.Generator | None = None) -> Callable[..., Any]:
        """A function (observation, start) -> (action, extras) of arrays, for host environments.

        With a generator it explores as `act` does. Without one it is greedy. Ask for a new one when
        the weights have changed.
        """

    def policy_model(self) -> keras.Model:
        """The greedy policy as a Keras model: observation `[B, ...]` -> scores or action."""

    def learn(self, trajectory: Trajectory) -> dict[str, Tensor]:
        """Learns from a trajectory; returns scalar diagnostics. A program."""

    def observe(self, trajectory: Trajectory) -> None:
        """Takes in a trajectory without learning, before learning starts. A program."""
