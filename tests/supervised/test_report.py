"""What a classifier gets right and wrong."""

import json

import numpy as np
import pytest
from PIL import Image

from lab.supervised import report, save_report
from tests.contracts import raises

LABELS = np.array([0, 0, 1, 1, 2])
PROBABILITIES = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0, 1, 0], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]])


def test_a_report_by_hand():
    made = report(LABELS, PROBABILITIES, names="abc", bins=10)
    assert made.accuracy == 0.8
    np.testing.assert_array_equal(made.confusion, [[1, 1, 0], [0, 2, 0], [0, 0, 1]])
    assert made.classes["b"]["precision"] == pytest.approx(2 / 3) and made.classes["a"]["recall"] == 0.5
    assert made.log_loss == pytest.approx(-np.log([0.9, 0.2, 1, 0.6, 0.4]).mean())
    # bins of a tenth: 0.9 and 1 (both right), 0.8 (wrong), 0.6 (right), 0.4 (right)
    assert made.calibration_error == pytest.approx((2 * abs(1 - 0.95) + 0.8 + 0.4 + 0.6) / 5)
    assert sum(count for _, _, count in made.bins) == 5


def test_a_calibrated_forecaster_has_no_calibration_error():
    rng = np.random.default_rng(0)
    p = rng.uniform(size=100_000)
    labels = (rng.uniform(size=p.size) < p).astype(int)
    assert report(labels, np.stack([1 - p, p], axis=1)).calibration_error < 0.01


@pytest.mark.slow
def test_reports_are_files_to_look_at(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype("uint8")
    made, files = save_report(tmp_path, LABELS, PROBABILITIES, images)
    assert files == ["report.json", "confusion.png", "calibration.png", "mistakes.png"]
    assert json.loads((tmp_path / "report.json").read_text())["accuracy"] == made.accuracy
    for name in files[1:]:
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 50
    _, files = save_report(tmp_path, LABELS[[0, 2]], PROBABILITIES[[0, 2]], images[:2])
    assert "mistakes.png" not in files


@pytest.mark.parametrize(
    ("labels", "probabilities", "words"),
    [
        ([0, 1], PROBABILITIES, ["probabilities: expected \\[2, classes\\]", r"\(5, 3\)"]),
        (LABELS + 1, PROBABILITIES, ["labels: expected 0 to 2", "1 to 3"]),
        (LABELS[:, None], PROBABILITIES, ["labels: expected integers", r"\(5, 1\)"]),
        (LABELS * 1.0, PROBABILITIES, ["labels: expected integers", "float64"]),
        (LABELS, PROBABILITIES * 2, ["rows that sum to 1"]),
    ],
)
def test_bad_input_is_named(labels, probabilities, words):
    with raises(words):
        report(labels, probabilities)
