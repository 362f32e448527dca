"""What SAC, TD3 and DDPG share: how an actor and critics learn from a replay."""

import abc
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.agents.algorithm import Trajectory
from lab.agents.box import UnitBox
from lab.agents.critics import Critics
from lab.agents.for_env import ForEnv
from lab.agents.passes import HostPasses, exploring, observation_statistics
from lab.agents.replay import Replay, Transition
from lab.agents.requirements import (
    require_batch,
    require_inputs,
    require_outputs,
    require_place,
)
from lab.agents.spaces import one_line
from lab.engine.types import Tensor


class OffPolicy(ForEnv, abc.ABC):
    """An actor and critics that learn from a replay, for Box actions.

    A subclass says how they explore and how they learn.

    Args:
        actor: a built Keras model, observation `[B, ...]` -> outputs that the subclass turns into
            actions.
        critics: `Critics`.
        replay: where transitions are kept, such as `UniformReplay`.
        action_space: the Box, with finite bounds.
        groups: calls of `update` in each call of `learn`.
        seed: seeds what is random inside compiled programs.
        state: the variables of the subclass, including those of its optimizers.
        discount, batch_size, rollout_length, learning_starts: as in `lab.agents.settings`.
    """

    parameters: int  # the number of outputs of the actor, `[B, D]` each
    meaning: str  # what these outputs are, for messages

    def __init__(
        self,
        *,
        actor: keras.Model,
        critics: Critics,
        replay: Replay,
        action_space: gymnasium.Space,
        discount: float,
        batch_size: int,
        rollout_length: int,
        groups: int,
        learning_starts: int,
        seed: int,
        state: Sequence[keras.Variable],
    ) -> None:
        require_batch(batch_size, replay)
        self.actor = self.model = actor
        self.critics, self.replay = critics, replay
        self.box = UnitBox(action_space)
        self._check_models(action_space)
        self.discount = validation.UNIT.check("discount", discount)
        self.batch_size = validation.integer("batch_size", batch_size)
        self.rollout_length = validation.integer("rollout_length", rollout_length)
        self.groups = validation.integer("groups", groups)
        self.learning_starts = validation.integer("learning_starts", learning_starts, 0)
        self.steps = keras.Variable(0, dtype="int32", trainable=False, name="environment_steps")
        self.seed = keras.random.SeedGenerator(seed)
        networks = [*actor.variables, *critics.variables, *state]
        self.variables = [*networks, *replay.variables, self.steps, self.seed.state]
        self._host = HostPasses(actor)
        self._statistics = observation_statistics(actor, *critics.online)

    def _check_models(self, action_space):
        seen, done = self.replay.observation_space.shape, (self.box.dimensions,)
        require_inputs("actor", self.actor, [seen], "the replay's observations")
        meaning = f"{self.meaning} of {one_line(action_space)}"
        require_outputs("actor", self.actor, [done] * self.parameters, meaning)
        for position, model in enumerate(self.critics.online):
            require_inputs(f"critics.online[{position}]", model, [seen, done], "observations and actions")
        if self.replay.action_space != action_space:
            expected, received = one_line(action_space), one_line(self.replay.action_space)
            raise ValueError(f"replay: expected the actions of {expected}, received {received}.")

    def require_place(self, *environments: Any) -> None:
        """See `Algorithm.require_place`."""
        require_place(self.replay.observation_space.shape, self.replay.action_space, vars(self).values(), environments)

    def act(self, observation: Tensor, start: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Explores: observation `[B, ...]` -> (action `[B, D]`, {}). A program.

        Before learning starts, actions are uniformly random.
        """
        action = self.explore(exploring(self.actor, observation), start)
        anything = keras.random.uniform(ops.shape(action), -1.0, 1.0, seed=self.seed)
        return self.box.from_unit(ops.where(self.steps.value < self.learning_starts, anything, action)), {}

    def host_policy(self, generator: np.random.Generator | None = None) -> Callable[..., Any]:
        """See `Algorithm.host_policy`: (observation, start) -> (action `[B, D]`, {})."""
        box = self.box
        if generator is None:
            best = self._host.greedy.refresh()
            return lambda observation, start: (box.from_unit(self.host_greedy(best(observation))), {})
        forward = self._host.exploring.refresh()
        at_random = int(self.steps.value) < self.learning_starts

        def explore(observation, start):
            action = self.host_explore(forward(observation), start, generator)
            if at_random:
                action = generator.uniform(-1.0, 1.0, action.shape).astype("float32")
            return box.from_unit(action), {}

        return explore

    def policy_model(self) -> keras.Model:
        """The greedy policy as a Keras model: observation -> action in the environment's units."""
        units = keras.layers.Rescaling(self.box.half.tolist(), self.box.middle.tolist(), name="in_units")
        return keras.Model(self.actor.inputs[0], units(self.greedy_output(*self.actor.outputs)), name="policy")

    def observe(self, trajectory: Trajectory) -> None:
        """Adds a trajectory to the replay and counts its steps. A program."""
        self.replay.add(trajectory)
        for layer in self._statistics:
            layer.update(trajectory.observation)
        self.steps.assign_add(trajectory.reward.shape[0] * trajectory.reward.shape[1])

    def learn(self, trajectory: Trajectory) -> dict[str, Tensor]:
        """Adds a trajectory to the replay, then updates `groups` times. A program.

        Returns the means of their diagnostics.
        """
        self.observe(trajectory)
        results = engine.scan(lambda _: self.update(), self.variables, length=self.groups)
        return {name: ops.mean(values) for name, values in results.items()}

    def sample(self) -> tuple[Transition, Tensor]:
        """A batch of transitions, and their discounts `[N]`. A program.

        Actions are those of the unit cube. The discount is 0 where the episode terminated.
        """
        batch = self.replay.sample(self.batch_size)
        discount = self.discount * (1.0 - ops.cast(batch.terminated, "float32"))
        return batch._replace(action=self.box.to_unit(batch.action)), discount

    @abc.abstractmethod
    def update(self) -> dict[str, Tensor]:
        """One group of gradient steps; returns diagnostics. A program."""

    @abc.abstractmethod
    def explore(self, outputs: Any, start: Tensor) -> Tensor:
        """Actions of the unit cube `[B, D]` from the actor's outputs. A program."""

    @abc.abstractmethod
    def host_explore(self, outputs: Any, start: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """`explore` of arrays, with randomness from a NumPy generator."""

    @abc.abstractmethod
    def host_greedy(self, outputs: Any) -> np.ndarray:
        """The best actions of the unit cube `[B, D]`, from arrays."""

    @abc.abstractmethod
    def greedy_output(self, *outputs: Any) -> Any:
        """The best actions of the unit cube, from the symbolic outputs of the actor."""
