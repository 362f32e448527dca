"""Soft actor-critic with a learnt temperature (Haarnoja et al. 2018b, Algorithm 1).

Source: arXiv 1812.05905. Differences from it:

- What is learnt is log alpha, and its gradient lacks the factor alpha, as in the authors' code.
- The temperature is updated after the actor, with the entropy that was computed for the actor's
  update.

Densities and entropies are those of actions in units where the bounds are -1 and 1.
"""

import math
from typing import Any

import gymnasium
import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.agents import settings
from lab.agents.actor_critic import action_statistics
from lab.agents.critics import Critics, minimum
from lab.agents.off_policy import OffPolicy
from lab.agents.passes import greedy, learning
from lab.agents.replay import Replay
from lab.agents.requirements import require_new
from lab.distributions import TanhNormal
from lab.engine.types import Tensor


class LearntTemperature:
    """A temperature alpha that rises while the policy's entropy H is below its target H*.

        alpha = exp(l)
        l <- l - eta (H - H*)  (eq. 18)

    Args:
        dimensions: D, of the action.
        optimizer: a Keras optimizer, for l.
        target_entropy: H* in nats. None means -D.
        initial: alpha at the start, > 0.
    """

    def __init__(
        self,
        dimensions: int,
        optimizer: keras.optimizers.Optimizer,
        *,
        target_entropy: float | None = None,
        initial: float = settings.SAC.initial_temperature,
    ) -> None:
        self.optimizer = optimizer
        usual = -float(validation.integer("dimensions", dimensions))
        self.target_entropy = usual if target_entropy is None else target_entropy
        start = math.log(validation.POSITIVE.check("initial", initial))
        require_new("optimizer", optimizer)
        self._log = keras.Variable(start, dtype="float32", trainable=True, name="log_temperature")
        optimizer.build([self._log])
        self.variables = [self._log, *optimizer.variables]

    def __call__(self) -> Tensor:
        """Alpha now."""
        return ops.exp(self._log.value)

    def learn(self, entropy: Tensor) -> dict[str, Tensor]:
        """One step, with an estimate of the entropy H; returns diagnostics. A program."""
        self.optimizer.apply([entropy - self.target_entropy], [self._log])
        return {"temperature": self()}


class FixedTemperature:
    """A temperature alpha that stays the same (Haarnoja et al. 2018a, arXiv 1801.01290).

    Args:
        value: alpha, >= 0.
    """

    variables = ()

    def __init__(self, value: float) -> None:
        self.value = validation.NOT_NEGATIVE.check("value", value)

    def __call__(self) -> float:
        """Alpha now."""
        return self.value

    def learn(self, entropy: Tensor) -> dict[str, Tensor]:
        """Learns nothing, and returns no diagnostics."""
        return {}


class SAC(OffPolicy):
    """Soft actor-critic, for Box actions. The policy is a normal distribution, squashed by tanh.

    It maximises

        E sum_t gamma^t (r_t + alpha H(pi(.|s_t)))

    Args:
        actor: a built Keras model, observation `[B, ...]` -> [mean, standard deviation] of each
            action before tanh, `[B, D]` each.
        critics: `Critics`, two in the paper.
        optimizer: a Keras optimizer, for the actor.
        temperature: alpha, `LearntTemperature` or `FixedTemperature`.
        replay: where transitions are kept, such as `UniformReplay`.
        action_space: the Box, with finite bounds.
        seed: seeds the actions inside compiled programs.
        discount, batch_size, rollout_length, updates, learning_starts: as in
            `lab.agents.settings.SAC`.
    """

    parameters, meaning = 2, "mean and standard deviation of an action"

    def __init__(
        self,
        *,
        actor: keras.Model,
        critics: Critics,
        optimizer: keras.optimizers.Optimizer,
        temperature: LearntTemperature | FixedTemperature,
        replay: Replay,
        action_space: gymnasium.Space,
        discount: float = settings.SAC.discount,
        batch_size: int = settings.SAC.batch_size,
        rollout_length: int = settings.SAC.rollout_length,
        updates: int = settings.SAC.updates,
        learning_starts: int = settings.SAC.learning_starts,
        seed: int,
    ) -> None:
        self.optimizer, self.temperature = optimizer, temperature
        self.updates = validation.integer("updates", updates)
        require_new("optimizer", optimizer)
        optimizer.build(actor.trainable_variables)
        self._gradient = engine.value_and_grad(self._loss, actor.trainable_variables)
        super().__init__(
            actor=actor,
            critics=critics,
            replay=replay,
            action_space=action_space,
            discount=discount,
            batch_size=batch_size,
            rollout_length=rollout_length,
            groups=updates,
            learning_starts=learning_starts,
            seed=seed,
            state=[*optimizer.variables, *temperature.variables],
        )

    def explore(self, outputs: Any, start: Tensor) -> Tensor:
        """Samples of the policy."""
        return TanhNormal(*outputs).sample(self.seed)

    def host_explore(self, outputs: Any, start: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """`explore` of arrays."""
        loc, scale = outputs
        return np.tanh(loc + scale * generator.standard_normal(loc.shape, np.float32))

    def host_greedy(self, outputs: Any) -> np.ndarray:
        """The mean, squashed by tanh."""
        return np.tanh(outputs[0])

    def greedy_output(self, *outputs: Any) -> Any:
        """The mean, squashed by tanh."""
        return keras.layers.Activation("tanh", name="greedy")(outputs[0])

    def update(self) -> dict[str, Tensor]:
        """One gradient step of critics, actor and temperature, and one move of the targets."""
        batch, discount = self.sample()
        alpha = self.temperature()
        action, log_prob = self._draw(greedy(self.actor, batch.next_observation))
        soft_value = self.critics.target_value(batch.next_observation, action) - alpha * log_prob  # V(s')
        td_target = batch.reward + discount * soft_value
        metrics = self.critics.update(batch.observation, batch.action, td_target)
        (loss, extras), gradients = self._gradient(batch.observation, alpha)
        self.optimizer.apply(gradients, self.actor.trainable_variables)
        self.critics.update_targets()
        return metrics | {"actor_loss": loss, **extras} | self.temperature.learn(extras["entropy"])

    def _draw(self, outputs):
        """Random actions of the unit cube `[N, D]` and their log-densities `[N]`."""
        action, log_prob = TanhNormal(*outputs).sample_and_log_prob(self.seed)
        return action, ops.sum(log_prob, axis=-1)

    def _loss(self, observation, alpha):
        """E[alpha log pi(a|s) - min_i Q_i(s, a)] with a ~ pi(.|s) (eq. 9)."""
        action, log_prob = self._draw(learning(self.actor, observation))
        loss = ops.mean(alpha * log_prob - minimum(self.critics.values(observation, action)))
        return loss, {"entropy": -ops.mean(log_prob), **action_statistics(action)}
