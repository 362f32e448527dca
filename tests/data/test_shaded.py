"""Shaded figures: outlines, light and colours by their properties."""

import numpy as np

from lab.data import shaded
from lab.data.shaded import COLOURS, GROUND, _brightness, _lit, _outline, grey


def test_outlines_by_hand():
    instances = np.array([[0, 0, 0, 0], [0, 1, 2, 0], [0, 1, 2, 0], [0, 0, 0, 0]], "uint8")
    expected = [[0, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(_outline(instances)[..., 0] // 255, expected)


def test_the_light_comes_from_the_upper_left():
    line = np.arange(41) - 20
    disc = line[:, None] ** 2 + line**2 <= 18**2
    light = _brightness(disc)
    assert light[8, 8] > light[20, 20] > light[32, 32]  # towards the light, flat, away from it
    np.testing.assert_allclose(light[20, 20], 0.35 + 0.65 * 0.62 / np.linalg.norm([0.5, 0.6, 0.62]), rtol=0.02)
    assert light[disc].min() >= 0.35


def test_a_shadow_does_not_wrap_around():
    instances = np.zeros((96, 96), "uint8")
    instances[30:60, 80:] = 1
    picture = _lit(instances, np.array([0]))
    assert (picture[:, :10] == GROUND).all() and (picture[64, 90] < GROUND).all()


def test_grey_by_hand():
    np.testing.assert_array_equal(grey(np.array([[[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]], "uint8")).ravel(), [76, 150, 29])


def test_one_seed_one_set_of_pictures():
    one, two, other = (shaded(3, size=32, seed=seed, cache=False) for seed in (1, 1, 2))
    for a, b, c in zip(one, two, other):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()
    assert one.outlines.shape == one.grey.shape == (3, 32, 32, 1) and one.pictures.shape == (3, 32, 32, 3)
    assert set(np.unique(one.outlines)) == {0, 255}
    assert len(set(COLOURS)) == len(COLOURS) == 10
    ground = (one.pictures == np.array(GROUND)).all(axis=-1)
    assert 0.2 < ground.mean() < 1  # what no figure and no shadow covers
