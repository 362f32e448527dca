"""Q-learning of many learners at once, inside a compiled program."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.agents.algorithm import Trajectory
from lab.agents.tabular.learner import positive_fraction
from lab.engine.types import Tensor


class ParallelQLearning:
    """B independent Q-learners, each in an environment of its own, for `DeviceRollout`.

    They learn what B runs of `QLearning` would learn. On TensorFlow and a CPU, give `DeviceRollout`
    xla=False: there, the scatter operation of XLA is several times slower than that of a graph.

    Args:
        learners: B.
        states: S.
        actions: A.
        discount: gamma, in [0, 1].
        step_size: alpha, in (0, 1]. Or a function of the numbers of earlier updates of the pairs, a
            tensor `[B]`.
        epsilon: probability of a random action, in [0, 1]. Or a function of the number of steps
            that each learner has taken, a tensor.
        initial: the first q, a number, `[S, A]` or `[B, S, A]`.
        seed: of the exploration.
        rollout_length: T, steps of every environment in a trajectory. Each makes one update.
    """

    learning_starts = 0

    def __init__(
        self,
        learners: int,
        states: int,
        actions: int,
        *,
        discount: float = 1.0,
        step_size: float | Callable[[Tensor], Tensor] = 0.1,
        epsilon: float | Callable[[Tensor], Tensor] = 0.1,
        initial: np.typing.ArrayLike = 0.0,
        seed: int = 0,
        rollout_length: int = 1,
    ) -> None:
        self.shape = tuple(
            validation.integer(name, value)
            for name, value in (("learners", learners), ("states", states), ("actions", actions))
        )
        self.discount = validation.UNIT.check("discount", discount)
        self._step_size = step_size if callable(step_size) else positive_fraction("step_size", step_size)
        self._epsilon = epsilon if callable(epsilon) else validation.UNIT.check("epsilon", epsilon)
        self.rollout_length = validation.integer("rollout_length", rollout_length)

        def variable(start, dtype, name):
            return keras.Variable(start, dtype=dtype, trainable=False, name=name)

        start = np.broadcast_to(np.asarray(initial, "float32"), self.shape)
        self._q = variable(start.reshape(-1, actions), "float32", "action_values")  # [B S, A]
        self._steps = variable(0, "int32", "steps")
        self._updates = variable(np.zeros(start.size if callable(step_size) else 1), "float32", "updates")
        self._seed = keras.random.SeedGenerator(seed)
        self._first = np.arange(self.shape[0], dtype="int32") * self.shape[1]
        self._triangle = np.triu(np.ones((actions, actions), "float32"))
        self.variables = [self._q, self._steps, self._updates, self._seed.state]

    def require_place(self, observation_space: Any, action_space: Any, num_envs: int) -> None:
        """See `lab.agents.algorithm.Algorithm.require_place`."""
        received = num_envs, int(observation_space.n), int(action_space.n)
        if received != self.shape:
            raise ValueError(
                f"agent: expected (learners, states, actions) {self.shape}, received {received} of the environments."
            )

    def action_values(self) -> np.ndarray:
        """q, `[B, S, A]`."""
        return np.asarray(self._q).reshape(self.shape)

    def act(self, observation: Tensor, start: Tensor) -> tuple[Tensor, dict]:
        """Epsilon-greedy: states `[B]` -> (actions `[B]`, {}). Ties are broken at random."""
        learners = self.shape[0]
        epsilon = self._epsilon(self._steps.value) if callable(self._epsilon) else self._epsilon
        draws = keras.random.uniform((2, learners), seed=self._seed)
        values = ops.take(self._q, self._first + observation, axis=0)
        choices = ops.equal(values, ops.max(values, axis=1, keepdims=True)) | (draws[0] < epsilon)[:, None]
        rank = ops.matmul(ops.cast(choices, "float32"), self._triangle)  # 1, 2, ... at the choices, from left to right
        wanted = ops.floor(draws[1] * rank[:, -1]) + 1.0
        return ops.sum(ops.cast(rank < wanted[:, None], "int32"), axis=1), {}

    def learn(self, trajectory: Trajectory) -> dict[str, Tensor]:
        """One update per step and learner. A program."""
        for t in range(self.rollout_length):
            self._learn(*(ops.convert_to_tensor(field[t]) for field in trajectory[:6]))
        return {}

    def _learn(self, state, action, reward, terminated, truncated, following):
        actions = self.shape[2]
        best = ops.max(ops.take(self._q, self._first + following, axis=0), axis=1)
        td_target = reward + self.discount * ops.where(terminated, 0.0, best)
        row = self._first + state
        old = ops.take(self._q, row, axis=0)  # [B, A]
        alpha = self._step_size
        if callable(self._step_size):
            pair = row * actions + action
            count = ops.take(self._updates, pair)
            engine.write(self._updates, pair, count + 1.0)
            alpha = ops.reshape(self._step_size(count), (-1, 1))
        chosen = ops.one_hot(action, actions, dtype="float32")
        engine.write(self._q, row, old + alpha * chosen * (td_target[:, None] - old))
        self._steps.assign_add(1)

    def observe(self, trajectory: Trajectory) -> None:
        """Does nothing: learning starts with the first step."""

    def host_policy(self, generator: Any = None) -> Callable:
        """The greedy policy of the first learner, for `evaluate`.

        Returns:
            A function (states `[B]`, starts `[B]`) -> (actions `[B]`, {}).
        """
        best = self.action_values()[0].argmax(axis=1)
        return lambda observation, start: (best[observation], {})
