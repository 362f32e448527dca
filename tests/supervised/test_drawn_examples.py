"""Training on examples that are drawn anew for each epoch."""

import keras
import numpy as np
import pytest

from lab.layers import NTMCell
from lab.runs import checkpoint
from lab.supervised import Training
from lab.supervised.recipe import Recipe
from lab.supervised.training import _xla_is_faster
from tests.backends import only
from tests.contracts import as_array, raises, uniform

RECIPE = Recipe(epochs=3, batch_size=4, optimizer="sgd", learning_rate=0.1)


def linear():
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="zeros")(inputs))


class Draw:
    """Examples of an epoch: y is the epoch's number. Remembers the epochs it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, epoch):
        self.asked.append(epoch)
        return uniform(epoch, 8, 2), np.full((8, 1), float(epoch), "float32")


def fitted(training, draw, **options):
    seen = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]))
    training.fit(draw, callbacks=[*options.pop("callbacks", ()), note], **options)
    return seen


@pytest.mark.slow
def test_each_epoch_has_its_own_and_is_drawn_once():
    draw = Draw()
    losses = fitted(Training(linear(), RECIPE, steps_per_epoch=2, seed=0), draw)
    assert sorted(set(draw.asked)) == [0, 1, 2]
    assert len(draw.asked) == 3
    assert losses[0] < 0.5 < losses[1] < losses[2]  # near 0, 1 and 4: y is 0, 1, 2


@pytest.mark.slow
def test_resumed_after_an_epoch_it_ends_the_same(tmp_path):
    def keep(epoch, logs):
        checkpoint.save(tmp_path, epoch + 1, whole.state)

    whole = Training(linear(), RECIPE, steps_per_epoch=2, seed=0)
    fitted(whole, Draw(), callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep)])
    (tmp_path / "step-000000000003.safetensors").unlink()
    again, draw = Training(linear(), RECIPE, steps_per_epoch=2, seed=0), Draw()
    assert checkpoint.restore(tmp_path, again.state).step == 2
    fitted(again, draw, initial_epoch=2)
    assert draw.asked == [2]
    for one, other in zip(again.state, whole.state, strict=True):
        np.testing.assert_array_equal(as_array(one), as_array(other))


def test_what_is_drawn_is_checked():
    training = Training(linear(), RECIPE, steps_per_epoch=2, seed=0)
    with raises("x: expected examples of shape"):
        training.fit(lambda epoch: (uniform(0, 8, 3), np.zeros((8, 1), "float32")))
    with raises("y: expected none, for x is a function that draws both, received ndarray"):
        training.fit(Draw(), np.zeros((8, 1), "float32"))
    with raises("x: expected 8 examples in each epoch, received 7 in epoch 1"):
        training.fit(lambda epoch: (uniform(epoch, 8 - epoch, 2), np.zeros((8 - epoch, 1), "float32")))


def test_symbols_that_are_drawn_are_symbols_in_every_epoch():
    inputs = keras.Input((3,), dtype="int32")
    network = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Embedding(5, 2)(inputs))))
    training = Training(network, RECIPE, steps_per_epoch=2, classes=2, seed=0)
    kinds = set()
    examples = training._examples(lambda epoch: (np.full((8, 3), 4, "uint8"), np.zeros(8, "int64")), None, 0)
    for epoch in range(2):
        examples.begin(epoch)
        kinds.add(str(examples[0][0].dtype))
    assert kinds == {"int32"}


@only("tensorflow")
@pytest.mark.parametrize(
    ("layer", "faster"),
    [
        (lambda: keras.layers.RNN(NTMCell(2, keras.layers.Dense(3), slots=3, width=2)), True),
        (lambda: keras.layers.LSTM(3), False),
        (lambda: keras.layers.Flatten(), True),
    ],
)
def test_xla_compiles_cells_with_a_memory(layer, faster):
    inputs = keras.Input((4, 2))
    assert _xla_is_faster(keras.Model(inputs, layer()(inputs))) is faster


@pytest.mark.slow
def test_an_optimizer_of_ones_own():
    mine = keras.optimizers.SGD(0.0)
    training = Training(linear(), RECIPE, steps_per_epoch=2, optimizer=mine, seed=0)
    fitted(training, Draw())
    assert training.optimizer is mine
    assert not any(as_array(variable).any() for variable in training.network.trainable_variables)
