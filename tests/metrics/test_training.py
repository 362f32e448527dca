"""Metrics for `keras.Model.compile`, against the functions of NumPy arrays."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from lab.losses import PixelCrossentropy
from lab.metrics import CalibrationError, MeanIoU, Perplexity, confusion_matrix, intersection_over_union, mean_iou
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


MASKS = np.where(RNG.random((6, 4, 5)) < 0.2, 255, RNG.integers(0, 3, (6, 4, 5)))
PIXELS = RNG.normal(size=(6, 4, 5, 4)).astype("float32") - np.float32([0, 0, 0, 99])  # class 3 is neither true nor found


def test_the_mean_iou_is_that_of_the_matrix_of_all_batches():
    expected = confusion_matrix(MASKS, PIXELS.argmax(-1), 4, ignored=255)
    metric = MeanIoU(4, ignored=255)
    assert updated(metric) == 0
    found = updated(metric, (MASKS[:1], PIXELS[:1]), (MASKS[1:, ..., None], PIXELS[1:]))
    np.testing.assert_array_equal(np.asarray(keras.ops.convert_to_numpy(metric.matrix)), expected)
    assert found == pytest.approx(mean_iou(expected), rel=1e-6)
    assert np.isnan(intersection_over_union(keras.ops.convert_to_numpy(metric.matrix))[3])
    metric.reset_state()
    assert updated(metric, (MASKS * 0 + 255, PIXELS)) == 0


def test_the_mean_iou_by_hand():
    labels, found = np.array([[0, 0, 1, 1]]), np.eye(2, dtype="float32")[[[0, 1, 1, 1]]]
    assert updated(MeanIoU(2), (labels, found)) == pytest.approx((1 / 2 + 2 / 3) / 2)
    weights = np.array([[1, 0.5, 1, 0]], "float32")  # 1, 0.5 and 1 pixels
    assert updated(MeanIoU(2), (labels, found, weights)) == pytest.approx((1 / 1.5 + 1 / 1.5) / 2)
    pictures = (np.repeat(labels, 2, 0), np.concatenate([found, 1 - found]), np.array([1, 0]))
    assert updated(MeanIoU(2), pictures) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert np.isnan(updated(MeanIoU(2), (np.array([[0, 2]]), found[:, :2])))  # 2 is no class
    assert updated(MeanIoU(2), (np.array([[0, 2]]), found[:, :2], np.array([[1, 0]]))) == 1


@pytest.mark.slow
def test_compiled_segmenters_report_the_mean_iou():
    model = keras.Sequential([keras.Input((4, 5, 2)), keras.layers.Conv2D(4, 1)])
    model.compile("sgd", PixelCrossentropy(ignored=255), metrics=[MeanIoU(4, ignored=255)])
    x, few = RNG.normal(size=(6, 4, 5, 2)).astype("float32"), MASKS[:4]
    history = model.fit(x[:4], few, batch_size=3, epochs=2, verbose=0).history["mean_iou"]
    assert len(history) == 2 and all(0 < each < 1 for each in history)
    for each in (model, save_and_load(model)):
        found = each.evaluate(x, MASKS, batch_size=4, verbose=0, return_dict=True)["mean_iou"]
        made = mean_iou(confusion_matrix(MASKS, model.predict(x, verbose=0).argmax(-1), 4, ignored=255))
        assert found == pytest.approx(made, rel=1e-5)


def test_configurations_and_bad_arguments():
    others = CalibrationError(7, from_logits=False, name="error"), Perplexity(from_logits=False)
    for metric in (*others, MeanIoU(3, ignored=7, name="overlap")):
        assert round_trip(metric, keras.metrics).get_config() == metric.get_config()
    with raises("bins: expected an integer >= 1, received 0"):
        CalibrationError(0)
    with raises("classes: expected an integer >= 1, received 0"):
        MeanIoU(0)
    with raises(r"y_pred: expected logits \[..., 3\], received shape \(6, 4, 5, 4\)"):
        MeanIoU(3).update_state(MASKS, PIXELS)


def test_importing_the_package_does_not_load_keras():
    code = "import sys, lab.metrics; assert 'keras' not in sys.modules; assert 'Perplexity' in dir(lab.metrics)"
    subprocess.run([sys.executable, "-c", code], check=True)
