"""Differentiable augmentation: what each policy does to each sample's pixels, and gradients."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.gan import diff_augment
from tests.contracts import raises

IMAGES = np.random.default_rng(0).uniform(0.2, 1, (64, 8, 8, 3)).astype("float32")


def augmented(policy, images=IMAGES, seed=0, **options):
    return ops.convert_to_numpy(
        diff_augment((policy,), **options)(ops.convert_to_tensor(images), keras.random.SeedGenerator(seed))
    )


def test_translation_moves_whole_images():
    out = augmented("translation", shift=0.25)
    seen = set()
    for image, moved in zip(IMAGES, out):
        shifts = []
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                expected = np.zeros_like(image)
                rows, columns = slice(max(dy, 0), 8 + min(dy, 0)), slice(max(dx, 0), 8 + min(dx, 0))
                expected[rows, columns] = image[slice(max(-dy, 0), 8 + min(-dy, 0)), slice(max(-dx, 0), 8 + min(-dx, 0))]
                shifts += [(dy, dx)] if np.allclose(expected, moved, atol=1e-6) else []
        assert len(shifts) == 1
        seen.add(shifts[0])
    assert len(seen) > 15  # each by its own
    assert {-2, 2} <= {dy for dy, _ in seen} and {-2, 2} <= {dx for _, dx in seen}


def test_cutout_leaves_a_square_of_zeros():
    out = augmented("cutout")
    sizes = []
    for image, cut in zip(IMAGES, out):
        gone = (cut == 0).all(-1)
        np.testing.assert_array_equal(cut[~gone], image[~gone])
        rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
        assert gone.sum() == len(rows) * len(columns)
        sizes.append((len(rows), len(columns)))
    assert max(sizes) == (4, 4) and min(sizes)[0] <= 2  # half a side, and less where it leaves the image


def test_colour_is_brightness_saturation_and_contrast():
    out = augmented("colour")
    for image, changed in zip(IMAGES, out):
        grey, new_grey = image.mean(-1), changed.mean(-1)
        contrast = np.polyfit(grey.ravel(), new_grey.ravel(), 1)
        assert 0.5 <= contrast[0] <= 1.5
        np.testing.assert_allclose(np.polyval(contrast, grey), new_grey, atol=1e-4)
        assert abs(changed.mean() - image.mean()) <= 0.5 + 1e-5  # contrast and saturation keep the mean
        slope = np.polyfit((image - grey[..., None]).ravel(), (changed - new_grey[..., None]).ravel(), 1)[0]
        assert 0 <= slope / contrast[0] <= 2
    assert (out.mean((1, 2, 3)) - IMAGES.mean((1, 2, 3))).std() > 0.2


@pytest.mark.parametrize("policy", ["colour", "translation", "cutout"])
def test_gradients_seeds_and_shapes(policy):
    function = diff_augment((policy,))
    seed = keras.random.SeedGenerator(0)
    (_, _), gradient = engine.value_and_grad(lambda x: (ops.sum(ops.square(function(x, seed))), ()))(
        ops.convert_to_tensor(IMAGES)
    )
    assert np.abs(ops.convert_to_numpy(gradient)).max() > 0
    grey = IMAGES[..., :1]
    assert augmented(policy, grey).shape == grey.shape
    np.testing.assert_array_equal(augmented(policy, seed=3), augmented(policy, seed=3))
    assert (augmented(policy, seed=3) != augmented(policy, seed=4)).any()


def test_an_unknown_policy():
    with raises("policy: expected some of colour, translation, cutout, received 'flip'"):
        diff_augment(("flip",))
