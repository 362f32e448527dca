"""The confusion matrix and its scores: hand values, and scikit-learn's matrix."""

import numpy as np
import pytest
from sklearn import metrics

from lab.metrics import confusion_matrix, intersection_over_union, mean_iou, pixel_accuracy
from tests.contracts import raises

TRUTH = np.array([[[0, 0, 1], [1, 1, 255]], [[0, 3, 3], [0, 0, 0]]])
FOUND = np.array([[[0, 1, 1], [1, 0, 3]], [[0, 3, 0], [0, 0, 0]]])
MATRIX = [[5, 1, 0, 0], [1, 2, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]]


def test_by_hand():
    matrix = confusion_matrix(TRUTH, FOUND, 4, ignored=255)
    assert matrix.dtype == np.int64 and matrix.tolist() == MATRIX
    np.testing.assert_allclose(intersection_over_union(matrix), [5 / 8, 2 / 4, np.nan, 1 / 2])
    assert mean_iou(matrix) == pytest.approx((5 / 8 + 2 / 4 + 1 / 2) / 3)  # a class absent in both does not count
    assert pixel_accuracy(matrix) == pytest.approx(8 / 11)
    only_found = confusion_matrix([0, 0], [0, 1], 3)
    np.testing.assert_allclose(intersection_over_union(only_found), [0.5, 0, np.nan])  # one that is found does


def test_it_is_scikit_learns():
    rng = np.random.default_rng(0)
    truth, found = rng.integers(0, 5, (2, 3, 8, 9))
    np.testing.assert_array_equal(
        confusion_matrix(truth, found, 5), metrics.confusion_matrix(truth.ravel(), found.ravel(), labels=range(5))
    )
    whole = sum(confusion_matrix(*each, 5) for each in zip(truth, found))
    np.testing.assert_array_equal(confusion_matrix(truth, found, 5), whole)
    expected = metrics.jaccard_score(truth.ravel(), found.ravel(), average=None)
    np.testing.assert_allclose(intersection_over_union(whole), expected)
    assert confusion_matrix(np.uint8([16]), np.uint8([16]), 17)[16, 16] == 1  # 16 * 17 + 16 is no uint8


def test_where_nothing_counts():
    matrix = confusion_matrix(np.full((2, 2), 255), np.zeros((2, 2), int), 3, ignored=255)
    assert not matrix.any() and np.isnan([mean_iou(matrix), pixel_accuracy(matrix)]).all()
    assert np.isnan(intersection_over_union(matrix)).all()
    assert not confusion_matrix(np.zeros((0, 4, 4), int), np.zeros((0, 4, 4), int), 3).any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: confusion_matrix(TRUTH, FOUND, 4), "truth: expected labels from 0 to 3, received 255"),
        (lambda: confusion_matrix([0], [4], 4), "found: expected labels from 0 to 3, received 4"),
        (lambda: confusion_matrix([0], [-1], 4), "found: expected labels from 0 to 3, received -1"),
        (lambda: confusion_matrix([0.0], [1], 4), "truth: expected integers, received float64"),
        (lambda: confusion_matrix([0, 1], [1], 4), r"found: expected found, truth of one shape, received found \(1,\)"),
        (lambda: confusion_matrix([0], [0], 0), "classes: expected an integer >= 1, received 0"),
        (lambda: mean_iou(np.zeros((2, 3))), r"matrix: expected \[classes, classes\], received shape \(2, 3\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with raises(words):
        call()


def test_masks_of_two_classes_may_be_bool():
    assert confusion_matrix([[False, True]], [[True, True]], 2).tolist() == [[0, 1], [0, 1]]
