"""The face: for_env, fit, predict, evaluate."""

import math
import random

import gymnasium
import keras
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from lab.agents import DQN, PPO, SAC, TD3, RecurrentPPO
from tests.agents.toys import Toy, fit, same, small

SAME_STEP = {"autoreset_mode": AutoresetMode.SAME_STEP}


def made(environment, **arguments):
    agent = small(PPO, environment, **arguments)
    fit(agent)
    return agent


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("environment", "arguments", "name"),
    [
        ("CartPole-v1", {}, "CartPole-v1"),
        (Toy, {"environment_options": {"length": 3}}, "Toy"),
        (lambda: Toy("image"), {}, "<lambda>"),
        (Toy(), {}, "Toy"),
        (gymnasium.make("CartPole-v1"), {"num_envs": 1}, "CartPole-v1"),
        (SyncVectorEnv([Toy] * 3, **SAME_STEP), {}, "SyncVectorEnv"),
        (gymnasium.make_vec("CartPole-v1", 3, "sync", vector_kwargs=SAME_STEP), {}, "CartPole-v1"),
        (Toy, {"vectorization": "async", "environment_options": {"seen": "dict", "masked": True}}, "Toy"),
        ("lab/CartPole-v1", {"vectorization": "device"}, "lab/CartPole-v1"),
        (Toy, {"wrappers": [lambda env: gymnasium.wrappers.TimeLimit(env, 2)]}, "Toy"),
    ],
)
def test_environments_of_every_kind(environment, arguments, name):
    agent = made(environment, **arguments)
    count = getattr(environment, "num_envs", arguments.get("num_envs", 2))
    shown = f", num_envs={count}" if count > 1 else ""
    assert repr(agent) == f"PPO({name!r}{shown}, seed=0, step={agent.step:,})" and agent.step >= 16
    assert agent.environments.num_envs == count and agent.rollout.agent is agent.algorithm
    if "wrappers" in arguments:
        assert agent.history.history["episode_length"] == [2.0, 2.0]
    if environment is Toy and "environment_options" in arguments and "length" in arguments["environment_options"]:
        assert agent.history.history["episode_length"] == [3.0, 3.0]
    returns = agent.evaluate(3)
    half = 4.302653 * returns.returns.std(ddof=1) / math.sqrt(3)  # Student's t with 2 degrees of freedom
    assert returns.returns.shape == (3,) and returns.mean == pytest.approx(returns.returns.mean())
    assert returns.interval == pytest.approx(half, rel=1e-5)
    agent.environments.close()


@pytest.mark.usefixtures("eager")
def test_an_environment_that_exists_is_itself_the_one_to_learn_in():
    env = Toy()
    agent = small(PPO, env, num_envs=1)
    fit(agent)
    assert agent.environments.envs[0].unwrapped is env
    assert agent.source.fresh(1).envs[0].unwrapped is not env


@pytest.mark.usefixtures("eager")
def test_fit_goes_on_and_history_is_of_keras():
    agent = small(PPO)
    history = fit(agent)
    assert isinstance(history, keras.callbacks.History)
    assert history.history["step"] == [8, 16] and len({len(each) for each in history.history.values()}) == 1
    more = fit(agent, 20)  # rounded up to whole reports
    assert more.history["step"] == [24, 32, 40] and agent.step == 40
    assert int(agent.algorithm.steps) == 40


@pytest.mark.usefixtures("eager")
def test_metrics_that_come_later_are_nan_before():
    agent = small(DQN, Toy, environment_options={"length": 30})
    history = fit(agent, 24).history
    assert np.isnan(history["loss"]).tolist() == [True, False, False] and np.isnan(history["episode_return"]).all()


@pytest.mark.usefixtures("eager")
def test_what_falls_ends_where_fit_ends():
    agent = small(PPO, learning_rate=0.5, clip=0.4, clip_end=0.1, entropy_weight=0.2)
    seen = []
    fit(agent, 32, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: seen.append(None))])
    assert float(agent.optimizer.learning_rate) == pytest.approx(0.5 / 4)  # of the last quarter
    assert float(agent.algorithm.clip(agent.algorithm.steps.value)) == pytest.approx(0.1)
    agent.horizon.steps.assign(64.0)
    assert float(agent.algorithm.clip(32)) == pytest.approx(0.25)
    assert float(agent.algorithm.clip(640)) == pytest.approx(0.1)  # beyond the horizon
    fit(agent, 8, horizon=80)  # from step 32 to 40: 48 of 80 are left
    assert float(agent.optimizer.learning_rate) == pytest.approx(0.5 * 48 / 80)
    agent.optimizer.learning_rate = 1e-4
    fit(agent)
    assert float(agent.optimizer.learning_rate) == pytest.approx(1e-4)
    constant = small(DQN, learning_rate=0.25)
    fit(constant)
    assert float(constant.optimizer.learning_rate) == 0.25


@pytest.mark.usefixtures("eager")
def test_a_step_size_that_is_set_takes_effect_at_once():
    agent = small(PPO, learning_rate=0.5)
    fit(agent)
    agent.optimizer.learning_rate = 0.0
    before = [np.array(variable) for variable in agent.algorithm.model.trainable_variables]
    fit(agent)
    after = agent.algorithm.model.trainable_variables
    assert all(np.array_equal(old, np.array(new)) for old, new in zip(before, after, strict=True))


@pytest.mark.usefixtures("eager")
def test_actor_and_critic_have_optimizers_of_their_own():
    agent = small(SAC, environment_options={"done": "box"}, optimizer=keras.optimizers.SGD(0.25))
    both = agent.actor_optimizer, agent.critic_optimizer
    assert both[0] is not both[1] and [float(each.learning_rate) for each in both] == [0.25, 0.25]
    assert both[0] is agent.algorithm.optimizer and both[1] is agent.algorithm.critics.optimizer
    with pytest.raises(AttributeError, match="expected actor_optimizer or critic_optimizer"):
        agent.optimizer  # noqa: B018
    with pytest.raises(AttributeError, match="expected optimizer, the only one"):
        small(PPO).actor_optimizer  # noqa: B018


def test_strings_and_numbers_where_keras_takes_them():
    agent = small(DQN, optimizer="sgd", epsilon=0.1, learning_rate=0.125, hidden=[5])
    assert type(agent.optimizer) is keras.optimizers.SGD and float(agent.optimizer.learning_rate) == 0.125
    assert agent.optimizer.global_clipnorm == 10.0 and agent.algorithm.epsilon(10**6) == 0.1
    assert agent.algorithm.model.layers[0].units == 5
    half = small(DQN, epsilon=lambda step: 0.5)
    assert half.algorithm.epsilon(7) == 0.5


@pytest.mark.usefixtures("eager")
def test_the_best_of_the_checks_comes_back(monkeypatch):
    agent, scores, weights = small(PPO), iter([1.0, 5.0, 2.0]), []

    def checked(algorithm, envs, *, episodes, seed):
        weights.append(algorithm.model.get_weights())
        return np.full(episodes, next(scores))

    monkeypatch.setattr("lab.agents.fitting.evaluate", checked)
    history = fit(agent, 24, validation_episodes=3)
    assert history.history["val_return"] == [1.0, 5.0, 2.0]
    assert all(np.array_equal(a, b) for a, b in zip(agent.algorithm.model.get_weights(), weights[1], strict=True))


@pytest.mark.usefixtures("eager")
def test_keras_callbacks(tmp_path):
    agent = small(PPO, "CartPole-v1", learning_rate=0.5, learning_rate_end=0.5)
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", "episode_return", save_best_only=True, mode="max"),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.ReduceLROnPlateau("explained_variance", mode="max", factor=0.5, patience=1, min_delta=1e9),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.EarlyStopping("explained_variance", mode="max", patience=2, min_delta=1e9, restore_best_weights=True),
    ]
    history = fit(agent, 800, callbacks=callbacks)
    assert history.history["step"] == [8, 16, 24]  # EarlyStopping's patience
    assert float(agent.optimizer.learning_rate) == 0.125  # halved twice, then nobody else's
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
    saved = keras.models.load_model(tmp_path / "best.keras", compile=False)
    assert [v.shape for v in saved.variables] == [v.shape for v in agent.algorithm.model.variables]
    with pytest.raises(ValueError, match="report_every: expected an integer >= 1, received 0"):
        fit(agent, 8, report_every=0)


@pytest.mark.usefixtures("eager")
def test_predict_takes_one_or_a_batch_as_the_environment_gives_it():
    agent = small(PPO, environment_options={"seen": "dict", "done": "multi", "masked": True})
    env = Toy("dict", "multi", True)
    observations = [env.reset(seed=seed)[0] for seed in range(4)]
    single = [agent.predict(each) for each in observations]
    batch = agent.predict({name: np.stack([each[name] for each in observations]) for name in observations[0]})
    assert isinstance(batch, np.ndarray) and batch.shape == (4, 2) and batch.dtype == env.action_space.dtype
    np.testing.assert_array_equal(batch, single)
    for forbidden in range(3):
        mask = (np.array([1, 0], np.int8), np.arange(3) != forbidden)
        first, second = agent.predict(observations[0], action_mask=mask)
        assert first == 0 and second != forbidden
    one = small(DQN, environment_options={"seen": "discrete"})
    assert one.predict(2) in range(3) and one.predict(np.array([1, 2, 4])).shape == (3,)
    assert one.predict(2).dtype == np.int64 and np.ndim(one.predict(2)) == 0


@pytest.mark.usefixtures("eager")
def test_predict_uses_the_newest_weights_and_explores_if_asked():
    agent = small(PPO, "CartPole-v1", learning_rate=0.5)
    batch = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    before = agent.predict(batch)
    np.testing.assert_array_equal(agent.predict(batch), before)
    assert len({tuple(agent.predict(batch, explore=True)) for _ in range(3)}) == 3
    np.testing.assert_array_equal(agent.predict(batch), before)
    fit(agent, 32)
    np.testing.assert_array_equal(agent.predict(batch), agent.algorithm.host_policy()(batch, np.ones(64, bool))[0])


@pytest.mark.slow
@pytest.mark.usefixtures("graphs")
def test_a_recurrent_agent_remembers_or_is_told():
    agent = small(RecurrentPPO, "CartPole-v1")
    observations = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    policy = agent.algorithm.host_policy()
    expected = [policy(each[None], np.array([t == 0]))[0][0] for t, each in enumerate(observations)]
    assert [agent.predict(each) for each in observations] == expected
    assert [agent.predict(each, start=t == 0) for t, each in enumerate(observations)] == expected
    actions, state = [], ()
    for each in observations:
        action, state = agent.predict(each, state=state)
        actions.append(action)
    assert actions == expected and len(state) == 4
    with pytest.raises(ValueError, match="explore: expected False with a recurrent agent"):
        agent.predict(observations[0], explore=True)
    with pytest.raises(ValueError, match="state: expected with a recurrent agent, received with PPO"):
        small(PPO, "CartPole-v1").predict(observations[0], state=())
    assert agent.predict(observations).shape == (5,)  # another number of observations: an empty memory
    mine = agent._memory
    fresh = agent.predict(observations[0], state=())[1]
    assert agent._memory is mine  # who passes a memory does not change the agent's own
    again = agent.predict(observations[0], state=state, start=True)[1]
    for one, other in zip(fresh, again, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-7)


@pytest.mark.usefixtures("eager")
def test_a_seed_is_all_that_is_random():
    one, two, other = (small(PPO, "CartPole-v1", seed=seed) for seed in (3, 3, 4))
    for agent in (one, two, other):
        fit(agent)
    assert same(one, two) and not same(one, other)
    assert one.evaluate(2).mean == two.evaluate(2).mean


@pytest.mark.usefixtures("eager")
def test_a_function_makes_the_same_network_from_the_same_seed():
    def network(observations, actions):
        return keras.Sequential([keras.Input(observations.shape), keras.layers.Dense(4), keras.layers.Dense(int(actions.n))])

    made = []
    for seed in (3, 3, 4):
        random.random()  # whoever draws from Python's generator changes nothing
        before = random.getstate()
        made.append(small(DQN, network=network, seed=seed))
        assert random.getstate() == before
    one, two, _ = made
    kernels = [np.asarray(agent.algorithm.online.layers[0].kernel) for agent in made]
    assert same(one, two) and not np.array_equal(kernels[0], kernels[2])


class Subclassed(keras.Model):
    """A model whose call Keras does not know in advance."""

    def __init__(self, **options):
        super().__init__(**options)
        self.first, self.last = keras.layers.Dense(4, "relu"), keras.layers.Dense(3)

    def call(self, x):
        return self.last(self.first(x))


def subclassed():
    model = Subclassed()
    model(np.zeros((1, 3), np.float32))
    return model


def features(width=3):
    return keras.Sequential([keras.Input((width,)), keras.layers.Dense(4, "relu")])


def whole():
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4)(inputs)
    return keras.Model(inputs, [keras.layers.Dense(3)(hidden), keras.ops.squeeze(keras.layers.Dense(1)(hidden), -1)])


def of_parts(outputs):
    parts = {"speed": (3,), "camera": (6, 6, 3), "gear": (3,)}
    inputs = [keras.Input(shape, name=name) for name, shape in parts.items()]
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(each) for each in inputs])
    return keras.Model(inputs, keras.layers.Dense(outputs)(joined))


def tanh_actor(observations, actions):
    return keras.Sequential([keras.Input(observations.shape), keras.layers.Dense(2, "tanh")])


def sum_critic(observations, actions):
    inputs = [keras.Input(observations.shape), keras.Input(actions.shape)]
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()(inputs)))


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("algorithm", "arguments", "options"),
    [
        (DQN, lambda: {"network": keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])}, {}),
        (DQN, lambda: {"network": subclassed()}, {}),
        (DQN, lambda: {"network": of_parts(3)}, {"seen": "dict", "masked": True}),
        (PPO, lambda: {"network": features()}, {}),
        (PPO, lambda: {"network": subclassed()}, {"done": "box"}),
        (PPO, lambda: {"network": whole()}, {}),
        (PPO, lambda: {"network": of_parts(4)}, {"seen": "dict", "masked": True, "done": "multi"}),
        (TD3, lambda: {"network": tanh_actor, "critic": sum_critic}, {"done": "box"}),
        (SAC, lambda: {"critic": sum_critic(Toy().observation_space, Toy(done="box").action_space)}, {"done": "box"}),
    ],
)
def test_networks_of_the_users_own(algorithm, arguments, options):
    given = arguments()
    agent = small(algorithm, environment_options=options, **given)
    before = [np.array(v) for model in given.values() if isinstance(model, keras.Model) for v in model.trainable_variables]
    fit(agent)
    after = [v for model in given.values() if isinstance(model, keras.Model) for v in model.trainable_variables]
    assert not before or any(not np.array_equal(old, np.array(new)) for old, new in zip(before, after, strict=True))
    observation, info = Toy(**options).reset(seed=0)
    agent.predict(observation, action_mask=info.get("action_mask"))


def test_summary_says_what_the_agent_sees_and_does():
    lines = []
    small(SAC, environment_options={"done": "box"}).summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert lines[0] == "SAC('Toy', num_envs=2, seed=0, step=0)" and "observations: Box(-1.0, 1.0, (3,), float32)" in text
    assert "actions: Box([-2. 0.], [2. 1.], (2,), float32)" in text and "batch_size=4" in text
    assert "steps=" not in text and text.count("Total params") == 3  # actor and two critics


@pytest.mark.usefixtures("eager")
def test_an_interrupt_loses_nothing():
    agent = small(PPO, learning_rate_end=0.1)
    calls = iter(range(3))
    learn = agent.rollout._programs[True]

    def interrupted(trajectory):
        result = learn(trajectory)
        if next(calls) == 1:
            raise KeyboardInterrupt
        return result

    agent.rollout._programs[True] = interrupted
    with pytest.raises(KeyboardInterrupt):
        agent.fit(32, report_every=24, verbose=0)
    assert agent.step == 16 == int(agent.algorithm.steps)
    assert fit(agent, 8).history["step"] == [24]
    calls, before = iter([1]), agent.algorithm.model.get_weights()
    with pytest.raises(KeyboardInterrupt):  # before the first check: the newest weights stay
        agent.fit(32, report_every=24, verbose=0, validation_episodes=1)
    assert not all(np.array_equal(a, b) for a, b in zip(before, agent.algorithm.model.get_weights(), strict=True))
    assert agent.step == 32
    interrupted_early = small(DQN, learning_starts=24)
    interrupted_early.step = 8
    assert fit(interrupted_early, 24).history["step"] == [24, 32]


@pytest.mark.usefixtures("eager")
def test_a_line_for_each_report(capsys):
    agent = small(PPO, "CartPole-v1")
    agent.fit(32, report_every=16, verbose=2, callbacks=keras.callbacks.CSVLogger("/dev/null"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["step 16", "step 32"]
    agent.fit(16, report_every=16, verbose=0)
    assert not capsys.readouterr().out
