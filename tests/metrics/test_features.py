"""Distances between sets of features: closed forms, plain loops and the edges."""

import numpy as np
import pytest
from scipy import linalg

from lab.metrics import classifier_score, frechet_distance, kernel_distance, nearest_in_training, precision_recall
from tests.contracts import raises

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=(300, 5)), RNG.normal(size=(200, 5)) @ np.diag([1, 2, 1, 0.5, 1]) + [1, 0, 0, 0, 0]


def test_frechet_distance():
    a, b = np.cov(REAL.T), np.cov(FAKE.T)
    expected = np.square(REAL.mean(0) - FAKE.mean(0)).sum() + np.trace(a + b - 2 * linalg.sqrtm(a @ b).real)
    np.testing.assert_allclose(frechet_distance(REAL, FAKE), expected, rtol=1e-9)
    np.testing.assert_allclose(frechet_distance(REAL, REAL), 0, atol=1e-9)
    np.testing.assert_allclose(frechet_distance(REAL, REAL + [3, 0, 0, 0, 4]), 25, rtol=1e-9)
    np.testing.assert_allclose(frechet_distance(REAL, FAKE), frechet_distance(FAKE, REAL), rtol=1e-9)
    wide = RNG.normal(size=(2, 4, 30))  # fewer samples than features: covariances without an inverse
    a, b = np.cov(wide[0].T), np.cov(wide[1].T)
    overlap = np.sqrt(np.clip(np.linalg.eigvals(a @ b).real, 0, None)).sum()
    expected = np.square(wide[0].mean(0) - wide[1].mean(0)).sum() + np.trace(a + b) - 2 * overlap
    np.testing.assert_allclose(frechet_distance(*wide), expected, rtol=1e-6)


def test_frechet_distance_of_two_known_normals():
    a, b = np.random.default_rng(1).normal(size=(2, 200_000, 2))
    distance = frechet_distance(a * [1, 2], b * [3, 2] + [1, 0])
    np.testing.assert_allclose(distance, 1 + (3 - 1) ** 2, rtol=0.02)  # (m - m')² + sum (s - s')²


def plain_kernel_distance(x, y):
    def kernel(a, b):
        return (np.dot(a, b) / x.shape[1] + 1) ** 3

    within = [
        sum(kernel(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j) / (len(s) * (len(s) - 1))
        for s in (x, y)
    ]
    return sum(within) - 2 * np.mean([kernel(a, b) for a in x for b in y])


@pytest.mark.parametrize("block", [5, 2_000])
def test_kernel_distance(block):
    x, y = REAL[:12], FAKE[:9]
    found = kernel_distance(x, y, block=block)
    np.testing.assert_allclose(found.value, plain_kernel_distance(x, y), rtol=1e-9)
    variance = 0.0
    without_x = [plain_kernel_distance(np.delete(x, i, 0), y) for i in range(12)]
    without_y = [plain_kernel_distance(x, np.delete(y, i, 0)) for i in range(9)]
    for left in (without_x, without_y):
        variance += (len(left) - 1) * np.var(left)
    np.testing.assert_allclose(found.standard_error, np.sqrt(variance), rtol=1e-9)


@pytest.mark.parametrize(("move", "factor"), [(0.0, 2.5), (1.0, 1.4)])
def test_the_kernel_distances_error_is_how_far_estimates_lie_apart(move, factor):
    drawn = [np.random.default_rng(i).normal(size=(2, 200, 5)) for i in range(60)]
    found = [kernel_distance(a, b + move) for a, b in drawn]
    values, errors = zip(*found)
    assert np.std(values) / factor < np.mean(errors) < np.std(values) * factor
    if not move:  # unbiased: nothing on average where nothing differs
        assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(60)
        assert min(values) < 0


def plain_precision_recall(real, fake, k, k_density):
    def radius(x, k):
        return [sorted(np.linalg.norm(x[i] - x[j]) for j in range(len(x)) if j != i)[k - 1] for i in range(len(x))]

    r, f, w = radius(real, k), radius(fake, k), radius(real, k_density)
    d = [[np.linalg.norm(b - a) for b in fake] for a in real]
    reals, fakes = range(len(real)), range(len(fake))
    return (
        np.mean([any(d[i][j] <= r[i] for i in reals) for j in fakes]),
        np.mean([any(d[i][j] <= f[j] for j in fakes) for i in reals]),
        np.sum([[d[i][j] <= w[i] for i in reals] for j in fakes]) / (k_density * len(fake)),
        np.mean([min(d[i]) <= w[i] for i in reals]),
    )


@pytest.mark.parametrize("block", [7, 1000])
def test_precision_recall_density_coverage(block):
    real, fake = REAL[:40, :2], FAKE[:30, :2]
    found = precision_recall(real, fake, k=3, k_density=5, block=block)
    np.testing.assert_allclose(found, plain_precision_recall(real, fake, 3, 5), rtol=1e-12)
    assert 0 < found.recall < 1 and 0 < found.coverage < 1


def test_precision_and_recall_say_different_things():
    two = np.concatenate([RNG.normal(size=(200, 2)), RNG.normal(size=(200, 2)) + 20])
    one = RNG.normal(size=(400, 2))
    collapsed = precision_recall(two, one)
    assert collapsed.precision > 0.9 and 0.4 < collapsed.recall < 0.55 and collapsed.coverage < 0.55
    scattered = precision_recall(one, two)
    assert 0.4 < scattered.precision < 0.55 and scattered.recall > 0.9
    far = precision_recall(one, one + 100)
    assert far == (0, 0, 0, 0)
    same = precision_recall(one, RNG.normal(size=(400, 2)))
    assert same.precision > 0.9 and same.recall > 0.9 and abs(same.density - 1) < 0.15 and same.coverage > 0.9


def test_classifier_score():
    np.testing.assert_allclose(classifier_score(1e4 * np.eye(4)), 4)
    np.testing.assert_allclose(classifier_score(np.zeros((5, 4))), 1)
    np.testing.assert_allclose(classifier_score(1e4 * np.eye(4)[[1, 1, 1]]), 1)
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    expected = np.exp(np.mean(np.sum(p * np.log(p / p.mean(0)), axis=1)))
    np.testing.assert_allclose(classifier_score(np.log(p)), expected)


def test_nearest():
    training = RNG.normal(size=(50, 3, 2))
    fake = training[[7, 3]] + 1e-3
    found = nearest_in_training(training, fake, block=1)
    np.testing.assert_array_equal(found.indices, [7, 3])
    np.testing.assert_allclose(found.distances, 1e-3 * np.sqrt(6), rtol=1e-2)


def test_bad_features():
    with raises([r"fake: expected features \[N, D\], N >= 2, of one D, received \(300, 5\) and \(200, 4\)"]):
        frechet_distance(REAL, FAKE[:, :4])
    with raises("real: expected finite features"):
        kernel_distance(np.full((4, 2), np.nan), np.zeros((4, 2)))
    with raises("real: expected features"):
        precision_recall(REAL[:1], FAKE)
