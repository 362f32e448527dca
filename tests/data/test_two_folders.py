"""Two folders: pairs by name, sets, pictures that are turned, names that occur twice."""

import numpy as np
import pytest
from PIL import Image

from lab.data import two_folders


def picture(path, value, size=(24, 12), orientation=None):
    path.parent.mkdir(exist_ok=True, parents=True)
    image = Image.new("L", size, value)
    exif = image.getexif()
    if orientation:
        exif[274] = orientation
    image.save(path, exif=exif)


def values(pictures):
    return [int(each.mean().round()) for each in pictures]


def test_pairs_and_sets(tmp_path):
    for name, value in (("b.png", 10), ("a/c.png", 20)):
        picture(tmp_path / "x" / name, value)
        picture(tmp_path / "y" / name, 100 + value)
    for paired in (True, False):
        found = two_folders(tmp_path / "x", tmp_path / "y", 12, paired=paired, channels=(1, 3))
        assert found.sources.shape == (2, 12, 12, 1) and found.targets.shape == (2, 12, 12, 3)
        np.testing.assert_array_equal(np.array(values(found.sources)) + 100, values(found.targets))
    picture(tmp_path / "x" / "b.jpg", 30)
    sets = two_folders(tmp_path / "x", tmp_path / "y", 12, paired=False)
    assert sorted(values(sets.sources)) == [10, 20, 30]  # two files of one name are two pictures
    with pytest.raises(ValueError, match=r"x: expected one picture of each name, received several of b\."):
        two_folders(tmp_path / "x", tmp_path / "y", 12, paired=True)


def test_proportions_are_those_of_the_upright_picture(tmp_path):
    picture(tmp_path / "x" / "a.jpg", 10, (24, 12), orientation=6)  # shown as 12 x 24
    picture(tmp_path / "y" / "a.png", 20, (12, 24))
    assert len(two_folders(tmp_path / "x", tmp_path / "y", 12, paired=True).sources) == 1
    picture(tmp_path / "y" / "a.png", 20, (24, 12))
    with pytest.raises(ValueError, match=r"expected the proportions of .*a\.jpg, received 12 x 24 and 24 x 12"):
        two_folders(tmp_path / "x", tmp_path / "y", 12, paired=True)
