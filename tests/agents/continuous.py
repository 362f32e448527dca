"""What tests of SAC, TD3 and DDPG share: critics and a step by hand, and checks of an agent."""

import keras
import numpy as np
from gymnasium.spaces import Box

from lab import engine
from lab.agents import Critics, DeviceRollout, HostRollout, Trajectory, UniformReplay, evaluate, train
from lab.models import critic
from tests.agents.identity import TORQUE, ContinuousIdentity, DeviceContinuousIdentity, vectorize

STATE = Box(-10, 10, (1,), np.float32)
SQUASHED = np.tanh(0.5)  # the action of an actor whose output before tanh is 0.5


def linear_critics(online, targets, **options):
    """Q_i(s, a) = w_i . (s, a) with given weights, and gradient descent with step size 0.1."""

    def linear(weights):
        inputs = [keras.Input((1,)), keras.Input((1,))]
        layer = keras.layers.Dense(1, use_bias=False)
        model = keras.Model(inputs, layer(keras.layers.Concatenate()(inputs)))
        layer.kernel.assign(np.array(weights, np.float32)[:, None])
        return model

    critics = Critics([linear(w) for w in online], [linear(w) for w in online], keras.optimizers.SGD(0.1), **options)
    for model, weights in zip(critics.targets, targets, strict=True):
        model.trainable_variables[0].assign(np.array(weights, np.float32)[:, None])
    return critics


def not_a_number():
    """A Box whose upper bound has become NaN."""
    space = Box(-1.0, 1.0, (1,))
    space.high = np.array([np.nan], np.float32)
    return space


def weights_of(models):
    return np.array([np.asarray(model.trainable_variables[0])[:, 0] for model in models])


def small_critics(count, hidden=(64,), rate=3e-3):
    online, targets = ([critic((1,), 1, hidden, seed=seed) for seed in range(count)] for _ in range(2))
    return Critics(online, targets, keras.optimizers.Adam(rate), polyak=0.05)


def one_step(terminated=False, truncated=False):
    """s = 1, a = 3, which is 2/3 in the unit cube, r = 1, s' = 2."""
    column = np.ones((1, 1, 1), np.float32)
    flags = np.array([[terminated]]), np.array([[truncated]])
    return Trajectory(column, 3 * column, np.ones((1, 1), np.float32), *flags, 2 * column, {})


def replay(capacity=256):
    return UniformReplay(capacity, STATE, TORQUE, seed=3)


def learn(agent, trajectory):
    metrics = engine.compile(agent.learn, agent.variables)(trajectory)
    return {name: float(value) for name, value in metrics.items()}


def place(agent, kind, seed=1, num_envs=4):
    if kind == "host":
        return HostRollout(agent, vectorize(ContinuousIdentity, num_envs), seed=seed)
    return DeviceRollout(agent, DeviceContinuousIdentity(num_envs), max_episode_steps=100, seed=seed)


def solves_identity(agent, kind, steps):
    """Trains on the identity environment. The mean squared error of greedy actions must be small.

    That of random actions is 4.3.
    """
    list(train(agent, place(agent, kind), steps=steps, report_every=steps))
    returns = evaluate(agent, vectorize(ContinuousIdentity, 20), episodes=40, seed=2)
    assert returns.mean() / 5 > -0.03, returns.mean() / 5


def values(agent):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in agent.variables]


def equal(some, others):
    return all(np.array_equal(a, b) for a, b in zip(some, others, strict=True))


def repeats_and_goes_on_exactly(make, kind):
    """One seed gives the same bits twice, another seed others, and all state is in the variables.

    An agent of another seed is given the variables of the first one in the middle of its run. Then
    it ends like the first one.
    """
    assert equal(values(make(seed=0)), values(make(seed=0)))
    one, other = make(seed=0), make(seed=5)
    places = [place(agent, kind) for agent in (one, other)]
    middles, ends = [], []

    def finish(agent, rollout):
        rollout.reset(13)
        rollout.run(2, True)
        ends.append(values(agent))

    for agent, rollout in zip((one, other), places, strict=True):
        rollout.reset(0)
        rollout.run(10, False)
        rollout.run(2, True)
        middles.append([*values(agent), *(np.array(keras.ops.convert_to_numpy(v)) for v in rollout.variables)])
        finish(agent, rollout)
    for variable, value in zip([*other.variables, *places[1].variables], middles[0], strict=True):
        variable.assign(value)
    finish(other, places[1])
    assert equal(ends[2], ends[0])
    assert not equal(ends[1], ends[0])
    assert all(np.isfinite(value).all() for value in ends[0] if value.dtype.kind == "f")


def starts_uniformly(make):
    """The first `learning_starts` actions are uniform over the Box, then come those of the policy.

    This holds on the host and in programs.
    """
    agent = make(seed=0, learning_starts=8, rollout_length=4)
    observation, start = np.zeros((4000, 1), np.float32), np.zeros(4000, bool)
    observe = engine.compile(agent.observe, agent.variables)
    rollout = place(agent, "host", num_envs=1)
    rollout.reset(0)
    for steps in (0, 4, 8):
        act = engine.compile(agent.act, agent.variables)
        for action in (act(observation, start)[0], agent.host_policy(np.random.default_rng(0))(observation, start)[0]):
            action = np.asarray(action)
            assert action.dtype == np.float32 and action.shape == (4000, 1)
            uniform = abs(action.mean() - 1) < 0.15 and abs(action.std() - 6 / 12**0.5) < 0.1
            assert uniform == (steps < 8), (steps, action.mean(), action.std())
        observe(rollout.collect(4))


def acts_alike(agent, program_noise_free):
    """Greedy actions are equal on the host, in the logged model and, without noise, in programs."""
    observation, start = np.linspace(-1, 1, 50, dtype="float32")[:, None], np.zeros(50, bool)
    greedy = agent.host_policy()(observation, start)[0]
    np.testing.assert_allclose(np.asarray(agent.policy_model()(observation)), greedy, atol=1e-5)
    assert greedy.std() > 0.01 and (np.abs(greedy - 1) <= 3).all()
    if program_noise_free:
        action = engine.compile(agent.act, agent.variables)(observation, start)[0]
        np.testing.assert_allclose(np.asarray(action), greedy, atol=1e-5)
        noisy = agent.host_policy(np.random.default_rng(0))(observation, start)[0]
        np.testing.assert_allclose(noisy, greedy, atol=1e-5)
