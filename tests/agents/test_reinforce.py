import keras
import numpy as np
import pytest

from lab.agents import A2C, REINFORCE
from lab.agents.reinforce import complete_episodes
from tests.agents import actors
from tests.backends import in_turn

pytestmark = pytest.mark.slow  # compiles many programs


def cut(**changes):
    """Three steps of three environments.

    The first terminates at t = 1 and begins an episode. The second never ends. The third is
    truncated at t = 2, the last step.
    """
    step = actors.trajectory(
        observation=[[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        sample=[[0, 1, 1], [1, 0, 1], [0, 1, 0]],
        reward=[[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        next_observation=[[4, 5, 6], [0.5, 8, 9], [2, 3, 4]],
        terminated=[[False] * 3, [True, False, False], [False] * 3],
        truncated=[[False] * 3, [False] * 3, [False, False, True]],
    )
    return step._replace(**changes)


COMPLETE = np.array([[1, 0, 1], [1, 0, 1], [0, 0, 1]])


def returns(value):
    """The Monte Carlo returns of `cut` where episodes are complete, with gamma = 1/2.

    At the time limit they bootstrap from V(s) = value s.
    """
    last = 9 + 0.5 * value * 4
    return np.array([[1 + 0.5 * 4, 0, 3 + 0.5 * (6 + 0.5 * last)], [4, 0, 6 + 0.5 * last], [0, 0, last]])


def test_steps_of_complete_episodes_count():
    np.testing.assert_array_equal(actors.as_array(complete_episodes(cut())), COMPLETE)


@pytest.mark.parametrize(
    "options",
    [{"baseline": 0.3}, {"baseline": 0.0}, {"baseline": 0.3, "normalize_advantage": True, "entropy_weight": 0.2}],
    ids=["baseline", "no baseline", "normalised"],
)
def test_one_update_by_hand(options):
    baseline = options.pop("baseline")
    agent = actors.make(REINFORCE, discount=0.5, optimizer=keras.optimizers.SGD(0.1), **options)
    actors.assign(agent, logits=[[0.1, -0.2]], value=[[baseline]])
    oracle = actors.LinearOracle(agent, cut(), returns(baseline), weight=COMPLETE, **options)
    metrics = actors.run(agent.learn, agent, cut())
    actors.agrees(agent, oracle, metrics, [oracle.update(0.1)])


def test_without_a_critic_returns_are_the_rewards_alone():
    agent = actors.make(REINFORCE, discount=0.5, model={"critic": False})
    experience = actors.run(agent.experience, agent, cut())
    np.testing.assert_array_equal(experience.value, 0)
    np.testing.assert_allclose(experience.target.reshape(3, 3)[COMPLETE > 0], returns(0.0)[COMPLETE > 0])


def test_incomplete_episodes_change_nothing():
    step = cut()
    ends = [0.0, 100.0]
    learnt = []
    for reward in ends:
        agent = actors.make(REINFORCE, discount=0.5, normalize_advantage=True)
        actors.run(agent.learn, agent, step._replace(reward=np.where(COMPLETE, step.reward, reward).astype(np.float32)))
        learnt.append(actors.flat(agent.model.variables))
    np.testing.assert_array_equal(*learnt)
    agent = actors.make(REINFORCE, normalize_advantage=True, entropy_weight=1.0, optimizer=keras.optimizers.Adam(0.01))
    actors.run(agent.learn, agent, step)  # now the optimizer has a momentum
    learnt = [*agent.model.variables, *agent.optimizer.variables]
    before = actors.flat(learnt)
    nothing = np.zeros((3, 3), bool)
    metrics = actors.run(agent.learn, agent, step._replace(terminated=nothing, truncated=nothing))
    np.testing.assert_array_equal(actors.flat(learnt), before)
    assert all(np.isfinite(value) for value in metrics.values())


def test_equals_the_actor_critic_with_lambda_1_where_all_episodes_are_complete():
    step = actors.at_random()
    step.truncated[-1] = True
    agents = [actors.make(kind, discount=0.9, **options) for kind, options in ((REINFORCE, {}), (A2C, {"gae_lambda": 1.0}))]
    for agent in agents:
        actors.run(agent.learn, agent, step)
    np.testing.assert_allclose(*(actors.flat(agent.model.variables) for agent in agents), rtol=1e-6)


def test_the_policy_gradient_is_unbiased_and_a_baseline_makes_it_quieter():
    without, with_baseline = (actors.is_unbiased(REINFORCE, baseline=baseline) for baseline in (0.0, 2.0))
    assert np.all(with_baseline < 0.7 * without)


@pytest.mark.parametrize("name", in_turn(actors.IDENTITIES))
def test_solves_the_identity_environment(name):
    actors.solves(REINFORCE, name)
