"""REINFORCE (Williams 1992), with or without a learnt baseline.

Source of the baseline: Sutton and Barto 2018, sections 13.3 and 13.4. Differences from the book:

- The book makes a gradient step for each time step. Here all complete episodes of a trajectory make
  one gradient step together, in which each time step has the same weight.
- The factor gamma^t is left out, as in most later work.
"""

from collections.abc import Callable
from typing import Any

from keras import ops

from lab.agents import settings
from lab.agents.a2c import A2C
from lab.agents.algorithm import Trajectory
from lab.engine.types import Tensor


class REINFORCE(A2C):
    """REINFORCE with a baseline. It makes one gradient step per trajectory.

    The loss is

        E[-log pi(a|s) (G - b(s))] + c_v E[(G - b(s))^2] - c_e E[H(pi(.|s))]

    This is the update of `A2C` in which G is the Monte Carlo return and b(s) the model's value. A
    model without a critic has b(s) = 0. Where a time limit ended an episode, b of the last
    observation stands for the rewards that would follow.

    E is the mean over the steps of episodes that end inside the trajectory. The other steps have no
    return. This prefers steps that are near the end of their episode. The preference is weaker in
    long trajectories: a trajectory should hold several episodes. Without a complete episode there
    is no gradient step.

    Args:
        rollout_length, entropy_weight, normalize_advantage: the fields of
            `lab.agents.settings.REINFORCE` of the same name.
        **options: the other ones of `A2C`, except gae_lambda and weights.
    """

    def __init__(
        self,
        *,
        rollout_length: int = settings.REINFORCE.rollout_length,
        entropy_weight: float | Callable[[Tensor], Tensor] = settings.REINFORCE.entropy_weight,
        normalize_advantage: bool = settings.REINFORCE.normalize_advantage,
        **options: Any,
    ) -> None:
        options |= {"entropy_weight": entropy_weight, "normalize_advantage": normalize_advantage}
        super().__init__(gae_lambda=1.0, weights=complete_episodes, rollout_length=rollout_length, **options)

    def learn(self, trajectory: Trajectory) -> dict[str, Tensor]:
        """One update, if an episode is complete. A program."""
        variables = [*self.model.trainable_variables, *self.optimizer.variables]
        before = [ops.copy(variable) for variable in variables]
        metrics = super().learn(trajectory)
        learnt = ops.any(complete_episodes(trajectory) > 0)
        for variable, old in zip(variables, before, strict=True):
            variable.assign(ops.where(learnt, variable.value, old))  # else the optimizer's momentum would move it
        return metrics


def complete_episodes(trajectory: Trajectory) -> Tensor:
    """1 for the steps whose episode ends inside the trajectory, else 0; `[T, B]`."""
    ended = ops.cast(ops.logical_or(trajectory.terminated, trajectory.truncated), "float32")
    ends_to_come = ops.flip(ops.cumsum(ops.flip(ended, 0), axis=0), 0)
    return ops.cast(ends_to_come > 0, "float32")
