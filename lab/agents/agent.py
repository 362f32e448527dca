"""What agents and rollouts exchange: the trajectory, and the protocol an agent fulfils."""

from typing import Any, NamedTuple, Protocol


class Trajectory(NamedTuple):
    """What happened in B environments over T steps; arrays on the host, tensors inside a compiled program.

    Termination ends the return: its discount is zero. Truncation, like the end of the trajectory, only cuts it: the
    value of `next_observation` goes on where the rewards stop.
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

    Its models run by the passes of `lab.agents.passes`: `training=True` when exploring and learning, `False` when greedy.
    """

    variables: list  # every Keras variable that act and learn read or assign
    rollout_length: int  # T, environment steps between two calls of learn
    warm_up: int  # environment steps observed before the first learn; 0 where learning starts at once

    def require_place(self, observation_space, action_space, num_envs):
        """ValueError where the agent was made for other environments than these."""

    def act(self, observation, start):
        """Exploring: observation `[B, ...]` -> (action `[B, ...]`, extras). A program.

        `start` `[B]` bool tells which observations are an episode's first, where an agent with a memory begins anew.
        """

    def host_policy(self, generator=None):
        """A function of arrays with the face of `act`, over the present weights; greedy without a generator."""

    def learn(self, trajectory):
        """Learns from a trajectory; returns a dict of scalar diagnostics. A program."""

    def observe(self, trajectory):
        """Only remembers a trajectory; called while warming up. A program."""
