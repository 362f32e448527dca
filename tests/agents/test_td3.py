import keras
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from lab import engine
from lab.agents import DDPG, TD3, GaussianNoise, OrnsteinUhlenbeckNoise, clipped_noise
from lab.models import critic, deterministic_actor
from tests.agents import continuous as shared
from tests.agents.continuous import SQUASHED, linear_critics, one_step, weights_of
from tests.agents.identity import TORQUE
from tests.backends import SHARED_OUT

pytestmark = pytest.mark.slow  # compiles many programs

ONLINE, TARGETS = [[2.0, 3.0], [1.0, 1.0]], [[1.0, 2.0], [3.0, -1.0]]


def still(action, seed):
    """No smoothing."""
    return action


def agent(kind=TD3, *, seed=0, **options):
    networks = {name: deterministic_actor((1,), 1, (64,), seed=1) for name in ("actor", "target_actor")}
    smoothing = {} if kind is DDPG else {"smoothing": clipped_noise()}
    parts = {
        "critics": shared.small_critics(1 if kind is DDPG else 2),
        "optimizer": keras.optimizers.Adam(3e-3),
        "replay": shared.replay(2000),
        "action_space": TORQUE,
        "noise": GaussianNoise(0.3),
        "batch_size": 64,
        "rollout_length": 4,
        "updates": 4,
        "learning_starts": 0,
    }
    return kind(seed=seed, **networks | parts | smoothing | options)


def ddpg(**options):
    return agent(DDPG, **options)


def constant_actor(loc):
    inputs = keras.Input((1,))
    layer = keras.layers.Dense(1, "tanh", kernel_initializer="zeros")
    model = keras.Model(inputs, layer(inputs))
    layer.bias.assign([loc])
    layer.kernel.trainable = False  # so that its action stays the same for every observation
    return model


def by_hand(kind=TD3, count=2, target=0.5, **options):
    """An agent whose actor has the bias 0.5 and whose target actor has the bias `target`."""
    learner = agent(
        kind,
        actor=constant_actor(0.5),
        target_actor=constant_actor(0.5),
        optimizer=keras.optimizers.SGD(0.1),
        discount=0.5,
        batch_size=4,
        rollout_length=1,
        **{"critics": linear_critics(ONLINE[:count], TARGETS[:count]), "updates": 1} | options,
    )
    learner.target_actor.layers[-1].bias.assign([target])
    return learner


def bias(model):
    return float(np.asarray(model.layers[-1].bias)[0])


@pytest.mark.parametrize(
    ("terminated", "truncated"),
    [(False, False), (False, True), (True, False), (True, True)],
    ids=["cut", "truncated", "terminated", "both"],
)
def test_one_update_by_hand(terminated, truncated):
    learner = by_hand(target=0.7, policy_delay=1, smoothing=lambda action, seed: action - 0.25)
    metrics = shared.learn(learner, one_step(terminated, truncated))
    action = np.tanh(0.7) - 0.25  # of the target, smoothed
    td_target = 1.0 if terminated else 1 + 0.5 * min(2 + 2 * action, 6 - action)  # a time limit does not end the return
    q = np.array([2 + 3 * 2 / 3, 1 + 2 / 3])
    expected = np.array(ONLINE) + 0.1 * (td_target - q)[:, None] * np.array([1, 2 / 3])
    np.testing.assert_allclose(weights_of(learner.critics.online), expected, rtol=1e-5)
    np.testing.assert_allclose(metrics["critic_loss"], (0.5 * (td_target - q) ** 2).sum(), rtol=1e-5)
    np.testing.assert_allclose(metrics["q_value"], q.mean(), rtol=1e-5)
    first = expected[0]  # the actor climbs the first critic as it is after its step
    np.testing.assert_allclose(metrics["actor_loss"], -first @ [1, SQUASHED], rtol=1e-5)
    np.testing.assert_allclose(metrics["action_mean"], SQUASHED, rtol=1e-5)
    np.testing.assert_allclose(bias(learner.actor), 0.5 + 0.1 * first[1] * (1 - SQUASHED**2), rtol=1e-5)


@pytest.mark.parametrize(("terminated", "truncated"), [(False, False), (False, True), (True, False)])
def test_one_update_of_ddpg_by_hand(terminated, truncated):
    learner = by_hand(DDPG, 1)
    shared.learn(learner, one_step(terminated, truncated))
    td_target = 1.0 if terminated else 1 + 0.5 * (2 + 2 * SQUASHED)
    expected = np.array([2, 3]) + 0.1 * (td_target - 4) * np.array([1, 2 / 3])
    np.testing.assert_allclose(weights_of(learner.critics.online)[0], expected, rtol=1e-5)
    np.testing.assert_allclose(bias(learner.actor), 0.5 + 0.1 * expected[1] * (1 - SQUASHED**2), rtol=1e-5)


def test_all_targets_move_by_hand():
    learner = by_hand(target=-1.0, critics=linear_critics(ONLINE, TARGETS, polyak=0.25), policy_delay=1, smoothing=still)
    shared.learn(learner, one_step())
    online = weights_of(learner.critics.online)
    np.testing.assert_allclose(weights_of(learner.critics.targets), 0.75 * np.array(TARGETS) + 0.25 * online, rtol=1e-6)
    np.testing.assert_allclose(bias(learner.target_actor), 0.75 * -1 + 0.25 * bias(learner.actor), rtol=1e-5)


@pytest.mark.parametrize(("updates", "delay", "actor_updates"), [(2, 2, 1), (6, 2, 3), (3, 3, 1), (2, 1, 2)])
def test_the_actor_and_the_targets_are_delayed(updates, delay, actor_updates):
    learner = by_hand(critics=linear_critics(ONLINE, TARGETS, polyak=1.0), updates=updates, policy_delay=delay, smoothing=still)
    shared.learn(learner, one_step())
    assert int(learner.critics.optimizer.iterations) == updates
    assert int(learner.optimizer.iterations) == actor_updates

    online, targets, loc, slow = np.array(ONLINE), np.array(TARGETS), 0.5, 0.5
    for update in range(1, updates + 1):
        action = np.tanh(slow)
        td_target = 1 + 0.5 * (targets @ [2, action]).min()
        online = online + 0.1 * (td_target - online @ [1, 2 / 3])[:, None] * np.array([1, 2 / 3])
        if update % delay == 0:
            loc = loc + 0.1 * online[0, 1] * (1 - np.tanh(loc) ** 2)
            targets, slow = online, loc
    np.testing.assert_allclose(weights_of(learner.critics.online), online, rtol=1e-4)
    np.testing.assert_allclose(weights_of(learner.critics.targets), targets, rtol=1e-4)
    np.testing.assert_allclose([bias(learner.actor), bias(learner.target_actor)], [loc, slow], rtol=1e-4)


def test_smoothing():
    action, seed = np.linspace(-1, 1, 5, dtype="float32")[:, None], keras.random.SeedGenerator(0)
    np.testing.assert_array_equal(clipped_noise(0.0)(action, seed), action)
    many = np.zeros((20_000, 1), np.float32)
    mild = np.asarray(clipped_noise(0.1, 10.0)(many, seed))
    np.testing.assert_allclose([mild.mean(), mild.std()], [0, 0.1], atol=0.003)
    wild = np.asarray(clipped_noise(1000.0, 0.3)(many, seed))
    np.testing.assert_allclose([wild.min(), wild.max(), np.quantile(np.abs(wild), 0.01)], [-0.3, 0.3, 0.3], rtol=1e-6)
    assert np.abs(np.asarray(clipped_noise(1000.0, 0.3)(many + 0.9, seed))).max() == 1.0


def test_gaussian_noise():
    noise, action = GaussianNoise(0.2), np.zeros((20_000, 1), np.float32)
    for sample in (noise(action, None, keras.random.SeedGenerator(0)), noise.host(action, None, np.random.default_rng(0))):
        sample = np.asarray(sample)
        assert sample.dtype == np.float32
        np.testing.assert_allclose([sample.mean(), sample.std()], [0, 0.2], atol=0.005)


class Ones:
    """A generator whose normal numbers are all 1."""

    def standard_normal(self, shape, dtype):
        return np.ones(shape, dtype)


def test_noise_with_a_memory_by_hand():
    noise, action = OrnsteinUhlenbeckNoise(2, 1, scale=0.4, reversion=0.25), np.zeros((2, 1), np.float32)
    seen = [noise.host(action, np.array(start), Ones())[:, 0] for start in ([True, True], [False, False], [False, True])]
    np.testing.assert_allclose(seen, [[0.4, 0.4], [0.7, 0.7], [0.925, 0.4]], rtol=1e-6)

    noise = OrnsteinUhlenbeckNoise(2, 1, scale=0.0, reversion=0.25)
    seed = keras.random.SeedGenerator(0)
    program = engine.compile(lambda start: noise(action, start, seed), [*noise.variables, seed.state])
    noise.variables[0].assign([[0.8], [0.8]])
    np.testing.assert_allclose(np.asarray(program(np.array([False, False])))[:, 0], [0.6, 0.6], rtol=1e-6)
    np.testing.assert_allclose(np.asarray(program(np.array([False, True])))[:, 0], [0.45, 0], rtol=1e-6)


def test_noise_with_a_memory_has_its_stationary_standard_deviation():
    noise, action, never = OrnsteinUhlenbeckNoise(5_000, 1), np.zeros((5_000, 1), np.float32), np.zeros(5_000, bool)
    seed, generator = keras.random.SeedGenerator(0), np.random.default_rng(0)
    program = engine.compile(lambda: noise(action, never, seed), [*noise.variables, seed.state])
    for _ in range(40):
        device, host = np.asarray(program()), noise.host(action, never, generator)
    expected = 0.2 / np.sqrt(1 - 0.85**2)
    np.testing.assert_allclose([device.std(), host.std()], [expected, expected], rtol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("make", [agent, ddpg])
@pytest.mark.parametrize("kind", SHARED_OUT)
def test_solves_the_identity_environment(make, kind):
    noise = {"noise": OrnsteinUhlenbeckNoise(4, 1)} if make is ddpg else {}
    learner = make(discount=0.2, learning_starts=400, **noise)
    shared.solves_identity(learner, kind, steps=8_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [agent, lambda **options: ddpg(noise=OrnsteinUhlenbeckNoise(4, 1), **options)], ids=["td3", "ddpg"]
)
@pytest.mark.parametrize("kind", SHARED_OUT)
def test_runs_repeat_and_go_on_exactly(graphs, make, kind):
    shared.repeats_and_goes_on_exactly(make, kind)


def test_actions_before_learning_starts():
    shared.starts_uniformly(lambda **options: agent(actor=constant_actor(0.5), target_actor=constant_actor(0.5), **options))


def test_acting_on_host_and_device_agree():
    shared.acts_alike(agent(noise=GaussianNoise(0.0)), program_noise_free=True)
    learner = agent(noise=GaussianNoise(5.0))
    observation, start = np.zeros((1000, 1), np.float32), np.zeros(1000, bool)
    program = engine.compile(learner.act, learner.variables)
    for action in (program(observation, start)[0], learner.host_policy(np.random.default_rng(0))(observation, start)[0]):
        low, high = np.quantile(np.asarray(action), [0.3, 0.7])
        assert (low, high) == (-2, 4)  # clipped to the bounds


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"action_space": Discrete(2)}, "action space: expected a Box of floats with one axis, received Discrete"),
        ({"action_space": Box(-np.inf, np.inf, (1,))}, "action space: expected finite bounds, low below high"),
        ({"action_space": shared.not_a_number()}, "action space: expected finite bounds, low below high"),
        ({"batch_size": 3000}, "batch_size: expected at most the replay's 2000, received 3000"),
        ({"updates": 3}, "updates: expected a multiple of policy_delay, 2, received 3"),
        ({"policy_delay": 0}, "policy_delay: expected an integer >= 1, received 0"),
    ],
)
def test_bad_input(options, words):
    with pytest.raises(ValueError, match=words):
        agent(**options)


def test_bad_parts():
    with pytest.raises(ValueError, match="critics: expected one network, received 2"):
        ddpg(critics=shared.small_critics(2))
    with pytest.raises(ValueError, match="scale: expected a number >= 0, received -1"):
        GaussianNoise(-1)
    with pytest.raises(ValueError, match=r"reversion: expected a number >= 0 and <= 1, received 2"):
        OrnsteinUhlenbeckNoise(1, 1, reversion=2)
    with pytest.raises(ValueError, match="clip: expected a number >= 0, received -1"):
        clipped_noise(0.2, -1)


def test_the_critic_sees_both_inputs():
    model = critic((2,), 1, (16, 16), seed=0)
    rng = np.random.default_rng(0)
    observation, action = rng.normal(size=(4, 2)).astype("float32"), rng.normal(size=(4, 1)).astype("float32")
    value = np.asarray(model([observation, action]))
    assert value.shape == (4, 1)
    assert np.any(value != np.asarray(model([observation + 1, action])))
    assert np.any(value != np.asarray(model([observation, action + 1])))
