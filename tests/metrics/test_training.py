"""Metrics for `keras.Model.compile`, against the functions of NumPy arrays."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from lab.metrics import CalibrationError, Perplexity
from lab.supervised import report
from tests.contracts import raises, round_trip, save_and_load

RNG = np.random.default_rng(0)
LOGITS, LABELS = (3 * RNG.normal(size=(60, 4))).astype("float32"), RNG.integers(0, 4, 60)


def updated(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


@pytest.mark.parametrize("bins", [1, 15])
def test_the_calibration_error_is_the_reports(bins):
    expected = report(LABELS, softmax(LOGITS, axis=-1), bins=bins).calibration_error
    halves = (LABELS[:20], LOGITS[:20]), (LABELS[20:], LOGITS[20:])
    assert updated(CalibrationError(bins), *halves) == pytest.approx(expected, rel=1e-5)
    given = (LABELS[:, None], softmax(LOGITS, axis=-1))  # labels as Keras's losses take them too
    assert updated(CalibrationError(bins, from_logits=False), given) == pytest.approx(expected, rel=1e-5)


def test_the_calibration_error_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.0, 1.0]], "float32")
    labels = np.array([0, 1, 0, 1])  # right, wrong, right, right, in bins of a half: all in the upper one
    metric = CalibrationError(2, from_logits=False)
    assert updated(metric) == 0
    assert updated(metric, (labels, probabilities)) == pytest.approx(abs(0.75 - 0.825), rel=1e-5)
    metric.reset_state()
    assert updated(metric, (labels, probabilities, np.array([1.0, 0, 0, 1]))) == pytest.approx(0.05, rel=1e-5)


def test_the_perplexity_is_that_of_the_labels():
    logs = log_softmax(LOGITS.astype(float), axis=-1)[np.arange(60), LABELS]
    sequences = LABELS.reshape(6, 10), LOGITS.reshape(6, 10, 4)
    assert updated(Perplexity()) == 1
    assert updated(Perplexity(), sequences) == pytest.approx(np.exp(-logs.mean()), rel=1e-5)
    given = (LABELS[:30], softmax(LOGITS[:30], axis=-1)), (LABELS[30:], softmax(LOGITS[30:], axis=-1))
    assert updated(Perplexity(from_logits=False), *given) == pytest.approx(np.exp(-logs.mean()), rel=1e-5)
    kept = RNG.integers(0, 2, (6, 10))
    expected = np.exp(-(logs * kept.ravel()).sum() / kept.sum())
    assert updated(Perplexity(), (*sequences, kept)) == pytest.approx(expected, rel=1e-5)
    whole = np.exp(-logs.reshape(6, 10)[:2].mean())  # weights of sequences hold for their steps
    assert updated(Perplexity(), (*sequences, np.array([1, 1, 0, 0, 0, 0]))) == pytest.approx(whole, rel=1e-5)
    np.testing.assert_allclose(updated(Perplexity(), (LABELS, np.zeros((60, 4), "float32"))), 4, rtol=1e-5)


@pytest.mark.slow
def test_compiled_models_report_them():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=[CalibrationError(5), Perplexity()])
    x = RNG.normal(size=(60, 3)).astype("float32")
    model.fit(x, LABELS, batch_size=20, verbose=0)
    for each in (model, save_and_load(model)):
        found = each.evaluate(x, LABELS, batch_size=20, verbose=0, return_dict=True)
        made = report(LABELS, softmax(model.predict(x, verbose=0).astype(float), axis=-1), bins=5)
        assert found["calibration_error"] == pytest.approx(made.calibration_error, rel=1e-4)
        assert found["perplexity"] == pytest.approx(np.exp(made.log_loss), rel=1e-4)


def test_configurations_and_bad_arguments():
    for metric in (CalibrationError(7, from_logits=False, name="error"), Perplexity(from_logits=False)):
        assert round_trip(metric, keras.metrics).get_config() == metric.get_config()
    with raises("bins: expected an integer >= 1, received 0"):
        CalibrationError(0)


def test_importing_the_package_does_not_load_keras():
    code = "import sys, lab.metrics; assert 'keras' not in sys.modules; assert 'Perplexity' in dir(lab.metrics)"
    subprocess.run([sys.executable, "-c", code], check=True)
