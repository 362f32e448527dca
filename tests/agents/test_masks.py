"""Masks of actions: obeyed in acting, exploring and bootstrapping, on the host and the device."""

import gymnasium
import keras
import numpy as np
import pytest
from gymnasium import spaces
from keras import ops

from lab.agents import A2C, DQN, PPO, environments, parts
from lab.agents.device import Masked, masks_of
from lab.agents.exploration import epsilon_greedy, host_epsilon_greedy
from lab.agents.source import Source
from lab.errors import EnvironmentFailure
from lab.layers import MaskedActions, ObservationPart
from tests.agents.identity import DeviceIdentity
from tests.agents.toys import Toy, fit, small
from tests.contracts import as_array

DRAWS = 10**6


def observations(count, masks):
    seen = np.random.default_rng(0).normal(size=(count, 3)).astype("float32")
    return np.concatenate([seen, masks.astype("float32")], axis=1)


def random_masks(count, actions):
    generator = np.random.default_rng(1)
    masks = generator.integers(2, size=(count, actions))
    masks[np.arange(count), generator.integers(actions, size=count)] = 1
    return masks


def test_scores_by_hand():
    scores, mask = np.array([[1.0, 5.0, 3.0]], np.float32), np.array([[1, 0, 1]], np.float32)
    masked = MaskedActions()([scores, mask])
    np.testing.assert_array_equal(as_array(masked), np.array([[1.0, -1e9, 3.0]], np.float32))
    np.testing.assert_array_equal(MaskedActions().host_function()(scores, mask), as_array(masked))
    np.testing.assert_allclose(as_array(ops.softmax(masked)), [[0.11920292, 0.0, 0.88079708]], atol=1e-7)
    part = ObservationPart(1, (2, 2))
    x = np.arange(12, dtype="float32").reshape(2, 6)
    np.testing.assert_array_equal(as_array(part(x)), x[:, 1:5].reshape(2, 2, 2))
    np.testing.assert_array_equal(part.host_function()(x), x[:, 1:5].reshape(2, 2, 2))
    with pytest.raises(ValueError, match="expected at least 5 numbers in the last axis, received 4"):
        ObservationPart(1, (2, 2))(x[:, :4])


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0])
def test_a_million_draws_of_epsilon_greedy_are_all_allowed(epsilon):
    masks = random_masks(DRAWS, 5) > 0
    values = np.where(masks, np.random.default_rng(2).normal(size=masks.shape), -1e9).astype("float32")
    rows = np.arange(DRAWS)
    host = host_epsilon_greedy(values, epsilon, np.random.default_rng(3), masks)
    device = as_array(epsilon_greedy(values, epsilon, keras.random.SeedGenerator(4), masks))
    for actions in (host, device):
        assert masks[rows, actions].all()
    if epsilon == 1.0:  # uniform among what is allowed
        five = masks.all(axis=1)
        for actions in (host, device):
            share = np.bincount(actions[five], minlength=5) / five.sum()
            np.testing.assert_allclose(share, 0.2, atol=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["discrete", "multi"])
@pytest.mark.parametrize("algorithm", [PPO, DQN], ids=lambda kind: kind.__name__)
def test_a_million_draws_of_an_agent_are_all_allowed(algorithm, kind):
    if algorithm is DQN and kind == "multi":
        return
    agent = small(algorithm, environment_options={"done": kind, "masked": True})
    sizes = parts.action_counts(agent.source.actions)
    masks = np.concatenate([random_masks(DRAWS, size) for size in sizes], axis=1)
    seen, start = observations(DRAWS, masks), np.zeros(DRAWS, bool)
    host = agent.algorithm.host_policy(np.random.default_rng(0))(seen, start)[0]
    device = as_array(agent.algorithm.act(seen, start)[0])
    greedy = agent.algorithm.host_policy()(seen, start)[0]
    ends = np.cumsum([0, *sizes[:-1]])
    for actions in (host, device, greedy):
        flat = actions.reshape(DRAWS, -1) + ends
        assert np.take_along_axis(masks, flat, axis=1).all()
    assert len(np.unique(host.reshape(DRAWS, -1)[:, 0])) == sizes[0]


@pytest.mark.usefixtures("eager")
def test_the_next_states_maximum_is_over_what_is_allowed():
    """Q(s, a) = a for all s: with the mask (1, 1, 0) the best next value is 1, without it 2."""
    agent = small(DQN, environment_options={"masked": True}, discount=0.5)
    for model in (agent.algorithm.online, agent.algorithm.target):
        zeros = [np.zeros(variable.shape) for variable in model.variables]
        zeros[-1][:] = [0.0, 1.0, 2.0]  # the biases of the last layer
        model.set_weights(zeros)
    best = agent.algorithm.bootstrap(
        *(as_array(model(observations(2, np.array([[1, 1, 0], [1, 1, 1]])))) for model in (agent.algorithm.online,) * 2)
    )
    np.testing.assert_array_equal(as_array(best), [1.0, 2.0])
    stored = agent.algorithm.replay.storage
    fit(agent)
    assert stored.observation.shape == (40, 6) and stored.next_observation.shape == (40, 6)
    assert set(np.unique(np.asarray(stored.next_observation)[:16, 3:])) == {0.0, 1.0}


def test_entropy_and_log_probabilities_are_those_of_the_allowed_actions():
    agent = small(A2C, environment_options={"masked": True})
    seen = observations(3, np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]]))
    policy, _ = agent.algorithm.network.forward(seen, lambda model, inputs: model(inputs))
    entropy = as_array(policy.entropy())
    assert entropy[0] == 0.0 and 0.68 < entropy[1] <= np.log(2) + 1e-6 and 1.08 < entropy[2] <= np.log(3) + 1e-6
    np.testing.assert_allclose(as_array(policy.log_prob(np.zeros(3, "int32")))[0], 0.0, atol=1e-6)
    assert np.isfinite(entropy).all()


class Nothing(Toy):
    """Its masks allow nothing, from the second step on."""

    last = 1

    def _mask(self, count):
        return np.full(count, self._t < self.last, np.int8)


class NothingLater(Nothing):
    """They allow nothing from step 20 on, after the checks of `for_env`."""

    last = 20


class Short(Toy):
    """Its masks have a number too few."""

    def _mask(self, count):
        return np.ones(count - 1, np.int8)


class Sometimes(Toy):
    """It has a mask at the reset alone."""

    def _info(self):
        self._masks = [np.ones(3, np.int8)]
        return {"action_mask": self._masks[0]} if self._t == 0 else {}


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Nothing, r"action_mask: expected at least one allowed action, received none"),
        (NothingLater, r"action_mask: expected at least one allowed action, received none"),
        (Short, r"action_mask: expected \[3\], one number for each action, received \[2\]"),
        (Sometimes, r"expected info\['action_mask'\] at each step, as at the first, received none"),
    ],
)
def test_a_bad_mask_is_told(kind, message):
    with pytest.raises((ValueError, EnvironmentFailure), match=message):
        fit(small(PPO, kind, environment_options={"masked": True, "length": 30}), 80)


@pytest.mark.usefixtures("eager")
def test_a_mask_that_allows_nothing_is_told_to_who_predicts():
    agent = small(PPO, environment_options={"masked": True})
    with pytest.raises(ValueError, match="action_mask: expected at least one allowed action, received none"):
        agent.predict(np.zeros(3), action_mask=[0, 0, 0])
    with pytest.raises(ValueError, match=r"action_mask: expected \[3\], .* received \[2\]"):
        agent.predict(np.zeros(3), action_mask=[1, 0])


def test_masks_can_be_left_out():
    env = environments.make(Toy, options={"masked": True}, action_mask=False)
    assert env.observation_space.shape == (3,)
    assert Source(Toy, num_envs=1, options={"masked": True}).observations.shape == (6,)
    assert Source(Toy, num_envs=1, options={"masked": True}, action_mask=False).observations.shape == (3,)
    taxi = environments.make("Taxi-v4")
    assert taxi.observation_space.shape == (506,) and taxi.reset(seed=0)[0][500:].sum() >= 1
    both = environments.make_vector(Toy, 2, options={"masked": True})
    assert parts.mask_size(both.single_observation_space) == 3


class DeviceToy(DeviceIdentity):
    """The answer of `DeviceIdentity` is forbidden in every state."""

    def state_info(self, state, params=None):
        return {"action_mask": ops.equal(self.observation(state, None), 0)}


@pytest.mark.slow
@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("algorithm", [PPO, pytest.param(DQN, marks=pytest.mark.long)], ids=lambda kind: kind.__name__)
def test_masks_on_the_device(algorithm):
    from envs.functional import FunctionalVectorEnv

    def environment(num_envs):
        return FunctionalVectorEnv(DeviceToy(num_envs), max_episode_steps=5)

    agent = small(algorithm, environment, vectorization="device")
    assert agent.source.observations.shape == (6,) and agent.source.raw.shape == (3,)
    history = fit(agent, 32)
    assert np.nanmax(history.history["episode_return"]) == 0.0  # the rewarded action was never taken
    assert agent.evaluate(2).mean == 0.0
    assert agent.predict(np.array([1.0, 0, 0]), action_mask=[0, 1, 1]) in (1, 2)
    free = small(algorithm, environment, vectorization="device", action_mask=False)
    assert np.nanmax(fit(free, 32).history["episode_return"]) > 0.0


def test_masks_of_the_device_have_a_shape():
    class Wrong(DeviceToy):
        def state_info(self, state, params=None):
            return {"action_mask": ops.ones((self.num_envs, 2))}

    assert masks_of(DeviceIdentity(2)) is None
    with pytest.raises(ValueError, match=r"environment: expected masks of actions \[B, 3\], received \['B', 2\]"):
        Masked(Wrong(2))


def test_a_vector_environment_with_masks_says_what_to_do():
    envs = gymnasium.vector.SyncVectorEnv([lambda: Toy(masked=True)], autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP)
    with pytest.raises(ValueError, match="expected a function that makes a single environment, because of its info"):
        Source(envs, num_envs=1)
    assert isinstance(Source(envs, num_envs=1, action_mask=False).observations, spaces.Box)


@pytest.mark.usefixtures("eager")
def test_a_batch_has_a_mask_for_each_or_one_for_all():
    agent = small(PPO, environment_options={"masked": True})
    seen, masks = np.zeros((3, 3), np.float32), np.eye(3, dtype=np.int8)
    np.testing.assert_array_equal(agent.predict(seen, action_mask=masks), [0, 1, 2])
    np.testing.assert_array_equal(agent.predict(seen, action_mask=list(masks)), [0, 1, 2])
    np.testing.assert_array_equal(agent.predict(seen, action_mask=masks[2]), [2, 2, 2])
    with pytest.raises(ValueError, match="action_mask: expected one for each of 3 observations, received 2"):
        agent.predict(seen, action_mask=masks[:2])
    several = small(PPO, environment_options={"masked": True, "done": "multi"})
    two, three = np.eye(2, dtype=np.int8)[[0, 1, 0]], masks
    expected = [[0, 0], [1, 1], [0, 2]]
    np.testing.assert_array_equal(several.predict(seen, action_mask=(two, three)), expected)
    np.testing.assert_array_equal(several.predict(seen, action_mask=list(zip(two, three, strict=True))), expected)


@pytest.mark.usefixtures("eager")
def test_who_forgets_the_mask_is_warned_once():
    agent = small(PPO, environment_options={"masked": True})
    with pytest.warns(UserWarning, match="the environment gives masks of actions, but no action_mask was passed") as seen:
        agent.predict(np.zeros(3)), agent.predict(np.zeros(3))
    assert len(seen) == 1 and seen[0].filename == __file__  # the line that forgot it
    agent = small(PPO, environment_options={"masked": True, "seen": "dict"})
    with pytest.warns(UserWarning, match="no action_mask was passed") as seen:
        agent.predict(Toy("dict").reset(seed=0)[0])
    assert seen[0].filename == __file__
    with pytest.raises(ValueError, match="action_mask: expected none, because the environment gives no masks, received one"):
        small(PPO).predict(np.zeros(3), action_mask=[1, 0, 1])
