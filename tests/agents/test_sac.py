import re

import keras
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from lab import engine
from lab.agents import SAC, Critics, FixedTemperature, LearntTemperature, UniformReplay, train
from lab.layers import GaussianHead
from lab.models import critic, gaussian_actor
from tests.agents import continuous as shared
from tests.agents.continuous import SQUASHED, linear_critics, one_step, weights_of
from tests.agents.identity import TORQUE
from tests.backends import SHARED_OUT
from tests.engine.arrays import machine_code

pytestmark = pytest.mark.slow  # compiles many programs

LOG_SCALE = -19.5  # so small that rounding loses it: actions are the mean, and densities are known
LOG_PROB = -LOG_SCALE - 0.5 * np.log(2 * np.pi) - np.log(1 - SQUASHED**2)
ONLINE, TARGETS = [[2.0, 3.0], [1.0, 1.0]], [[1.0, 2.0], [3.0, -1.0]]


def constant_actor(loc, log_scale, dimensions=1):
    inputs = keras.Input((1,))
    head = GaussianHead(dimensions, kernel_initializer="zeros")
    model = keras.Model(inputs, head(inputs))
    head.loc.bias.assign(np.full(dimensions, loc))
    head.log_scale.bias.assign(np.full(dimensions, log_scale))
    return model


def agent(*, seed=0, hidden=(32,), **options):
    options = {
        "actor": gaussian_actor((1,), 1, hidden, seed=1),
        "critics": shared.small_critics(2),
        "optimizer": keras.optimizers.Adam(1e-2),
        "temperature": LearntTemperature(1, keras.optimizers.Adam(1e-2)),
        "replay": shared.replay(2000),
        "action_space": TORQUE,
        "batch_size": 64,
        "rollout_length": 5,
        "updates": 5,
        "learning_starts": 0,
    } | options
    return SAC(seed=seed, **options)


def by_hand(**options):
    options = {"critics": linear_critics(ONLINE, TARGETS), "temperature": FixedTemperature(0.1)} | options
    return agent(
        actor=constant_actor(0.5, LOG_SCALE),
        optimizer=keras.optimizers.SGD(0.1),
        discount=0.5,
        batch_size=4,
        rollout_length=1,
        updates=1,
        **options,
    )


@pytest.mark.parametrize(
    ("terminated", "truncated"),
    [(False, False), (False, True), (True, False), (True, True)],
    ids=["cut", "truncated", "terminated", "both"],
)
def test_one_update_by_hand(terminated, truncated):
    learner = by_hand()
    metrics = shared.learn(learner, one_step(terminated, truncated))
    soft_value = min(2 + 2 * SQUASHED, 6 - SQUASHED) - 0.1 * LOG_PROB  # of s' = 2, by the targets
    td_target = 1.0 if terminated else 1 + 0.5 * soft_value  # a time limit does not end the return
    q = np.array([2 + 3 * 2 / 3, 1 + 2 / 3])
    expected = np.array(ONLINE) + 0.1 * (td_target - q)[:, None] * np.array([1, 2 / 3])
    np.testing.assert_allclose(weights_of(learner.critics.online), expected, rtol=1e-5)
    np.testing.assert_allclose(metrics["critic_loss"], (0.5 * (td_target - q) ** 2).sum(), rtol=1e-4)
    np.testing.assert_allclose(metrics["q_value"], q.mean(), rtol=1e-5)
    norm = np.sqrt(((td_target - q) ** 2).sum() * (1 + 4 / 9))
    np.testing.assert_allclose(metrics["gradient_norm"], norm, rtol=1e-4)

    least = expected[np.argmin(expected @ [1, SQUASHED])]  # the actor climbs the critics as they are after their step
    np.testing.assert_allclose(metrics["actor_loss"], 0.1 * LOG_PROB - least @ [1, SQUASHED], rtol=1e-4)
    np.testing.assert_allclose(metrics["entropy"], -LOG_PROB, rtol=1e-5)
    np.testing.assert_allclose(metrics["action_mean"], SQUASHED, rtol=1e-5)
    np.testing.assert_allclose(metrics["action_std"], 0, atol=1e-5)
    head = learner.actor.layers[-1]
    slope = 0.1 * 2 * SQUASHED - least[1] * (1 - SQUASHED**2)  # of alpha log pi - Q by the mean
    np.testing.assert_allclose(np.asarray(head.loc.bias), 0.5 - 0.1 * slope, rtol=1e-4)
    np.testing.assert_allclose(np.asarray(head.log_scale.bias), LOG_SCALE + 0.1 * 0.1, rtol=1e-6)
    assert "temperature" not in metrics


def test_the_targets_move_by_hand():
    learner = by_hand(critics=linear_critics(ONLINE, TARGETS, polyak=0.25))
    shared.learn(learner, one_step())
    online = weights_of(learner.critics.online)
    np.testing.assert_allclose(weights_of(learner.critics.targets), 0.75 * np.array(TARGETS) + 0.25 * online, rtol=1e-6)


def test_targets_start_as_copies():
    critics = Critics([critic((1,), 1, (4,), seed=1)], [critic((1,), 1, (4,), seed=2)], keras.optimizers.SGD(0.1))
    for online, target in zip(critics.online[0].variables, critics.targets[0].variables, strict=True):
        np.testing.assert_array_equal(np.asarray(online), np.asarray(target))


def test_the_temperature_by_hand():
    temperature = LearntTemperature(3, keras.optimizers.SGD(0.5), initial=2.0)
    assert temperature.target_entropy == -3
    learner = by_hand(temperature=temperature)
    metrics = shared.learn(learner, one_step())
    expected = np.log(2.0) - 0.5 * (-LOG_PROB + 3)
    np.testing.assert_allclose(metrics["temperature"], np.exp(expected), rtol=1e-4)
    # The TD target and the actor's loss use alpha from before its update.
    soft_value = 2 + 2 * SQUASHED - 2 * LOG_PROB
    loss = 0.5 * ((1 + 0.5 * soft_value - np.array([4, 5 / 3])) ** 2).sum()
    np.testing.assert_allclose(metrics["critic_loss"], loss, rtol=1e-4)


@pytest.mark.long
@pytest.mark.parametrize("target", [-1.0, 0.0])
def test_the_temperature_moves_the_entropy_to_its_target(target):
    temperature = LearntTemperature(1, keras.optimizers.Adam(2e-2), target_entropy=target)
    learner = agent(temperature=temperature, discount=0.0)
    reports = list(train(learner, shared.place(learner, "device"), steps=8_000, report_every=2_000))
    assert abs(reports[-1].metrics["entropy"] - target) < 0.15
    assert reports[-1].metrics["temperature"] > 0


@pytest.mark.long
def test_a_fixed_temperature_buys_entropy():
    entropies = []
    for value in (0.0, 5.0):
        learner = agent(temperature=FixedTemperature(value), discount=0.0)
        *_, last = train(learner, shared.place(learner, "device"), steps=2_000, report_every=500)
        entropies.append(last.metrics["entropy"])
    assert entropies[0] < -1.5
    assert 0.4 < entropies[1] < np.log(2)  # log 2 is that of uniform actions


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHARED_OUT)
def test_solves_the_identity_environment(kind):
    learner = agent(discount=0.5, learning_starts=200)
    shared.solves_identity(learner, kind, steps=6_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHARED_OUT)
def test_runs_repeat_and_go_on_exactly(graphs, kind):
    shared.repeats_and_goes_on_exactly(agent, kind)


def test_one_update_per_step_copies_no_replay():
    learner = agent(replay=shared.replay(2000), rollout_length=1, updates=1)
    code = machine_code(learner.learn, learner.variables, one_step(False, False))
    assert "f32[2000" in code
    assert not re.findall(r"\S*\[2000\S* copy\(", code)


def test_actions_before_learning_starts():
    shared.starts_uniformly(lambda **options: agent(actor=constant_actor(0.5, -3.0), **options))


def test_acting_on_host_and_device_agree():
    learner = agent(hidden=(16, 16))
    shared.acts_alike(learner, program_noise_free=False)
    head = learner.actor.get_layer("head")
    head.log_scale.bias.assign([-30.0])
    shared.acts_alike(learner, program_noise_free=True)
    head.log_scale.bias.assign([0.2])
    head.loc.bias.assign([-0.4])
    observation, start = np.full((20_000, 1), 0.3, np.float32), np.zeros(20_000, bool)
    loc, scale = (np.asarray(x)[0, 0] for x in learner.actor(observation[:1]))
    expected = 1 + 3 * np.tanh(np.random.default_rng(1).normal(loc, scale, 1_000_000))
    program = engine.compile(learner.act, learner.variables)
    for action in (program(observation, start)[0], learner.host_policy(np.random.default_rng(0))(observation, start)[0]):
        action = np.asarray(action)
        np.testing.assert_allclose(action.mean(), expected.mean(), atol=0.05)
        np.testing.assert_allclose(action.std(), expected.std(), atol=0.05)


def test_the_density_of_several_actions_is_the_product_of_theirs():
    learner = by_hand()
    learner.actor = constant_actor(0.5, LOG_SCALE, 3)
    action, log_prob = learner._draw(learner.actor(np.zeros((4, 1), np.float32)))
    np.testing.assert_allclose(np.asarray(action), np.full((4, 3), SQUASHED), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(log_prob), np.full(4, 3 * LOG_PROB), rtol=1e-5)


def test_images_and_several_actions():
    space, actions = Box(0, 1, (4, 4), np.float32), Box(-1, 1, (3,), np.float32)
    critics = Critics(*([critic((4, 4), 3, (8,), seed=0)] for _ in range(2)), keras.optimizers.Adam())
    learner = agent(
        actor=gaussian_actor((4, 4), 3, (8,), seed=0),
        critics=critics,
        replay=UniformReplay(100, space, actions, seed=0),
        action_space=actions,
        temperature=LearntTemperature(3, keras.optimizers.Adam()),
        batch_size=8,
    )
    observation = np.random.default_rng(0).random((2, 1, 4, 4)).astype("float32")
    flags = np.zeros((2, 1), bool)
    action = np.zeros((2, 1, 3), np.float32)
    step = one_step()._replace(
        observation=observation,
        next_observation=observation,
        action=action,
        reward=np.ones((2, 1), np.float32),
        terminated=flags,
        truncated=flags,
    )
    assert np.isfinite(list(shared.learn(learner, step).values())).all()
    assert learner.host_policy()(observation[0], flags[0])[0].shape == (1, 3)


def test_the_two_outputs_of_an_actor_start_apart():
    head = gaussian_actor((3,), 2, (8, 8), seed=0).get_layer("head")
    assert not np.array_equal(np.asarray(head.loc.kernel), np.asarray(head.log_scale.kernel))
    assert (np.abs(np.asarray(head.loc.bias)) > 0).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"action_space": Discrete(2)}, "action space: expected a Box of floats with one axis, received Discrete"),
        ({"action_space": Box(-np.inf, np.inf, (1,))}, "action space: expected finite bounds, low below high"),
        ({"action_space": shared.not_a_number()}, "action space: expected finite bounds, low below high"),
        ({"batch_size": 3000}, "batch_size: expected at most the replay's 2000, received 3000"),
        ({"discount": 1.1}, r"discount: expected a number >= 0 and <= 1, received 1.1"),
        ({"updates": 0}, "updates: expected an integer >= 1, received 0"),
        ({"rollout_length": 0}, "rollout_length: expected an integer >= 1, received 0"),
        ({"learning_starts": -1}, "learning_starts: expected an integer >= 0, received -1"),
    ],
)
def test_bad_input(options, words):
    with pytest.raises(ValueError, match=words):
        agent(**options)


def test_bad_parts():
    with pytest.raises(ValueError, match="initial: expected a number > 0, received 0"):
        LearntTemperature(1, keras.optimizers.SGD(), initial=0)
    with pytest.raises(ValueError, match="value: expected a number >= 0, received -1"):
        FixedTemperature(-1)
    with pytest.raises(ValueError, match=r"polyak: expected a number >= 0 and <= 1, received 2"):
        linear_critics(ONLINE, TARGETS, polyak=2)
