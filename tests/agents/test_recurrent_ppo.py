"""PPO with a memory: what it remembers, what it learns from, and where it forgets."""

import keras
import numpy as np
import pytest
from gymnasium.spaces import Discrete

from lab import engine
from lab.agents import A2C, REINFORCE, Recurrent, RecurrentPPO, Trajectory, evaluate, policy_for, train
from lab.agents.passes import greedy, learning
from lab.layers import LayerNormGRUCell
from lab.models import recurrent_actor_critic
from tests.agents import actors
from tests.agents.identity import ACTIONS, DelayedIdentity, vectorize
from tests.backends import SHARED_OUT, in_turn, only
from tests.contracts import as_array

ENVS, LENGTH = 3, 6


pytestmark = pytest.mark.usefixtures("graphs")


def make(*, cell=keras.layers.LSTMCell, units=4, num_envs=ENVS, length=LENGTH, seed=0, normalize=False, **options):
    policy = policy_for(Discrete(ACTIONS))
    options = {"optimizer": keras.optimizers.Adam(0.02), "discount": 0.5, "minibatches": 1} | options
    return RecurrentPPO(
        build=recurrent_actor_critic(
            (ACTIONS,), policy.head, cell=cell, units=units, hidden=(8,), normalize=normalize, seed=seed
        ),
        policy=policy,
        num_envs=num_envs,
        rollout_length=length,
        seed=seed,
        **options,
    )


def opinionated(agent):
    """The agent with larger weights: probabilities and values differ clearly between states."""
    for layer in ("logits", "value"):
        kernel = agent.model.get_layer(layer).kernel
        kernel.assign(np.random.default_rng(1).normal(size=kernel.shape))
    return agent


def acted(agent, *, starts, seed=0):
    """(extras of acting, observations) of steps with random observations, `[T, B]` each."""
    observation = np.random.default_rng(seed).normal(size=(*starts.shape, ACTIONS)).astype("float32")
    act = engine.compile(agent.act, agent.variables)
    extras = [keras.tree.map_structure(as_array, act(*step)[1]) for step in zip(observation, starts, strict=True)]
    return {name: np.stack([each[name] for each in extras]) for name in extras[0]}, observation


def one_step(agent, observation, memory):
    """(parameters, values, memory after it) of a step in the middle of an episode."""
    tensors = [tensor(x) for x in (observation, np.zeros(len(observation)), *memory)]
    return agent.network._one_step(*tensors[:2], tensors[2:], greedy)


def tensor(x):
    return keras.ops.convert_to_tensor(x, "float32")


def starting(*places):
    starts = np.zeros((LENGTH, ENVS), bool)
    for place in places:
        starts[place] = True
    return starts


def trajectory(extras, observation, following, *, terminated=(), truncated=()):
    reward = np.ones(observation.shape[:2], np.float32)
    return Trajectory(observation, extras["sample"], reward, starting(*terminated), starting(*truncated), following, extras)


@pytest.mark.slow
@pytest.mark.parametrize("cell", [keras.layers.LSTMCell, LayerNormGRUCell])
def test_a_sequence_gives_what_acting_step_by_step_gave(cell):
    agent = opinionated(make(cell=cell))
    acted(agent, starts=starting(0), seed=7)  # the trajectory begins with a memory
    extras, observation = acted(agent, starts=starting((2, 0), (3, 1), (5, 1)))
    steps = trajectory(extras, observation, observation)
    memory = [np.array(extras[f"memory_{i}"]) for i in range(4 if cell is keras.layers.LSTMCell else 2)]
    assert np.abs(memory[0][0]).min() > 0
    expected = []
    for t in range(LENGTH):
        kept = [np.where(extras["start"][t][:, None], 0.0, each[t]) for each in memory]  # an episode's first step sees none
        parameters, value, _ = one_step(agent, observation[t], kept)
        policy = agent.network.policy.distribution(*parameters)
        expected.append((as_array(policy.log_prob(extras["sample"][t])), as_array(value)))
    experience = actors.run(agent.experience, agent, steps)
    for ours, theirs in zip((experience.log_prob, experience.value), zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(ours, np.stack(theirs, axis=1), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_terminated_truncated_and_cut_by_the_rollout_by_hand():
    agent = opinionated(make(gae_lambda=1.0))
    ended, last = (2, 0), (3, 1)  # environment 0 terminates at step 2, 1 is truncated at step 3, 2 goes on
    starts = starting((0, slice(None)), (3, 0), (4, 1))
    extras, observation = acted(agent, starts=starts)
    following = np.concatenate([observation[1:], np.full((1, ENVS, ACTIONS), 0.3, np.float32)])
    following[ended], following[last] = 0.7, -0.4  # what these episodes saw last, not what the next ones see first
    steps = trajectory(extras, observation, following, terminated=[ended], truncated=[last])
    experience = actors.run(agent.experience, agent, steps)

    def value(env, before, observation):
        """V of an observation, with the memory that an environment has after the step `before`."""
        memory = [
            v.value[env : env + 1] if before == LENGTH - 1 else extras[f"memory_{i}"][before + 1][env : env + 1]
            for i, v in enumerate(agent.network._memory)
        ]
        return float(as_array(one_step(agent, observation[None], memory)[1])[0])

    def returns(rewards, bootstrap):
        targets = []
        for reward in reversed(rewards):
            bootstrap = reward + 0.5 * bootstrap
            targets.insert(0, bootstrap)
        return targets

    cut = [value(env, 5, following[5, env]) for env in range(ENVS)]
    expected = [
        returns([1] * 3, 0.0) + returns([1] * 3, cut[0]),
        returns([1] * 4, value(1, 3, following[last])) + returns([1] * 2, cut[1]),
        returns([1] * 6, cut[2]),
    ]
    assert abs(value(1, 3, following[last]) - value(1, 3, observation[4, 1])) > 0.01
    np.testing.assert_allclose(experience.target, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(experience.advantage, experience.target - experience.value, rtol=1e-4, atol=1e-5)


def test_gradients_flow_back_to_the_start_of_the_episode_and_no_further():
    agent = opinionated(make())
    starts = starting((0, slice(None)), (3, 0))
    observation, memory = np.random.default_rng(0).normal(size=(ENVS, LENGTH, ACTIONS)), [tensor(np.zeros((ENVS, 4)))] * 4

    def last(observation):
        return keras.ops.sum(agent.network.forward([observation, tensor(starts.T), *memory], learning)[1][:, -1]), ()

    _, slope = engine.value_and_grad(last)(tensor(observation))
    slope = np.abs(as_array(slope)).sum(-1)
    assert (slope[0, :3] == 0).all() and (slope[0, 3:] > 0).all() and (slope[1:] > 0).all()


def test_greedy_policies_have_memories_of_their_own():
    agent = opinionated(make())
    acted(agent, starts=starting(0))
    before = [as_array(variable).copy() for variable in agent.variables]
    observation = np.random.default_rng(3).normal(size=(5, 2, ACTIONS)).astype("float32")
    starts = np.array([[True, True], [False, False], [False, True], [False, False], [False, False]])
    greedy, model = agent.host_policy(), agent.policy_model()
    memory = [np.zeros((2, 4), np.float32)] * 4
    alike = 0
    fresh = agent.host_policy()
    for t in range(5):
        action = greedy(observation[t], starts[t])[0]
        logits, *memory = (as_array(x) for x in model([observation[t], starts[t].astype("float32"), *memory]))
        np.testing.assert_array_equal(action, logits.argmax(-1))
        alike += (fresh(observation[t], np.ones(2, bool))[0] == action).mean() / 5
    assert alike < 1  # the memory decides
    for variable, value in zip(agent.variables, before, strict=True):
        np.testing.assert_array_equal(as_array(variable), value)


def test_exploring_on_the_host_is_acting():
    ours, theirs = (opinionated(make(seed=3)) for _ in range(2))
    extras, observation = acted(ours, starts=starting(0))
    explore = theirs.host_policy(np.random.default_rng(0))
    for t in range(LENGTH):
        action, extra = explore(observation[t], starting(0)[t])
        np.testing.assert_array_equal(action, extras["sample"][t])
        np.testing.assert_allclose(extra["memory_0"], extras["memory_0"][t], atol=1e-6)


def test_minibatches_are_made_of_environments():
    agent = make(minibatches=2)
    extras, observation = acted(agent, starts=starting(0))
    with pytest.raises(ValueError, match="minibatches: expected a divisor of the rollout's 3, received 2"):
        actors.run(agent.learn, agent, trajectory(extras, observation, observation))


def with_memory(kind, *, num_envs, length, **options):
    """An agent without epochs over a recurrent network."""
    policy = policy_for(Discrete(ACTIONS))
    build = recurrent_actor_critic((ACTIONS,), policy.head, cell=keras.layers.GRUCell, units=16, hidden=(8,), seed=0)
    network = Recurrent(build, policy, num_envs=num_envs, length=length)
    return kind(network=network, optimizer=keras.optimizers.Adam(0.02), discount=0.5, rollout_length=length, seed=0, **options)


LONG = ["PPO, layer-normalised GRU", "PPO, LSTM"]
AGENTS = {
    LONG[0]: lambda **shape: make(cell=LayerNormGRUCell, units=16, normalize=True, **shape),
    LONG[1]: lambda **shape: make(cell=keras.layers.LSTMCell, units=16, normalize=True, **shape),
    "REINFORCE": lambda **shape: with_memory(REINFORCE, **shape),
    "A2C": lambda **shape: with_memory(A2C, **shape),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(name, marks=[pytest.mark.long, only("tensorflow")]) for name in LONG),
        *in_turn([name for name in AGENTS if name not in LONG]),
    ],
)
def test_remembers_what_a_policy_without_memory_cannot_know(name):
    length, envs = 10, 8
    agent = AGENTS[name](num_envs=envs, length=length)
    rollout = actors.place(agent, "host", DelayedIdentity, num_envs=envs)
    list(train(agent, rollout, steps=8_000, report_every=8_000))
    returns = evaluate(agent, vectorize(DelayedIdentity, 5), episodes=20, seed=2)
    assert returns.mean() >= 4.9, returns  # a policy without a memory gets a third of 5


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHARED_OUT)
def test_runs_repeat_and_go_on_exactly(graphs, kind):
    def placed(seed):
        agent = make(num_envs=4, length=5, epochs=2, minibatches=2, normalize=True, seed=seed)
        rollout = actors.place(agent, kind, seed=0)
        return agent, rollout, [*agent.variables, *rollout.variables]

    def trained(agent, rollout, variables, start=0):
        loop = {"steps": 120, "start": start, "report_every": 60, "checkpoint_every": 60}
        return {r.step: [as_array(variable).copy() for variable in variables] for r in train(agent, rollout, **loop)}

    def equal(some, others):
        return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))

    first, other = placed(0), placed(9)
    assert equal(map(as_array, first[2]), map(as_array, placed(0)[2]))
    one, another = trained(*first), trained(*other)
    assert not equal(one[120], another[120])
    for variable, value in zip(other[2], one[60], strict=True):
        variable.assign(value)
    assert equal(one[120], trained(*other, start=60)[120])


def test_the_memory_is_a_variable_of_its_environments():
    network = make().network
    assert isinstance(network, Recurrent)
    assert [variable.shape for variable in network.variables] == [(ENVS, 4)] * 4
