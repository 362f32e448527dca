import keras
import numpy as np
import pytest

from lab.agents import A2C, exploration
from tests.agents import actors
from tests.agents.test_returns import oracle as lambda_returns
from tests.backends import in_turn

pytestmark = pytest.mark.slow  # compiles many programs


def targets(agent, trajectory, lambda_, discount=0.9):
    """The lambda-returns as weighted means of n-step returns, with the agent's values."""
    following = actors.as_array(agent.network.evaluate(trajectory).next_value)
    return lambda_returns(trajectory.reward, discount * ~trajectory.terminated, following, trajectory.truncated, lambda_)


@pytest.mark.parametrize(
    "options",
    [{}, {"entropy_weight": 0.3}, {"value_weight": 2.0}, {"normalize_advantage": True}],
    ids=lambda options: " ".join(options) or "plain",
)
def test_one_update_by_hand(options):
    agent = actors.make(A2C, discount=0.9, gae_lambda=0.7, optimizer=keras.optimizers.SGD(0.5), **options)
    actors.assign(agent, logits=[[1.0, -0.5]], value=[[0.8]])
    step = actors.at_random()
    target = targets(agent, step, 0.7)
    oracle = actors.LinearOracle(agent, step, target, **options)
    value = oracle.old_value
    metrics = actors.run(agent.learn, agent, step)
    actors.agrees(agent, oracle, metrics, [oracle.update(0.5)])
    np.testing.assert_allclose(metrics["explained_variance"], 1 - np.var(target.ravel() - value) / np.var(target), rtol=1e-4)
    np.testing.assert_allclose(metrics["action_mean"], step.extras["sample"].mean(), rtol=1e-5)
    np.testing.assert_allclose(metrics["action_std"], step.extras["sample"].std(), rtol=1e-5)
    assert int(agent.steps.value) == step.reward.size


def test_the_gradients_norm_is_that_before_clipping():
    agent = actors.make(A2C, optimizer=keras.optimizers.SGD(1.0, global_clipnorm=0.01))
    before = actors.flat(agent.model.trainable_variables)
    metrics = actors.run(agent.learn, agent, actors.at_random())
    assert metrics["gradient_norm"] > 0.1
    np.testing.assert_allclose(np.linalg.norm(actors.flat(agent.model.trainable_variables) - before), 0.01, rtol=1e-3)


def test_the_entropys_weight_follows_environment_steps():
    agent = actors.make(A2C, discount=0.9, entropy_weight=exploration.linear(1.0, 0.0, 48))
    learn = actors.compiled(agent.learn, agent)
    for weight in (1.0, 0.5, 0.0, 0.0):  # 24 steps each
        step = actors.at_random()
        oracle = actors.LinearOracle(agent, step, targets(agent, step, 1.0), entropy_weight=weight)
        actors.agrees(agent, oracle, learn(step), [oracle.update()])


def test_the_policy_gradient_is_unbiased_and_a_baseline_makes_it_quieter():
    without, with_baseline = (actors.is_unbiased(A2C, baseline=baseline) for baseline in (0.0, 2.0))
    assert np.all(with_baseline < 0.7 * without)


@pytest.mark.parametrize("name", in_turn(actors.IDENTITIES))
def test_solves_the_identity_environment(name):
    actors.solves(A2C, name)
