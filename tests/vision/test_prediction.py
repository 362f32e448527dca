"""What a trained detector finds in a picture: in the picture's own pixels, also at its edges."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from lab.vision.prediction import Predictor


def predictor(boxes, masks=None):
    """One whose model of 64 x 64 pixels says this of any picture."""
    said = {
        "boxes": np.array([boxes], "float32"),
        "scores": np.full((1, len(boxes)), 0.9),
        "labels": np.zeros((1, len(boxes)), int),
    }
    said |= {} if masks is None else {"masks": np.array([masks], "float32")}
    made = Predictor.__new__(Predictor)
    made.model = SimpleNamespace(inputs=[np.zeros((1, 64, 64, 3))], predict=lambda images, verbose: said)
    made.detects, made.names = True, ("cat",)
    return made


@pytest.fixture
def path(tmp_path):
    """A picture of 64 x 32, above and below which the letterbox has bars of 16."""
    Image.fromarray(np.zeros((32, 64, 3), "uint8")).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_mask_fills_its_box_also_beyond_the_picture(path):
    right = np.zeros((28, 28))
    right[:, 14:] = 1
    found = predictor([[-20, 16, 20, 48], [44, 0, 84, 64]], [right, right]).find(path).detections
    np.testing.assert_allclose(found.boxes, [[0, 0, 20, 32], [44, 0, 64, 32]])
    assert found.masks.shape == (2, 32, 64)
    np.testing.assert_array_equal(found.masks[0].all(axis=0), np.arange(64) < 20)  # from the middle of the box, 0, to 20
    assert not found.masks[1].any()  # its right half, from 64 on, is outside


def test_what_lies_in_the_bars_is_not_found(path):
    found = predictor([[5, 2, 20, 15], [5, 10, 20, 20]]).find(path).detections
    np.testing.assert_allclose(found.boxes, [[5, 0, 20, 4]])
    assert found.masks is None
