"""DETR: the matching by hand, the loss against NumPy, answers read back."""

import itertools

import numpy as np
import pytest

from lab.models import small_resnet
from lab.vision import DETR, generalized_iou
from lab.vision.detr import sine_positions
from tests.contracts import as_array, raises

SIZE = 32


def detector(queries=5, layers=2):
    backbone = small_resnet((SIZE, SIZE, 3), 2, depth=8, width=0.5, seed=0)
    return DETR(backbone, 2, stride=4, queries=queries, size=16, heads=2, layers=layers, seed=1)


@pytest.fixture(scope="module")
def ours():
    return detector()


OBJECTS = np.array([[[4, 4, 20, 12, 1], [-1, -1, -1, -1, -1], [20, 16, 30, 30, 0]]], "float32")


def answers(seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(0, 2, (1, 2, 5, 3)), rng.uniform(0.2, 0.6, (1, 2, 5, 4))], axis=-1).astype("float32")


def costs_by_hand(outputs):
    """[Q, M] of the two objects, in float64."""
    p = np.exp(outputs[:, :3].astype(float))
    p /= p.sum(axis=1, keepdims=True)
    table = np.zeros((5, 2))
    for column, (left, top, right, bottom, label) in enumerate(OBJECTS[0, [0, 2]] / [SIZE, SIZE, SIZE, SIZE, 1]):
        true = np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])
        for row, said in enumerate(outputs[:, 3:].astype(float)):
            corners = np.array([*(said[:2] - said[2:] / 2), *(said[:2] + said[2:] / 2)], "float32")
            overlap = float(as_array(generalized_iou(corners, np.array([left, top, right, bottom], "float32"))))
            table[row, column] = 5 * np.abs(said - true).sum() - 2 * overlap - p[row, int(label)]
    return table


def test_the_matching_is_the_cheapest_and_the_loss_is_the_papers(ours):
    outputs = answers()
    expected = 0.0
    for layer in range(2):
        table = costs_by_hand(outputs[0, layer])
        best = min(itertools.permutations(range(5), 2), key=lambda pair: table[pair[0], 0] + table[pair[1], 1])
        targets = ours.assign(OBJECTS, outputs[:, layer])
        assert as_array(targets.queries)[0, [0, 2]].tolist() == list(best)
        assert as_array(targets.there).tolist() == [[1, 0, 1]]
        logs = np.log(np.exp(outputs[0, layer, :, :3].astype(float)))
        logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
        labels = np.full(5, 2)
        labels[list(best)] = [1, 0]
        weights = np.where(labels == 2, 0.1, 1.0)
        expected += -(weights * logs[np.arange(5), labels]).sum() / weights.sum()
        p = np.exp(logs)
        box = sum(table[row, column] + p[row, label] + 2 for column, (row, label) in enumerate(zip(best, [1, 0])))
        expected += box / 2
    assert as_array(ours.loss(OBJECTS, outputs)) == pytest.approx(expected, rel=1e-4)


def test_what_is_said_exactly_is_read_back(ours):
    outputs = answers()
    outputs[..., :3] = [-20.0, -20.0, 20.0]
    for query, index in ((3, 0), (1, 2)):
        left, top, right, bottom, label = OBJECTS[0, index]
        outputs[:, :, query, 3:] = np.array([left + right, top + bottom, 2 * (right - left), 2 * (bottom - top)]) / 2 / SIZE
        outputs[:, :, query, :3] = -20.0
        outputs[:, :, query, int(label)] = 20.0 + query  # the first in the order of scores
    assert as_array(ours.loss(OBJECTS, outputs)) < 1e-4
    boxes, scores, labels = (as_array(part)[0] for part in ours.decode(outputs))
    assert (scores[:2] > 0.99).all() and (scores[2:] < 1e-6).all()
    for box, label in zip(boxes[:2], labels[:2]):
        np.testing.assert_allclose(box, OBJECTS[0, 0 if label else 2, :4], atol=1e-4)


def test_positions_by_hand():
    table = sine_positions(2, 3, 8)
    assert table.shape == (6, 8)
    y, x = 2 * np.pi * 1.5 / 2, 2 * np.pi * 2.5 / 3
    slow = 10_000.0**-0.5
    expected = [
        np.sin(y),
        np.sin(y * slow),
        np.cos(y),
        np.cos(y * slow),
        np.sin(x),
        np.sin(x * slow),
        np.cos(x),
        np.cos(x * slow),
    ]
    np.testing.assert_allclose(table[5], expected, atol=1e-6)


def test_bad_settings_are_one_line(ours):
    backbone = small_resnet((SIZE, SIZE, 3), 2, depth=8, width=0.5, seed=0)
    with raises("size: expected a multiple of 4 and of heads, 3, received 16"):
        DETR(backbone, 2, stride=4, size=16, heads=3, seed=0)
    with raises("outputs: expected those of the network, .*, received none"):
        ours.assign(OBJECTS)
    with raises("queries: expected at least one for each of 6 objects, received 5"):
        ours.assign(np.repeat(OBJECTS, 2, axis=1), answers()[:, 0])
