"""The loss and the errors of sequences in which only some steps are due."""

import keras
import numpy as np
import pytest

from lab.losses import masked_binary_crossentropy, masked_categorical_crossentropy, right_answers, wrong_bits
from tests.contracts import as_array, raises

Y = np.array([[[1, 0], [1, 1], [0, 0]], [[0, 1], [0, 0], [1, 0]]], "float32")
MASK = np.array([[0, 1, 1], [0, 0, 1]], "float32")
TARGETS = np.concatenate([Y, MASK[..., None]], axis=-1)
LOGITS = np.array([[[9, 9], [2, -1], [-3, 0.5]], [[9, 9], [9, 9], [-1, -2]]], "float32")


def test_only_steps_that_are_due_count():
    due = [(1, 2), (1, -1), (0, -3), (0, 0.5), (1, -1), (0, -2)]
    expected = np.mean([np.log1p(np.exp(-z if y else z)) for y, z in due])
    np.testing.assert_allclose(as_array(masked_binary_crossentropy(TARGETS, LOGITS)), expected, rtol=1e-6)
    np.testing.assert_array_equal(as_array(wrong_bits(TARGETS, LOGITS)), [2, 1])


def test_only_answers_that_are_due_count():
    y = np.array([[[1, 0], [0, 1], [1, 0]], [[0, 0], [0, 0], [0, 1]]], "float32")
    targets = np.concatenate([y, MASK[..., None]], axis=-1)
    expected = np.mean([np.log1p(np.exp(3)), np.log1p(np.exp(-3.5)), np.log1p(np.exp(-1))])
    logits = LOGITS.copy()
    logits[0, 1:], logits[1, 2] = [(2, -1), (0.5, -3)], (-2, -1)
    np.testing.assert_allclose(as_array(masked_categorical_crossentropy(targets, logits)), expected, rtol=1e-6)
    np.testing.assert_array_equal(as_array(right_answers(targets, logits)), [0.5, 1])
    targets[..., -1] = 0
    assert as_array(masked_categorical_crossentropy(targets, logits)) == 0
    assert not as_array(right_answers(targets, logits)).any()


def test_nothing_due_is_no_error():
    targets = TARGETS * np.array([1, 1, 0], "float32")
    assert as_array(masked_binary_crossentropy(targets, LOGITS)) == 0
    assert not as_array(wrong_bits(targets, LOGITS)).any()


def test_keras_takes_them():
    inputs = keras.Input((3, 2))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    model.compile(loss=masked_binary_crossentropy, metrics=[wrong_bits])
    loss, wrong = model.evaluate(LOGITS, TARGETS, batch_size=2, verbose=0)
    np.testing.assert_allclose(loss, as_array(masked_binary_crossentropy(TARGETS, LOGITS)), rtol=1e-6)
    assert wrong == 1.5


@pytest.mark.parametrize("function", [masked_binary_crossentropy, wrong_bits, masked_categorical_crossentropy, right_answers])
def test_shapes_must_fit(function):
    for targets, logits in ((Y, LOGITS), (TARGETS, LOGITS[..., :1]), (TARGETS, LOGITS[:, :1]), (TARGETS[0], LOGITS[0])):
        with raises(r"y_true: expected y and its mask \[B, T, K \+ 1\] of logits .*received"):
            function(targets, logits)


def test_masks_below_one_are_weights():
    halved = TARGETS.copy()
    halved[..., -1] *= 0.1
    for loss in (masked_binary_crossentropy, masked_categorical_crossentropy):
        np.testing.assert_allclose(as_array(loss(halved, LOGITS)), as_array(loss(TARGETS, LOGITS)), rtol=1e-5)


def test_a_logit_of_zero_is_a_zero():
    assert as_array(wrong_bits(TARGETS, 0 * LOGITS)).tolist() == [2, 1]
