"""Soft actor-critic with a learnt temperature (Haarnoja et al. 2018b, arXiv 1812.05905, Algorithm 1).

Deviations from the paper: the temperature's gradient is that of its logarithm without the factor alpha, as in the authors' code; it moves
after the actor, by the entropy that the actor's step has measured anyway. Densities and entropies are those of actions in units in which
the bounds are -1 and 1.
"""

import math

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.agents.actor_critic import action_statistics
from lab.agents.off_policy import OffPolicy, least
from lab.agents.passes import greedy, learning
from lab.agents.requirements import require_new
from lab.distributions import TanhNormal


class LearntTemperature:
    """alpha = exp(l) with  l <- l - eta (H - H*):  it rises while the policy's entropy H is below its target H* (eq. 18).

    Args:
        dimensions: D, of the action.
        optimizer: a Keras optimizer, of l.
        target_entropy: H*, in nats; -D by default.
        initial: alpha at the start, > 0.
    """

    def __init__(self, dimensions, optimizer, *, target_entropy=None, initial=1.0):
        self.optimizer = optimizer
        self.target_entropy = -float(validation.integer("dimensions", dimensions)) if target_entropy is None else target_entropy
        start = math.log(validation.POSITIVE.check("initial", initial))
        require_new("optimizer", optimizer)
        self._log = keras.Variable(start, dtype="float32", trainable=True, name="log_temperature")
        optimizer.build([self._log])
        self.variables = [self._log, *optimizer.variables]

    def __call__(self):
        """Alpha now."""
        return ops.exp(self._log.value)

    def learn(self, entropy):
        """One step, from an estimate of the entropy; returns diagnostics. A program."""
        self.optimizer.apply([entropy - self.target_entropy], [self._log])
        return {"temperature": self()}


class FixedTemperature:
    """An alpha that stays (Haarnoja et al. 2018a, arXiv 1801.01290).

    Args:
        value: >= 0.
    """

    variables = ()

    def __init__(self, value):
        self.value = validation.NOT_NEGATIVE.check("value", value)

    def __call__(self):
        """Alpha."""
        return self.value

    def learn(self, entropy):
        """Nothing to learn, nothing to tell."""
        return {}


class SAC(OffPolicy):
    """Maximises E sum gamma^t (r + alpha H(pi(.|s))) with a squashed normal policy and twin critics, for Box actions.

    Args:
        actor: a built Keras model, observation `[B, ...]` -> mean and standard deviation of each action before tanh, `[B, D]` each.
        critics: `Critics`, two by the paper.
        optimizer: of the actor, a Keras optimizer.
        temperature: alpha, `LearntTemperature` or `FixedTemperature`.
        replay: where transitions are kept, `UniformReplay`.
        action_space: the Box, with finite bounds.
        discount: gamma per environment step, in [0, 1].
        batch_size: transitions per update.
        rollout_length: environment steps (of each environment) between two calls of `learn`.
        updates: gradient steps per call of `learn`.
        warm_up: environment steps, taken uniformly at random, before learning starts.
        seed: seeds the actions inside compiled programs.
    """

    parameters, meaning = 2, "mean and standard deviation of an action"

    def __init__(
        self, *, actor, critics, optimizer, temperature, replay, action_space, discount=0.99, batch_size=256,
        rollout_length=1, updates=1, warm_up=100, seed,
    ):  # fmt: skip
        self.optimizer = optimizer
        self.temperature = temperature
        self.updates = validation.integer("updates", updates)
        require_new("optimizer", optimizer)
        optimizer.build(actor.trainable_variables)
        self._gradient = engine.value_and_grad(self._loss, actor.trainable_variables)
        super().__init__(
            actor=actor, critics=critics, replay=replay, action_space=action_space, discount=discount, batch_size=batch_size,
            rollout_length=rollout_length, groups=updates, warm_up=warm_up, seed=seed,
            state=[*optimizer.variables, *temperature.variables],
        )  # fmt: skip

    def explore(self, outputs, start):
        """A sample of the policy."""
        return TanhNormal(*outputs).sample(self.seed)

    def host_explore(self, outputs, start, generator):
        """`explore` of arrays."""
        loc, scale = outputs
        return np.tanh(loc + scale * generator.standard_normal(loc.shape, np.float32))

    def host_greedy(self, outputs):
        """The squashed mean."""
        return np.tanh(outputs[0])

    def greedy_output(self, *outputs):
        """The squashed mean."""
        return keras.layers.Activation("tanh", name="greedy")(outputs[0])

    def update(self):
        """One gradient step of critics, actor and temperature, and the targets follow."""
        batch, discount = self.sample()
        alpha = self.temperature()
        action, log_prob = self._draw(greedy(self.actor, batch.next_observation))
        soft_value = self.critics.bootstrap(batch.next_observation, action) - alpha * log_prob  # V(s')
        metrics = self.critics.fit(batch.observation, batch.action, batch.reward + discount * soft_value)
        (loss, extras), gradients = self._gradient(batch.observation, alpha)
        self.optimizer.apply(gradients, self.actor.trainable_variables)
        self.critics.follow()
        return metrics | {"actor_loss": loss, **extras} | self.temperature.learn(extras["entropy"])

    def _draw(self, outputs):
        """Actions of the unit cube `[N, D]` and their log-densities `[N]`, from what the actor says."""
        action, log_prob = TanhNormal(*outputs).sample_and_log_prob(self.seed)
        return action, ops.sum(log_prob, axis=-1)

    def _loss(self, observation, alpha):
        """E[alpha log pi(a|s) - min_i Q_i(s, a)] with a ~ pi(.|s) (eq. 9)."""
        action, log_prob = self._draw(learning(self.actor, observation))
        loss = ops.mean(alpha * log_prob - least(self.critics.values(observation, action)))
        return loss, {"entropy": -ops.mean(log_prob), **action_statistics(action)}
