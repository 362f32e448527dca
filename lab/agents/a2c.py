"""Advantage actor-critic (Mnih et al. 2016, Algorithm S3) with synchronous actors: A2C.

Differences from the paper: the actors are synchronous; returns are lambda-returns, of which those
with lambda = 1 are the paper's; the weight of the value loss is a setting.
"""

from collections.abc import Callable
from typing import Any

from keras import ops

from lab import engine
from lab.agents import settings
from lab.agents.actor_critic import ActorCritic, gradient_norm, standardize
from lab.agents.algorithm import Trajectory
from lab.agents.passes import learning
from lab.engine.types import Tensor
from lab.losses import reinforcement


def all_steps(trajectory: Trajectory) -> Tensor:
    """Equal weights, `[T, B]`."""
    return ops.ones_like(trajectory.reward)


class A2C(ActorCritic):
    """Advantage actor-critic. It makes one gradient step per trajectory.

    The loss is

        E[-log pi(a|s) A] + c_v E[(G - V(s))^2] - c_e E[H(pi(.|s))]

    G is the lambda-return, and A = G - V(s) the advantage.

    Args:
        value_weight: c_v.
        entropy_weight: c_e, a number or a function of environment steps.
        weights: a function, trajectory -> the weight of each step in the means, `[T, B]`.
        discount, gae_lambda, rollout_length, normalize_advantage: as in `lab.agents.settings.A2C`.
        **options: those of `ActorCritic`.
    """

    def __init__(
        self,
        *,
        discount: float = settings.A2C.discount,
        gae_lambda: float = settings.A2C.gae_lambda,
        rollout_length: int = settings.A2C.rollout_length,
        value_weight: float = settings.A2C.value_weight,
        entropy_weight: float | Callable[[Tensor], Tensor] = settings.A2C.entropy_weight,
        normalize_advantage: bool = settings.A2C.normalize_advantage,
        weights: Callable[[Trajectory], Tensor] = all_steps,
        **options: Any,
    ) -> None:
        super().__init__(discount=discount, gae_lambda=gae_lambda, rollout_length=rollout_length, **options)
        self.value_weight, self.entropy_weight = value_weight, entropy_weight
        self.normalize_advantage, self.weights = normalize_advantage, weights
        self._gradient = engine.value_and_grad(self._loss, self.model.trainable_variables)

    def learn(self, trajectory: Trajectory) -> dict[str, Tensor]:
        """One update. A program."""
        batch = self.experience(trajectory)
        weight = self.network.arrange(self.weights(trajectory))
        weight = weight / ops.maximum(ops.sum(weight), 1.0)
        if self.normalize_advantage:
            batch = batch._replace(advantage=standardize(batch.advantage, weight))
        (_, metrics), gradients = self._gradient(batch, weight)
        self.optimizer.apply(gradients, self.model.trainable_variables)
        return metrics | {"gradient_norm": gradient_norm(gradients)} | self.finish(trajectory, batch)

    def _loss(self, batch, weight):
        policy, value = self.network.forward(batch.inputs, learning)
        policy_loss = ops.sum(weight * reinforcement.policy_gradient(policy.log_prob(batch.sample), batch.advantage))
        value_loss = ops.sum(weight * ops.square(batch.target - value))
        entropy = ops.sum(weight * policy.entropy())
        entropy_weight = self.entropy_weight(self.steps.value) if callable(self.entropy_weight) else self.entropy_weight
        loss = policy_loss + self.value_weight * value_loss - entropy_weight * entropy
        return loss, {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": entropy}
