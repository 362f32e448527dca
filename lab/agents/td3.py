"""Twin delayed deep deterministic policy gradient (Fujimoto et al. 2018, Algorithm 1).

Differences from the paper:

- By default two updates follow every second environment step, where the paper makes one after each.
  The actor changes at the same steps as in the paper.
- Observations and actions enter the critics side by side.
- Noise is in units where the bounds of actions are -1 and 1. Exploration noise and smoothing are
  passed in.
"""

from collections.abc import Callable
from typing import Any

import gymnasium
import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.agents import settings
from lab.agents.actor_critic import action_statistics
from lab.agents.critics import Critics, update_target
from lab.agents.off_policy import OffPolicy
from lab.agents.passes import greedy, learning
from lab.agents.replay import Replay
from lab.agents.requirements import copy_weights, require_new
from lab.engine.types import Tensor


class GaussianNoise:
    """Independent normal noise for actions of the unit cube.

    Args:
        scale: standard deviation, >= 0, where the bounds of actions are -1 and 1.
    """

    variables: tuple | list = ()

    def __init__(self, scale: float) -> None:
        self.scale = validation.NOT_NEGATIVE.check("scale", scale)

    def __call__(self, action: Tensor, start: Tensor, seed: Any) -> Tensor:
        """Noise for actions `[B, D]`. A program."""
        return self.scale * keras.random.normal(ops.shape(action), seed=seed)

    def host(self, action: np.ndarray, start: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """The same for arrays, from a NumPy generator."""
        return self.scale * generator.standard_normal(action.shape, np.float32)


def clipped_noise(
    scale: float = settings.TD3.smoothing, clip: float = settings.TD3.smoothing_clip
) -> Callable[[Tensor, Any], Tensor]:
    """Noise on the actions of the target actor: similar actions get similar values (section 5.3).

    Args:
        scale: standard deviation of the noise, where the bounds of actions are -1 and 1.
        clip: greatest size of the noise, in the same units.

    Returns:
        a function, (action, seed) -> action + noise, within the bounds.
    """
    validation.NOT_NEGATIVE.check("scale", scale)
    validation.NOT_NEGATIVE.check("clip", clip)

    def smooth(action, seed):
        noise = ops.clip(scale * keras.random.normal(ops.shape(action), seed=seed), -clip, clip)
        return ops.clip(action + noise, -1.0, 1.0)

    return smooth


class TD3(OffPolicy):
    """Twin critics, smoothed targets and a delayed, deterministic actor, for Box actions.

    Args:
        actor, target_actor: built Keras models of one architecture,
            observation `[B, ...]` -> action of the unit cube `[B, D]`. The target starts as a copy.
        critics: `Critics`, two in the paper. The actor maximises the first.
        optimizer: a Keras optimizer, for the actor.
        replay: where transitions are kept, such as `UniformReplay`.
        action_space: the Box, with finite bounds.
        noise: exploration noise, `GaussianNoise` or another with its methods.
        smoothing: a function, (action of the target actor `[N, D]`, seed) -> the action whose value
            bootstraps.
        seed: seeds exploration and smoothing inside compiled programs.
        discount, policy_delay, batch_size, rollout_length, updates, learning_starts: as in
            `lab.agents.settings.TD3`. `policy_delay` must divide `updates`.
    """

    parameters, meaning = 1, "an action in the unit cube"

    def __init__(
        self,
        *,
        actor: keras.Model,
        target_actor: keras.Model,
        critics: Critics,
        optimizer: keras.optimizers.Optimizer,
        replay: Replay,
        action_space: gymnasium.Space,
        noise: Any,
        smoothing: Callable[[Tensor, Any], Tensor],
        discount: float = settings.TD3.discount,
        policy_delay: int = settings.TD3.policy_delay,
        batch_size: int = settings.TD3.batch_size,
        rollout_length: int = settings.TD3.rollout_length,
        updates: int = settings.TD3.updates,
        learning_starts: int = settings.TD3.learning_starts,
        seed: int,
    ) -> None:
        self.policy_delay = validation.integer("policy_delay", policy_delay)
        self.updates = validation.integer("updates", updates)
        if updates % policy_delay:
            raise ValueError(f"updates: expected a multiple of policy_delay, {policy_delay}, received {updates}.")
        self.target_actor, self.optimizer = target_actor, optimizer
        self.noise, self.smoothing = noise, smoothing
        copy_weights("target_actor", target_actor, "actor", actor)
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
            groups=updates // policy_delay,
            learning_starts=learning_starts,
            seed=seed,
            state=[*target_actor.variables, *optimizer.variables, *noise.variables],
        )

    def explore(self, outputs: Any, start: Tensor) -> Tensor:
        """The actor's action with noise."""
        return ops.clip(outputs + self.noise(outputs, start, self.seed), -1.0, 1.0)

    def host_explore(self, outputs: Any, start: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """`explore` of arrays."""
        return np.clip(outputs + self.noise.host(outputs, start, generator), -1.0, 1.0)

    def host_greedy(self, outputs: Any) -> np.ndarray:
        """The actor's action."""
        return outputs

    def greedy_output(self, *outputs: Any) -> Any:
        """The actor's action."""
        return outputs[0]

    def update(self) -> dict[str, Tensor]:
        """Algorithm 1, from one update of the actor to the next: `policy_delay` of the critics."""
        for _ in range(self.policy_delay):
            batch, discount = self.sample()
            action = self.smoothing(greedy(self.target_actor, batch.next_observation), self.seed)  # a~
            td_target = batch.reward + discount * self.critics.target_value(batch.next_observation, action)  # y
            metrics = self.critics.update(batch.observation, batch.action, td_target)
        (loss, extras), gradients = self._gradient(batch.observation)
        self.optimizer.apply(gradients, self.actor.trainable_variables)
        self.critics.update_targets()
        update_target(self.target_actor, self.actor, self.critics.polyak)
        return metrics | {"actor_loss": loss, **extras}

    def _loss(self, observation):
        """-E Q_1(s, pi(s))."""
        action = learning(self.actor, observation)
        return -ops.mean(self.critics.first_value(observation, action)), action_statistics(action)
