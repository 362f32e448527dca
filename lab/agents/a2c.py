"""Advantage actor-critic (Mnih et al. 2016, Algorithm S3), with all actors in step: A2C.

Deviations from the paper: synchronous; lambda-returns, of which lambda = 1 gives the paper's; the value's weight is a setting.
"""

from keras import ops

from lab import engine
from lab.agents.actor_critic import (
    ActorCritic,
    action_statistics,
    explained_variance,
    gradient_norm,
    schedule,
    standardize,
)
from lab.losses import reinforcement


def all_steps(trajectory):
    """Equal weights, `[T, B]`."""
    return ops.ones_like(trajectory.reward)


class A2C(ActorCritic):
    """One gradient step per trajectory on  E[-log pi(a|s) A] + c_v E[(G - V(s))^2] - c_e E[H(pi(.|s))].

    G is the lambda-return and A = G - V(s).

    Args:
        value_weight: c_v.
        entropy_weight: c_e, a number or a function of environment steps.
        normalize_advantage: whether the trajectory's advantages are made mean 0, deviation 1.
        weights: a function, trajectory -> how much each step counts in the means, `[T, B]`.
        **options: those of `ActorCritic`.
    """

    def __init__(
        self, *, discount=0.99, lambda_=1.0, rollout_length=5, value_weight=0.5, entropy_weight=0.0, normalize_advantage=False,
        weights=all_steps, **options,
    ):  # fmt: skip
        super().__init__(discount=discount, lambda_=lambda_, rollout_length=rollout_length, **options)
        self.value_weight, self.entropy_weight = value_weight, schedule(entropy_weight)
        self.normalize_advantage, self.weights = normalize_advantage, weights
        self._gradient = engine.value_and_grad(self._loss, self.model.trainable_variables)

    def learn(self, trajectory):
        """One update. A program."""
        batch = self.experience(trajectory)
        weight = self.network.arrange(self.weights(trajectory))
        weight = weight / ops.maximum(ops.sum(weight), 1.0)
        if self.normalize_advantage:
            batch = batch._replace(advantage=standardize(batch.advantage, weight))
        (_, metrics), gradients = self._gradient(batch, weight)
        self.optimizer.apply(gradients, self.model.trainable_variables)
        self.finish(trajectory)
        metrics |= {"gradient_norm": gradient_norm(gradients)}
        return metrics | {"explained_variance": explained_variance(batch.value, batch.target)} | action_statistics(batch.sample)

    def _loss(self, batch, weight):
        policy, value = self.forward(batch.inputs)
        policy_loss = ops.sum(weight * reinforcement.policy_gradient(policy.log_prob(batch.sample), batch.advantage))
        value_loss = ops.sum(weight * ops.square(batch.target - value))
        entropy = ops.sum(weight * policy.entropy())
        loss = policy_loss + self.value_weight * value_loss - self.entropy_weight(self.steps.value) * entropy
        return loss, {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": entropy}
