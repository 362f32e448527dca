"""The callback that tracks training, in each kind of `fit`."""

import keras
import numpy as np
import pytest

from lab.supervised import Recipe, TrackRun, Training
from tests.gan.players import gan


class Run:
    """Keeps what is logged."""

    def __init__(self):
        self.logged, self.curves, self.models = [], [], []

    def log(self, metrics, step):
        self.logged.append((step, metrics))

    def curve(self, key, *, label, x_label):
        self.curves.append((key, label, x_label))

    def model(self, model):
        self.models.append(model)


def network():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


X, Y = np.ones((8, 3), "float32"), np.zeros((8, 2), "float32")


def test_a_keras_model():
    run, model = Run(), network()
    tracked = TrackRun(run, curve="val_loss", model=True)
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[tracked])
    assert [step for step, _ in run.logged] == [1, 2]
    assert [metrics["val_loss"] for _, metrics in run.logged] == history.history["val_loss"]
    assert run.curves == [("val_loss", "val loss", "epoch")]
    assert run.models == [model]


def test_a_second_fit_goes_on_and_a_resumed_one_keeps_its_epochs():
    run, model = Run(), network()
    tracked = TrackRun(run)
    for start, end in ((0, 2), (0, 2), (4, 5), (9, 10)):
        model.fit(X, Y, initial_epoch=start, epochs=end, verbose=0, callbacks=[tracked])
    assert [step for step, _ in run.logged] == [1, 2, 3, 4, 5, 10]
    assert (run.curves, run.models) == ([], [])


def test_a_gan_logs_its_averaged_generator():
    run, trained = Run(), gan()
    samples = np.random.default_rng(0).normal(size=(16, 2)).astype("float32")
    trained.fit(samples, batch_size=8, epochs=2, verbose=0, callbacks=[TrackRun(run, curve="discriminator_loss", model=True)])
    assert [step for step, _ in run.logged] == [1, 2]
    assert "generator_loss" in run.logged[0][1]
    assert run.models == [trained.average] and trained.average is not trained.generator


@pytest.mark.slow
def test_a_training_logs_the_average_that_is_evaluated():
    run = Run()
    small = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    training = Training(small, Recipe(epochs=2, batch_size=4, ema=0.9), steps_per_epoch=2, classes=2, seed=0)
    training.fit(X, np.arange(8) % 2, callbacks=[TrackRun(run, model=True)])
    assert [step for step, _ in run.logged] == [1, 2]
    assert run.models == [training.model.average]


class Agent:
    """As the `fit` of agents calls callbacks."""

    def policy_model(self):
        return "the policy"

    def fit(self, callbacks):
        callback_list = keras.callbacks.CallbackList(callbacks, model=self)
        callback_list.on_train_begin()
        for epoch, step in enumerate((256, 512, 1024)):
            callback_list.on_epoch_end(epoch, {"episode_return": 7.0 + epoch, "step": step})
        callback_list.on_train_end()


def test_an_agent_counts_its_steps():
    run = Run()
    Agent().fit([TrackRun(run, curve="episode_return", model=True)])
    assert run.logged == [(256, {"episode_return": 7.0}), (512, {"episode_return": 8.0}), (1024, {"episode_return": 9.0})]
    assert run.curves == [("episode_return", "episode return", "step")]
    assert run.models == ["the policy"]


def test_logs_are_left_as_they_are():
    tracked, logs = TrackRun(Run()), {"loss": 1.0, "step": 3}
    tracked.on_train_begin()
    tracked.on_epoch_end(0, logs)
    assert logs == {"loss": 1.0, "step": 3}


def test_what_is_no_run_is_refused():
    with pytest.raises(ValueError, match=r"run: expected what lab.runs.start yields, received str\."):
        TrackRun("mine")


def test_a_model_arrives_in_a_real_run(own_home):
    import lab.runs

    with lab.runs.start("digits", {"units": 2}, tracking_uri="none") as run:
        network().fit(X, Y, epochs=3, verbose=0, callbacks=[TrackRun(run, curve="loss", model=True)])
    assert [step for step, _ in run.folder.metrics()["loss"]] == [1, 2, 3]
    assert (run.artifacts / "curve.png").exists()
    keras.saving.load_model(run.artifacts / "model.keras")


@pytest.mark.usefixtures("eager")
def test_an_agents_numbers_and_its_greedy_policy():
    from lab.agents import PPO
    from tests.agents.toys import fit, small

    run, agent = Run(), small(PPO, "CartPole-v1")
    fit(agent, callbacks=[TrackRun(run, curve="episode_return", model=True)])
    assert [step for step, _ in run.logged] == [8, 16]
    assert all(value == value for _, values in run.logged for value in values.values()) and "policy_loss" in run.logged[0][1]
    assert run.curves == [("episode_return", "episode return", "step")]
    (model,) = run.models
    assert model.name == "policy" and model.output_shape == (None, 2)
