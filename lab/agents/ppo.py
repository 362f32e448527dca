"""Proximal policy optimisation (Schulman et al. 2017, Algorithm 1), with the clipped objective.

Differences from the paper, all of them settings: advantages are standardised in each minibatch; the
change of the value can be clipped; updates can stop at a target divergence. All three are from
OpenAI's code (Huang et al. 2022, "The 37 implementation details of PPO").
"""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from lab import engine, validation
from lab.agents import settings
from lab.agents.actor_critic import ActorCritic, Experience, gradient_norm, standardize
from lab.agents.algorithm import Trajectory
from lab.agents.passes import learning
from lab.engine.types import Tensor
from lab.losses import reinforcement

METRICS = ("policy_loss", "value_loss", "entropy", "approximate_kl", "clip_fraction", "gradient_norm")  # those of each update


class PPO(ActorCritic):
    """Proximal policy optimisation. It makes several gradient steps per trajectory.

    The loss is

        E[L_clip] + c_v E[L_value] - c_e E[H(pi(.|s))]
        L_clip = -min(rho A, clip(rho, 1 - c, 1 + c) A)
        L_value = (G - V(s))^2

    Each of `epochs` passes over the trajectory splits it into `minibatches` random parts, and makes
    one update on each part. G is the lambda-return and A = G - V_old(s) the advantage. V_old is the
    value before the first update, and rho the probability of the action, divided by its probability
    before the first update.

    So rho is 1 in the first update, unless the learning pass differs from the greedy one. With
    Dropout or `NoisyDense` rho compares a policy under new noise with one without noise. With batch
    normalisation it compares a policy normalised by its minibatch with one normalised by the moving
    averages. The clip then limits this difference too.

    Where `target_kl` stops an update, it stops all later ones on the trajectory. They are not
    computed, except for the gradient of the first, which shows the divergence. They count neither
    in the optimizer's schedule nor in the diagnostics, which are means over the updates that were
    made (0 if none).

    Args:
        clip: c, a number or a function of environment steps.
        value_clip: v. If it is given, L_value is the larger one of (G - V(s))^2 and
            (G - V_old(s) - clip(V(s) - V_old(s), -v, v))^2.
        value_weight: c_v.
        entropy_weight: c_e, a number or a function of environment steps.
        minibatches: with a recurrent network, parts of the environments, not of the steps.
        discount, gae_lambda, rollout_length, epochs, target_kl, normalize_advantage: as in
            `lab.agents.settings.PPO`.
        **options: those of `ActorCritic`.
    """

    def __init__(
        self,
        *,
        discount: float = settings.PPO.discount,
        gae_lambda: float = settings.PPO.gae_lambda,
        rollout_length: int = settings.PPO.rollout_length,
        epochs: int = settings.PPO.epochs,
        minibatches: int = settings.PPO.minibatches,
        clip: float | Callable[[Tensor], Tensor] = settings.PPO.clip,
        value_clip: float | None = settings.PPO.value_clip,
        value_weight: float = settings.PPO.value_weight,
        entropy_weight: float | Callable[[Tensor], Tensor] = settings.PPO.entropy_weight,
        target_kl: float | None = settings.PPO.target_kl,
        normalize_advantage: bool = settings.PPO.normalize_advantage,
        **options: Any,
    ) -> None:
        super().__init__(discount=discount, gae_lambda=gae_lambda, rollout_length=rollout_length, **options)
        self.epochs = validation.integer("epochs", epochs)
        self.minibatches = validation.integer("minibatches", minibatches)
        for name, value in (("value_clip", value_clip), ("target_kl", target_kl)):
            if value is not None:
                validation.POSITIVE.check(name, value)
        self.clip, self.value_clip = clip, value_clip
        self.value_weight, self.entropy_weight = value_weight, entropy_weight
        self.target_kl, self.normalize_advantage = target_kl, normalize_advantage
        self._stopped = keras.Variable(False, dtype="bool", trainable=False, name="stopped_by_divergence")
        self._learnt = [*self._learnt, self.seed.state, self._stopped]
        self.variables.append(self._stopped)
        self._gradient = engine.value_and_grad(self._loss, self.model.trainable_variables)

    def learn(self, trajectory: Trajectory) -> dict[str, Tensor]:
        """All updates on a trajectory. A program."""
        batch = self.experience(trajectory)
        count = batch.log_prob.shape[0]  # the steps of a rollout; with a recurrent network, its environments
        if count % self.minibatches:
            raise ValueError(f"minibatches: expected a divisor of the rollout's {count}, received {self.minibatches}.")
        if self.normalize_advantage and math.prod(batch.advantage.shape) == self.minibatches:
            raise ValueError(f"minibatches: expected parts of two steps and more to normalise, received {self.minibatches}.")
        self._stopped.assign(False)

        def epoch(_):
            order = keras.random.shuffle(ops.arange(count), seed=self.seed)
            parts = keras.tree.map_structure(lambda x: self._split(ops.take(x, order, axis=0)), batch)
            return engine.scan(self._update if self.target_kl is None else self._update_while_near, self._learnt, parts)

        results = engine.scan(epoch, self._learnt, length=self.epochs)
        diagnostics = self.finish(trajectory, batch)
        metrics = {name: ops.mean(values) for name, values in results.items()}
        if self.target_kl is not None:
            made = metrics.pop("made")  # the share of updates that were made; the others are 0 in these means
            metrics = {name: value / ops.maximum(made, 1e-9) for name, value in metrics.items()}
            metrics["updates"] = made * self.epochs * self.minibatches
        return metrics | diagnostics

    def _split(self, x):
        return ops.reshape(x, (self.minibatches, x.shape[0] // self.minibatches, *x.shape[1:]))

    def _update(self, batch: Experience) -> dict[str, Tensor]:
        metrics, gradients = self._differentiate(batch)
        self.optimizer.apply(gradients, self.model.trainable_variables)
        return metrics

    def _update_while_near(self, batch):
        """`_update`, as long as the policy is near the one that acted."""
        limit = 1.5 * (self.target_kl or 0.0)

        def skip():
            return {name: ops.zeros(()) for name in (*METRICS, "made")}

        def attempt():
            metrics, gradients = self._differentiate(batch)
            self._stopped.assign(metrics["approximate_kl"] > limit)

            def update():
                self.optimizer.apply(gradients, self.model.trainable_variables)
                return metrics | {"made": ops.ones(())}

            return engine.cond(self._stopped.value, skip, update, self._learnt)

        return engine.cond(self._stopped.value, skip, attempt, self._learnt)

    def _differentiate(self, batch):
        if self.normalize_advantage:
            batch = batch._replace(advantage=standardize(batch.advantage, 1.0 / math.prod(batch.advantage.shape)))
        (_, metrics), gradients = self._gradient(batch)
        return metrics | {"gradient_norm": gradient_norm(gradients)}, gradients

    def _loss(self, batch):
        policy, value = self.network.forward(batch.inputs, learning)
        log_prob, clip = policy.log_prob(batch.sample), self._now(self.clip)
        policy_loss = ops.mean(reinforcement.clipped_surrogate(log_prob, batch.log_prob, batch.advantage, clip=clip))
        value_loss = ops.mean(self._value_loss(batch, value))
        entropy = ops.mean(policy.entropy())
        loss = policy_loss + self.value_weight * value_loss - self._now(self.entropy_weight) * entropy
        ratio = reinforcement.probability_ratio(log_prob, batch.log_prob)
        kl = ops.mean(ratio - 1.0 - (log_prob - batch.log_prob))
        clipped = ops.mean(ops.cast(ops.abs(ratio - 1.0) > clip, "float32"))
        metrics = {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": entropy}
        return loss, metrics | {"approximate_kl": kl, "clip_fraction": clipped}

    def _value_loss(self, batch, value):
        error = ops.square(batch.target - value)
        if self.value_clip is None:
            return error
        near = batch.value + ops.clip(value - batch.value, -self.value_clip, self.value_clip)
        return ops.maximum(error, ops.square(batch.target - near))

    def _now(self, value):
        """A number, or the present value of a function of environment steps."""
        return value(self.steps.value) if callable(value) else value
