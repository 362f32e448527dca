"""Tabular learners: hand values, identities between them, oracles, learnability, exact resume."""

import random

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import envs
from envs.gridworld import Gridworld4x4
from envs.random_walk import RandomWalk
from envs.tabular import TabularMDP, from_gymnasium
from envs.tabular_env import TabularEnv
from lab.agents import evaluate, train
from lab.agents.tabular import (
    TD,
    DiscreteStates,
    DoubleQLearning,
    DynaQ,
    ExpectedSarsa,
    MonteCarlo,
    MonteCarloControl,
    NStepSarsa,
    OffPolicyMonteCarlo,
    OffPolicyMonteCarloControl,
    QLambda,
    QLearning,
    Sarsa,
    SarsaLambda,
    SemiGradientTD,
    TabularRollout,
    TDLambda,
    TreeBackup,
    TrueOnlineTDLambda,
    exact_evaluation,
    policy_iteration,
)
from lab.runs import checkpoint

CONTROL = {
    "Sarsa": Sarsa,
    "ExpectedSarsa": ExpectedSarsa,
    "QLearning": QLearning,
    "DoubleQLearning": DoubleQLearning,
    "NStepSarsa": NStepSarsa,
    "TreeBackup": TreeBackup,
    "SarsaLambda": SarsaLambda,
    "SarsaLambda replacing": lambda *a, **o: SarsaLambda(*a, trace="replacing", **o),
    "SarsaLambda dutch": lambda *a, **o: SarsaLambda(*a, trace="dutch", **o),
    "QLambda": QLambda,
    "DynaQ": DynaQ,
    "DynaQ+": lambda *a, **o: DynaQ(*a, bonus=1e-3, **o),
    "MonteCarloControl": MonteCarloControl,
    "OffPolicyMonteCarloControl": OffPolicyMonteCarloControl,
}
PREDICTION = {
    "TD(0)": TD,
    "TD n = 4": lambda *a, **o: TD(*a, n=4, **o),
    "TD(lambda)": TDLambda,
    "TD(lambda) replacing": lambda *a, **o: TDLambda(*a, trace="replacing", **o),
    "TD(lambda) dutch": lambda *a, **o: TDLambda(*a, trace="dutch", **o),
    "true online": TrueOnlineTDLambda,
    "Monte Carlo": MonteCarlo,
    "Monte Carlo, every visit": lambda *a, **o: MonteCarlo(*a, every_visit=True, **o),
}


def make(name, **options):
    return gymnasium.make(name, disable_env_checker=True, **options)


def learn(agent, env, steps, seed=0):
    for report in train(agent, TabularRollout(agent, env, seed=seed), steps=steps, checkpoint_every=steps):
        last = report
    return last


def begun(agent, seed=0):
    agent.begin(random.Random(seed))
    return agent


class Script(random.Random):
    """Takes given actions: its draws explore, its choices come from a list."""

    def __init__(self, actions):
        super().__init__(0)
        self.actions = list(actions)

    def random(self):
        return 0.0

    def choice(self, options):
        return self.actions.pop(0)


def scripted(agent, actions):
    agent.begin(Script(actions))
    return agent


Q = [[1.0, 2.0], [3.0, 5.0], [7.0, 4.0]]  # three states, two actions
HALF = {"discount": 0.5, "step_size": 0.5, "epsilon": 0.2, "initial": Q}


def after(kind, **options):
    """The table after an episode.

    State 0, action 0, reward 1, state 1, action 0, reward 2, state 2, action 1, reward 4, end.
    """
    agent = scripted(kind(3, 2, **(HALF | options)), [0, 0, 1])
    agent.start(0)
    agent.step(1.0, 1)
    agent.step(2.0, 2)
    agent.end(4.0)
    return np.asarray(agent.values)


def test_one_step_methods_by_hand():
    # SARSA: 1 + .5 * 3 = 2.5 -> 1.75; 2 + .5 * 4 = 4 -> 3.5; 4 -> 4.
    np.testing.assert_allclose(after(Sarsa), [[1.75, 2], [3.5, 5], [7, 4]])
    # Q-learning: 1 + .5 * 5 = 3.5 -> 2.25; 2 + .5 * 7 = 5.5 -> 4.25; 4 -> 4.
    np.testing.assert_allclose(after(QLearning), [[2.25, 2], [4.25, 5], [7, 4]])
    # Expected SARSA: .9 * 5 + .1 * 3 = 4.8 -> 1 + 2.4 = 3.4 -> 2.2;
    # .9 * 7 + .1 * 4 = 6.7 -> 5.35 -> 4.175; 4 -> 4.
    np.testing.assert_allclose(after(ExpectedSarsa), [[2.2, 2], [4.175, 5], [7, 4]])


def test_n_step_methods_by_hand():
    # n = 2: 1 + .5 * 2 + .25 * 4 = 3 -> 2; 2 + .5 * 4 = 4 -> 3.5; 4 -> 4.
    np.testing.assert_allclose(after(NStepSarsa, n=2), [[2, 2], [3.5, 5], [7, 4]])
    # Tree backup, n = 2. Action 0 in state 1 is not greedy: 1 + .5 * 5 = 3.5 -> 2.25.
    # Action 1 in state 2 is not greedy: 2 + .5 * 7 = 5.5 -> 4.25; 4 -> 4.
    np.testing.assert_allclose(after(TreeBackup, n=2), [[2.25, 2], [4.25, 5], [7, 4]])


def test_tree_backup_follows_greedy_actions():
    agent = scripted(TreeBackup(3, 2, **HALF, n=2), [0, 1, 0])
    agent.start(0)
    agent.step(1.0, 1)  # action 1, the greedy one
    agent.step(2.0, 2)  # 1 + .5 (2 + .5 * 7) = 3.75 -> 2.375
    np.testing.assert_allclose(np.asarray(agent.values)[0], [2.375, 2])


def test_traces_by_hand():
    # SARSA(1) with alpha = .5, gamma = .5, accumulating traces. TD errors:
    # 2.5 - 1 = 1.5; 2 + 2 - 3 = 1; 4 - 4 = 0.
    np.testing.assert_allclose(after(SarsaLambda, trace_decay=1.0), [[1 + 0.75 + 0.5 * 0.5 * 1, 2], [3.5, 5], [7, 4]])
    # Q(1). TD errors: 3.5 - 1 = 2.5; 5.5 - 3 = 2.5. After each, the traces are set to 0, because
    # the next action is not greedy.
    np.testing.assert_allclose(after(QLambda, trace_decay=1.0), [[2.25, 2], [4.25, 5], [7, 4]])


@pytest.mark.parametrize(
    ("trace", "expected"), [("accumulating", 1 + 0.5 * 0.9), ("replacing", 1.0), ("dutch", (1 - 0.1) * 0.9 * 0.5 + 1)]
)
def test_a_state_visited_again(trace, expected):
    agent = begun(TDLambda([[1.0]] * 2, discount=0.5, trace_decay=0.9, step_size=0.1, trace=trace))
    agent.start(0)
    agent.step(0.0, 0)  # nothing to learn yet: all is 0
    agent.step(1.0, 1)
    assert agent.v[0] == pytest.approx(0.1 * expected)


def test_double_q_learning_by_hand():
    agent = scripted(DoubleQLearning(2, 2, step_size=0.5, discount=1.0, initial=[[0.0, 0.0], [1.0, 2.0]]), [0, 0])
    agent.other[1] = [10.0, 20.0]
    agent.start(0)
    agent.step(1.0, 1)  # the coin of Script says: q1, whose best action in state 1 is 1, worth 20 to q2
    assert agent.q[0] == [10.5, 0.0]
    assert agent.other[0] == [0.0, 0.0]
    assert agent.preferences(1) == [11.0, 22.0]


def test_monte_carlo_by_hand():
    # Gamma .5: returns 1 + .5 (2 + .5 (3 + .5 * 4)) = 3.25, 4.5, 5, 4, of states 0, 1, 0, 2.
    values = {}
    for every in (False, True):
        agent = begun(MonteCarlo([[1.0]] * 3, discount=0.5, every_visit=every))
        agent.start(0)
        for reward, state in ((1.0, 1), (2.0, 0), (3.0, 2)):
            agent.step(reward, state)
        agent.end(4.0)
        values[every] = agent.v
    assert values[False] == [3.25, 4.5, 4.0]
    assert values[True] == [(3.25 + 5) / 2, 4.5, 4.0]


def test_importance_sampling_by_hand():
    # Two episodes from state 0. pi always takes action 1, b takes both with probability 1/2.
    # Action 1, reward 4: rho = 2. Action 0, reward 6: rho = 0.
    for weighted, expected in ((True, 4.0), (False, (2 * 4 + 0) / 2)):
        agent = begun(OffPolicyMonteCarlo([[0.0, 1.0]], [[0.5, 0.5]], weighted=weighted))
        for action, reward in ((1, 4.0), (0, 6.0)):
            agent.choose = lambda state, action=action: action
            agent.start(0)
            agent.end(reward)
        assert agent.v[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("build", "value"),
    [
        (lambda: MonteCarloControl(1, 1), lambda agent: agent.q[0][0]),
        (lambda: OffPolicyMonteCarlo([[1.0]], [[1.0]]), lambda agent: agent.v[0]),
        (lambda: OffPolicyMonteCarlo([[1.0]], [[1.0]], weighted=False), lambda agent: agent.v[0]),
    ],
)
def test_the_first_visit_counts(build, value):
    agent = begun(build())
    agent.start(0)
    agent.step(1.0, 0)
    agent.end(2.0)
    assert value(agent) == 3.0  # and not (3 + 2) / 2


def test_off_policy_control_by_hand():
    agent = scripted(OffPolicyMonteCarloControl(2, 2, discount=1.0, epsilon=0.5, initial=[[0.0, 1.0], [0.0, 3.0]]), [1, 1])
    agent.start(0)
    agent.step(1.0, 1)
    agent.end(5.0)
    # Backwards. (1, 1): W = 1, q = 5, greedy, so W = 1 / b = 1 / (.5 + .25).
    # (0, 1): G = 6, C = W, q = 6.
    assert agent.q == [[0.0, 6.0], [0.0, 5.0]]
    np.testing.assert_allclose(np.asarray(agent._weights), [[0, 1 / 0.75], [0, 1]])


def test_off_policy_control_goes_on_greedily_where_an_episode_is_cut():
    agent = scripted(OffPolicyMonteCarloControl(2, 2, discount=1.0, epsilon=0.5, initial=[[0.0, 0.0], [1.0, -100.0]]), [0])
    agent.start(0)
    agent.cut(2.0, 1)
    assert agent.q[0][0] == 3.0  # 2 + max q(1, .), whatever the behaviour would do


@pytest.mark.slow
def test_off_policy_control_with_ties():
    # Half the time both actions of the next state pay 0, half the time action 0 pays 1: 1/2 in all.
    rows, rewards = np.zeros((4, 2, 4)), np.zeros((4, 2))
    rows[0, :, 1] = rows[0, :, 2] = 0.5
    rows[1:3, :, 3], rewards[2, 0] = 1.0, 1.0
    env = TabularEnv(TabularMDP(rows, rewards, terminal=[3], start=[1, 0, 0, 0]))
    agent = OffPolicyMonteCarloControl(4, 2, epsilon=0.5)
    learn(agent, env, 60_000)
    assert max(agent.q[0]) == pytest.approx(0.5, abs=0.03)


def test_both_estimates_count_their_own_updates():
    agent = begun(DoubleQLearning(1, 1, discount=0.0, step_size=lambda count: 1 / (count + 1), initial=5.0))
    for _ in range(50):
        agent.start(0)
        agent.end(1.0)
    assert agent.q[0][0] == agent.other[0][0] == pytest.approx(1.0)


def test_dyna_remembers_and_plans():
    agent = begun(DynaQ(3, 2, planning=50, discount=0.5, step_size=1.0, epsilon=0.0, initial=0.0))
    agent.start(0)
    agent.state, agent.action = 0, 1
    agent.step(0.0, 1)
    agent.state, agent.action = 1, 0
    agent.end(8.0)
    assert agent.q[1][0] == 8.0
    assert agent.q[0][1] == 4.0  # through planning alone
    again = begun(DynaQ(3, 2, planning=50, discount=0.5, step_size=1.0, epsilon=0.0))
    for mine, theirs in zip(again.variables, agent.variables, strict=True):
        mine.assign(np.asarray(theirs))
    again.begin(random.Random(1))
    assert again._seen == agent._seen == [(0, 1), (1, 0)]


def test_dyna_plus_is_drawn_to_what_it_has_not_tried():
    agent = begun(DynaQ(2, 2, planning=20, bonus=0.1, discount=0.5, step_size=1.0, epsilon=0.0))
    agent.start(0)
    agent.state, agent.action = 0, 0
    for _ in range(10):
        agent.step(0.0, 0)
        agent.state, agent.action = 0, 0
    # Action 1 was never tried: reward 0.1 sqrt(tau). Action 0 was tried just now: no bonus.
    assert agent.q[0][1] > agent.q[0][0] > 0


def tables(agents, name="lab/WindyGridworldKings-v0", steps=3_000):
    for agent in agents:
        learn(agent, make(name, max_episode_steps=100), steps)
    return [np.asarray(agent.values) for agent in agents]


OPTIONS = {"discount": 0.9, "step_size": 0.3, "epsilon": 0.2}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Sarsa, lambda *a, **o: NStepSarsa(*a, n=1, **o)),
        (Sarsa, lambda *a, **o: SarsaLambda(*a, trace_decay=0.0, **o)),
        (QLearning, lambda *a, **o: DynaQ(*a, planning=0, **o)),
        (lambda *a, **o: QLearning(*a, **(o | {"epsilon": 0.0})), lambda *a, **o: ExpectedSarsa(*a, **(o | {"epsilon": 0.0}))),
    ],
    ids=["one step is SARSA", "lambda 0 is SARSA", "no planning is Q-learning", "greedy expected SARSA is Q-learning"],
)
def test_identities_of_control(one, other):
    first, second = tables([kind(70, 8, **OPTIONS) for kind in (one, other)])
    np.testing.assert_allclose(first, second, rtol=1e-12)
    assert np.abs(first).max() > 1


def test_identities_of_prediction():
    policy = np.ones((21, 1))
    options = {"discount": 0.9, "step_size": 0.3}

    def values(*agents):
        for agent in agents:
            learn(agent, make("lab/RandomWalk19-v0"), 500)
        return [np.asarray(agent.values) for agent in agents]

    first, *others = values(
        TD(policy, **options),
        TDLambda(policy, trace_decay=0.0, **options),
        TrueOnlineTDLambda(policy, trace_decay=0.0, **options),
    )
    for other in others:
        np.testing.assert_allclose(first, other, atol=1e-12)
    long, monte_carlo = values(
        TD(policy, n=10_000, **options), MonteCarlo(policy, every_visit=True, **options)
    )  # the same returns, learnt from the first or from the last
    assert np.abs(long).max() > 0.1
    assert np.abs(long - monte_carlo).max() < 0.5


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 1.0])
def test_true_online_equals_the_online_lambda_return(decay):
    # Sutton and Barto 2018, section 12.4: at each horizon h, all updates are made again, with
    # lambda-returns truncated at h.
    rng = np.random.default_rng(1)
    states, rewards = rng.integers(0, 3, 9).tolist(), rng.normal(size=9)
    initial, alpha, gamma = rng.normal(size=3), 0.3, 0.9
    agent = begun(TrueOnlineTDLambda(np.ones((3, 1)), trace_decay=decay, discount=gamma, step_size=alpha, initial=initial))
    agent.start(states[0])
    at = [initial]  # the weights w_h^h

    def reached(k, h):
        return 0.0 if k == len(states) else at[k - 1][states[k]]

    for h in range(1, len(states) + 1):
        if h < len(states):
            agent.step(rewards[h - 1], states[h])
        else:
            agent.end(rewards[h - 1])
        w = np.array(initial)
        at.append(w)
        for t in range(h):
            returns = [
                sum(gamma**i * rewards[t + i] for i in range(n)) + gamma**n * reached(t + n, h) for n in range(1, h - t + 1)
            ]
            target = (1 - decay) * sum(decay**n * returns[n] for n in range(h - t - 1)) + decay ** (h - t - 1) * returns[-1]
            w[states[t]] += alpha * (target - w[states[t]])
        np.testing.assert_allclose(agent.v, w, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTROL)
def test_every_learner_finds_the_way_out(name):
    mdp = Gridworld4x4().mdp
    options = {} if "MonteCarlo" in name else {"step_size": 0.2}
    if "Off" in name:  # pessimistic: it learns from the greedy ends of episodes only
        options = {"initial": -50.0, "epsilon": 0.5}
    agent = CONTROL[name](16, 4, **options)
    learn(agent, make("lab/Gridworld4x4-v0", max_episode_steps=200), 40_000)
    reached = exact_evaluation(mdp, agent.greedy_policy())
    assert mdp.start @ reached >= -2.3  # the best is -2, random -18.3
    step = SyncVectorEnv(
        [lambda: make("lab/Gridworld4x4-v0", max_episode_steps=200)] * 4, autoreset_mode=AutoresetMode.SAME_STEP
    )
    assert evaluate(agent, step, episodes=200, seed=1).mean() == pytest.approx(mdp.start @ reached, abs=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("name", PREDICTION)
def test_every_learner_finds_the_values(name):
    # Steps 1/n^0.7, or the mean of all returns; 5 states, whose values are 1/6 ... 5/6.
    policy = np.ones((7, 1))
    options = {} if "Monte" in name else {"step_size": lambda n: (n + 1) ** -0.7}
    agent = PREDICTION[name](policy, initial=0.5, **options)
    learn(agent, make("lab/RandomWalk5-v0"), 30_000)
    np.testing.assert_allclose(agent.v[1:-1], np.arange(1, 6) / 6, atol=0.05)


@pytest.mark.slow
def test_exploring_starts():
    env = make("lab/Gridworld4x4-v0", max_episode_steps=100, exploring_starts=True)
    agent = MonteCarloControl(16, 4, exploring_starts=True)
    learn(agent, env, 60_000)
    mdp = from_gymnasium(env)
    assert mdp.start @ exact_evaluation(mdp, agent.greedy_policy()) >= -2.3


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [True, False])
def test_importance_sampling_finds_the_target_policys_values(weighted):
    env = make("lab/ShortCorridor-v0")
    mdp = from_gymnasium(env)
    target, behaviour = np.tile([0.4, 0.6], (4, 1)), np.full((4, 2), 0.5)
    agent = OffPolicyMonteCarlo(target, behaviour, weighted=weighted)
    learn(agent, env, 400_000)
    np.testing.assert_allclose(agent.v[:3], exact_evaluation(mdp, target)[:3], rtol=0.06)


def test_the_ends_of_an_episode_are_three_different_targets():
    ended, cut = (begun(QLearning(2, 1, step_size=1.0, discount=0.5, initial=[[0.0], [8.0]])) for _ in range(2))
    for agent in (ended, cut):
        agent.start(0)
    ended.end(1.0)
    cut.cut(1.0, 1)
    assert (ended.q[0][0], cut.q[0][0]) == (1.0, 5.0)
    for kind in (NStepSarsa, MonteCarloControl, TreeBackup):
        for value, close in ((3.0, lambda agent: agent.end(1.0)), (7.0, lambda agent: agent.cut(1.0, 2))):
            agent = begun(kind(3, 1, step_size=1.0, discount=1.0, initial=[[0.0], [0.0], [4.0]]))
            agent.start(0)
            agent.step(2.0, 1)
            close(agent)
            assert agent.q[0][0] == value, kind


@pytest.mark.parametrize("name", CONTROL)
def test_unavailable_actions_are_not_taken(name):
    env = make("lab/MaximizationBias-v0")
    mdp = from_gymnasium(env)
    agent = CONTROL[name](3, 10, available=mdp.available)
    learn(agent, env, 300)
    table = np.asarray(agent.values)
    assert (table[0, 2:] == -np.inf).all()
    assert np.isfinite(table[0, :2]).all()
    assert np.isfinite(table[1]).all()
    assert agent.greedy_policy()[0] in (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*CONTROL, *PREDICTION])
def test_stopped_and_resumed_is_the_same(name, tmp_path):
    def agent():
        if name in CONTROL:
            return CONTROL[name](70, 8, epsilon=lambda step: 0.5 / (1 + step / 1_000), discount=0.9)
        return PREDICTION[name](np.full((70, 8), 1 / 8), discount=0.9)

    def go(agent, start=0, stop=None):
        rollout = TabularRollout(agent, make("lab/WindyGridworldKings-v0", max_episode_steps=150), seed=3)
        for report in train(agent, rollout, steps=3_000, start=start, report_every=500, checkpoint_every=1_000):
            if report.boundary:
                checkpoint.save(tmp_path / str(id(agent)), report.step, agent.variables)
            if report.step == stop:
                break
        return agent

    whole, first = go(agent()), go(agent(), stop=2_000)
    second = agent()
    found = checkpoint.restore(tmp_path / str(id(first)), second.variables)
    go(second, start=found.step)
    for one, two in zip(whole.variables, second.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two), err_msg=one.path)


def test_seeds():
    first, again, other = (QLearning(16, 4) for _ in range(3))
    for agent, seed in ((first, 1), (again, 1), (other, 2)):
        learn(agent, make("FrozenLake-v1"), 2_000, seed=seed)
    assert first.q == again.q != other.q


def test_step_sizes_and_epsilon_may_be_functions():
    agent = begun(
        QLearning(1, 2, step_size=lambda count: 1 / (count + 1), epsilon=lambda step: 1.0 if step <= 2 else 0.0, discount=0.0)
    )
    agent.start(0)
    for reward in (1.0, 2.0, 6.0):
        agent.state, agent.action = 0, 0
        agent.step(reward, 0)
    assert agent.q[0][0] == 3.0  # the mean
    assert agent.epsilon() == 0.0
    assert agent.policy(0) == [1.0, 0.0]


def test_ties_are_broken_at_random():
    agent = begun(QLearning(1, 4, epsilon=0.0))
    counts = np.bincount([agent.choose(0) for _ in range(4_000)], minlength=4)
    assert counts.min() > 850
    assert agent.policy(0) == [0.25] * 4


@pytest.mark.slow
def test_blackjack():
    env = DiscreteStates(make("Blackjack-v1", sab=True))
    assert env.observation_space.n == 32 * 11 * 2
    assert env.observation((20, 10, 1)) == (20 * 11 + 10) * 2 + 1
    agent = QLearning(env.observation_space.n, 2, step_size=0.05, epsilon=0.2)
    learn(agent, env, 60_000)
    policy = agent.greedy_policy().reshape(env.sizes)
    assert policy[20, 2:, 0].sum() <= 1  # who has 20 stands
    assert policy[8, 2:10, 0].sum() >= 5  # who has 8 hits


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (
            lambda: TabularRollout(QLearning(2, 2), make("CartPole-v1"), seed=0),
            "env.observation_space: expected Discrete, numbered from 0, received Box",
        ),
        (
            lambda: TabularRollout(QLearning(2, 2), make("MountainCarContinuous-v0"), seed=0),
            "env.observation_space: expected Discrete",
        ),
        (lambda: DiscreteStates(make("CartPole-v1")), "env: expected discrete observations, received Box"),
        (lambda: TD([[0.5, 0.4]]), "policy: expected probabilities that sum to 1, or to 0 in terminal states"),
        (lambda: OffPolicyMonteCarloControl(2, 2, exploring_starts=True), "exploring_starts: expected none"),
        (lambda: OffPolicyMonteCarloControl(2, 2, step_size=None), "step_size: expected none, .*, received None"),
        (lambda: OffPolicyMonteCarlo([[2.0]], [[1.0]]), "policy: expected probabilities that sum to 1"),
        (lambda: SemiGradientTD(np.eye(1), [[1.0]], behaviour=[[0.5]]), "behaviour: expected probabilities that sum to 1"),
        (lambda: TabularRollout(QLearning(16, 5), make("FrozenLake-v1"), seed=0), "agent: expected 4 actions, .*, received 5"),
        (
            lambda: TabularRollout(TD(np.ones((16, 1))), make("FrozenLake-v1"), seed=0),
            "agent: expected 4 actions, .*, received 1",
        ),
        (lambda: TabularRollout(QLearning(15, 4), make("FrozenLake-v1"), seed=0), "agent: expected 16 states, .*, received 15"),
        (lambda: QLearning(0, 2), "states: expected an integer >= 1, received 0"),
        (lambda: QLearning(2, 2, discount=1.5), r"discount: expected a number >= 0 and <= 1, received 1.5"),
        (lambda: QLearning(2, 2, step_size=0.0), r"step_size: expected a number > 0 and <= 1, received 0.0"),
        (lambda: QLearning(2, 2, epsilon=-0.1), r"epsilon: expected a number >= 0 and <= 1, received -0.1"),
        (lambda: QLearning(2, 2, available=[[True]]), r"available: expected the shape \(2, 2\), received \(1, 1\)"),
        (lambda: NStepSarsa(2, 2, n=0), "n: expected an integer >= 1, received 0"),
        (lambda: SarsaLambda(2, 2, trace="fast"), "trace: expected one of accumulating, replacing, dutch, received 'fast'"),
        (lambda: TDLambda([[1.0]], trace_decay=2.0), r"trace_decay: expected a number >= 0 and <= 1, received 2.0"),
        (lambda: DynaQ(2, 2, planning=-1), "planning: expected an integer >= 0, received -1"),
        (lambda: TD(np.ones(3)), r"policy: expected probabilities \[S, A\], received the shape \(3,\)"),
        (
            lambda: OffPolicyMonteCarlo([[0.5, 0.5]], [[1.0, 0.0]]),
            "behaviour: expected the policy's shape, and probabilities > 0",
        ),
    ],
)
def test_bad_input(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_a_reward_that_is_not_a_number_stops_the_run():
    class Broken(RandomWalk):
        def step(self, action):
            state, _, ended, cut, info = super().step(action)
            return state, float("nan"), ended, cut, info

    with pytest.raises(RuntimeError, match="expected a finite reward, received nan after 0 steps"):
        learn(TD(np.ones((7, 1))), Broken(), 10)


def test_registered_problems_can_all_be_learnt_from():
    for name, *_ in envs.TABULAR:
        env = make(name)
        agent = QLearning(env.observation_space.n, env.action_space.n, available=env.unwrapped.mdp.available)
        learn(agent, env, 2_000)
        assert policy_iteration(env.unwrapped.mdp).bound < 1e-6
