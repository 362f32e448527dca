"""Deep Q-learning (Mnih et al. 2015, Algorithm 1).

The value of the next state, which bootstraps, is a function that is passed in.

Differences from the paper, all of them settings:

- Adam in place of RMSprop;
- the norm of the gradient is clipped, not the TD error;
- `updates` gradient steps follow each rollout of `rollout_length` steps, in which epsilon stays the
  same;
- the greedy policy can have averaged weights.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.agents import settings
from lab.agents.algorithm import Trajectory
from lab.agents.exploration import epsilon_greedy, host_epsilon_greedy
from lab.agents.for_env import ForEnv
from lab.agents.parts import mask_size
from lab.agents.passes import HostPasses, exploring, greedy, learning, observation_statistics
from lab.agents.replay import Replay
from lab.agents.requirements import (
    copy_weights,
    require_batch,
    require_inputs,
    require_new,
    require_outputs,
    require_place,
)
from lab.agents.spaces import discrete
from lab.engine.types import Tensor
from lab.losses import huber_error
from lab.losses.reinforcement import q_learning_bootstrap
from lab.models.average import averaged, update_counter, update_recent_average


class DQN(ForEnv):
    """Deep Q-network for discrete actions and Box observations of any rank.

    Args:
        online, target: built Keras models of one architecture,
            observation `[B, ...]` -> action values `[B, A]`.
        optimizer: a Keras optimizer. Its `global_clipnorm` clips gradients.
        replay: where transitions are kept, such as `UniformReplay`.
        bootstrap: a function, (action values of the online network, of the target network) ->
            value of the next state: `q_learning_bootstrap` or another of
            `lab.losses.reinforcement`.
        loss: of the TD error, elementwise: `lab.losses.huber_error` or `half_squared_error`.
        epsilon: a schedule, environment steps -> probability of a random action.
        seed: seeds the exploration inside compiled programs.
        discount, batch_size, rollout_length, updates, target_every, polyak, averaging,
            learning_starts: as in `lab.agents.settings.DQN`.

    The online network explores. The greedy policy is `model`. With `averaging` > 0 it has averaged
    weights (`lab.models.average.update_recent_average`), otherwise it is the online network.
    """

    def __init__(
        self,
        *,
        online: keras.Model,
        target: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        replay: Replay,
        bootstrap: Callable[[Tensor, Tensor], Tensor] = q_learning_bootstrap,
        loss: Callable[[Tensor], Tensor] = huber_error,
        discount: float = settings.DQN.discount,
        batch_size: int = settings.DQN.batch_size,
        rollout_length: int = settings.DQN.rollout_length,
        updates: int = settings.DQN.updates,
        target_every: int = settings.DQN.target_every,
        polyak: float = settings.DQN.polyak,
        averaging: float = settings.DQN.averaging,
        learning_starts: int = settings.DQN.learning_starts,
        epsilon: Callable[[Tensor], Tensor],
        seed: int,
    ) -> None:
        self._check_models(online, target, optimizer, replay, batch_size)
        self.online, self.target, self.optimizer, self.replay = online, target, optimizer, replay
        self.bootstrap, self.loss, self.epsilon = bootstrap, loss, epsilon
        self.discount = validation.UNIT.check("discount", discount)
        self.batch_size = validation.integer("batch_size", batch_size)
        self.rollout_length = validation.integer("rollout_length", rollout_length)
        self.updates = validation.integer("updates", updates)
        self.target_every = validation.integer("target_every", target_every)
        self.learning_starts = validation.integer("learning_starts", learning_starts, 0)
        self.polyak = validation.SHARE.check("polyak", polyak)
        self.averaging, self._mask = validation.UNIT.check("averaging", averaging), mask_size(replay.observation_space)
        self.steps = keras.Variable(0, dtype="int32", trainable=False, name="environment_steps")
        self.updated = keras.Variable(0, dtype="int32", trainable=False, name="gradient_steps")
        self.seed = keras.random.SeedGenerator(seed)
        optimizer.build(online.trainable_variables)
        self.model, self._averaged = averaged(online) if averaging else online, update_counter()
        average = [*self.model.variables, self._averaged] if averaging else []
        networks = [*online.variables, *target.variables, *optimizer.variables]
        self._learnt = [*networks, *replay.variables, self.updated, *average]
        self.variables = [*self._learnt, self.steps, self.seed.state]
        self._gradient = engine.value_and_grad(self._td_loss, online.trainable_variables)
        host = HostPasses(self.model)
        self._greedy, self._exploring = host.greedy, HostPasses(online).exploring if averaging else host.exploring
        self._statistics = observation_statistics(online, self.model)

    @staticmethod
    def _check_models(online, target, optimizer, replay, batch_size):
        require_batch(batch_size, replay)
        actions = discrete(replay.action_space)
        require_inputs("online", online, [replay.observation_space.shape], "the replay's observations")
        require_outputs("online", online, [(actions,)], f"a value of each action of {replay.action_space}")
        require_new("optimizer", optimizer)
        copy_weights("target", target, "online", online)

    def require_place(self, *environments: Any) -> None:
        """See `Algorithm.require_place`."""
        require_place(self.replay.observation_space.shape, self.replay.action_space, (), environments)

    def act(self, observation: Tensor, start: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Epsilon-greedy: observation `[B, ...]` -> (action `[B]` int32, {}). A program."""
        values = exploring(self.online, observation)
        return epsilon_greedy(values, self.exploration_rate(), self.seed, self._allowed(observation)), {}

    def host_policy(self, generator: np.random.Generator | None = None) -> Callable[..., Any]:
        """See `Algorithm.host_policy`: (observation, start) -> (action `[B]`, {}).

        With a generator it is epsilon-greedy by the online network, otherwise greedy by `model`.
        """
        if generator is None:
            best = self._greedy.refresh()
            return lambda seen, start: (best(seen).argmax(axis=-1), {})
        values, epsilon = self._exploring.refresh(), float(self.exploration_rate())
        allowed = self._allowed
        return lambda seen, start: (host_epsilon_greedy(values(seen), epsilon, generator, allowed(seen)), {})

    def policy_model(self) -> keras.Model:
        """The greedy policy as a Keras model: observation `[B, ...]` -> action values `[B, A]`."""
        return self.model

    def exploration_rate(self) -> Tensor:
        """Epsilon now. It is 1 before learning starts."""
        return ops.where(self.steps.value < self.learning_starts, 1.0, self.epsilon(self.steps.value))

    def _allowed(self, observation):
        """Which actions the masks in observations allow, `[B, A]` bool; None without masks."""
        return observation[:, -self._mask :] > 0 if self._mask else None

    def observe(self, trajectory: Trajectory) -> None:
        """Adds a trajectory to the replay and counts its steps. A program."""
        self.replay.add(trajectory)
        for layer in self._statistics:
            layer.update(trajectory.observation)
        self.steps.assign_add(trajectory.reward.shape[0] * trajectory.reward.shape[1])

    def learn(self, trajectory: Trajectory) -> dict[str, Tensor]:
        """Adds a trajectory to the replay, then makes `updates` gradient steps. A program.

        Returns the means of their diagnostics.
        """
        self.observe(trajectory)
        results = engine.scan(self._update, self._learnt, length=self.updates)
        return {name: ops.mean(values) for name, values in results.items()} | {"epsilon": self.exploration_rate()}

    def _update(self, _):
        """One gradient step on a batch of the replay (Algorithm 1's inner loop)."""
        self._update_targets()
        batch = self.replay.sample(self.batch_size)
        online_next = greedy(self.online, batch.next_observation)
        next_value = self.bootstrap(online_next, greedy(self.target, batch.next_observation))
        discount = self.discount * (1.0 - ops.cast(batch.terminated, "float32"))
        td_target = batch.reward + discount * next_value  # y_j
        (loss, extras), gradients = self._gradient(batch.observation, batch.action, td_target)
        self.optimizer.apply(gradients, self.online.trainable_variables)
        if self.averaging:
            update_recent_average(self.model, self.online, self.averaging, self._averaged)
        norm = ops.sqrt(sum(ops.sum(gradient**2) for gradient in gradients))
        return {"loss": loss, "gradient_norm": norm, **extras}

    def _update_targets(self):
        """Moves the target network, before the first of every `target_every` gradient steps.

            theta^- <- theta^- + tau (theta - theta^-)

        The very first move is a copy, whatever tau is.
        """
        first, due = ops.equal(self.updated.value, 0), ops.equal(self.updated.value % self.target_every, 0)
        for slow, fast in zip(self.target.weights, self.online.weights, strict=True):
            part = fast.value if self.polyak == 1 else slow.value + self.polyak * (fast.value - slow.value)
            slow.assign(ops.where(due, ops.where(first, fast.value, part), slow.value))
        self.updated.assign_add(1)

    def _td_loss(self, observation, action, td_target):
        values = learning(self.online, observation)  # [B, A]
        value = ops.take_along_axis(values, action[:, None], axis=-1)[:, 0]  # Q(s_j, a_j)
        error = td_target - value
        return ops.mean(self.loss(error)), {"q_value": ops.mean(value), "td_error": ops.mean(ops.abs(error))}
