"""What agents and rollouts exchange: the trajectory, and the protocol that every agent fulfils."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import gymnasium
import keras
import numpy as np

from lab.engine.types import Tensor


class Trajectory(NamedTuple):
    """What happened in B environments over T steps: arrays on the host, tensors inside a program.

    Termination ends the return: its discount is zero. Truncation, like the end of the trajectory,
    only cuts it: the value of `next_observation` stands for the rewards that would follow.
    """

    observation: Any  # [T, B, ...]
    action: Any  # [T, B, ...]
    reward: Any  # [T, B] float32
    terminated: Any  # [T, B] bool, the episode came to its end
    truncated: Any  # [T, B] bool, the episode was stopped from outside, by a time limit
    next_observation: Any  # [T, B, ...], the true one, also where the episode ended
    extras: dict[str, Any]  # what the agent's act() returned beside the action, each [T, B, ...]


class Agent(Protocol):
    """An agent: how it acts, how it learns, and the variables that are all of its state.

    Its models run by the passes of `lab.agents.passes`: `training=True` in exploring and learning,
    `training=False` in acting greedily.
    """

    model: keras.Model  # whose weights make the greedy policy; what `BestSnapshot` keeps
    variables: list[keras.Variable]  # all that act and learn read or assign
    rollout_length: int  # T, steps of each environment between two calls of learn
    learning_starts: int  # environment steps before the first learn; 0 starts at once

    def require_place(self, observation_space: gymnasium.Space, action_space: gymnasium.Space, num_envs: int) -> None:
        """ValueError where the agent was made for other environments than these."""

    def act(self, observation: Tensor, start: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Explores: observation `[B, ...]` -> (action `[B, ...]`, extras). A program.

        `start` `[B]` bool tells which observations are the first of an episode. There an agent with
        a memory begins anew.
        """

    def host_policy(self, generator: np.random.Generator | None = None) -> Callable[..., Any]:
        """`act` as a function of arrays, over the present weights; greedy without a generator."""

    def policy_model(self) -> keras.Model:
        """The greedy policy as a Keras model: observation `[B, ...]` -> scores or action."""

    def learn(self, trajectory: Trajectory) -> dict[str, Tensor]:
        """Learns from a trajectory; returns scalar diagnostics. A program."""

    def observe(self, trajectory: Trajectory) -> None:
        """Only remembers a trajectory, before learning starts. A program."""
