"""Augmented pictures: boxes are those of the moved masks, and of rectangles that are drawn."""

import dataclasses

import numpy as np
import pytest

from lab.data import Scenes, scenes
from lab.data.scenes import boxes_of
from lab.vision import Augmentation, augment
from tests.contracts import raises

HOWS = {
    "flip": Augmentation(flip=1.0),
    "scale": Augmentation(scale=2.0),
    "shift": Augmentation(shift=0.3),
    "rotation": Augmentation(rotation=60.0),
    "shear": Augmentation(shear=25.0),
    "all": Augmentation(flip=0.5, scale=1.5, shift=0.2, rotation=20.0, shear=10.0),
    "mosaic": Augmentation(mosaic=1.0),
    "mosaic and moves": Augmentation(flip=0.5, scale=1.5, shift=0.2, mosaic=0.5),  # turned boxes that are cut differ
}


def rectangles(count=40, height=48, width=64, seed=0):
    """White rectangles on black, one or two in a picture."""
    rng = np.random.default_rng(seed)
    images, instances = np.zeros((count, height, width, 3), "uint8"), np.zeros((count, height, width), "uint8")
    boxes, labels = np.zeros((count, 2, 4), "float32"), np.full((count, 2), -1, "int32")
    for picture in range(count):
        for number in range(rng.integers(1, 3)):
            left = int(rng.integers(2, 20) + 28 * number)
            top, wide, high = (int(value) for value in rng.integers([2, 8, 8], [20, 14, 24]))
            here = picture, slice(top, top + high), slice(left, left + wide)
            images[here], instances[here] = 255, number + 1
            boxes[picture, number], labels[picture, number] = (left, top, left + wide, top + high), number
    return Scenes(images, instances, boxes, labels, (labels >= 0).astype("float32"))


@pytest.mark.parametrize("how", HOWS.values(), ids=HOWS)
def test_boxes_are_those_of_the_moved_masks_and_of_moved_corners(how):
    drawn = rectangles()
    how = dataclasses.replace(how, least=0.0)
    masked = augment(drawn, how, seed=1)
    plain = augment(drawn._replace(instances=np.zeros_like(drawn.instances)), how, seed=1)
    assert not plain.instances.any()
    inside = 0
    for index, (picture, shown) in enumerate(zip(masked.images, masked.instances)):
        count = int((masked.labels[index] >= 0).sum())
        boxes, others = masked.boxes[index, :count], plain.boxes[index, :count]
        assert (masked.labels[index, count:] == -1).all() and shown.max() <= count
        np.testing.assert_array_equal(boxes, boxes_of(shown, count))
        if count:  # what the mask shows is white, what it does not is black or uncovered, but for edges
            assert (picture[shown > 0] > 100).mean() > 0.9 and (picture[shown == 0] <= 128).mean() > 0.95
        if (plain.labels[index] >= 0).sum() == count:
            whole = ((boxes > 1) & (boxes < [63, 47, 63, 47])).all(axis=1)
            inside += whole.sum()
            np.testing.assert_allclose(boxes[whole], others[whole], atol=1.5)
    assert inside >= 15


def test_a_mirrored_picture_by_hand():
    drawn = rectangles(1)
    flipped = augment(drawn, Augmentation(flip=1.0), seed=0)
    np.testing.assert_array_equal(flipped.images, drawn.images[:, :, ::-1])
    np.testing.assert_array_equal(flipped.instances, drawn.instances[:, :, ::-1])
    left, top, right, bottom = drawn.boxes[0, 0]
    np.testing.assert_array_equal(flipped.boxes[0, 0], [64 - right, top, 64 - left, bottom])


def test_nothing_to_do_changes_nothing_and_seeds_decide():
    drawn = scenes(6, size=32, objects=(0, 3), seed=0, cache=False)
    for part, same in zip(augment(drawn, Augmentation(), seed=0), drawn):
        np.testing.assert_array_equal(part, same)
    first, again, other = (augment(drawn, HOWS["mosaic and moves"], seed=seed) for seed in (1, 1, 2))
    for part, same in zip(first, again):
        np.testing.assert_array_equal(part, same)
    assert (first.images != other.images).any()
    assert first.labels.shape == (6, 12) and drawn.labels.shape == (6, 3)
    empty = scenes(2, size=32, objects=(0, 0), seed=0, cache=False)
    assert (augment(empty, HOWS["all"], seed=0).labels == -1).all()
    assert len(augment(Scenes(*(part[:0] for part in drawn)), HOWS["all"], seed=0).images) == 0


def test_a_box_of_a_hidden_object_stays_its_own():
    drawn = rectangles(1)
    hidden = drawn.instances.copy()
    left, top, right, bottom = drawn.boxes[0, 0].astype(int)
    hidden[0, :, : (left + right) // 2] = 0  # another object that is not in the list hides the left half
    half = drawn._replace(instances=hidden, boxes=drawn.boxes + np.float32(0.25))
    for part, same in zip(augment(half, Augmentation(), seed=0), half):
        np.testing.assert_array_equal(part, same)
    flipped = augment(half, Augmentation(flip=1.0), seed=0)
    np.testing.assert_allclose(flipped.boxes[0, 0], [64 - right - 0.25, top + 0.25, 64 - left - 0.25, bottom + 0.25])


def test_a_mosaic_has_room_for_all_objects_of_a_picture():
    drawn = rectangles(4)
    many = drawn._replace(
        **{
            name: np.pad(getattr(drawn, name), ((0, 0), (0, 298), (0, 0))[: getattr(drawn, name).ndim], constant_values=value)
            for name, value in (("boxes", 0), ("labels", -1), ("visible", 0))
        }
    )
    assert augment(many, Augmentation(mosaic=0.5), seed=0).labels.shape == (4, 300)


def test_objects_of_which_too_little_is_left_are_gone():
    drawn = rectangles()
    labels = [(augment(drawn, Augmentation(shift=0.5, least=least), seed=3).labels >= 0).sum() for least in (0.0, 0.5, 1.0)]
    assert labels[0] > labels[1] > labels[2] > 0
    cut = augment(drawn, Augmentation(shift=0.5, least=0.5), seed=3)
    assert cut.visible[cut.labels >= 0].min() >= 0.5 and (cut.visible[cut.labels >= 0] < 0.9).any()


def test_colours_change_and_places_do_not():
    drawn = scenes(20, size=32, objects=(1, 3), seed=0, cache=False)
    changed = augment(drawn, Augmentation(colour=0.4), seed=0)
    for name in ("instances", "boxes", "labels", "visible"):
        np.testing.assert_array_equal(getattr(changed, name), getattr(drawn, name))
    means = np.abs(changed.images.mean((1, 2)) - drawn.images.mean((1, 2)))
    assert (means.max(axis=1) > 3).all()
    grey = drawn._replace(images=np.full_like(drawn.images, 128))
    turned = augment(grey, Augmentation(colour=0.4), seed=0).images
    assert (np.ptp(turned.astype(int), axis=-1) <= 1).all()  # grey stays grey, brighter or darker
    assert turned.std(axis=0).max() > 5


@pytest.mark.parametrize(
    ("name", "value"), [("flip", 1.1), ("scale", 0.5), ("shift", -0.1), ("rotation", 200.0), ("mosaic", 2.0), ("least", -1.0)]
)
def test_bad_settings_are_one_line(name, value):
    with raises(f"{name}: expected a number .*, received {value}"):
        Augmentation(**{name: value})
