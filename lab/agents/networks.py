"""How actor-critics run their Keras models: on single observations, or with a memory on sequences of them.

A network acts, lays a trajectory out for the model, and evaluates it: `arrange` brings what is `[T, B, ...]` into the layout in which `forward` gives
parameters and values. The first axis of the layout is that of what minibatches are made of.
"""

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.agents.passes import HostPasses, exploring, greedy
from lab.agents.requirements import require_outputs
from lab.agents.statistics import ObservationStatistics


class FeedForward:
    """A model of single observations; the layout is `[T B, ...]`.

    Args:
        model: observation `[B, ...]` -> [*parameters of the policy, value `[B]`], such as `lab.models.actor_critic` makes.
        policy: what the parameters mean, of `lab.agents.policies`.
    """

    def __init__(self, model, policy):
        self.model = model
        self.policy = policy
        self.variables = list(policy.variables)
        self.observation_shape = tuple(model.inputs[0].shape[1:])
        *parameters, value = model.outputs
        require_outputs("model", model, [*policy.shapes, ()], f"{policy.meaning} and a value")
        self.actor = keras.Model(model.inputs[0], parameters, name="actor")
        self.critic = keras.Model(model.inputs[0], value, name="critic")
        self._statistics = ObservationStatistics(model)
        self._host = HostPasses(self.actor)

    def act(self, observation, start, seed):
        """Samples: (action, {"sample", "start"}). A program."""
        sample = self.policy.sample(seed, *_several(exploring(self.actor, observation)))
        return self.policy.action(sample), {"sample": sample, "start": start}

    def host_policy(self, generator, seed):
        """See `Agent.host_policy`."""
        forward = self._host.greedy() if generator is None else self._host.exploring()
        draw = self.policy.host_sampler(generator)

        def act(observation, start):
            sample = draw(*_several(forward(observation)))
            return self.policy.host_action(sample), {"sample": sample, "start": start}

        return act

    def policy_model(self):
        """The greedy policy: observation -> logits, or the action of a Box before clipping."""
        return keras.Model(self.model.inputs[0], self.policy.greedy_output(*self.actor.outputs), name="policy")

    def arrange(self, x):
        """`[T, B, ...]` -> `[T B, ...]`."""
        return ops.reshape(x, (-1, *x.shape[2:]))

    def inputs(self, trajectory):
        """The model's inputs."""
        return self.arrange(trajectory.observation)

    def forward(self, inputs, run):
        """(parameters, values) by a pass of `lab.agents.passes`."""
        *parameters, value = run(self.model, inputs)
        return parameters, value

    def next_value(self, trajectory):
        """V(s'_t), `[T, B]`. A program."""
        return ops.reshape(greedy(self.critic, self.arrange(trajectory.next_observation)), trajectory.reward.shape)

    def observe(self, trajectory):
        """Updates the statistics of the observations. A program."""
        self._statistics.update(trajectory)


class Recurrent:
    """A model with a memory; the layout is `[B, T, ...]`, and minibatches are made of environments.

    Gradients flow through a whole trajectory, from the memory with which it began. An episode's first step sees no memory.

    Args:
        build: a function, T -> the model for sequences of T steps, [observation `[B, T, ...]`, start `[B, T]`, *memory `[B, units]`] ->
            [*parameters `[B, T, ...]`, value `[B, T]`, *memory]; the models share their layers, such as `lab.models.recurrent_actor_critic` makes.
        policy: what the parameters mean, of `lab.agents.policies`.
        num_envs: B.
        length: T, the rollout length.
    """

    def __init__(self, build, policy, *, num_envs, length):
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
        self._statistics = ObservationStatistics(self.model)
        self._programs: dict = {}

    def act(self, observation, start, seed):
        """Samples: (action, {"sample", "start" and the memory before the step}). A program."""
        memory = [ops.copy(variable) for variable in self._memory]
        parameters, _, following = self._one_step(observation, start, memory, exploring)
        for variable, value in zip(self._memory, following, strict=True):
            variable.assign(value)
        sample = self.policy.sample(seed, *parameters)
        before = {f"memory_{position}": value for position, value in enumerate(memory)}
        return self.policy.action(sample), {"sample": sample, "start": start} | before

    def host_policy(self, generator, seed):
        """See `Agent.host_policy`. Exploring, one compiled call that draws from `seed`; greedy, with a memory of its own."""
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
            parameters, _, memory[:] = keras.tree.map_structure(
                np.asarray, self._programs["greedy"](observation, start, before)
            )
            sample = draw(*parameters)
            return self.policy.host_action(sample), {"sample": sample}

        return act

    def _one_step(self, observation, start, memory, run):
        """(parameters, value, memory after the step) of single observations, by a pass of `lab.agents.passes`."""
        outputs = run(self._step, [ops.expand_dims(observation, 1), ops.expand_dims(start, 1), *memory])
        split = len(outputs) - len(memory)
        *parameters, value = (output[:, 0] for output in outputs[:split])
        return parameters, value, list(outputs[split:])

    def policy_model(self):
        """The greedy policy: [observation `[B, ...]`, start `[B]`, *memory] -> [logits or action, *memory]."""
        observation, start = (keras.Input(tensor.shape[2:], name=tensor.name) for tensor in self._step.inputs[:2])
        memory = [keras.Input(tensor.shape[1:]) for tensor in self._step.inputs[2:]]
        outputs = self._step([ops.expand_dims(observation, 1), ops.expand_dims(start, 1), *memory])
        split = len(outputs) - len(memory)
        greedy = self.policy.greedy_output(*(output[:, 0] for output in outputs[: split - 1]))
        return keras.Model([observation, start, *memory], [greedy, *outputs[split:]], name="policy")

    def arrange(self, x):
        """`[T, B, ...]` -> `[B, T, ...]`."""
        return ops.swapaxes(x, 0, 1)

    def inputs(self, trajectory):
        """The model's inputs."""
        memory = [trajectory.extras[f"memory_{position}"][0] for position in range(len(self._memory))]
        start = ops.cast(trajectory.extras["start"], "float32")
        return [self.arrange(trajectory.observation), self.arrange(start), *memory]

    def forward(self, inputs, run):
        """(parameters, values) by a pass of `lab.agents.passes`."""
        outputs = run(self.model, inputs)[: -len(self._memory)]
        return outputs[:-1], outputs[-1]

    def next_value(self, trajectory):
        """V(s'_t) by one step on s'_t, from the memory after step t; `[T, B]`. A program."""
        memory = []
        for position, last in enumerate(self._memory):
            before = trajectory.extras[f"memory_{position}"]
            after = ops.concatenate([before[1:], last.value[None]])  # [T, B, units]
            memory.append(ops.reshape(after, (-1, after.shape[-1])))
        observation = trajectory.next_observation
        observation = ops.reshape(observation, (-1, *observation.shape[2:]))
        value = self._one_step(observation, ops.zeros(memory[0].shape[:1]), memory, greedy)[1]
        return ops.reshape(value, trajectory.reward.shape)

    def observe(self, trajectory):
        """Updates the statistics of the observations. A program."""
        self._statistics.update(trajectory)


def _several(outputs):
    return outputs if isinstance(outputs, list | tuple) else [outputs]
