"""Supervised training: what the recipe does, and that it is exact at the boundaries of epochs."""

import dataclasses
import functools
import types

import keras
import numpy as np
import pytest

from lab.errors import NonFiniteError
from lab.layers import BatchNormalization
from lab.models import mlp
from lab.runs import checkpoint
from lab.supervised import Recipe, Training, range_test
from lab.supervised.early_stopping import EarlyStopping
from lab.supervised.optimization import make_optimizer, step_sizes
from tests.contracts import as_array, raises, uniform

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 8, 8, 1)).astype("uint8")
LABELS = (IMAGES.mean(axis=(1, 2, 3)) > 127).astype("int32")
VECTORS = uniform(1, 60, 4)
CHEAP = Recipe(epochs=3, batch_size=16, learning_rate=1e-2)


def small_network(seed=0):
    """Layers with weights, with statistics and with random states."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, kernel_initializer=keras.initializers.HeNormal(seed)),
            BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dropout(0.2, seed=seed + 1),
            keras.layers.Dense(2, kernel_initializer=keras.initializers.GlorotNormal(seed + 2)),
        ]
    )


def test_the_engine_is_prepared_before_keras_compiles(monkeypatch):
    made = []
    monkeypatch.setattr("lab.engine.prepare", lambda: made.append("engine"))
    monkeypatch.setattr(keras.Model, "compile", lambda *arguments, **options: made.append("model"))
    Training(small_network(), CHEAP, steps_per_epoch=3, classes=2, seed=0)
    assert made == ["engine", "model"]


def everything(**changes):
    recipe = dataclasses.replace(
        CHEAP,
        epochs=3,
        optimizer="sgd",
        mixup=0.4,
        cutmix=1.0,
        label_smoothing=0.1,
        shift=1,
        flip=True,
        rotation=10.0,
        ema=0.9,
        patience=3,
        weight_decay=1e-3,
        clip_norm=1.0,
    )
    return dataclasses.replace(recipe, **changes)


def values(training):
    return [np.array(variable) for variable in training.state]


@(pytest.mark.long if keras.backend.backend() == "jax" else pytest.mark.slow)  # JAX compiles for ten seconds each time
def test_killed_after_any_epoch_and_resumed_it_ends_the_same(tmp_path):
    whole = Training(small_network(), everything(), steps_per_epoch=3, classes=2, seed=5)
    saved = {}

    def keep(epoch, logs):
        checkpoint.save(tmp_path / str(epoch), epoch + 1, whole.state, config_digest="same")
        saved[epoch] = dict(logs)

    validation = (IMAGES[:20], LABELS[:20])
    keeper = keras.callbacks.LambdaCallback(on_epoch_end=keep)
    whole.fit(IMAGES[:50], LABELS[:50], validation=validation, callbacks=[keeper])
    for epoch in saved:
        # Other weights, until they are restored.
        again = Training(small_network(seed=9), everything(), steps_per_epoch=3, classes=2, seed=5)
        found = checkpoint.restore(tmp_path / str(epoch), again.state, config_digest="same")
        later = {}
        note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs, later=later: later.update({epoch: dict(logs)}))
        again.fit(IMAGES[:50], LABELS[:50], validation=validation, callbacks=[note], initial_epoch=found.step)
        for one, other, variable in zip(values(again), values(whole), whole.state, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=variable.path)
        assert later == {number: logs for number, logs in saved.items() if number > epoch}
    np.testing.assert_array_equal(again.predict(IMAGES), whole.predict(IMAGES))


def test_step_sizes_rise_and_fall():
    recipe = Recipe(epochs=10, learning_rate=0.5, warm_up=2.0)
    schedule = step_sizes(recipe, 5)
    got = [float(schedule(step)) for step in (0, 5, 10, 30, 50)]
    np.testing.assert_allclose(got, [0, 0.25, 0.5, 0.25, 0], atol=1e-6)
    constant = step_sizes(dataclasses.replace(recipe, schedule="constant"), 5)
    np.testing.assert_allclose([float(constant(step)) for step in (0, 5, 10, 50)], [0, 0.25, 0.5, 0.5], atol=1e-6)
    assert step_sizes(dataclasses.replace(recipe, schedule="constant", warm_up=0.0), 5) == 0.5
    falls = step_sizes(dataclasses.replace(recipe, warm_up=0.0), 5)
    np.testing.assert_allclose([float(falls(step)) for step in (0, 25, 50)], [0.5, 0.25, 0], atol=1e-6)


def test_decay_spares_biases_and_normalisation():
    network = small_network()
    optimizer = make_optimizer(Recipe(weight_decay=0.5, warm_up=0.0, schedule="constant", learning_rate=0.1), 3, network)
    optimizer.build(network.trainable_variables)
    before = [as_array(variable).copy() for variable in network.trainable_variables]
    optimizer.apply([0 * variable for variable in network.trainable_variables], network.trainable_variables)
    for variable, old in zip(network.trainable_variables, before, strict=True):
        np.testing.assert_allclose(as_array(variable), old * (0.95 if old.ndim > 1 else 1), rtol=1e-6)


@pytest.mark.slow
def test_the_average_is_what_is_evaluated(monkeypatch):
    monkeypatch.setattr("lab.supervised.training.UPDATES_AT_ONCE", 1)  # the callback is to see each
    recipe = dataclasses.replace(CHEAP, ema=0.15, epochs=1, warm_up=0.0)
    training = Training(small_network(), recipe, steps_per_epoch=3, classes=2, seed=0)
    start, steps, ends = copied(training.network), [], []
    callbacks = [
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: ends.extend([copied(training.network), logs["val_loss"]])
        )
    ]
    if keras.backend.backend() == "tensorflow":  # on JAX variables are brought up to date after the epoch
        callbacks.append(
            keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(copied(training.network)))
        )
    validation = (IMAGES[:20], LABELS[:20])
    training.fit(IMAGES[:50], LABELS[:50], validation=validation, callbacks=callbacks)
    mean = start
    for decay, step in zip((0.1, 0.15, 0.15), steps):  # weights and statistics alike; (1 + t) / (10 + t) is 0.1, 0.18, ...
        mean = [decay * m + (1 - decay) * s if s.dtype.kind == "f" else s for m, s in zip(mean, step)]
    found = copied(training.network)
    for got, expected in zip(found, mean if steps else found, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)
    assert int(training.model.average_updates) == 3
    learnt, loss = ends
    differ = {v.path.rsplit("/")[-1] for v, a, b in zip(training.network.variables, found, learnt) if (a != b).any()}
    assert differ >= {"kernel", "moving_mean", "moving_variance"}  # the average is not what went on to learn
    exact = keras.losses.SparseCategoricalCrossentropy(True)(validation[1], training.predict(validation[0]))
    assert float(exact) == pytest.approx(loss, rel=1e-5)  # and is what was evaluated


def test_keras_saves_what_it_trains(tmp_path):
    training = make(ema=0.9, shift=1)
    training.model.average_updates.assign(9)
    training.model.average.variables[0].assign(np.full((3, 3, 1, 4), 0.5))
    training.model.save(tmp_path / "last.keras")  # as `keras.callbacks.ModelCheckpoint` does
    loaded = keras.saving.load_model(tmp_path / "last.keras")
    x = as_array(IMAGES[:5] / 127.5 - 1)
    np.testing.assert_array_equal(as_array(loaded(x)), as_array(training.model(x)))
    assert int(loaded.average_updates) == 9 and loaded.decay == 0.9 and len(loaded.augmentation) == 1


def copied(model):
    return [np.array(as_array(variable)) for variable in model.variables]


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere it is one update at a time")
def test_how_many_updates_run_at_once_changes_no_bit(monkeypatch):
    recipe, ends, seen = dataclasses.replace(CHEAP, epochs=2, ema=0.9), [], []
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    for at_once in (1, 2, 8):  # of three an epoch: each, with one left over, all
        monkeypatch.setattr("lab.supervised.training.UPDATES_AT_ONCE", at_once)
        training = Training(small_network(), recipe, steps_per_epoch=3, classes=2, seed=0)
        losses = training.fit(IMAGES[:50], LABELS[:50], callbacks=[note]).history["loss"]
        ends.append([np.array(losses), *values(training)])
    for other in ends[1:]:
        for got, expected in zip(other, ends[0], strict=True):
            np.testing.assert_array_equal(got, expected)
    assert len(seen) == 2 * (3 + 2 + 1)


@pytest.mark.slow
def test_resumed_after_its_last_epoch_it_ends_with_the_averaged_weights_too():
    recipe = dataclasses.replace(CHEAP, ema=0.5, epochs=1, warm_up=0.0)
    whole, again = (Training(mlp((4,), (3,), 2, seed=0), recipe, steps_per_epoch=3, classes=2, seed=0) for _ in range(2))
    kept = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.extend(values(whole)))
    whole.fit(VECTORS[:50], LABELS[:50], callbacks=[note])
    for variable, value in zip(again.state, kept, strict=True):
        variable.assign(value)
    outputs = [each.network.predict(VECTORS, verbose=0) for each in (again, whole)]
    assert (outputs[0] != outputs[1]).any()
    np.testing.assert_array_equal(again.predict(VECTORS), whole.predict(VECTORS))  # those of the average
    assert again.fit(VECTORS[:50], LABELS[:50], initial_epoch=1) is None
    np.testing.assert_array_equal(again.network.predict(VECTORS, verbose=0), outputs[1])


@pytest.mark.slow
def test_early_stopping_brings_the_best_weights_back():
    recipe = dataclasses.replace(CHEAP, epochs=30, patience=2, learning_rate=0.5, warm_up=0.0, optimizer="sgd")
    training = Training(mlp((4,), (16,), 2, seed=0), recipe, steps_per_epoch=3, classes=2, seed=0)
    losses = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: losses.append(logs["val_loss"]))
    validation = (VECTORS[50:], LABELS[50:])
    training.fit(VECTORS[:50], LABELS[:50], validation=validation, callbacks=[note])
    assert len(losses) < 30 and np.argmin(losses) == len(losses) - 3
    logits = training.predict(validation[0])
    loss = keras.losses.SparseCategoricalCrossentropy(True)(validation[1], logits)
    assert float(loss) == pytest.approx(min(losses), rel=1e-5)
    before = values(training)
    assert training.fit(VECTORS[:50], LABELS[:50], validation=validation, initial_epoch=len(losses)) is None
    for one, other in zip(values(training), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_patience_counts_from_the_best_epoch():
    stopping, over = EarlyStopping([], 2, []), []
    stopping.set_model(types.SimpleNamespace(stop_training=False))
    for loss in (1.0, 2.0, 0.5, 0.6, 0.7):
        stopping.on_epoch_end(0, {"val_loss": loss})
        over.append((stopping.over, stopping.model.stop_training))
    assert over == [(False, False)] * 4 + [(True, True)]


def test_a_run_that_diverges_names_what_did():
    recipe = dataclasses.replace(CHEAP, optimizer="sgd", learning_rate=1e6, warm_up=0.0)
    training = Training(mlp((4,), (8,), 1, seed=0), recipe, steps_per_epoch=3, seed=0)
    with pytest.raises(
        NonFiniteError, match=r"expected a finite number.* at epoch 1.*first variable that is not finite: network"
    ):
        training.fit(VECTORS[:50], 1e30 * VECTORS[:50, :1])


def test_the_range_test_finds_where_it_blows_up_and_leaves_all_as_it_was():
    recipe = dataclasses.replace(CHEAP, optimizer="sgd", learning_rate=1e-2)
    training = Training(mlp((4,), (8,), 1, seed=0), recipe, steps_per_epoch=3, seed=0)
    before = values(training)
    found = range_test(training, VECTORS[:50], VECTORS[:50] @ np.ones((4, 1), "float32"), least=1e-4, most=1e4, steps=120)
    assert len(found.rates) < 120 and found.losses[-1] > 4 * found.losses.min()
    assert 1e-3 < found.suggestion < 1
    assert found.losses.min() < 0.7 * found.losses[0]
    for one, other in zip(values(training), before, strict=True):
        np.testing.assert_array_equal(one, other)


KNOBS = [
    {"mixup": 0.4}, {"cutmix": 1.0}, {"shift": 2}, {"flip": True}, {"rotation": 20.0}, {"label_smoothing": 0.2}, {"ema": 0.9},
    {"weight_decay": 0.1}, {"clip_norm": 0.01}, {"optimizer": "sgd"}, {"optimizer": "rmsprop"}, {"warm_up": 0.0},
    {"schedule": "constant"}, {"learning_rate": 0.02}, {"batch_size": 15},
]  # fmt: skip


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: next(iter(knob)))
@pytest.mark.slow
def test_every_knob_is_alive(knob):
    assert (trained() != trained(**knob)).any()


@functools.cache
def trained(**knob):
    recipe = dataclasses.replace(CHEAP, epochs=2, **knob)
    training = Training(small_network(), recipe, steps_per_epoch=50 // recipe.batch_size, classes=2, seed=0)
    training.fit(IMAGES[:50], LABELS[:50])
    return training.predict(IMAGES)


def make(**changes):
    return Training(small_network(), dataclasses.replace(CHEAP, **changes), steps_per_epoch=3, classes=2, seed=0)


def of_vectors(recipe, classes=None):
    return Training(mlp((4,), (3,), 2, seed=0), recipe, steps_per_epoch=1, classes=classes, seed=0)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: make().fit(IMAGES[:50], LABELS[:50] + 1), ["y: expected labels from 0 to 1", "1 to 2"]),
        (lambda: make().fit(IMAGES[:50], LABELS[:50] * 1.0), ["y: expected integer labels", "float64"]),
        (lambda: make().fit(IMAGES[:50], LABELS[:49]), ["y: expected 50 targets", "49"]),
        (lambda: make().fit(IMAGES[:50, :7], LABELS[:50]), ["x: expected examples of shape", r"\(7, 8, 1\)"]),
        (lambda: make().fit(np.repeat(IMAGES[:50], 3, -1), LABELS[:50]), ["x: expected examples of shape", r"\(8, 8, 3\)"]),
        (lambda: make().fit(np.full((50, 8, 8, 1), np.nan), LABELS[:50]), ["x: expected finite numbers", "nan"]),
        (
            lambda: make().fit(IMAGES[:50].astype(int), LABELS[:50]),
            ["x: expected finite numbers or integers from 0 to 255", "int64"],
        ),
        (lambda: make(shift=8), ["shift: expected less than the image's 8 pixels", "8"]),
        (lambda: range_test(make(), IMAGES[:9], LABELS[:9]), ["x: expected at least 16 examples", "9"]),
        (lambda: make().fit(IMAGES[:30], LABELS[:30]), ["x: expected 3 batches of 16", "1"]),
        (lambda: make(patience=1).fit(IMAGES[:50], LABELS[:50]), ["patience: expected validation examples"]),
        (lambda: Recipe(warm_up=50.0), ["warm-up: expected at most epochs, 30", "50"]),
        (lambda: Recipe(ema=1.0), ["ema: expected", "1.0"]),
        (lambda: of_vectors(Recipe(flip=True), classes=2), ["flip.*expected images", r"\(4,\)"]),
        (lambda: of_vectors(Recipe(mixup=1.0)), ["mixup, cutmix, label_smoothing: expected 0 without classes"]),
        (lambda: Training(mlp((4,), (3,), 2, seed=0), CHEAP, seed=0), ["steps_per_epoch: expected an integer >= 1", "None"]),
    ],
)
def test_bad_input_is_named(act, words):
    with raises(words):
        act()


def test_sequences_of_no_length_are_refused():
    network = keras.Sequential([keras.Input((None, 2)), keras.layers.GRU(3), keras.layers.Dense(1)])
    with raises(["x: expected sequences or images with something in them", r"\(20, 0, 2\)"]):
        Training(network, CHEAP, steps_per_epoch=1, seed=0).fit(np.zeros((20, 0, 2), "float32"), np.zeros((20, 1)))


def test_the_old_name_of_steps_per_epoch_warns():
    with pytest.warns(DeprecationWarning, match="steps: its name is steps_per_epoch now"):
        training = Training(mlp((4,), (3,), 2, seed=0), CHEAP, steps=3, classes=2, seed=0)
    assert training.steps_per_epoch == 3
    with pytest.warns(DeprecationWarning, match="steps: its name is steps_per_epoch now"):
        assert training.steps == 3


def mixed(precision="mixed_bfloat16", **changes):
    """(a training of a convolution and two dense layers, what these compute with)."""
    *body, last = small_network().layers
    hidden = keras.layers.Dense(8, "relu", kernel_initializer=keras.initializers.HeNormal(7))
    network = keras.Sequential([keras.Input((8, 8, 1)), *body, hidden, keras.layers.Dense.from_config(last.get_config())])
    recipe = dataclasses.replace(CHEAP, precision=precision, **{"ema": 0.9, "mixup": 0.4} | changes)
    return Training(network, recipe, steps_per_epoch=3, classes=2, seed=5), [
        network.layers[number].compute_dtype for number in (0, -2, -1)
    ]


@pytest.mark.slow
def test_mixed_precision_has_the_same_bits_twice_and_after_a_resume():
    (whole, dtypes), (twice, _), (again, _) = mixed(), mixed(), mixed()
    assert dtypes == ["bfloat16", "bfloat16", "float32"]
    kept = {}
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.setdefault(epoch, values(whole)))
    whole.fit(IMAGES[:50], LABELS[:50], callbacks=[note])
    twice.fit(IMAGES[:50], LABELS[:50])
    for variable, value in zip(again.state, kept[1], strict=True):
        variable.assign(value)
    again.fit(IMAGES[:50], LABELS[:50], initial_epoch=2)
    for other in (twice, again):
        for one, expected, variable in zip(values(other), values(whole), whole.state, strict=True):
            np.testing.assert_array_equal(one, expected, err_msg=variable.path)
    floats = {keras.backend.standardize_dtype(each.dtype) for each in whole.state if keras.backend.is_float_dtype(each.dtype)}
    assert floats == {"float32"} and whole.predict(IMAGES).dtype == "float32"


@pytest.mark.slow
def test_mixed_precision_learns_about_the_same():
    losses, bright = {}, (IMAGES // 2 + 100 * LABELS[:, None, None, None]).astype("uint8")
    for precision in ("float32", "mixed_bfloat16"):
        training, _ = mixed(precision, epochs=8, mixup=0.0, ema=0.0)
        losses[precision] = np.array(training.fit(bright[:50], LABELS[:50]).history["loss"])
    assert losses["float32"][-1] < 0.8 * losses["float32"][0]
    assert (losses["float32"] != losses["mixed_bfloat16"]).any()
    np.testing.assert_allclose(losses["mixed_bfloat16"], losses["float32"], rtol=0.05)


def test_training_chooses_the_precision_that_is_auto(monkeypatch):
    for chosen in ("float32", "mixed_bfloat16"):
        monkeypatch.setattr("lab.engine.precision.chosen", lambda precision, backend, chosen=chosen: chosen)
        training, dtypes = mixed("auto")
        assert training.recipe.precision == chosen
        assert dtypes[0] == chosen.removeprefix("mixed_")
