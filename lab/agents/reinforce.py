"""REINFORCE (Williams 1992), with or without a learnt baseline.

Source of the baseline: Sutton and Barto 2018, sections 13.3 and 13.4. Differences from the book:
all complete episodes of a trajectory make one step together, in which each time step weighs the
same, where the book steps after each time step; the factor gamma^t is left out, as in nearly all
that follows Williams.
"""

from typing import Any

from keras import ops

from lab.agents import settings
from lab.agents.a2c import A2C
from lab.agents.agent import Trajectory
from lab.engine.types import Tensor


class REINFORCE(A2C):
    """One gradient step per trajectory on

    E[-log pi(a|s) (G - b(s))] + c_v E[(G - b(s))^2] - c_e E[H(pi(.|s))].

    This is the actor-critic's update where G is the Monte Carlo return and b(s) the model's value,
    0 where it has no critic. An episode that a time limit ends is continued by b of its last
    observation.

    E is the mean over the steps of episodes that end inside the trajectory. The others have no
    return. This prefers steps with a near end, the less the longer trajectories are: they should
    last several episodes. A trajectory without a complete episode makes no step.

    Args:
        rollout_length: the field of `lab.agents.settings.REINFORCE`.
        **options: those of `A2C`, except gae_lambda and weights.
    """

    def __init__(self, *, rollout_length: int = settings.REINFORCE.rollout_length, **options: Any):
        super().__init__(gae_lambda=1.0, weights=complete_episodes, rollout_length=rollout_length, **options)

    def learn(self, trajectory: Trajectory) -> dict[str, Tensor]:
        """One update, where an episode is complete. A program."""
        variables = [*self.model.trainable_variables, *self.optimizer.variables]
        before = [ops.copy(variable) for variable in variables]
        metrics = super().learn(trajectory)
        learnt = ops.any(complete_episodes(trajectory) > 0)
        for variable, old in zip(variables, before, strict=True):
            variable.assign(ops.where(learnt, variable.value, old))  # or the optimizer would go on by its momentum
        return metrics


def complete_episodes(trajectory: Trajectory) -> Tensor:
    """1 where the end of the step's episode is in the trajectory, else 0; `[T, B]`."""
    ended = ops.cast(ops.logical_or(trajectory.terminated, trajectory.truncated), "float32")
    ends_to_come = ops.flip(ops.cumsum(ops.flip(ended, 0), axis=0), 0)
    return ops.cast(ends_to_come > 0, "float32")
