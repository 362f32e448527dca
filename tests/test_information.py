"""Information measures against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from lab import information
from tests.contracts import as_array, raises

P = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]], "float32")
Q = np.array([[0.25, 0.5, 0.25], [0.5, 0.5, 0.0]], "float32")


def test_by_hand_in_bits():
    np.testing.assert_allclose(
        as_array(information.self_information(np.array([1.0, 0.5, 0.125]), unit="bits")), [0, 1, 3], atol=1e-6
    )
    np.testing.assert_allclose(as_array(information.entropy(P, unit="bits")), [1.5, 0])
    np.testing.assert_allclose(as_array(information.cross_entropy(P, Q, unit="bits")), [1.75, 1])
    np.testing.assert_allclose(as_array(information.kl_divergence(P, Q, unit="bits")), [0.25, 1])
    assert as_array(information.kl_divergence(Q, P))[1] == np.inf
    joint = np.array([[[0.5, 0.0], [0.0, 0.5]], [[0.25, 0.25], [0.25, 0.25]]], "float32")
    np.testing.assert_allclose(as_array(information.mutual_information(joint, unit="bits")), [1, 0], atol=1e-7)


def test_against_scipy_in_nats():
    p, q = (np.random.default_rng(seed).dirichlet(np.ones(9), 20).astype("float32") for seed in (0, 1))
    np.testing.assert_allclose(as_array(information.entropy(p)), stats.entropy(p, axis=-1), rtol=2e-6)
    np.testing.assert_allclose(as_array(information.kl_divergence(p, q)), stats.entropy(p, q, axis=-1), rtol=2e-5)
    both = as_array(information.entropy(p)) + as_array(information.kl_divergence(p, q))
    np.testing.assert_allclose(as_array(information.cross_entropy(p, q)), both, rtol=1e-5)
    joint = np.random.default_rng(2).dirichlet(np.ones(12)).reshape(3, 4)
    expected = stats.entropy(joint.ravel(), np.outer(joint.sum(1), joint.sum(0)).ravel())
    np.testing.assert_allclose(as_array(information.mutual_information(joint)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: information.entropy(P, unit="bytes"), "unit: expected 'nats' or 'bits', received 'bytes'"),
        (lambda: information.kl_divergence(P, P[:1]), r"q: expected p's shape \(2, 3\), received \(1, 3\)"),
        (lambda: information.mutual_information(P[0]), "joint: expected at least 2 axes"),
    ],
)
def test_bad_arguments(call, words):
    with raises(words):
        call()
