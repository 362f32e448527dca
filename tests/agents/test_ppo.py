import keras
import numpy as np
import pytest

from lab.agents import A2C, PPO, GSDEPolicy, RewardScaling, exploration, train
from tests.agents import actors
from tests.agents.identity import TORQUE, ContinuousIdentity
from tests.agents.test_a2c import targets
from tests.backends import in_turn
from tests.contracts import raises
from tests.graphs import as_graphs

pytestmark = pytest.mark.slow  # compiles many programs


def small(optimizer=None, **options):
    """A linear agent. Its minibatch is the whole trajectory."""
    options = {"discount": 0.9, "gae_lambda": 0.7, "minibatches": 1, "normalize_advantage": False, "seed": 0} | options
    agent = actors.make(PPO, optimizer=optimizer or keras.optimizers.SGD(0.5), **options)
    return actors.assign(agent, logits=[[1.0, -0.5]], value=[[0.8]])


@pytest.mark.parametrize(
    "options",
    [
        {"clip": 0.2},
        {"clip": 0.02, "entropy_weight": 0.3},
        {"clip": 0.02, "value_clip": 0.1, "value_weight": 1.0},
        {"clip": 0.2, "normalize_advantage": True},
    ],
    ids=lambda options: " ".join(options),
)
def test_updates_by_hand(options):
    agent, step = small(epochs=4, **options), actors.at_random()
    oracle = actors.LinearOracle(agent, step, targets(agent, step, 0.7), **options)
    metrics = actors.run(agent.learn, agent, step)
    updates = [oracle.update(0.5) for _ in range(4)]
    assert 0 < updates[-1]["clip_fraction"] < 1
    actors.agrees(agent, oracle, metrics, updates)
    target, value = oracle.target, oracle.old_value
    np.testing.assert_allclose(metrics["explained_variance"], 1 - np.var(target - value) / np.var(target), rtol=1e-4)
    assert int(agent.steps.value) == step.reward.size


def test_advantages_are_those_of_the_recursion_over_td_errors():
    agent, step = small(), actors.at_random()
    experience = actors.run(agent.experience, agent, step)
    value = experience.value.reshape(step.reward.shape)
    following = actors.as_array(agent.network.evaluate(step).next_value)
    going_on = ~(step.terminated | step.truncated)
    advantage, ahead = np.zeros_like(value), 0.0
    for t in reversed(range(len(value))):
        error = step.reward[t] + 0.9 * ~step.terminated[t] * following[t] - value[t]  # delta_t
        advantage[t] = ahead = error + 0.9 * 0.7 * going_on[t] * ahead
    np.testing.assert_allclose(experience.advantage, advantage.ravel(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(experience.advantage, (targets(agent, step, 0.7) - value).ravel(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, keras.optimizers.Adam])
def test_the_first_update_is_the_actor_critics(optimizer):
    step, shared = actors.at_random(), {"entropy_weight": 0.1, "value_weight": 0.7}
    ours = small(optimizer(0.1), epochs=1, **shared)
    theirs = actors.make(A2C, discount=0.9, gae_lambda=0.7, optimizer=optimizer(0.1), **shared)
    actors.assign(theirs, logits=[[1.0, -0.5]], value=[[0.8]])
    metrics, expected = (actors.run(agent.learn, agent, step) for agent in (ours, theirs))
    np.testing.assert_allclose(*(actors.flat(agent.model.variables) for agent in (ours, theirs)), rtol=1e-5)
    assert set(metrics) - set(expected) == {"approximate_kl", "clip_fraction"}
    for name in set(expected) - {"policy_loss"}:  # -log pi A of the one, -rho A of the other
        np.testing.assert_allclose(metrics[name], expected[name], rtol=1e-5, err_msg=name)


def everything(agent):
    return actors.flat([*agent.model.variables, *agent.optimizer.variables])


def test_updates_stop_at_the_target_divergence():
    step = actors.at_random()

    def learnt(epochs, target_kl=None):
        agent = small(keras.optimizers.Adam(0.05), epochs=epochs, target_kl=target_kl)
        return agent, actors.run(agent.learn, agent, step)

    (once, first), (twice, both) = learnt(1), learnt(2)
    divergence = 2 * both["approximate_kl"]  # of the first update there was none
    assert divergence > 1e-3
    near, metrics = learnt(2, divergence / 1.4)
    np.testing.assert_array_equal(everything(near), everything(twice))
    assert metrics == both | {"updates": 2}
    stopped, metrics = learnt(5, divergence / 1.6)
    np.testing.assert_array_equal(everything(stopped), everything(once))
    assert metrics["updates"] == 1
    for name, value in first.items():  # means over the update that was made, not over five
        np.testing.assert_allclose(metrics[name], value, rtol=1e-6, err_msg=name)
    assert int(stopped.optimizer.iterations) == 1
    actors.run(stopped.learn, stopped, step)  # the next trajectory is learnt from
    assert int(stopped.optimizer.iterations) == 2


def test_clipping_and_entropy_follow_environment_steps():
    schedules = {"clip": (0.3, 0.1), "entropy_weight": (0.5, 0.0)}
    agent = small(epochs=3, **{name: exploration.linear(*ends, 48) for name, ends in schedules.items()})
    learn = actors.compiled(agent.learn, agent)
    for k, done in enumerate((0.0, 0.5, 1.0, 1.0)):  # 24 steps each
        step = actors.at_random(k)
        now = {name: first + done * (last - first) for name, (first, last) in schedules.items()}
        oracle = actors.LinearOracle(agent, step, targets(agent, step, 0.7), **now)
        actors.agrees(agent, oracle, learn(step), [oracle.update(0.5) for _ in range(3)])


def test_minibatches_are_random_parts_of_the_whole():
    step, seen, learnt = actors.at_random(), [], []
    for minibatches, seed in ((1, 0), (4, 0), (4, 1)):
        agent = small(keras.optimizers.SGD(0.0), minibatches=minibatches, epochs=3, seed=seed)
        learn = actors.compiled(agent.learn, agent)
        seen.append(learn(step))
        agent.optimizer.learning_rate = 0.1
        learn(step)
        learnt.append(actors.flat(agent.model.variables))
    for name in ("value_loss", "policy_loss", "entropy"):  # nothing is learnt, so the mean of the parts is that of the whole
        np.testing.assert_allclose([metrics[name] for metrics in seen], seen[0][name], rtol=1e-4, err_msg=name)
    assert np.abs(learnt[1] - learnt[2]).max() > 1e-5  # the seed makes the parts


def parts_of(seed, epochs, minibatches, count=24):
    """The minibatches of an agent with this seed, in their order."""
    generator = keras.random.SeedGenerator(seed)
    orders = [actors.as_array(keras.random.shuffle(np.arange(count), seed=generator)) for _ in range(epochs)]
    return [part for order in orders for part in np.split(order, minibatches)]


@pytest.mark.parametrize("normalize", [False, True])
def test_updates_on_minibatches_by_hand(normalize):
    agent, step = small(epochs=2, minibatches=3, normalize_advantage=normalize, seed=7), actors.at_random()
    oracle = actors.LinearOracle(agent, step, targets(agent, step, 0.7), clip=0.2, normalize_advantage=normalize)
    metrics = actors.run(agent.learn, agent, step)
    actors.agrees(agent, oracle, metrics, [oracle.update(0.5, part) for part in parts_of(7, 2, 3)])


def test_after_a_stop_no_minibatch_is_learnt_from_even_where_it_diverges_little():
    step, parts, rate = actors.at_random(), parts_of(7, 2, 6), 0.05

    def oracle(agent):
        return actors.LinearOracle(agent, step, targets(agent, step, 0.7), clip=0.2)

    endless = oracle(small())
    limit = 0.99 * max(endless.update(rate, part)["approximate_kl"] for part in parts[:-1])
    agent = small(keras.optimizers.SGD(rate), epochs=2, minibatches=6, seed=7, target_kl=limit / 1.5)
    stopping, learnt = oracle(agent), 0
    while stopping.update(0.0, parts[learnt])["approximate_kl"] <= limit:
        stopping.update(rate, parts[learnt])
        learnt += 1
    assert learnt > 0 and min(stopping.update(0.0, part)["approximate_kl"] for part in parts[learnt:]) < 0.9 * limit
    actors.run(agent.learn, agent, step)
    assert int(agent.optimizer.iterations) == learnt
    actors.agrees(agent, stopping, {}, [{}])


def test_minibatches_divide_the_rollout():
    with raises("minibatches: expected a divisor of the rollout's 24, received 5"):
        small(minibatches=5).learn(actors.at_random())
    with raises("minibatches: expected parts of two steps and more to normalise, received 24"):
        small(minibatches=24, normalize_advantage=True).learn(actors.at_random())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("epochs", "an integer >= 1"),
        ("minibatches", "an integer >= 1"),
        ("value_clip", "a number > 0"),
        ("target_kl", "a number > 0"),
    ],
)
def test_bad_arguments(name, expected):
    with raises(f"{name}: expected {expected}, received 0"):
        small(**{name: 0})


def test_the_policy_gradient_is_unbiased_and_a_baseline_makes_it_quieter():
    once = {"epochs": 1, "minibatches": 1, "normalize_advantage": False}
    without, with_baseline = (actors.is_unbiased(PPO, baseline=baseline, **once) for baseline in (0.0, 2.0))
    assert np.all(with_baseline < 0.7 * without)


@pytest.mark.parametrize("name", in_turn(actors.IDENTITIES, first="jax"))
def test_solves_the_identity_environment(name):
    actors.solves(PPO, name, epochs=2, minibatches=2)


def trained(place, seed, *, world=0, start=0, state=None):
    """Four rollouts of an agent that has every kind of state, with a boundary in the middle.

    Returns:
        ({step of a boundary: all variables}, what was logged).
    """
    agent = actors.identity_agent(
        PPO,
        ContinuousIdentity,
        hidden=(8,),
        model={"normalize": True},
        rewards=RewardScaling(4, 0.5),
        seed=seed,
        policy=GSDEPolicy(TORQUE, num_envs=4, features=8, redraw_every=7),
        epochs=2,
        minibatches=2,
        target_kl=0.05,
        entropy_weight=exploration.linear(0.1, 0.0, 160),
    )
    rollout = actors.place(agent, place, ContinuousIdentity, seed=world)
    variables = [*agent.variables, *rollout.variables]
    for variable, value in zip(variables, state or [], strict=False):
        variable.assign(value)
    boundaries, logged = {}, []
    for report in train(agent, rollout, steps=160, start=start, report_every=40, checkpoint_every=80):
        logged.append(report.metrics | {"steps_per_second": report.step})
        if report.boundary:
            boundaries[report.step] = [np.array(actors.as_array(variable)) for variable in variables]
    return boundaries, logged


@pytest.fixture(scope="module", params=["host", "device"])
def first(request):
    with as_graphs():
        return request.param, *trained(request.param, 0)


def equal(some, others):
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def test_one_seed_twice_is_equal_and_two_are_not(graphs, first):
    place, boundaries, logged = first
    again, also_logged = trained(place, 0)
    assert logged == also_logged
    assert all(equal(again[step], boundaries[step]) for step in boundaries)
    other, _ = trained(place, 1)
    assert not equal(other[160], boundaries[160])


def test_an_interrupted_run_goes_on_exactly(graphs, first):
    place, boundaries, logged = first
    assert list(boundaries) == [80, 160]
    resumed, also_logged = trained(place, 5, start=80, state=boundaries[80])
    assert logged[2:] == also_logged
    assert equal(resumed[160], boundaries[160])
