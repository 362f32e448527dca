"""What the tasks for networks with a memory ask, read back from their sequences."""

import itertools

import numpy as np
import pytest

from lab.data import associative_recall, copy_bits, dynamic_ngrams, ngram_posterior, priority_sort, repeat_copy
from tests.contracts import raises


@pytest.mark.parametrize("backwards", [False, True])
def test_copies_are_what_came_before_the_sign(backwards):
    examples = copy_bits(60, bits=3, lengths=(2, 4), backwards=backwards, steps=12, seed=0)
    assert examples.x.shape == (60, 12, 4) and examples.y.shape == (60, 12, 3)
    sizes = set()
    for x, y, mask in zip(*examples):
        due = np.flatnonzero(mask)
        size = len(due)
        sizes.add(size)
        np.testing.assert_array_equal(due, np.arange(size + 1, 2 * size + 1))
        np.testing.assert_array_equal(y[due], x[:size, :3][:: -1 if backwards else 1])
        np.testing.assert_array_equal(x[:, 3], np.eye(12)[size])
        assert not x[size:, :3].any() and not y[mask == 0].any()
    assert sizes == {2, 3, 4}
    assert 0.4 < examples.y[examples.mask > 0].mean() < 0.6


def test_repeat_copy_says_the_pattern_so_many_times():
    examples = repeat_copy(50, bits=3, lengths=(2, 4), repeats=(1, 3), seed=0)
    assert examples.x.shape[1] == 2 + 4 + 4 * 3 + 1
    seen = set()
    for x, y, mask in zip(*examples):
        due = np.flatnonzero(mask)
        size = due[0] - 2
        pattern, repeats = x[1 : size + 1, :3], (len(due) - 1) // size
        seen.add(repeats)
        np.testing.assert_array_equal(y[due[0] : due[-1], :3], np.tile(pattern, (repeats, 1)))
        assert x[0, 3] == 1 and y[due[-1], 3] == 1 and y[:, 3].sum() == 1
        assert x[size + 1, 4] == pytest.approx(repeats / 3)
        assert not x[size + 2 :].any()
    assert seen == {1, 2, 3}


def test_a_test_on_more_repeats_keeps_the_scale_of_training():
    x = repeat_copy(3, bits=2, lengths=(2, 2), repeats=(5, 5), scale=3, seed=0).x
    np.testing.assert_allclose(x[:, 3, 3], 5 / 3)


def test_the_item_after_the_one_asked_for_is_due():
    examples = associative_recall(60, items=(2, 4), size=2, bits=5, seed=0)
    assert examples.x.shape == (60, 5 * 3 + 1 + 2, 7)
    asked = set()
    for x, y, mask in zip(*examples):
        first, last = np.flatnonzero(x[:, 6])
        assert last == first + 3
        starts = np.flatnonzero(x[:, 5])
        np.testing.assert_array_equal(starts, np.arange(0, first, 3))
        shown = [x[start + 1 : start + 3, :5] for start in starts]
        matches = [i for i, item in enumerate(shown[:-1]) if (item == x[first + 1 : last, :5]).all()]
        np.testing.assert_array_equal(np.flatnonzero(mask), [last + 1, last + 2])
        assert any((shown[i + 1] == y[last + 1 : last + 3]).all() for i in matches)
        asked.add((len(starts), matches[0]))
    assert {(2, 0), (3, 0), (3, 1), (4, 0), (4, 1), (4, 2)} <= asked


def test_ngrams_are_drawn_from_a_table_and_counted_by_the_best_predictor():
    examples = dynamic_ngrams(40, length=300, order=3, seed=0)
    bits = np.concatenate([examples.x[:, :, 0], examples.y[:, -1:, 0]], axis=1)
    np.testing.assert_array_equal(examples.mask, [[0] + [1] * 299] * 40)
    np.testing.assert_array_equal(bits[:, 2:], examples.y[:, 1:, 0])
    posterior = ngram_posterior(examples.x, order=3)
    for row in range(3):
        seen = {context: [0, 0] for context in itertools.product((0, 1), repeat=2)}
        assert posterior[row, 0] == 0.5
        for step in range(1, 300):
            counts = seen[tuple(bits[row, step - 1 : step + 1])]
            assert posterior[row, step] == pytest.approx((counts[1] + 0.5) / (sum(counts) + 1))
            counts[int(bits[row, step + 1])] += 1
    # The share of ones after a context is a draw of Beta(1/2, 1/2): variance 1/8.
    shares = []
    for row in bits:
        ends = row[2:][(row[:-2] == 1) & (row[1:-1] == 0)]
        shares += [ends.mean()] if len(ends) > 30 else []
    assert np.mean(shares) == pytest.approx(0.5, abs=0.25)

    def cross_entropy(p):
        y, mask = examples.y[..., 0], examples.mask
        return -(mask * np.log(np.where(y == 1, p, 1 - p))).sum() / mask.sum()

    worse = [cross_entropy(np.clip(posterior + shift, 0.01, 0.99)) for shift in (-0.05, 0.05)]
    assert cross_entropy(posterior) < min(worse) < np.log(2)


def test_the_highest_priorities_are_due_first():
    x, y, mask = priority_sort(20, inputs=6, outputs=4, bits=3, seed=0)
    assert x.shape == (20, 11, 5)
    assert np.abs(x[:, :6, 3]).max() <= 1 and x[:, :6, 3].min() < -0.5
    np.testing.assert_array_equal(mask, [[0] * 7 + [1] * 4] * 20)
    np.testing.assert_array_equal(x[:, :, 4], [[0] * 6 + [1] + [0] * 4] * 20)
    for row in range(20):
        ordered = sorted(range(6), key=lambda i: -x[row, i, 3])[:4]
        np.testing.assert_array_equal(y[row, 7:], x[row, ordered, :3])


@pytest.mark.parametrize("make", [copy_bits, repeat_copy, associative_recall, dynamic_ngrams, priority_sort])
def test_seeds_decide(make):
    first, again, other = make(5, seed=3), make(5, seed=3), make(5, seed=4)
    assert all((a == b).all() for a, b in zip(first, again))
    assert any((a != b).any() for a, b in zip(first, other))
    assert all(array.dtype == "float32" for array in first)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: copy_bits(1, lengths=(0, 2)), ["lengths: expected", r"\(0, 2\)"]),
        (lambda: copy_bits(1, lengths=(1, 5), steps=10), "steps: expected at least 11, .*received 10"),
        (lambda: repeat_copy(1, lengths=(0, 2)), ["lengths: expected", r"\(0, 2\)"]),
        (lambda: repeat_copy(1, scale=0), ["scale: expected an integer >= 1, received 0"]),
        (lambda: repeat_copy(1, repeats=(3, 2)), ["repeats: expected", r"\(3, 2\)"]),
        (lambda: associative_recall(1, items=(1, 2)), ["items: expected", r"\(1, 2\)"]),
        (lambda: dynamic_ngrams(1, order=1), ["order: expected", "1"]),
        (lambda: dynamic_ngrams(1, length=3), ["length: expected", "3"]),
        (lambda: priority_sort(1, inputs=3, outputs=4), "outputs: expected at most inputs, 3, received 4"),
    ],
)
def test_bad_input_is_named(make, words):
    with raises(words):
        make()
