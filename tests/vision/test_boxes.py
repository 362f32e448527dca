"""Overlaps of boxes by hand, and suppression against a loop."""

import math

import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.vision import area, complete_iou, distance_iou, generalized_iou, iou, iou_matrix, suppress
from tests.contracts import as_array, raises

A, INSIDE, BESIDE, EMPTY = np.array([[0, 0, 4, 4], [1, 1, 3, 3], [6, 0, 8, 4], [2, 2, 2, 2]], "float32")
ALL = np.stack([A, INSIDE, BESIDE, EMPTY])


def value(function, *boxes):
    return float(as_array(function(*(ops.convert_to_tensor(box) for box in boxes))))


def test_by_hand():
    assert value(area, A) == 16 and value(area, EMPTY) == 0 and value(area, A[[2, 1, 0, 3]]) == 0
    assert value(iou, A, INSIDE) == pytest.approx(4 / 16)
    assert value(iou, A, BESIDE) == 0 == value(iou, EMPTY, EMPTY)
    assert value(generalized_iou, A, INSIDE) == pytest.approx(4 / 16)
    assert value(generalized_iou, A, BESIDE) == pytest.approx(-(32 - 24) / 32)
    assert value(distance_iou, A, INSIDE) == pytest.approx(4 / 16)
    assert value(distance_iou, A, BESIDE) == pytest.approx(-(5**2) / (8**2 + 4**2))
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(0.5)) ** 2
    assert value(complete_iou, A, BESIDE) == pytest.approx(-25 / 80 - v * v / (1 + v), rel=1e-5)
    for function in (iou, generalized_iou, distance_iou, complete_iou):
        assert value(function, A, A) == pytest.approx(1, abs=1e-6)


def test_a_matrix_has_all_pairs():
    matrix = as_array(iou_matrix(ops.convert_to_tensor(ALL), ops.convert_to_tensor(ALL[:2])))
    pairs = [[value(iou, one, other) for other in ALL[:2]] for one in ALL]
    np.testing.assert_allclose(matrix, pairs, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("function", [iou, generalized_iou, distance_iou, complete_iou])
def test_gradients_are_finite_and_point_the_right_way(function):
    def loss(box):
        return ops.sum(1 - function(box, ops.convert_to_tensor(A))), ()

    program = engine.compile(engine.value_and_grad(loss), [])
    for box in ALL:
        (_, _), gradient = program(box)
        assert np.isfinite(as_array(gradient)).all()
    if function is not iou:  # which has none where boxes do not meet
        (_, _), gradient = program(BESIDE)
        assert as_array(gradient)[0] > 0  # the left side has to go left


def loop(boxes, scores, labels, threshold, sigma, most):
    left, kept = scores.astype(float).copy(), []
    for _ in range(most):
        best = int(left.argmax())
        kept.append((best, left[best]))
        for other in range(len(boxes)):
            overlap = value(iou, boxes[best], boxes[other]) if labels is None or labels[other] == labels[best] else 0
            left[other] *= math.exp(-(overlap**2) / sigma) if sigma else overlap <= threshold
        left[best] = 0
    return kept


@pytest.mark.slow
@pytest.mark.parametrize("sigma", [None, 0.5])
@pytest.mark.parametrize("classes", [None, 2])
def test_suppression_is_a_loop(sigma, classes):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 6, (2, 7, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(2, 6, (2, 7, 2))], axis=-1).astype("float32")
    scores = rng.random((2, 7)).astype("float32")
    labels = None if classes is None else rng.integers(0, classes, (2, 7)).astype("int32")
    given = [boxes, scores] if labels is None else [boxes, scores, labels]
    program = engine.compile(lambda *each: suppress(*each, threshold=0.3, sigma=sigma, most=5), [])
    places, kept = (as_array(part) for part in program(*given))
    for picture in range(2):
        expected = loop(boxes[picture], scores[picture], labels if labels is None else labels[picture], 0.3, sigma, 5)
        np.testing.assert_allclose(kept[picture], [score for _, score in expected], rtol=1e-5)
        filled = kept[picture] > 0
        np.testing.assert_array_equal(places[picture][filled], np.array([place for place, _ in expected])[filled])


def test_two_of_the_same_and_one_elsewhere():
    boxes = np.stack([A, A + 0.1, BESIDE])[None].astype("float32")
    places, kept = suppress(boxes, np.array([[0.5, 0.9, 0.3]], "float32"), most=10)
    assert as_array(places)[0, :2].tolist() == [1, 2] and as_array(kept)[0].tolist() == pytest.approx([0.9, 0.3, 0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 1.5}, "threshold: expected .*received 1.5"),
        ({"sigma": 0.0}, "sigma: expected .*received 0.0"),
        ({"most": 0}, "most: expected an integer >= 1, received 0"),
    ],
)
def test_bad_input_is_named(options, words):
    with raises(words):
        suppress(ALL[None], np.ones((1, 4), "float32"), **options)
