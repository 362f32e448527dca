"""Twin delayed deep deterministic policy gradient (Fujimoto et al. 2018, Algorithm 1), with noise and smoothing passed in.

Deviations from the paper: updates come in groups of `policy_delay`, after as many environment steps by default; the paper's actor, too,
stands still in between, so only the replay differs, by the newest step. Observations and actions enter the critics side by side. Noise is
in units in which the bounds of the actions are -1 and 1.
"""

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.agents.actor_critic import action_statistics
from lab.agents.off_policy import OffPolicy, follow
from lab.agents.passes import greedy, learning
from lab.agents.requirements import copy_weights, require_new


class GaussianNoise:
    """Independent normal noise on actions of the unit cube.

    Args:
        scale: its standard deviation, >= 0; the bounds are at -1 and 1.
    """

    variables: tuple | list = ()

    def __init__(self, scale):
        self.scale = validation.NOT_NEGATIVE.check("scale", scale)

    def __call__(self, action, start, seed):
        """Noise for actions `[B, D]`. A program."""
        return self.scale * keras.random.normal(ops.shape(action), seed=seed)

    def host(self, action, start, generator):
        """The same for arrays, from a NumPy generator."""
        return self.scale * generator.standard_normal(action.shape, np.float32)


def clipped_noise(scale=0.2, clip=0.5):
    """Smooths the target's policy: a function (action, seed) -> action + noise, so that similar actions get similar values (section 5.3).

    Args:
        scale, clip: standard deviation and greatest size of the noise; the bounds are at -1 and 1.
    """
    validation.NOT_NEGATIVE.check("scale", scale), validation.NOT_NEGATIVE.check("clip", clip)

    def smooth(action, seed):
        noise = ops.clip(scale * keras.random.normal(ops.shape(action), seed=seed), -clip, clip)
        return ops.clip(action + noise, -1.0, 1.0)

    return smooth


class TD3(OffPolicy):
    """Twin critics, smoothed targets and a delayed, deterministic actor, for Box actions.

    Args:
        actor, target_actor: built Keras models of one architecture, observation `[B, ...]` -> action of the unit cube `[B, D]`. The
            target starts as a copy.
        critics: `Critics`, two by the paper; the first is the one that the actor climbs.
        optimizer: of the actor, a Keras optimizer.
        replay: where transitions are kept, `UniformReplay`.
        action_space: the Box, with finite bounds.
        noise: exploration, `GaussianNoise` or one with its face.
        smoothing: a function, (the target's action `[N, D]`, seed) -> the action that bootstraps.
        discount: gamma per environment step, in [0, 1].
        policy_delay: d, updates of the critics for one of the actor and of all targets.
        batch_size: transitions per update.
        rollout_length: environment steps (of each environment) between two calls of `learn`.
        updates: updates of the critics per call of `learn`, a multiple of `policy_delay`.
        warm_up: environment steps, taken uniformly at random, before learning starts.
        seed: seeds exploration and smoothing inside compiled programs.
    """

    parameters, meaning = 1, "an action in the unit cube"

    def __init__(
        self, *, actor, target_actor, critics, optimizer, replay, action_space, noise, smoothing, discount=0.99, policy_delay=2,
        batch_size=256, rollout_length=2, updates=2, warm_up=10_000, seed,
    ):  # fmt: skip
        self.policy_delay = validation.integer("policy_delay", policy_delay)
        self.updates = validation.integer("updates", updates)
        if updates % policy_delay:
            raise ValueError(f"updates: expected a multiple of policy_delay, {policy_delay}, received {updates}.")
        self.target_actor = target_actor
        self.optimizer = optimizer
        self.noise = noise
        self.smoothing = smoothing
        copy_weights("target_actor", target_actor, "actor", actor)
        require_new("optimizer", optimizer)
        optimizer.build(actor.trainable_variables)
        self._gradient = engine.value_and_grad(self._loss, actor.trainable_variables)
        super().__init__(
            actor=actor, critics=critics, replay=replay, action_space=action_space, discount=discount, batch_size=batch_size,
            rollout_length=rollout_length, groups=updates // policy_delay, warm_up=warm_up, seed=seed,
            state=[*target_actor.variables, *optimizer.variables, *noise.variables],
        )  # fmt: skip

    def explore(self, outputs, start):
        """The actor's action with noise."""
        return ops.clip(outputs + self.noise(outputs, start, self.seed), -1.0, 1.0)

    def host_explore(self, outputs, start, generator):
        """`explore` of arrays."""
        return np.clip(outputs + self.noise.host(outputs, start, generator), -1.0, 1.0)

    def host_greedy(self, outputs):
        """The actor's action."""
        return outputs

    def greedy_output(self, *outputs):
        """The actor's action."""
        return outputs[0]

    def update(self):
        """Algorithm 1 from one update of the actor to the next."""
        for _ in range(self.policy_delay):
            batch, discount = self.sample()
            action = self.smoothing(greedy(self.target_actor, batch.next_observation), self.seed)  # a~
            goal = batch.reward + discount * self.critics.bootstrap(batch.next_observation, action)  # y
            metrics = self.critics.fit(batch.observation, batch.action, goal)
        (loss, extras), gradients = self._gradient(batch.observation)
        self.optimizer.apply(gradients, self.actor.trainable_variables)
        self.critics.follow()
        follow(self.target_actor, self.actor, self.critics.polyak)
        return metrics | {"actor_loss": loss, **extras}

    def _loss(self, observation):
        """-E Q_1(s, pi(s))."""
        action = learning(self.actor, observation)
        return -ops.mean(self.critics.first(observation, action)), action_statistics(action)
