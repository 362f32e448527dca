"""How actor-critics run their Keras models: on single observations, or with a memory on sequences.

A network acts, and evaluates the policy and the values on a trajectory. Each kind has a layout for
its model: `arrange` brings `[T, B, ...]` into it. Minibatches are parts of its first axis.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.agents.algorithm import Trajectory
from lab.agents.passes import HostPasses, exploring, greedy, observation_statistics, several
from lab.agents.requirements import require_outputs
from lab.engine.types import Tensor


class Evaluated(NamedTuple):
    """Policy and values of a network on a trajectory. All but `next_value` are in its layout."""

    inputs: Any  # inputs of the model
    sample: Any  # what the policy drew
    policy: Any  # the distribution of samples, without noise
    value: Any  # V(s)
    next_value: Any  # V(s'), `[T, B]`


class FeedForward:
    """A model of single observations. The layout is `[T B, ...]`.

    Args:
        model: a Keras model, such as `lab.models.actor_critic` makes,
            observation `[B, ...]` -> [*parameters of the policy, value `[B]`].
        policy: of `lab.agents.policies`. It says what the parameters mean.
    """

    def __init__(self, model: keras.Model, policy: Any) -> None:
        self.model = model
        self.policy = policy
        self.variables = list(policy.variables)
        self.observation_shape = tuple(model.inputs[0].shape[1:])
        *parameters, value = model.outputs
        require_outputs("model", model, [*policy.shapes, ()], f"{policy.meaning} and a value")
        self.actor = keras.Model(model.inputs[0], parameters, name="actor")
        self.critic = keras.Model(model.inputs[0], value, name="critic")
        self.statistics = observation_statistics(model)
        self._host = HostPasses(self.actor)

    def act(self, observation: Tensor, start: Tensor, seed: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Explores: observation -> (action, {"sample", "start"}). A program."""
        sample = self.policy.sample(seed, *several(exploring(self.actor, observation)))
        return self.policy.action(sample), {"sample": sample, "start": start}

    def host_policy(self, generator: np.random.Generator | None, seed: Any) -> Callable[..., Any]:
        """See `Algorithm.host_policy`."""
        forward = (self._host.greedy if generator is None else self._host.exploring).refresh()
        draw = self.policy.host_sampler(generator)

        def act(observation, start):
            outputs = forward(observation)
            sample, action = draw(*outputs) if isinstance(outputs, list | tuple) else draw(outputs)
            return action, {"sample": sample, "start": start}

        return act

    def policy_model(self) -> keras.Model:
        """The greedy policy: observation -> logits, or the action of a Box before clipping."""
        output = self.policy.greedy_output(*self.actor.outputs)
        return keras.Model(self.model.inputs[0], output, name="policy")

    def arrange(self, x: Tensor) -> Tensor:
        """`[T, B, ...]` -> `[T B, ...]`."""
        return ops.reshape(x, (-1, *x.shape[2:]))

    def forward(self, inputs: Any, run: Callable) -> tuple[Any, Tensor]:
        """(distribution of samples, values) by `run`, a pass of `lab.agents.passes`. A program."""
        *parameters, value = run(self.model, inputs)
        return self.policy.distribution(*parameters), value

    def evaluate(self, trajectory: Trajectory) -> Evaluated:
        """Policy and values on a trajectory, by greedy passes. A program."""
        inputs, sample = self.arrange(trajectory.observation), self.arrange(trajectory.extras["sample"])
        policy, value = self.forward(inputs, greedy)
        next_value = greedy(self.critic, self.arrange(trajectory.next_observation))
        return Evaluated(inputs, sample, policy, value, ops.reshape(next_value, trajectory.reward.shape))


class Recurrent:
    """A model with a memory. The layout is `[B, T, ...]`: minibatches are made of environments.

    Gradients flow through a whole trajectory, but not into the memory at its start. The first step
    of an episode begins with an empty memory.

    Args:
        build: a function, T -> the model for sequences of T steps,
            [observation `[B, T, ...]`, start `[B, T]`, *memory `[B, units]`] ->
            [*parameters `[B, T, ...]`, value `[B, T]`, *memory].
            The models share their layers, as those of `lab.models.recurrent_actor_critic` do.
        policy: of `lab.agents.policies`. It says what the parameters mean.
        num_envs: B, the number of environments.
        length: T, the rollout length.
    """

    def __init__(self, build: Callable[[int], keras.Model], policy: Any, *, num_envs: int, length: int) -> None:
        self.model = build(length)
        self.policy = policy
        self.num_envs = validation.integer("num_envs", num_envs)
        self.observation_shape = tuple(self.model.inputs[0].shape[2:])
        self._step = build(1)
        states = [tuple(tensor.shape[1:]) for tensor in self.model.inputs[2:]]
        shapes = [*((length, *shape) for shape in policy.shapes), (length,), *states]
        require_outputs("model", self.model, shapes, f"{policy.meaning}, a value and the memory")
        self._memory = [
            keras.Variable(np.zeros((num_envs, tensor.shape[-1])), dtype="float32", trainable=False, name="memory")
            for tensor in self._step.inputs[2:]
        ]
        self.variables = [*self._memory, *policy.variables]
        self.statistics = observation_statistics(self.model)
        self._programs: dict = {}

    def act(self, observation: Tensor, start: Tensor, seed: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Explores: observation -> (action, {"sample", "start", "memory_0", ...}). A program.

        The extras hold the memory before the step.
        """
        memory = [ops.copy(variable) for variable in self._memory]
        parameters, _, following = self._one_step(observation, start, memory, exploring)
        for variable, value in zip(self._memory, following, strict=True):
            variable.assign(value)
        sample = self.policy.sample(seed, *parameters)
        before = {f"memory_{position}": value for position, value in enumerate(memory)}
        return self.policy.action(sample), {"sample": sample, "start": start} | before

    def host_policy(self, generator: np.random.Generator | None, seed: Any) -> Callable[..., Any]:
        """See `Algorithm.host_policy`.

        Exploring is one compiled call of `act`, whose randomness comes from `seed`, not from the
        generator. The greedy policy has a memory of its own.
        """
        if generator is not None:
            if "act" not in self._programs:
                state = [*self.model.variables, *self.variables, seed.state]
                self._programs["act"] = engine.compile(lambda o, s: self.act(o, s, seed), state)
            return lambda *step: keras.tree.map_structure(np.asarray, self._programs["act"](*step))
        if "greedy" not in self._programs:
            self._programs["greedy"] = engine.compile(
                lambda o, s, memory: self._one_step(o, s, memory, greedy), self.model.variables
            )
        draw = self.policy.host_sampler(None)
        memory: list = []

        def act(observation, start):
            before = memory or [np.zeros((len(start), v.shape[-1]), np.float32) for v in self._memory]
            step = self._programs["greedy"](observation, start, before)
            parameters, _, memory[:] = keras.tree.map_structure(np.asarray, step)
            sample, action = draw(*parameters)
            return action, {"sample": sample}

        return act

    def remember(self, observation: Any, start: Any, memory: Any) -> tuple[np.ndarray, list[np.ndarray]]:
        """(greedy actions, memory after them) of arrays. Memory () is an empty one."""
        self.host_policy(None, None)
        before = list(memory) or [np.zeros((len(start), v.shape[-1]), np.float32) for v in self._memory]
        parameters, _, after = keras.tree.map_structure(np.asarray, self._programs["greedy"](observation, start, before))
        return self.policy.host_sampler(None)(*parameters)[1], after

    def policy_model(self) -> keras.Model:
        """The greedy policy: [observation, start `[B]`, *memory] -> [scores or action, *memory]."""
        observation, start = (keras.Input(tensor.shape[2:], name=tensor.name) for tensor in self._step.inputs[:2])
        memory = [keras.Input(tensor.shape[1:]) for tensor in self._step.inputs[2:]]
        outputs = self._step([ops.expand_dims(observation, 1), ops.expand_dims(start, 1), *memory])
        split = len(outputs) - len(memory)
        best = self.policy.greedy_output(*(output[:, 0] for output in outputs[: split - 1]))
        return keras.Model([observation, start, *memory], [best, *outputs[split:]], name="policy")

    def arrange(self, x: Tensor) -> Tensor:
        """`[T, B, ...]` -> `[B, T, ...]`."""
        return ops.swapaxes(x, 0, 1)

    def forward(self, inputs: Any, run: Callable) -> tuple[Any, Tensor]:
        """(distribution of samples, values) by `run`, a pass of `lab.agents.passes`. A program."""
        *parameters, value = run(self.model, inputs)[: -len(self._memory)]
        return self.policy.distribution(*parameters), value

    def evaluate(self, trajectory: Trajectory) -> Evaluated:
        """Policy and values on a trajectory, by greedy passes. A program."""
        memory = [trajectory.extras[f"memory_{position}"][0] for position in range(len(self._memory))]
        start = ops.cast(trajectory.extras["start"], "float32")
        inputs = [self.arrange(trajectory.observation), self.arrange(start), *memory]
        sample = self.arrange(trajectory.extras["sample"])
        policy, value = self.forward(inputs, greedy)
        return Evaluated(inputs, sample, policy, value, self._next_value(trajectory))

    def _next_value(self, trajectory):
        """V(s'_t) `[T, B]`, by one more step of the model on s'_t, with the memory after step t."""
        memory = []
        for position, last in enumerate(self._memory):
            before = trajectory.extras[f"memory_{position}"]
            after = ops.concatenate([before[1:], last.value[None]])  # [T, B, units]
            memory.append(ops.reshape(after, (-1, after.shape[-1])))
        observation = trajectory.next_observation
        observation = ops.reshape(observation, (-1, *observation.shape[2:]))
        value = self._one_step(observation, ops.zeros(memory[0].shape[:1]), memory, greedy)[1]
        return ops.reshape(value, trajectory.reward.shape)

    def _one_step(self, observation, start, memory, run):
        """(parameters, value, memory after the step) of single observations."""
        outputs = run(self._step, [ops.expand_dims(observation, 1), ops.expand_dims(start, 1), *memory])
        split = len(outputs) - len(memory)
        *parameters, value = (output[:, 0] for output in outputs[:split])
        return parameters, value, list(outputs[split:])
