import keras
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from keras import ops

from lab import engine
from lab.agents import (
    DQN,
    DeviceRollout,
    HostRollout,
    Trajectory,
    UniformReplay,
    evaluate,
    exploration,
    train,
)
from lab.losses import half_squared_error, huber_error
from lab.losses.reinforcement import clipped_double_q_learning_bootstrap as clipped_double_q_learning
from lab.losses.reinforcement import double_q_learning_bootstrap as double_q_learning
from lab.losses.reinforcement import q_learning_bootstrap as q_learning
from lab.models import mlp
from tests.agents.identity import ACTIONS, DeviceIdentity, Identity, vectorize
from tests.backends import only

graphs = pytest.mark.usefixtures("graphs")
SPACE = Box(-10, 10, (2,), np.float32)


def agent(*, space=SPACE, actions=2, capacity=256, optimizer=None, networks=None, **options):
    online, target = networks or (mlp(space.shape, (16,), actions, seed=1), mlp(space.shape, (16,), actions, seed=2))
    options = {"epsilon": exploration.constant(0.2), "seed": 0, "learning_starts": 0, "batch_size": 16, "updates": 8} | options
    return DQN(
        online=online,
        target=target,
        optimizer=optimizer or keras.optimizers.Adam(1e-2),
        replay=UniformReplay(capacity, space, Discrete(actions), seed=3),
        **options,
    )


def linear_networks(online, target):
    """Q(s) = kernel^T s, with given kernels [2, A]."""
    models = []
    for kernel in (online, target):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, use_bias=False)])
        model.layers[-1].kernel.assign(np.array(kernel, np.float32))
        models.append(model)
    return models


def one_step(terminated, truncated):
    """s = (1, 0), a = 0, r = 1, s' = (0, 1)."""
    observation, following = np.array([[[1.0, 0.0]]], np.float32), np.array([[[0.0, 1.0]]], np.float32)
    flags = np.array([[terminated]]), np.array([[truncated]])
    return Trajectory(observation, np.array([[0]]), np.ones((1, 1), np.float32), *flags, following, {})


def test_bootstraps_by_hand():
    online, target = np.array([[1.0, 5.0], [7.0, 2.0]]), np.array([[10.0, 3.0], [4.0, 6.0]])
    np.testing.assert_allclose(q_learning(online, target), [10, 6])
    np.testing.assert_allclose(double_q_learning(online, target), [3, 4])
    np.testing.assert_allclose(clipped_double_q_learning(online, target), [3, 4])
    np.testing.assert_allclose(clipped_double_q_learning(target, online), [1, 2])


def test_losses_by_hand_and_against_keras():
    error = np.array([-3.0, -1.0, -0.5, 0.0, 0.5, 2.0], np.float32)
    np.testing.assert_allclose(huber_error(error), [2.5, 0.5, 0.125, 0, 0.125, 1.5])
    np.testing.assert_allclose(half_squared_error(error), error**2 / 2)
    ours = float(ops.mean(huber_error(error)))
    np.testing.assert_allclose(ours, float(keras.losses.Huber()(np.zeros(6), error)), rtol=1e-6)


@pytest.mark.slow
@graphs
@pytest.mark.parametrize(
    ("bootstrap", "terminated", "truncated", "td_target"),
    [
        (q_learning, False, False, 1 + 0.5 * 6),  # cut by the rollout: max of the target network's (4, 6)
        (q_learning, False, True, 1 + 0.5 * 6),  # a time limit does not end the return
        (q_learning, True, False, 1),
        (q_learning, True, True, 1),
        (double_q_learning, False, False, 1 + 0.5 * 4),  # the online network's best action is 0
        (clipped_double_q_learning, False, False, 1 + 0.5 * 4),  # the lower of 7 and 4
    ],
)
def test_one_update_by_hand(bootstrap, terminated, truncated, td_target):
    # Q_online(s') = (7, 2), Q_target(s') = (4, 6), Q_online(s, 0) = 2. The loss is
    # (td_target - q)^2 / 2.
    networks = linear_networks([[2.0, 0.0], [7.0, 2.0]], [[0.0, 0.0], [4.0, 6.0]])
    learner = agent(
        networks=networks,
        optimizer=keras.optimizers.SGD(0.1),
        bootstrap=bootstrap,
        loss=half_squared_error,
        discount=0.5,
        updates=1,
    )
    learner.target.layers[-1].kernel.assign(np.array([[0.0, 0.0], [4.0, 6.0]], np.float32))
    learner.updated.assign(1)  # the next copy is far away
    metrics = engine.compile(learner.learn, learner.variables)(one_step(terminated, truncated))
    kernel = np.asarray(learner.online.layers[-1].kernel)
    np.testing.assert_allclose(kernel, [[2 + 0.1 * (td_target - 2), 0], [7, 2]], rtol=1e-6)
    np.testing.assert_allclose(float(metrics["loss"]), 0.5 * (td_target - 2) ** 2, rtol=1e-6)
    np.testing.assert_allclose(float(metrics["gradient_norm"]), abs(td_target - 2), rtol=1e-6)
    np.testing.assert_allclose(float(metrics["td_error"]), abs(td_target - 2), rtol=1e-6)
    np.testing.assert_allclose(float(metrics["q_value"]), 2, rtol=1e-6)


@pytest.mark.slow
@graphs
@pytest.mark.parametrize("updates", [1, 3])
def test_the_target_network_is_copied_before_every_so_many_updates(updates):
    """It is copied before updates 0 and 3, whether a call of `learn` makes one of them or three."""
    learner = agent(target_every=3, updates=updates, optimizer=keras.optimizers.SGD(0.1))
    learn = engine.compile(learner.learn, learner.variables)
    online, copied = [weights(learner.online)], []
    for _ in range(6 // updates):
        learn(one_step(False, False))
        online.append(weights(learner.online))
        copied.append(online.index(weights(learner.target)) * updates)
    assert copied == {1: [0, 0, 0, 3, 3, 3], 3: [0, 3]}[updates]


def test_the_target_network_moves_by_a_share():
    learner = agent(networks=linear_networks([[2.0, 0.0], [6.0, 1.0]], np.zeros((2, 2))), target_every=2, polyak=0.25)
    online, target = (model.layers[-1].kernel for model in (learner.online, learner.target))
    seen = []
    for scale in (1.0, 2.0, 3.0):
        online.assign(scale * np.array([[2.0, 0.0], [6.0, 1.0]], np.float32))
        learner._update_targets()
        seen.append(float(target.value[0][0]))
    assert seen == [2.0, 2.0, 2.0 + 0.25 * (6.0 - 2.0)]  # a copy, nothing, a quarter of the way


@pytest.mark.slow
@graphs
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_the_greedy_policy_is_of_the_average_of_the_newest_weights(share):
    learner = agent(averaging=share, updates=1, optimizer=keras.optimizers.SGD(0.1))
    learn = engine.compile(learner.learn, learner.variables)
    first, online = [np.asarray(variable) for variable in learner.policy_model().variables], []
    for variable in learner.online.variables:
        np.testing.assert_array_equal(first.pop(0), variable)
    for _ in range(4):
        learn(one_step(False, False))
        online.append(np.asarray(learner.online.variables[0]))
    mean = online[0]
    for t in range(1, 4):
        mean = mean + (online[t] - mean) / (1 + share * t)
    np.testing.assert_allclose(learner.policy_model().variables[0], mean, rtol=1e-5)
    if share == 1:
        np.testing.assert_allclose(learner.policy_model().variables[0], np.mean(online, axis=0), rtol=1e-5)


@graphs
def test_the_average_is_greedy_while_the_online_network_explores():
    learner = agent(
        networks=linear_networks([[1.0, 0.0], [0.0, 1.0]], np.zeros((2, 2))), averaging=0.2, epsilon=exploration.constant(0.0)
    )
    learner.policy_model().layers[-1].kernel.assign(np.array([[0.0, 1.0], [1.0, 0.0]], np.float32))
    observation, start = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), np.ones(2, bool)
    assert learner.host_policy()(observation, start)[0].tolist() == [1, 0]
    assert learner.host_policy(np.random.default_rng(0))(observation, start)[0].tolist() == [0, 1]
    acts = engine.compile(learner.act, learner.variables)(observation, start)[0]
    assert np.asarray(acts).tolist() == [0, 1]


@graphs
def test_the_average_sees_observations_as_the_online_network_does_before_the_first_update():
    networks = [mlp((2,), (4,), 2, normalize=True, seed=seed) for seed in (1, 2)]
    learner = agent(networks=networks, averaging=0.2)
    engine.compile(learner.observe, learner.variables)(one_step(False, False))
    observation = np.array([[3.0, -1.0]], np.float32)
    np.testing.assert_array_equal(learner._greedy.refresh()(observation), learner._exploring.refresh()(observation))


def test_without_averaging_the_policy_is_the_online_network():
    learner = agent()
    assert learner.policy_model() is learner.online and learner._exploring is learner._greedy
    assert len(agent(averaging=0.2).variables) == len(learner.variables) + len(learner.online.variables) + 1


def weights(model):
    return b"".join(np.asarray(variable).tobytes() for variable in model.variables)


@graphs
def test_observing_learns_nothing_but_remembers():
    learner = agent()
    before = [np.asarray(v).copy() for v in learner.online.variables]
    assert engine.compile(learner.observe, learner.variables)(one_step(False, False)) is None
    assert all(np.array_equal(a, b) for a, b in zip(before, learner.online.variables, strict=True))
    assert int(learner.replay.added.value) == int(learner.steps.value) == 1


@graphs
def test_all_actions_are_random_before_learning_starts():
    learner = agent(learning_starts=2, epsilon=exploration.linear(0.5, 0.1, 4))
    observe, rates = engine.compile(learner.observe, learner.variables), []
    for _ in range(5):
        rates.append(float(learner.exploration_rate()))
        observe(one_step(False, False))
    np.testing.assert_allclose(rates, [1, 1, 0.3, 0.2, 0.1], rtol=1e-5)


@graphs
def test_acting_on_host_and_device_agree():
    learner = agent(epsilon=exploration.constant(0.0))
    observation = np.random.default_rng(0).normal(size=(50, 2)).astype("float32")
    start = np.ones(50, bool)
    action, extras = engine.compile(learner.act, learner.variables)(observation, start)
    best = np.asarray(learner.online(observation)).argmax(-1)
    np.testing.assert_array_equal(action, best)
    np.testing.assert_array_equal(learner.host_policy()(observation, start)[0], best)
    np.testing.assert_array_equal(learner.host_policy(np.random.default_rng(0))(observation, start)[0], best)
    assert extras == {}


def identity_agent(**options):
    space = Identity().observation_space
    options = {"rollout_length": 10, "updates": 20, "learning_starts": 20, "discount": 0.0, "target_every": 10} | options
    return agent(space=space, actions=ACTIONS, capacity=2000, **options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "bootstrap"),
    [
        pytest.param("host", q_learning, marks=only("jax")),
        pytest.param("device", double_q_learning, marks=only("jax")),
        pytest.param("host", double_q_learning, marks=only("tensorflow")),
        pytest.param("device", q_learning, marks=only("tensorflow")),
    ],
)
def test_solves_the_identity_environment(place, bootstrap):
    learner = identity_agent(bootstrap=bootstrap, discount=0.5)
    if place == "host":
        rollout = HostRollout(learner, vectorize(Identity, 2), seed=1)
    else:
        rollout = DeviceRollout(learner, DeviceIdentity(2), max_episode_steps=100, seed=1)
    first, *_, last = [report.metrics for report in train(learner, rollout, steps=600, report_every=100)]
    assert first["episode_return"] < last["episode_return"] - 0.5
    returns = evaluate(learner, vectorize(Identity, 5), episodes=20, seed=2)
    np.testing.assert_array_equal(returns, np.full(20, 5.0))


@pytest.mark.slow
def test_images_go_through_a_convolution():
    def make():
        return Identity(shape=(ACTIONS, 4, 1))

    def network(seed):
        keras.utils.set_random_seed(seed)
        layers = [keras.Input((ACTIONS, 4, 1)), keras.layers.Conv2D(4, (1, 4), activation="relu"), keras.layers.Flatten()]
        return keras.Sequential([*layers, keras.layers.Dense(ACTIONS)])

    learner = agent(
        space=make().observation_space,
        actions=ACTIONS,
        networks=(network(0), network(0)),
        capacity=2000,
        rollout_length=20,
        updates=20,
        learning_starts=40,
        discount=0.0,
    )
    rollout = HostRollout(learner, vectorize(make), seed=1)
    list(train(learner, rollout, steps=600))
    assert evaluate(learner, vectorize(make, 4), episodes=8, seed=2).mean() == 5.0


def test_bad_input():
    with pytest.raises(ValueError, match="batch_size: expected at most the replay's 256, received 300"):
        agent(batch_size=300)
    for name, value in {"discount": 1.5, "updates": 0, "target_every": 0, "learning_starts": -1, "rollout_length": 1.5}.items():
        with pytest.raises(ValueError, match=f"{name}: expected .*, received {value}"):
            agent(**{name: value})
