"""The passes of every agent, with layers that differ in training.

These are NoisyDense, Dropout and batch normalisation, Keras's and ours.
"""

import keras
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from lab import engine
from lab.agents import (
    A2C,
    DDPG,
    DQN,
    PPO,
    REINFORCE,
    SAC,
    TD3,
    Critics,
    FixedTemperature,
    GaussianNoise,
    HostRollout,
    RecurrentPPO,
    UniformReplay,
    clipped_noise,
    exploration,
    policy_for,
)
from lab.agents.passes import HostPasses, exploring, greedy, learning
from lab.layers import BatchNormalization, GaussianHead, NoisyDense, RunningNormalization
from lab.models import recurrent_actor_critic
from tests.agents import actors
from tests.agents.identity import ACTIONS, TORQUE, ContinuousIdentity, Identity, vectorize
from tests.backends import only

ENVS = 4


def noisy(seed):
    """Hidden layers of each kind that differs in training."""
    normalizations = keras.layers.BatchNormalization(), BatchNormalization()
    dense = NoisyDense(16, "tanh", sigma=2.0, seed=seed)
    return [keras.layers.Flatten(), dense, *normalizations, keras.layers.Dropout(0.5, seed=seed)]


class Stack(keras.layers.Layer):
    """Layers one after the other, for sequences of any length."""

    def __init__(self, layers):
        super().__init__()
        self.parts = layers

    def build(self, input_shape):
        for layer in self.parts:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs, training=None):
        for layer in self.parts:
            inputs = layer(inputs)
        return inputs


def network(outputs, seed=0, *, inputs=((1,),), activation=None):
    """A model of `noisy` and a head."""
    tensors = [keras.Input(shape) for shape in inputs]
    x = keras.layers.Concatenate()(tensors) if len(tensors) > 1 else tensors[0]
    for layer in noisy(seed):
        x = layer(x)
    head = outputs if isinstance(outputs, keras.layers.Layer) else keras.layers.Dense(outputs, activation)
    return keras.Model(tensors if len(tensors) > 1 else tensors[0], head(x))


def dqn():
    space = Identity().observation_space
    online, target = (network(ACTIONS, seed, inputs=[space.shape]) for seed in (1, 2))
    return DQN(
        online=online,
        target=target,
        optimizer=keras.optimizers.Adam(0.01),
        updates=2,
        learning_starts=0,
        seed=0,
        batch_size=8,
        epsilon=exploration.constant(0.0),
        replay=UniformReplay(64, space, Discrete(ACTIONS), seed=3),
    )


def actor_critic(kind):
    options = {"epochs": 4, "minibatches": 4} if kind is PPO else {}
    return lambda: actors.identity_agent(kind, torso=noisy, rollout_length=10, **options)


def recurrent():
    policy = policy_for(Discrete(ACTIONS))
    build = recurrent_actor_critic(
        (ACTIONS,), lambda start: Stack([*noisy(0)[1:], policy.head(start)]), units=4, hidden=(), seed=0
    )
    options = {"optimizer": keras.optimizers.Adam(0.02), "rollout_length": 4, "minibatches": 1, "seed": 0}
    return RecurrentPPO(build=build, policy=policy, num_envs=ENVS, **options)


def continuous(kind, critics, **options):
    def make():
        online, targets = ([network(1, k, inputs=[(1,), (1,)]) for k in range(critics)] for _ in range(2))
        head = (GaussianHead(1),) if kind is SAC else (1, 5)
        actor = network(*head, activation="tanh") if kind is not SAC else network(*head)
        both = {"target_actor": network(1, 6, activation="tanh"), "noise": GaussianNoise(0.0)} if kind is not SAC else {}
        return kind(
            actor=actor,
            critics=Critics(online, targets, keras.optimizers.Adam(0.01)),
            optimizer=keras.optimizers.Adam(0.01),
            replay=UniformReplay(64, Box(-1, 1, (1,)), TORQUE, seed=3),
            action_space=TORQUE,
            batch_size=8,
            rollout_length=2,
            updates=2,
            learning_starts=0,
            seed=0,
            **both,
            **options,
        )

    return make


AGENTS = {
    "DQN": (dqn, Identity),
    "REINFORCE": (actor_critic(REINFORCE), Identity),
    "A2C": (actor_critic(A2C), Identity),
    "PPO": (actor_critic(PPO), Identity),
    "recurrent PPO": (recurrent, Identity),
    "DDPG": (continuous(DDPG, 1), ContinuousIdentity),
    "TD3": (continuous(TD3, 2, smoothing=clipped_noise()), ContinuousIdentity),
    "SAC": (continuous(SAC, 2, temperature=FixedTemperature(0.1)), ContinuousIdentity),
}
KINDS = ("DQN", "PPO", "recurrent PPO", "SAC")  # one of each, on JAX too
DETERMINISTIC = ("DQN", "DDPG", "TD3")  # without epsilon and added noise, only the noise of their layers explores


def differing(*models):
    """The layers that differ in training."""
    kinds = (NoisyDense, keras.layers.Dropout, keras.layers.BatchNormalization)
    return [layer for model in models for layer in model._flatten_layers() if isinstance(layer, kinds)]


def state(layers):
    """(kind, layer) -> what can change: seeds of noise, moving averages, sigmas."""
    found = {}
    for k, layer in enumerate(layers):
        if isinstance(layer, keras.layers.BatchNormalization):
            found["mean", k], found["variance", k] = layer.moving_mean, layer.moving_variance
        elif isinstance(layer, NoisyDense):
            found["seed", k], found["sigma", k] = layer.generator.state, layer.kernel_sigma
        else:
            found["seed", k] = layer.seed_generator.state
    return {key: np.array(keras.ops.convert_to_numpy(variable)) for key, variable in found.items()}


def changed(before, after):
    return {key for key in before if not np.array_equal(before[key], after[key])}


def values(variables):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


@pytest.mark.slow
@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in KINDS else only("tensorflow")) for name in AGENTS])
def test_every_agent_explores_and_learns_with_noise_and_is_greedy_without(name):
    make, env = AGENTS[name]
    agent = make()
    model = agent.online if name == "DQN" else agent.model
    acting = differing(getattr(getattr(agent, "network", None), "actor", model))
    learnt = differing(model, *(agent.critics.online if hasattr(agent, "critics") else ()))
    rollout = HostRollout(agent, vectorize(env, ENVS), seed=1)
    rollout.reset(0)
    observation = np.repeat(rollout._observation[:1], ENVS, axis=0)
    start = np.ones(ENVS, bool)

    # Exploring, on the host and in programs: all layers draw noise, no average moves.
    act, host = engine.compile(agent.act, agent.variables), agent.host_policy(np.random.default_rng(0))
    for explore in (host, act):
        before = state(acting)
        actions = np.array([np.asarray(explore(observation, start)[0]) for _ in range(200)])
        assert changed(before, state(acting)) == {key for key in before if key[0] == "seed"}
        if name in DETERMINISTIC:
            assert len(np.unique(actions[:, 0], axis=0)) > 1

    # Greedy: one observation, one action, and nothing moves.
    before, policy = values(agent.variables), agent.host_policy()
    actions = np.array([policy(observation, start)[0] for _ in range(5)])
    assert (actions == actions[0, 0]).all() or name == "recurrent PPO"  # it has a memory
    assert all(np.array_equal(a, b) for a, b in zip(before, values(agent.variables), strict=True))

    # Learning: sigmas are learnt, averages move, and the agent goes on exactly from its variables.
    before, saved, ends = state(learnt), values(agent.variables), []
    for _ in range(2):
        for variable, value in zip(agent.variables, saved, strict=True):
            variable.assign(value)
        rollout.reset(7)
        rollout.run(2, True)
        assert changed(before, state(learnt)) == set(before)
        ends.append(values(agent.variables))
    assert all(np.array_equal(a, b) for a, b in zip(*ends, strict=True))


def test_the_three_passes_by_hand():
    # x = 1 and 5: the batch has mean 3 and standard deviation 2. The moving averages are 0 and 1.
    layer, x = keras.layers.BatchNormalization(momentum=0.5, epsilon=0.0), np.array([[1.0], [5.0]], np.float32)
    model = keras.Sequential([keras.Input((1,)), layer])
    for run in (greedy, exploring):
        np.testing.assert_allclose(run(model, x), x)
        np.testing.assert_allclose(run(model, x[:1]), x[:1])  # a single observation is not its own mean
        assert (float(layer.moving_mean[0]), float(layer.moving_variance[0])) == (0, 1)
    np.testing.assert_allclose(learning(model, x), [[-1], [1]], rtol=1e-6)
    assert (float(layer.moving_mean[0]), float(layer.moving_variance[0])) == (1.5, 2.5)
    assert layer.trainable and len(model.trainable_variables) == 2  # as before
    layer.trainable = False  # by its owner
    np.testing.assert_allclose(exploring(model, x), greedy(model, x))
    assert not layer.trainable


def test_running_statistics_move_in_no_pass():
    layer, x = RunningNormalization(), np.array([[1.0], [5.0]], np.float32)
    model = keras.Sequential([keras.Input((1,)), layer])
    layer.update(x)
    for run in (greedy, exploring, learning):
        np.testing.assert_allclose(run(model, x + 100), [[10], [10]])
        assert float(layer.count) == 2


def test_noise_is_drawn_in_learning_and_exploring_alone():
    model, x = network(1, inputs=[(3,)]), np.eye(3, dtype="float32")
    for run in (learning, exploring):
        assert len({float(run(model, x)[0, 0]) for _ in range(5)}) > 1
    assert len({float(greedy(model, x)[0, 0]) for _ in range(5)}) == 1


def test_a_model_without_noise_has_one_pass_on_the_host_and_one_with_noise_two():
    plain = HostPasses(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))
    assert plain.greedy is plain.exploring and isinstance(plain.greedy, engine.HostForward)
    passes = HostPasses(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dropout(0.5)]))
    assert passes.greedy is not passes.exploring
