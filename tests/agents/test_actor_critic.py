"""Actor-critics: what they compute from a trajectory, how they act, and their networks."""

import keras
import numpy as np
import pytest
from gymnasium import spaces

from lab import engine
from lab.agents import A2C, PPO, REINFORCE, FeedForward, GSDEPolicy, NormalPolicy, RewardScaling, evaluate, policy_for
from lab.agents.watching import greedy_policy
from lab.engine.host import CompiledForward, HostForward
from lab.layers import RunningNormalization
from lab.models import actor_critic, dense_torso, nature_torso
from tests.agents import actors
from tests.agents.identity import ACTIONS, Identity, vectorize
from tests.contracts import as_array, raises, save_and_load, uniform

pytestmark = pytest.mark.slow  # compiles many programs

AGENTS = {
    "REINFORCE": lambda **o: actors.make(REINFORCE, **o),
    "A2C": lambda **o: actors.make(A2C, **o),
    "PPO": lambda **o: actors.make(PPO, gae_lambda=0.5, epochs=4, minibatches=4, **o),
}
BOX = spaces.Box(np.array([-3.0, 0.5], np.float32), np.array([1.0, 10.5], np.float32))
ENVS = 50
# name: (action space, the policy for it)
POLICIES = {
    "Discrete": (spaces.Discrete(3), policy_for),
    "MultiDiscrete": (spaces.MultiDiscrete([2, 3]), policy_for),
    "MultiBinary": (spaces.MultiBinary(3), policy_for),
    "Box": (BOX, NormalPolicy),
    "Box, state-dependent": (BOX, lambda box: GSDEPolicy(box, num_envs=ENVS, features=16, redraw_every=4)),
}


def by_hand():
    """V(s) = s, all rewards are 1, gamma is 1/2.

    Columns: environments that are terminated, truncated, both at once, and neither.
    """
    ends = np.array([True, False, True])[:, None]  # the first and the last step
    return actors.trajectory(
        observation=[[2], [4], [3]],
        sample=[0, 1, 0, 1],
        reward=np.ones((3, 4)),
        next_observation=[[6, 6, 6, 4], [3, 3, 3, 3], [8, 8, 8, 6]],  # where an episode ended, its own last observation
        terminated=ends & [True, False, True, False],
        truncated=ends & [False, True, True, False],
    )


# The last step:   1 if terminated, 1 + 8/2 if truncated, 1 + 6/2 if the rollout ends.
# The middle step: V(s') = 3, so 1 + G/2, and with lambda = 1/2 it is 1 + (3/2 + G/2)/2.
# The first step:  1 if terminated, 1 + 6/2 if truncated, else like the middle one with V(s') = 4.
MONTE_CARLO = [[1, 4, 1, 2.5], [1.5, 3.5, 1.5, 3], [1, 5, 1, 4]]
HALF = [[1, 4, 1, 2.6875], [2, 3, 2, 2.75], [1, 5, 1, 4]]


@pytest.mark.parametrize(("name", "targets"), [("REINFORCE", MONTE_CARLO), ("A2C", MONTE_CARLO), ("PPO", HALF)])
def test_terminated_truncated_and_cut_by_the_rollout_by_hand(name, targets):
    agent = actors.assign(AGENTS[name](discount=0.5), logits=[[1.0, -1.0]], value=[[1.0]])
    experience = actors.run(agent.experience, agent, by_hand())
    value = np.broadcast_to([[2.0], [4.0], [3.0]], (3, 4))
    np.testing.assert_allclose(experience.target, np.ravel(targets), rtol=1e-6)
    np.testing.assert_allclose(experience.value, value.ravel(), rtol=1e-6)
    np.testing.assert_allclose(experience.advantage, (targets - value).ravel(), rtol=1e-6)
    log_prob = -np.logaddexp(0, 2 * value * [-1, 1, -1, 1])  # logits (s, -s)
    np.testing.assert_allclose(experience.log_prob, log_prob.ravel(), rtol=1e-4)
    np.testing.assert_array_equal(experience.sample, [0, 1, 0, 1] * 3)
    np.testing.assert_array_equal(experience.inputs[:, 0], value.ravel())


def scaled(rollouts, discount, clip):
    """Rewards divided by the standard deviation of all discounted sums so far, in a plain loop.

    Args:
        rollouts: a list of (reward, start).
    """
    total, seen, result = np.zeros(rollouts[0][0].shape[1]), [], []
    for reward, start in rollouts:
        for t in range(len(reward)):
            for b in range(len(total)):
                total[b] = (0.0 if start[t, b] else discount * total[b]) + reward[t, b]
                seen.append(total[b])
        result.append(np.clip(reward / np.sqrt(np.var(seen) + 1e-8), -clip, clip))
    return result


def test_reward_scaling_against_a_loop_over_episodes():
    rng = np.random.default_rng(0)
    rollouts = [(rng.normal(1, 3 + k, (6, 2)).astype("float32"), rng.random((6, 2)) < 0.3) for k in range(4)]
    scaling = RewardScaling(2, 0.8, clip=1.5)
    program = engine.compile(lambda reward, start: scaling(reward, start), scaling.variables)
    expected = scaled(rollouts, 0.8, 1.5)
    assert any((np.abs(x) == 1.5).any() for x in expected)
    for (reward, start), wanted in zip(rollouts, expected, strict=True):
        np.testing.assert_allclose(as_array(program(reward, start)), wanted, rtol=1e-4)


def test_an_agent_learns_from_scaled_rewards_and_all_ends_of_episodes_count():
    # Also an end that only the next start shows: environments are reset where a run is saved.
    agent = AGENTS["A2C"](discount=0.0, rewards=RewardScaling(4, 0.9))
    first, second = by_hand(), by_hand()._replace(reward=np.arange(12, dtype="float32").reshape(3, 4))
    rollouts = [(x.reward, x.extras["start"]) for x in (first, second)]
    experience = actors.compiled(agent.experience, agent)
    for each, wanted in zip((first, second), scaled(rollouts, 0.9, 10.0), strict=True):
        np.testing.assert_allclose(experience(each).target, wanted.ravel(), rtol=1e-4)


@pytest.mark.parametrize("name", ["A2C", "PPO"])
def test_observations_are_normalised_by_what_was_learnt_from_before(name):
    agent = AGENTS[name](discount=0.0, optimizer=keras.optimizers.SGD(0.0), model={"normalize": True})
    actors.assign(agent, value=[[1.0]])
    layer = agent.model.get_layer("normalization")
    learn, seen = actors.compiled(agent.learn, agent), np.zeros((0,))
    for k in range(3):
        observation = np.random.default_rng(k).normal(k, 1 + k, (5, 4))
        step = actors.trajectory(observation=observation, sample=0, reward=np.ones((5, 4)), next_observation=0)
        value = (observation - seen.mean()) / seen.std() if len(seen) else observation
        metrics = learn(step)
        np.testing.assert_allclose(metrics["value_loss"], np.mean((1 - value) ** 2), rtol=1e-4)
        seen = np.append(seen, observation)
        np.testing.assert_allclose(as_array(layer.mean), [seen.mean()], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(as_array(layer.variance()), [seen.var()], rtol=1e-4)
    assert int(agent.steps.value) == 60


def test_evaluation_changes_nothing():
    agent = actors.identity_agent(A2C, model={"normalize": True})
    before = actors.flat(agent.variables)
    evaluate(agent, vectorize(Identity, 2), episodes=2, seed=0)
    agent.policy_model()(np.ones((2, ACTIONS), "float32"))
    np.testing.assert_array_equal(actors.flat(agent.variables), before)


def policy_agent(name, **options):
    """An agent that normalises observations of 4 numbers, and has seen some of them."""
    space, policy = POLICIES[name]
    agent = actors.make(A2C, shape=(4,), policy=policy(space), hidden=(16,), model={"normalize": True} | options)
    agent.model.get_layer("normalization").update(3 + 2 * uniform(9, 30, 4))
    return agent


def be_certain(agent):
    """Scales up the last layer until no action is random."""
    for variable in agent.network.actor.trainable_variables:
        if "log_scale" in variable.path:
            variable.assign(np.full(variable.shape, -20.0))
        elif "logits" in variable.path or "loc" in variable.path:
            variable.assign(as_array(variable) * (1e8 if "logits" in variable.path else 300))
    return agent


@pytest.mark.parametrize("name", POLICIES)
def test_acting_on_host_and_device_agree_where_nothing_is_random(name):
    agent, observation, start = be_certain(policy_agent(name)), 3 + 3 * uniform(0, ENVS, 4), np.ones(ENVS, bool)
    device, extras = actors.run(agent.act, agent, observation, start)
    for generator in (None, np.random.default_rng(0)):
        action, also = agent.host_policy(generator)(observation, start)
        np.testing.assert_allclose(action, device, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(also["sample"], extras["sample"], rtol=1e-4, atol=1e-4)
    assert len(np.unique(device, axis=0)) > 1
    space = POLICIES[name][0]
    assert all(space.contains(x) for x in action)
    if space is BOX:  # samples are not clipped, actions are
        assert np.abs(extras["sample"]).max() > 1.5


@pytest.mark.parametrize("name", POLICIES)
def test_a_saved_policy_acts_as_the_agent_does_without_exploring(name):
    agent, observation = be_certain(policy_agent(name)), 3 + 3 * uniform(1, 12, 4)
    act = greedy_policy(save_and_load(agent.policy_model()), POLICIES[name][0])
    saved = np.stack([act(x) for x in observation])
    np.testing.assert_allclose(saved, agent.host_policy()(observation, np.ones(12, bool))[0], rtol=1e-5, atol=1e-4)
    assert len(np.unique(saved, axis=0)) > 1


@pytest.mark.parametrize("name", POLICIES)
def test_dense_actors_act_in_numpy(name):
    actor = policy_agent(name).network.actor
    forward, x = engine.host_forward(actor), 3 + 3 * uniform(0, 7, 4)
    assert isinstance(forward, HostForward)
    ours, theirs = keras.tree.flatten(forward(x)), keras.tree.flatten(actor(x))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, as_array(other), rtol=1e-5, atol=1e-6)


def test_host_policies_use_the_present_weights():
    agent, observation, start = policy_agent("Box"), uniform(0, 5, 4), np.ones(5, bool)
    before = agent.host_policy()(observation, start)[0]
    agent.model.get_layer("normal").loc.bias.assign([0.1, 0.2])
    after = agent.host_policy()(observation, start)[0]
    np.testing.assert_allclose(after - before, np.tile([0.2, 1.0], (5, 1)), rtol=1e-4)  # a Box of half widths 2 and 5


@pytest.mark.parametrize("shared", [True, False])
def test_torsos_are_shared_or_not(shared):
    network = policy_agent("Discrete", shared=shared).network
    dense = [layer for layer in network.model.layers if isinstance(layer, keras.layers.Dense)]
    assert len(dense) == (3 if shared else 4)
    assert len([layer for layer in network.model.layers if isinstance(layer, RunningNormalization)]) == 1
    observation = uniform(0, 5, 4)
    before = as_array(network.critic(observation))
    for variable in network.actor.trainable_variables:
        variable.assign(as_array(variable) + 0.1)
    assert np.any(as_array(network.critic(observation)) != before) == shared


def kernels(torso, **options):
    layers = actor_critic((6,), policy_for(spaces.Discrete(3)).head, torso=torso, seed=0, **options).layers
    for layer in layers:
        if isinstance(layer, keras.layers.Dense):
            np.testing.assert_array_equal(as_array(layer.bias), 0)
    return [as_array(layer.kernel) for layer in layers if isinstance(layer, keras.layers.Dense)]


def test_kernels_start_orthogonal():
    found = kernels(dense_torso((5, 5)))
    heads = {kernel.shape[1]: kernel for kernel in found if kernel.shape[1] in (1, 3)}
    hidden = [kernel for kernel in found if kernel.shape[1] == 5]
    assert len(hidden) == 4
    for kernel in hidden:
        np.testing.assert_allclose(kernel.T @ kernel, 2 * np.eye(5), atol=1e-5)
    assert len({float(kernel[0, 0]) for kernel in hidden}) == 4  # each from a seed of its own
    np.testing.assert_allclose(heads[3].T @ heads[3], 1e-4 * np.eye(3), atol=1e-9)
    np.testing.assert_allclose(heads[1].T @ heads[1], [[1.0]], rtol=1e-5)


def test_kernels_may_start_uniform():
    hidden = [kernel for kernel in kernels(dense_torso((400,), orthogonal=False)) if kernel.shape[1] == 400]
    for kernel in hidden:
        limit = 6**-0.5
        assert 0.99 * limit < np.abs(kernel).max() <= limit
        np.testing.assert_allclose(kernel.std(), limit / 3**0.5, rtol=0.05)


def test_the_network_of_images():
    policy = policy_for(spaces.Discrete(3))
    agent = actors.make(A2C, shape=(84, 84, 4), policy=policy, torso=nature_torso(), model={"shared": True})
    # Mnih et al. 2015: 8 224 + 32 832 + 36 928 + 1 606 144; the heads have 513 for each output.
    assert agent.model.count_params() == 1_684_128 + 4 * 513
    images = np.random.default_rng(0).integers(0, 256, (2, 84, 84, 4)).astype(np.uint8)
    start = np.ones(2, bool)
    assert isinstance(engine.host_forward(agent.network.actor), CompiledForward)
    assert agent.host_policy(np.random.default_rng(0))(images, start)[0].shape == (2,)
    *logits, value = agent.model(images)
    unscaled = actor_critic((84, 84, 4), policy.head, torso=nature_torso(scale=1.0), shared=True, seed=0)
    np.testing.assert_allclose(as_array(value), as_array(unscaled(images.astype("float32") / 255)[-1]), rtol=1e-4, atol=1e-5)
    assert np.all(as_array(logits[0]).argmax(-1) == agent.host_policy()(images, start)[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"discount": 1.1}, r"discount: expected a number >= 0 and <= 1, received 1.1"),
        ({"gae_lambda": -0.1}, r"gae_lambda: expected a number >= 0 and <= 1, received -0.1"),
        ({"rollout_length": 0}, "rollout_length: expected an integer >= 1, received 0"),
    ],
)
def test_bad_arguments(options, words):
    with raises(words):
        actors.make(A2C, **options)


def test_a_value_for_each_observation():
    x = keras.Input((3,))
    model = keras.Model(x, [keras.layers.Dense(2)(x), keras.layers.Dense(1)(x)])
    with raises(r"model: expected outputs \[B, 2\] and \[B\], .* and a value, received \[B, 2\] and \[B, 1\]"):
        FeedForward(model, policy_for(spaces.Discrete(2)))
