"""What a network ends in."""

import keras
import pytest
from keras import layers, ops

from lab.layers import SpectralNormalization
from lab.models.logits import check_logits, last_activation
from tests.contracts import raises


def nested(x):
    inner = keras.Input((2,))
    return keras.Model(inner, [layers.Dense(1)(inner), layers.Dense(1, activation="sigmoid")(inner)])(x)[1]


@pytest.mark.parametrize(
    ("end", "name"),
    [
        (layers.Dense(1, activation="sigmoid"), "sigmoid"),
        (layers.Activation("hard_sigmoid"), "hard_sigmoid"),
        (layers.Softmax(), "softmax"),
        (ops.sigmoid, "sigmoid"),
        (ops.log_softmax, "log_softmax"),
        (keras.Sequential([layers.Dense(1), layers.Activation("sigmoid")]), "sigmoid"),
        (lambda x: layers.Reshape((1, 1))(layers.Flatten()(layers.Dense(1, activation="sigmoid")(x))), "sigmoid"),
        (SpectralNormalization(layers.Dense(1, activation="sigmoid")), "sigmoid"),
        (nested, "sigmoid"),
    ],
)
def test_probabilities_are_found(end, name):
    output = end(keras.Input((2,)))
    assert last_activation(output) == name
    with raises(f"network: expected logits, received probabilities; leave out the {name} at its end"):
        check_logits("network", output)


@pytest.mark.parametrize("end", [layers.Dense(1), layers.Dense(1, activation="tanh"), layers.ReLU(), lambda x: 2 * x])
def test_logits_pass(end):
    check_logits("network", end(keras.Input((2,))))
