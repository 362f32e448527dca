"""Scenes and the textures behind them: what is drawn is what the truth says."""

import numpy as np
import pytest
from scipy import ndimage

from lab.data import KNOWN_TEXTURES, MORE_PHOTOGRAPHS, NEW_TEXTURES, PHOTOGRAPHS, photograph, scenes, texture, textures
from lab.data.figures import FIGURES, draw_figure
from lab.data.scenes import KNOWN_FACES, NEW_FACES, OVERLAP, VISIBLE
from lab.data.textures import MIXED, TEXTURES
from lab.metrics import Detections, average_precision, box_overlaps
from tests.contracts import raises

SMALL = {"size": 64, "cache": False}


@pytest.fixture(scope="module")
def some():
    return scenes(40, objects=(0, 6), seed=1, **SMALL)


def test_shapes_and_types(some):
    assert some.images.shape == (40, 64, 64, 3) and some.images.dtype == "uint8"
    assert some.boxes.shape == (40, 6, 4) and some.labels.shape == (40, 6)
    counts = (some.labels >= 0).sum(axis=1)
    assert counts.min() == 0 and counts.max() >= 5
    assert set(some.labels[some.labels >= 0].tolist()) == set(range(10))
    for labels, count in zip(some.labels, counts):
        assert (labels[:count] >= 0).all() and (labels[count:] == -1).all()


def test_boxes_are_those_of_the_masks(some):
    for index in range(40):
        boxes, labels, masks, *_ = some.objects(index)
        assert len(boxes) == len(labels) == len(masks) == some.instances[index].max()
        for box, mask, label in zip(boxes, masks, labels):
            (y, x), left, right = np.nonzero(mask), *box[[0, 2]]
            assert (left, right) == (x.min(), x.max() + 1) and tuple(box[[1, 3]]) == (y.min(), y.max() + 1)
            assert (some.semantic[index][mask] == label + 1).all()
        assert (some.semantic[index][~masks.any(axis=0)] == 0).all()
        overlaps = box_overlaps(boxes, boxes) - np.eye(len(boxes))
        assert len(boxes) < 2 or overlaps.max() < 0.6  # those that were hidden later have smaller boxes
        shown = some.visible[index][: len(boxes)]
        assert (shown >= VISIBLE).all() and (shown <= 1).all() and OVERLAP < 0.6


def test_scenes_without_objects():
    empty = scenes(3, objects=(0, 0), seed=0, **SMALL)
    assert empty.boxes.shape == (3, 1, 4) and (empty.labels == -1).all() and not empty.instances.any()
    assert not empty.semantic.any() and not len(empty.objects(0).boxes)


def test_objects_can_be_told_from_what_is_behind_them(some):
    for image, instances in zip(some.images / 255, some.instances):
        around = ndimage.binary_dilation(instances > 0, iterations=4) & ~ndimage.binary_dilation(instances > 0)
        for number in range(1, instances.max() + 1):
            assert np.linalg.norm(image[instances == number].mean(axis=0) - image[around].mean(axis=0)) > 0.1


def test_the_truth_is_a_perfect_detection(some):
    truths = [some.objects(index) for index in range(40)]
    found = [Detections(each.boxes, np.ones(len(each.boxes)), each.labels, each.masks) for each in truths]
    assert average_precision(truths, found).summary["AP"] == 1
    assert average_precision(truths, found, of_masks=True).summary["AP"] == 1


def test_a_seed_draws_the_same_again_and_the_disk_keeps_it(own_home):
    ones = scenes(3, size=32, seed=5)
    (kept,) = (own_home / "mlruns" / "cache").glob("scenes-*.npz")
    for again in (scenes(3, size=32, seed=5), scenes(3, size=32, seed=5, cache=False)):
        for one, other in zip(ones, again):
            np.testing.assert_array_equal(one, other)
    assert (scenes(3, size=32, seed=6, cache=False).images != ones.images).any()
    kept.write_bytes(kept.read_bytes()[:100])
    np.testing.assert_array_equal(scenes(3, size=32, seed=5).images, ones.images)


def test_every_figure_is_there():
    assert len(scenes(30, classes=list(FIGURES), seed=0, **SMALL).labels) == 30
    areas = {}
    for name in FIGURES:
        ink, shades = draw_figure(name, 40)
        areas[name] = ink.mean()
        assert ink[:8].max() < 0.05 and ink.max() > 0.95 and 0 <= shades.min() <= shades.max() < 1.001
    assert areas["circle"] == pytest.approx(np.pi * 0.34**2, rel=0.02) and areas["square"] == pytest.approx(0.36, rel=0.02)


def test_test_scenes_share_nothing_with_those_of_training():
    assert not set(KNOWN_TEXTURES) & set(NEW_TEXTURES) and set(KNOWN_TEXTURES) | set(NEW_TEXTURES) == {*TEXTURES, MIXED}
    assert not set(KNOWN_FACES) & set(NEW_FACES)
    only = scenes(20, classes="g", faces=NEW_FACES[:1], backgrounds=["slope"], objects=(1, 1), seed=0, **SMALL)
    assert (only.labels == 0).all()


@pytest.mark.parametrize("kind", [*TEXTURES, MIXED, *PHOTOGRAPHS, "camera", "retina"])
def test_textures(kind):
    one = texture(kind, 48, seed=1)
    assert one.shape == (48, 48, 3) and one.dtype == "float32" and 0 <= one.min() <= one.max() <= 1
    assert one.std(axis=(0, 1)).max() > 0.02
    np.testing.assert_array_equal(one, texture(kind, 48, seed=1))
    assert not np.array_equal(one, texture(kind, 48, seed=2))


def test_parts_of_a_photograph_are_mirrored_and_keep_their_colours(monkeypatch):
    slope = np.zeros((200, 300, 3), "uint8")
    slope[..., 0], slope[..., 1] = np.linspace(0, 250, 300), 100
    monkeypatch.setattr(textures, "photograph", lambda name: slope)
    parts = [texture("flower", 64, seed=seed) for seed in range(8)]
    assert {int(np.sign(part[0, -1, 0] - part[0, 0, 0])) for part in parts} == {-1, 1}
    for part in parts:
        np.testing.assert_allclose(part[..., 1], 100 / 255, atol=0.01)
        assert part[..., 2].max() == 0
    assert photograph("hopper").shape == (600, 512, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE_PHOTOGRAPHS)
def test_photographs_of_scikit_image_have_three_channels(name):
    whole = photograph(name)
    assert whole.ndim == 3 and whole.shape[2] == 3 and whole.dtype == "uint8" and min(whole.shape[:2]) >= 300


def test_without_scikit_image_one_line_says_so(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with raises("scikit-image: expected it to be installed, received none; pip install"):
        scenes(1, backgrounds=["slope", "camera"], **SMALL)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"count": 0}, "count: expected an integer >= 1, received 0"),
        ({"size": 8}, "size: expected an integer >= 16, received 8"),
        ({"objects": (3, 2)}, r"objects: expected \(least, greatest\) with 0 <= .*received \(3, 2\)"),
        ({"objects": 3}, "objects: expected .*two integers, received 3"),
        ({"objects": (1, 255)}, "objects: expected"),
        ({"sizes": (0.5, 1.5)}, r"sizes: expected .*received \(0.5, 1.5\)"),
        ({"classes": ""}, "classes: expected different ones, at least one"),
        ({"classes": ["stra"]}, "classes: expected one of .*nearest: star"),
        ({"classes": ["字"]}, "characters: expected ones that some of the"),
        ({"backgrounds": ()}, "backgrounds: expected at least one, received none"),
        ({"backgrounds": ["clowds"]}, "backgrounds: expected one of .*nearest: clouds"),
    ],
)
def test_bad_input_is_one_line(settings, words):
    with raises(words):
        scenes(**{"count": 2, "cache": False} | settings)
