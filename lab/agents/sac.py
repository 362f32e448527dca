"""Soft actor-critic with a learnt temperature (Haarnoja et al. 2018b, Algorithm 1).

Source: arXiv 1812.05905. Differences from it: the temperature's gradient is that of its logarithm
without the factor alpha, as in the authors' code; the temperature moves after the actor, by the
entropy that the actor's step has measured anyway. Densities and entropies are those of actions in
units in which the bounds are -1 and 1.
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
from lab.agents.replay import UniformReplay
from lab.agents.requirements import require_new
from lab.distributions import TanhNormal
from lab.engine.types import Tensor


class LearntTemperature:
    """alpha = exp(l), with the step  l <- l - eta (H - H*)  (eq. 18).

    It rises while the policy's entropy H is below its target H*.

    Args:
        dimensions: D, of the action.
        optimizer: a Keras optimizer, of l.
        target_entropy: H*, in nats; -D by default.
        initial: alpha at the start, > 0.
    """

    def __init__(
        self,
        dimensions: int,
        optimizer: keras.optimizers.Optimizer,
        *,
        target_entropy: float | None = None,
        initial: float = settings.SAC.initial_temperature,
    ):
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
        """One step, from an estimate of the entropy; returns diagnostics. A program."""
        self.optimizer.apply([entropy - self.target_entropy], [self._log])
        return {"temperature": self()}


class FixedTemperature:
    """An alpha that stays (Haarnoja et al. 2018a, arXiv 1801.01290).

    Args:
        value: >= 0.
    """

    variables = ()

    def __init__(self, value: float):
        self.value = validation.NOT_NEGATIVE.check("value", value)

    def __call__(self) -> float:
        """Alpha."""
        return self.value

    def learn(self, entropy: Tensor) -> dict[str, Tensor]:
        """Nothing to learn, no diagnostics."""
        return {}


class SAC(OffPolicy):
    """Maximises E sum gamma^t (r + alpha H(pi(.|s))) by a squashed normal policy, for Box actions.

    Args:
        actor: a built Keras model, observation `[B, ...]` -> mean and standard deviation of each
            action before tanh, `[B, D]` each.
        critics: `Critics`, two by the paper.
        optimizer: of the actor, a Keras optimizer.
        temperature: alpha, `LearntTemperature` or `FixedTemperature`.
        replay: where transitions are kept, `UniformReplay`.
        action_space: the Box, with finite bounds.
        seed: seeds the actions inside compiled programs.
        discount, batch_size, rollout_length, updates, learning_starts: the fields of
            `lab.agents.settings.SAC` of the same name.
    """

    parameters, meaning = 2, "mean and standard deviation of an action"

    def __init__(
        self,
        *,
        actor: keras.Model,
        critics: Critics,
        optimizer: keras.optimizers.Optimizer,
        temperature: LearntTemperature | FixedTemperature,
        replay: UniformReplay,
        action_space: gymnasium.Space,
        discount: float = settings.SAC.discount,
        batch_size: int = settings.SAC.batch_size,
        rollout_length: int = settings.SAC.rollout_length,
        updates: int = settings.SAC.updates,
        learning_starts: int = settings.SAC.learning_starts,
        seed: int,
    ):
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
        """A sample of the policy."""
        return TanhNormal(*outputs).sample(self.seed)

    def host_explore(self, outputs: Any, start: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """`explore` of arrays."""
        loc, scale = outputs
        return np.tanh(loc + scale * generator.standard_normal(loc.shape, np.float32))

    def host_greedy(self, outputs: Any) -> np.ndarray:
        """The squashed mean."""
        return np.tanh(outputs[0])

    def greedy_output(self, *outputs: Any) -> Any:
        """The squashed mean."""
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
        """Actions of the unit cube `[N, D]` and their log-densities `[N]`."""
        action, log_prob = TanhNormal(*outputs).sample_and_log_prob(self.seed)
        return action, ops.sum(log_prob, axis=-1)

    def _loss(self, observation, alpha):
        """E[alpha log pi(a|s) - min_i Q_i(s, a)] with a ~ pi(.|s) (eq. 9)."""
        action, log_prob = self._draw(learning(self.actor, observation))
        loss = ops.mean(alpha * log_prob - minimum(self.critics.values(observation, action)))
        return loss, {"entropy": -ops.mean(log_prob), **action_statistics(action)}
