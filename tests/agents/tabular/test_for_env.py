"""The verbs of tabular agents: for_env, fit, evaluate, predict, save, load, export, summary."""

import gymnasium
import keras
import numpy as np
import pytest

import lab.agents
from lab.agents import SaveAgent, fitting, train
from lab.agents.tabular import DiscreteStates, LinearReinforce, LinearSarsaLambda, MonteCarloControl, QLearning, TabularRollout
from tests.agents.tabular.strict_grid import FreeGrid, StrictGrid
from tests.agents.tabular.test_masks import LEARNERS
from tests.backends import only

FROZEN = {"environment_options": {"is_slippery": False}}
AGENTS = {name: (kind, StrictGrid, options) for name, (kind, options) in LEARNERS.items()} | {
    "LinearSarsaLambda": (LinearSarsaLambda, "MountainCar-v0", {"tilings": 4, "tiles": 6, "epsilon": 0.1}),
    "LinearReinforce": (LinearReinforce, "FrozenLake-v1", {"step_size": 0.1, **FROZEN}),
    "LinearReinforce with a baseline": (
        LinearReinforce,
        "FrozenLake-v1",
        {"baseline": np.eye(16), "features": np.random.default_rng(0).normal(size=(16, 4, 3)), **FROZEN},
    ),
}


class Parts(gymnasium.Env):
    """Two numbers that do not begin at 0. An action adds to one of them; the end is (4, 4)."""

    observation_space = gymnasium.spaces.MultiDiscrete([3, 4], start=[2, 1])
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at = np.array([2, 1])
        return self.at.copy(), {}

    def step(self, action):
        self.at[action] = min(self.at[action] + 1, 4)
        return self.at.copy(), -1.0, bool((self.at == 4).all()), False, {}


class Pairs(Parts):
    """The same as a tuple."""

    observation_space = gymnasium.spaces.Tuple([gymnasium.spaces.Discrete(3, start=2), gymnasium.spaces.Discrete(4, start=1)])

    def reset(self, **options):
        return tuple(super().reset(**options)[0].tolist()), {}

    def step(self, action):
        observation, *rest = super().step(action)
        return tuple(observation.tolist()), *rest


def made(name, **more):
    kind, environment, options = AGENTS[name]
    return kind.for_env(environment, seed=2, **options, **more)


def tables(agent):
    return [np.asarray(each) for each in agent.variables]


def require_equal(one, other):
    for mine, theirs, variable in zip(tables(one), tables(other), one.variables, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=variable.path)


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS)
def test_every_verb(name, tmp_path):
    whole, environment = made(name), AGENTS[name][1]
    again = {} if isinstance(environment, str) else {"environment": environment}
    before = tables(whole)
    history = whole.fit(1_000, report_every=500, verbose=0)
    assert history.history["step"] == [500, 1_000]
    assert any((one != other).any() for one, other in zip(before, tables(whole), strict=True))
    whole.save(tmp_path / "agent.zip")
    loaded = lab.agents.load(tmp_path / "agent.zip", **again)
    assert (type(loaded.algorithm), loaded.step, loaded.settings.keys()) == (AGENTS[name][0], 1_000, whole.settings.keys())
    require_equal(whole, loaded)
    np.testing.assert_array_equal(whole.evaluate(4).returns, loaded.evaluate(4).returns)
    for agent in (whole, loaded):
        agent.fit(1_000, verbose=0)
    require_equal(whole, loaded)
    observation, info = whole.environments.unwrapped.reset(seed=0)
    action = whole.predict(observation, action_mask=info.get("action_mask"))
    assert whole.source.actions.contains(action)
    assert whole.predict(np.array([observation] * 3)).shape == (3,)
    assert AGENTS[name][0].load(tmp_path / "agent.zip", **again).step == 1_000


def test_it_is_what_its_parts_are():
    agent = QLearning.for_env("FrozenLake-v1", seed=5, step_size=0.2)
    history = agent.fit(3_000, verbose=0)
    training = int(np.random.SeedSequence(5).generate_state(2)[0])
    learner = QLearning(16, 4, step_size=0.2)
    rollout = TabularRollout(learner, gymnasium.make("FrozenLake-v1"), seed=training)
    reports = list(train(learner, rollout, steps=3_000))
    assert learner.q == agent.algorithm.q
    returns = [report.metrics["episode_return"] for report in reports]
    assert history.history["episode_return"] == returns


@pytest.mark.parametrize(("environment", "name"), [(Parts, "Parts"), (Pairs, "Pairs"), (Pairs(), "Pairs")])
def test_observations_of_several_parts(environment, name):
    agent = MonteCarloControl.for_env(environment, seed=0)
    agent.fit(2_000, verbose=0)
    assert repr(agent) == f"MonteCarloControl('{name}', seed=0, step=2,000)"
    assert agent.environments.observation_space.n == 12
    number = DiscreteStates(Parts()).observation
    for observation in ([2, 1], [4, 2], [3, 4]):
        action = agent.algorithm.greedy_policy()[number(observation)]
        assert agent.predict(tuple(observation)) == agent.predict(np.array(observation)) == action
    assert agent.evaluate(5).mean == pytest.approx(-5.0)
    batch = np.array([[2, 1], [4, 2], [3, 4]])
    expected = agent.algorithm.greedy_policy()[[number(each) for each in batch]]
    np.testing.assert_array_equal(agent.predict(batch), expected)
    if environment is not Parts:
        np.testing.assert_array_equal(agent.predict((batch[:, 0], batch[:, 1])), expected)
    with pytest.raises(ValueError, match=r"observation: expected one in .*, or a batch of them, received"):
        agent.predict((5, 1))


def test_where_it_learns():
    own = FreeGrid()
    agent = QLearning.for_env(own, seed=0)
    assert agent.environments.unwrapped is own
    assert agent.environments.get_wrapper_attr("_max_episode_steps") == 10_000
    assert agent.source.single().unwrapped is not own
    limited = QLearning.for_env(lambda: gymnasium.wrappers.TimeLimit(FreeGrid(), 7), seed=0)
    assert limited.fit(1_000, verbose=0).history["episode_length"][0] <= 7
    wrapped = QLearning.for_env(FreeGrid, wrappers=[lambda env: gymnasium.wrappers.TransformReward(env, lambda r: r - 1)])
    history = wrapped.fit(1_000, verbose=0).history
    assert history["episode_return"][0] == pytest.approx(-2 * history["episode_length"][0])


def test_callbacks_and_validation(monkeypatch, tmp_path):
    scores, seen = iter([3.0, 7.0, 5.0]), []

    def score(algorithm, environments, *, episodes, seed):
        seen.append([np.asarray(each) for each in algorithm.variables])
        return np.array([next(scores)])

    monkeypatch.setattr(fitting, "evaluate", score)
    agent = QLearning.for_env("FrozenLake-v1", epsilon=lambda step: 0.5, seed=1)
    stop = keras.callbacks.EarlyStopping("val_return", mode="max", patience=1)
    log = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    save = SaveAgent(tmp_path / "{step}.zip", every=1_000)
    history = agent.fit(10_000, report_every=1_000, validation_episodes=1, callbacks=[stop, log, save], verbose=0)
    assert history.history["val_return"] == [3.0, 7.0, 5.0]
    assert agent.step == 3_000
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
    for kept, table in zip(seen[1], tables(agent), strict=True):  # the best of the three
        np.testing.assert_array_equal(kept, table)
    with pytest.raises(
        ValueError, match=r"2000.zip: expected epsilon=..., a function, which a file cannot hold, received none"
    ):
        QLearning.load(tmp_path / "2000.zip")
    loaded = QLearning.load(tmp_path / "2000.zip", epsilon=lambda step: 0.5)
    for kept, table in zip(seen[1], tables(loaded), strict=True):
        np.testing.assert_array_equal(kept, table)


def test_arrays_are_in_the_file(tmp_path):
    q = np.random.default_rng(0).normal(size=(16, 4))
    agent = QLearning.for_env("FrozenLake-v1", initial=q, available=(q > -1).tolist(), step_size=np.float32(0.5))
    agent.save(tmp_path / "agent.zip")
    loaded = lab.agents.load(tmp_path / "agent.zip")
    require_equal(agent, loaded)
    np.testing.assert_array_equal(loaded.settings["initial"], q)
    np.testing.assert_array_equal(loaded.settings["available"], q > -1)
    assert loaded.settings["step_size"] == 0.5
    with pytest.raises(ValueError, match="expected an agent of MonteCarloControl, received one of QLearning"):
        MonteCarloControl.load(tmp_path / "agent.zip")


def test_summary():
    agent = QLearning.for_env(StrictGrid, initial=np.zeros((16, 4)), seed=0)
    lines = []
    agent.summary(print_fn=lines.append)
    assert lines[0] == "QLearning('StrictGrid', seed=0, step=0)"
    assert "initial=array [16, 4]" in lines[3]
    assert lines[4] == "  action values: 16 states x 4 actions, learnt in 0 states (0%) and 0 pairs"
    agent.fit(3_000, verbose=0)
    assert agent.algorithm.describe() == (
        # 12 edges of the grid lead out, in 16 pairs; those of the end are not met
        "action values: 16 states x 4 actions, learnt in 15 states (94%) and 46 pairs, 14 pairs are excluded"
    )
    linear = LinearSarsaLambda.for_env("MountainCar-v0", tilings=2, tiles=3)
    assert linear.algorithm.describe() == "weights [3, 32]"


@pytest.mark.parametrize("kind", [QLearning, MonteCarloControl])
def test_the_exported_policy_is_that_of_predict(kind, tmp_path):
    agent = kind.for_env(StrictGrid, seed=0)
    agent.fit(300, verbose=0)  # some states are still ties
    states = np.arange(16)
    masks = np.random.default_rng(0).integers(0, 2, (16, 4))
    masks[:, 3] = 1
    model = keras.models.load_model(agent.export(tmp_path / "policy", format="keras"))
    for mask in (np.ones((16, 4)), masks):
        found = keras.ops.convert_to_numpy(model([states, mask]))
        np.testing.assert_array_equal(found, agent.predict(states, action_mask=mask))


@pytest.mark.parametrize("environment", [Parts, Pairs])
def test_the_exported_policy_takes_the_environments_observations(environment, tmp_path):
    agent = QLearning.for_env(environment, seed=0)
    agent.fit(500, verbose=0)
    batch = np.array([[x, y] for x in range(2, 5) for y in range(1, 5)])
    model = keras.models.load_model(agent.export(tmp_path / "policy", format="keras"))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(batch)), agent.predict(batch))
    assert 0 < agent.predict(batch).mean() < 1


class Vast(FreeGrid):
    observation_space = gymnasium.spaces.MultiDiscrete([1_000] * 30)

    def reset(self, **options):
        super().reset(**options)
        return np.zeros(30, int), {}

    def step(self, action):
        return np.zeros(30, int), *super().step(action)[1:]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: QLearning.for_env("CartPole-v1"), "expected Discrete, MultiDiscrete or a Tuple of Discrete .* for QLearning"),
        (lambda: QLearning.for_env("MountainCarContinuous-v0"), "action space: expected Discrete, received Box"),
        (lambda: QLearning.for_env("FrozenLake-v1", num_envs=8), "arguments of QLearning: expected one of .*'num_envs'"),
        (lambda: QLearning.for_env("FrozenLake-v1", epsilon=2.0), "epsilon: expected a number >= 0 and <= 1, received 2.0"),
        (lambda: QLearning.for_env("FrozenLake-v1", seed=-1), "seed: expected an integer >= 0, received -1"),
        (lambda: QLearning.for_env("FrozenLake-v9"), "expected the id of a Gymnasium environment, received 'FrozenLake-v9'"),
        (lambda: QLearning.for_env(Vast), "env: expected at most 100,000,000 pairs of state and action, received 4,000"),
        (lambda: LinearSarsaLambda.for_env("FrozenLake-v1"), "expected bounded Box observations of one axis"),
        (lambda: LinearReinforce.for_env(StrictGrid), "action_mask: expected False with LinearReinforce, .* of StrictGrid"),
        (
            lambda: LinearReinforce.for_env("FrozenLake-v1", features=np.zeros((4, 4, 2))),
            r"features: expected the shape \[16, 4, d\], received \[4, 4, 2\]",
        ),
        (lambda: QLearning.for_env(FreeGrid).predict(1.5), r"observation: expected one in Discrete\(16\), .* received 1.5"),
        (lambda: QLearning.for_env(FreeGrid).predict(-1), r"observation: expected one in Discrete\(16\), .* received -1"),
        (lambda: QLearning.for_env(FreeGrid).predict([[1, 2]]), r"received the shape \(1, 2\)"),
        (
            lambda: LinearSarsaLambda.for_env("MountainCar-v0").predict([0.0, 0.0], action_mask=[1, 1, 1]),
            "action_mask: expected none with observations in Box",
        ),
        (
            lambda: LinearSarsaLambda.for_env("MountainCar-v0").export("policy", format="keras"),
            "export: expected an algorithm with a table of states and actions, received LinearSarsaLambda",
        ),
    ],
)
def test_bad_input(build, words):
    with pytest.raises(ValueError, match=words):
        build()


@only("tensorflow")
def test_a_table_in_onnx(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    agent = QLearning.for_env("Taxi-v4", seed=0)
    agent.fit(2_000, verbose=0)
    session = onnxruntime.InferenceSession(agent.export(tmp_path / "taxi", format="onnx"))
    states, masks = np.arange(0, 500, 7, dtype=np.int32), np.ones((72, 6), np.float32)
    given = dict(zip((each.name.split(":")[0] for each in session.get_inputs()), (states, masks), strict=True))
    given = {each.name: given[each.name.split(":")[0]] for each in session.get_inputs()}
    actions = session.run(None, given)[0]
    np.testing.assert_array_equal(actions, [agent.predict(int(state), action_mask=np.ones(6, np.int8)) for state in states])
