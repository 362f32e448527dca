"""What a network and its loss take, and the line about what they do not."""

import dataclasses

import keras
import numpy as np
import pytest

from lab.models import mlp, sequence_network
from lab.supervised import Recipe, Training
from lab.supervised.optimization import make_optimizer
from tests.contracts import as_array, raises

RNG = np.random.default_rng(0)
SYMBOLS = RNG.integers(1, 10, (32, 5))
VECTORS = RNG.normal(size=(32, 4)).astype("float32")
LABELS = RNG.integers(0, 2, 32)
CHEAP = Recipe(epochs=1, batch_size=16, warm_up=0.0)


def of_symbols():
    network = sequence_network("gru", 2, symbols=10, units=4, embedding=3, seed=0)
    return Training(network, CHEAP, steps_per_epoch=2, classes=2, seed=0)


def of_vectors(outputs=2, classes=2, loss=None, **changes):
    network = mlp((4,), (3,), outputs, seed=0)
    return Training(network, dataclasses.replace(CHEAP, **changes), steps_per_epoch=2, classes=classes, loss=loss, seed=0)


@pytest.mark.slow
def test_symbols_are_symbols_in_every_integer_type():
    found = []
    for kind in ("uint8", "int32", "int64"):
        training = of_symbols()
        training.fit(SYMBOLS.astype(kind), LABELS)
        found.append(training.predict(SYMBOLS.astype(kind)))
    assert found[0].std(axis=0).min() > 1e-3  # each sequence is another
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.slow
def test_a_loss_of_ones_own_takes_what_it_takes():
    def of_three(targets, outputs):
        return keras.ops.mean(keras.ops.square(targets[:, :1] * targets[:, 2:] - outputs), axis=-1)

    training = of_vectors(1, None, of_three)
    before = as_array(training.network.trainable_variables[0]).copy()
    training.fit(VECTORS, VECTORS[:, :3])
    assert (as_array(training.network.trainable_variables[0]) != before).any()


@pytest.mark.parametrize("cell", ["gru", "lstm", "simple"])
def test_decay_spares_biases_of_every_shape(cell):
    network = sequence_network(cell, 2, features=3, units=4, seed=0)
    optimizer = make_optimizer(dataclasses.replace(CHEAP, weight_decay=0.5, schedule="constant", learning_rate=0.1), 2, network)
    optimizer.build(network.trainable_variables)
    for variable in network.trainable_variables:
        variable.assign(np.ones(variable.shape))
    optimizer.apply([0 * variable for variable in network.trainable_variables], network.trainable_variables)
    for variable in network.trainable_variables:
        np.testing.assert_allclose(as_array(variable), 1 if "bias" in variable.name else 0.95, rtol=1e-6)


PICTURES = np.linspace(0, 1, 32 * 4, dtype="float32").reshape(32, 2, 2, 1)


def of_pictures():
    network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    return Training(network, CHEAP, steps_per_epoch=2, classes=2, seed=0)


def ending(activation, loss=None):
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation=activation)])
    return Training(network, CHEAP, steps_per_epoch=2, classes=2, loss=loss, seed=0)


def test_bright_pictures_are_predicted_and_a_loss_of_ones_own_takes_probabilities():
    assert of_pictures().predict(PICTURES[-3:]).shape == (3, 2)  # a few may well be all white
    ending("softmax", keras.losses.SparseCategoricalCrossentropy())


def test_lists_are_arrays():
    x, y = of_vectors().check(VECTORS.tolist(), LABELS.tolist())  # what `fit` goes on with
    np.testing.assert_allclose(x, VECTORS, rtol=1e-6)
    np.testing.assert_array_equal(y, LABELS)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: of_symbols().predict(np.full((2, 5), 99)), ["x: expected symbols from 0 to 9", "99"]),
        (lambda: of_symbols().fit(SYMBOLS - 2, LABELS), ["x: expected symbols from 0 to 9", "-1 to 7"]),
        (lambda: of_symbols().predict(SYMBOLS * 1.0), ["x: expected integer symbols", "float64"]),
        (lambda: of_vectors().fit(VECTORS, LABELS[:, None]), [r"y: expected targets of shape \(\)", r"\(1,\)"]),
        (lambda: of_vectors(1, None).fit(VECTORS, VECTORS[:, :3]), [r"y: expected targets of shape \(1,\)", r"\(3,\)"]),
        (lambda: of_vectors(3, None).fit(VECTORS, VECTORS[:, 0]), [r"y: expected targets of shape \(3,\)", r"\(\)"]),
        (lambda: of_vectors().fit(keras.utils.PyDataset()), ["x: expected an array with all samples, received PyDataset"]),
        (lambda: of_vectors().fit(VECTORS), ["y: expected an array with all samples, received NoneType"]),
        (lambda: of_vectors().predict(iter(VECTORS)), ["x: expected an array with all samples, received .*iterator"]),
        (
            lambda: of_vectors().fit(VECTORS, LABELS, validation=iter(VECTORS)),
            [r"validation: expected \(x, y\), received .*iterator"],
        ),
        (
            lambda: of_pictures().fit(PICTURES, LABELS),
            ["x: expected images from -1 to 1, or from 0 to 255 as uint8, received float32 from 0", "2 . x - 1"],
        ),
        (lambda: ending("softmax"), ["network: expected logits, received probabilities; leave out the softmax"]),
        (lambda: of_vectors(2, 5), ["classes: expected 2, the network's logits", "5"]),
        (
            lambda: of_vectors(label_smoothing=0.1, loss=keras.losses.SparseCategoricalCrossentropy(True)),
            ["label_smoothing: expected 0 with a loss of one's own", "0.1"],
        ),
    ],
)
def test_bad_input_is_named(act, words):
    with raises(words):
        act()
