"""What counts as examples and as images, and what is refused."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from lab import models
from lab.data import conventions
from lab.data.conventions import as_array, as_floats, check_numbers, check_set, require_channels_last
from tests.contracts import raises


def image(*values, dtype="float32"):
    """An image of a row of pixels."""
    return np.array(values, dtype).reshape(1, 1, -1, 1)


def test_bytes_become_numbers_from_minus_one_to_one():
    found = as_floats(image(0, 51, 255, dtype="uint8"))
    np.testing.assert_allclose(found.ravel(), [-1, -0.6, 1], rtol=1e-6)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(as_floats(image(-3, 0.5, dtype="float64")), image(-3, 0.5))
    with raises("images: expected numbers from -1 to 1 or integers from 0 to 255 .*received int64"):
        as_floats(image(0, 1, dtype="int64"))


def test_examples_are_one_array_of_numbers():
    np.testing.assert_array_equal(as_array("x", [[1, 2], [3, 4]]), [[1, 2], [3, 4]])
    with raises("x: expected an array with all samples, received generator; np.concatenate"):
        as_array("x", (number for number in range(3)))
    with raises("x: expected an array with all samples, received int"):
        as_array("x", 3)
    with raises("x: expected samples of one shape, received a list of several shapes"):
        as_array("x", [[1, 2], [3]])
    with raises("x: expected numbers, received <U1 of shape"):
        as_array("x", ["a", "b"])


@pytest.mark.parametrize("check", [check_numbers, check_set])
def test_numbers_out_of_range_are_named(check):
    for good in (image(0, 255, dtype="uint8"), image(-1, 1), np.array([[7.0, -9.0]]), np.zeros((0, 2, 2, 1))):
        check("x", good)
    with raises("x: expected images from -1 to 1 or, as uint8, from 0 to 255, received float32 from 0 to 255"):
        check("x", image(0, 255))
    with raises("x: expected finite numbers or integers from 0 to 255"):
        check("x", image(0, np.nan))
    with raises("x: expected finite numbers or integers from 0 to 255 .*received int32 from 0 to 255"):
        check("x", image(0, 255, dtype="int32"))


def test_a_whole_set_of_images_from_zero_to_one_is_named():
    check_numbers("x", image(0, 0.5, 1))  # a batch may be bright
    with raises(["x: expected images from -1 to 1, or from 0 to 255 as uint8", "2 \\* x - 1 if 1 is white"]):
        check_set("x", image(0, 0.5, 1))
    check_set("x", image(0, 0))  # nobody can say


def test_channels_come_last(monkeypatch):
    require_channels_last()
    monkeypatch.setattr(keras.config, "image_data_format", lambda: "channels_first")
    with raises("image_data_format: expected 'channels_last'"):
        require_channels_last()


def test_the_conventions_load_no_keras():
    code = "import sys, lab.data.conventions; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_old_place_warns():
    with pytest.warns(DeprecationWarning, match=r"as_floats: its name is lab\.data\.conventions\.as_floats now"):
        assert models.as_floats is conventions.as_floats
