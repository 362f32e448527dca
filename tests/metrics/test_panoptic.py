"""Panoptic quality: hand values, a slow loop by panopticapi's rules, and hotcoco."""

import collections

import numpy as np
import pytest

from lab.metrics import Segments, panoptic_quality
from tests.contracts import raises

LEFT, RIGHT = np.array([[1] * 4 + [0] * 6] * 10), np.array([[0] * 4 + [2] * 6] * 10)
BOTH = LEFT + RIGHT  # 40 pixels of 1, 60 of 2


def test_the_truth_has_one():
    truth = Segments(BOTH, {1: 7, 2: 3})
    result = panoptic_quality([truth], [Segments(BOTH * 100, {100: 7, 200: 3})])
    assert result.classes.tolist() == [3, 7] and result.quality.tolist() == [1, 1]
    assert result.counts.tolist() == [[1, 0, 0]] * 2 and result.summary == {"PQ": 1, "SQ": 1, "RQ": 1}


def test_by_hand():
    found = BOTH.copy()
    found[:, 4:6] = 1  # 60 and 40 pixels: IoU 40 / 60 of both
    truth = Segments(BOTH, {1: 0, 2: 0})
    result = panoptic_quality([truth], [Segments(found, {1: 0, 2: 0})])
    np.testing.assert_allclose([result.quality[0], result.segmentation[0], result.recognition[0]], [2 / 3, 2 / 3, 1])
    result = panoptic_quality([truth], [Segments(found, {1: 0, 2: 1})])  # one of another class
    assert result.counts.tolist() == [[1, 0, 1], [0, 1, 0]]
    np.testing.assert_allclose(result.quality, [(2 / 3) / 1.5, 0])
    np.testing.assert_allclose(result.segmentation, [2 / 3, 0])
    assert result.summary["PQ"] == pytest.approx(2 / 9) and result.summary["RQ"] == pytest.approx(1 / 3)


def test_a_half_is_no_match():
    truth, found = np.zeros((2, 10), int), np.zeros((2, 10), int)
    truth[0, :] = 1
    found[0, :5] = 1  # IoU 1/2
    result = panoptic_quality([Segments(truth, {1: 0})], [Segments(found, {1: 0})])
    assert result.counts.tolist() == [[0, 1, 1]]
    found[0, 5] = 1
    assert panoptic_quality([Segments(truth, {1: 0})], [Segments(found, {1: 0})]).quality == [0.6]


def test_void_pixels():
    truth = Segments(LEFT, {1: 0})  # the right is void
    found = np.full((10, 10), 5)
    assert panoptic_quality([truth], [Segments(found, {5: 0})]).quality == [1]  # 40 of 40: void is not in the union
    halves = np.where(np.arange(10) < 5, 5, 6) * np.ones((10, 1), int)
    result = panoptic_quality([truth], [Segments(halves, {5: 0, 6: 0})])
    assert result.counts.tolist() == [[1, 0, 0]]  # the second is void
    three = LEFT * 0
    three[:2, 3], three[:2, 4] = 8, 8  # half void is still wrong
    result = panoptic_quality([truth], [Segments(three, {8: 1})])
    assert result.counts.tolist() == [[0, 0, 1], [0, 1, 0]]
    three[2, 4] = 8  # three of five
    assert panoptic_quality([truth], [Segments(three, {8: 1})]).counts.tolist() == [[0, 0, 1]]


def test_crowds():
    truth = Segments(BOTH, {1: 0, 2: 1}, crowd=[2])
    found = Segments(BOTH, {1: 0, 2: 1})
    assert panoptic_quality([truth], [found]).classes.tolist() == [0]  # neither right, nor missed, nor wrong
    assert panoptic_quality([truth], [Segments(BOTH, {1: 0, 2: 0})]).counts.tolist() == [[1, 1, 0]]  # of another class


def test_things_and_stuff():
    truth, found = Segments(BOTH, {1: 0, 2: 1}), Segments(LEFT, {1: 0})
    summary = panoptic_quality([truth], [found], things=[0, 9]).summary
    assert summary["PQ_things"] == 1 and summary["PQ_stuff"] == 0 and summary["PQ"] == 0.5 and len(summary) == 9
    assert np.isnan(panoptic_quality([truth], [found], things=[]).summary["PQ_things"])


def test_without_any_segment():
    nothing = Segments(np.zeros((4, 4), int), {})
    for result in (panoptic_quality([], []), panoptic_quality([nothing], [nothing])):
        assert not len(result.classes) and result.counts.shape == (0, 3) and np.isnan(result.summary["PQ"])
    assert panoptic_quality([nothing], [Segments(np.ones((4, 4), int), {1: 0})]).classes.tolist() == []  # all void


def random_segments(rng, base=None, crowds=False):
    """A map of rectangles on void, or one like another. At most one crowd of a class."""
    if base is None:
        ids = np.zeros((24, 30), int)
        for name in rng.permutation(rng.integers(1, 9)):
            top, left = rng.integers(0, 20), rng.integers(0, 26)
            ids[top : top + rng.integers(2, 14), left : left + rng.integers(2, 16)] = 10 * name + 1
        names = np.setdiff1d(ids, [0]).tolist()
        classes = dict(zip(names, rng.integers(1, 4, len(names)).tolist()))
    else:
        ids = np.roll(base.ids, rng.integers(-2, 3, 2), axis=(0, 1))
        ids = np.where(rng.random(ids.shape) < rng.choice([0, 0.1, 0.4]), rng.choice([0, 7]), ids)
        ids[rng.integers(0, 24) :, : rng.integers(0, 12)] = rng.choice([0, 1, 11, 21])
        names = np.setdiff1d(ids, [0]).tolist()
        changed = rng.integers(1, 4, len(names))
        classes = {
            name: base.classes.get(name, int(new)) if rng.random() < 0.8 else int(new) for name, new in zip(names, changed)
        }
    crowd = {label: name for name, label in classes.items() if crowds and rng.random() < 0.3}
    return Segments(ids, classes, tuple(crowd.values()))


def random_case(rng):
    truths = [random_segments(rng, crowds=True) for _ in range(rng.integers(1, 4))]
    return truths, [random_segments(rng, each if rng.random() < 0.9 else None) for each in truths]


def slow(truths, found):
    """{class: [TP, FP, FN, sum of IoU]}, pair by pair."""
    sums = collections.defaultdict(lambda: [0, 0, 0, 0.0])
    for truth, said in zip(truths, found):
        void = truth.ids == 0
        right = set()
        for name, label in truth.classes.items():
            mask = truth.ids == name
            for other, given in said.classes.items():
                guess = (said.ids == other) & ~void
                overlap = (mask & guess).sum() / (mask | guess).sum()
                if given == label and name not in truth.crowd and overlap > 0.5:
                    sums[label][0] += 1
                    sums[label][3] += overlap
                    right |= {("t", name), ("f", other)}
            if ("t", name) not in right and name not in truth.crowd:
                sums[label][2] += 1
        for other, given in said.classes.items():
            mask = said.ids == other
            unclear = void | np.isin(truth.ids, [name for name in truth.crowd if truth.classes[name] == given])
            if ("f", other) not in right and (mask & unclear).sum() / mask.sum() <= 0.5:
                sums[given][1] += 1
    return dict(sums)


@pytest.mark.parametrize("cases", [30, pytest.param(500, marks=pytest.mark.long)])
def test_it_is_the_slow_loop(cases):
    rng = np.random.default_rng(cases)
    seen = np.zeros(3)
    for _ in range(cases):
        truths, found = random_case(rng)
        result, expected = panoptic_quality(truths, found), slow(truths, found)
        assert result.classes.tolist() == sorted(expected)
        for label, counts, quality in zip(result.classes, result.counts, result.quality):
            right, wrong, missed, overlap = expected[label]
            assert counts.tolist() == [right, wrong, missed]
            assert quality == pytest.approx(overlap / (right + wrong / 2 + missed / 2), abs=1e-12)
            seen += counts
    assert (seen > 10).all()


def of_hotcoco(truths, found):
    """The mean PQ, SQ, RQ of all classes, and each class's PQ, of hotcoco."""
    panoptic = pytest.importorskip("hotcoco.panoptic")
    from hotcoco import COCO, mask

    def annotations(pictures):
        made = []
        for picture, part in enumerate(pictures, 1):
            for name, label in part.classes.items():
                encoded = mask.encode(np.asfortranarray((part.ids == name).astype("uint8")))
                area = int((part.ids == name).sum())
                box = [float(each) for each in mask.toBbox([encoded])[0]]
                made.append({"id": len(made) + 1, "image_id": picture, "category_id": label, "area": area, "bbox": box})
                made[-1] |= {"iscrowd": int(name in part.crowd), "segmentation": encoded}
        return made

    images = [{"id": index + 1, "height": 24, "width": 30} for index in range(len(truths))]
    categories = [{"id": label, "name": str(label), "isthing": label % 2} for label in (1, 2, 3)]
    evaluation = panoptic.PanopticEval(
        *(COCO({"images": images, "categories": categories, "annotations": annotations(each)}) for each in (truths, found))
    )
    evaluation.evaluate()
    return evaluation.results()


@pytest.mark.parametrize("cases", [20, pytest.param(300, marks=pytest.mark.long)])
def test_it_is_hotcocos(cases):
    rng = np.random.default_rng(cases)
    for _ in range(cases):
        truths, found = random_case(rng)
        ours, theirs = panoptic_quality(truths, found, things=[1, 3]).summary, of_hotcoco(truths, found)
        for name, part in (("", "All"), ("_things", "Things"), ("_stuff", "Stuff")):
            expected = np.array([theirs[part][key] for key in ("pq", "sq", "rq")])
            expected[expected == -1] = np.nan  # no class of this part
            np.testing.assert_allclose([ours[key + name] for key in ("PQ", "SQ", "RQ")], expected, atol=1e-12)


GOOD = Segments(BOTH, {1: 0, 2: 1})


@pytest.mark.parametrize(
    ("truths", "found", "words"),
    [
        ([GOOD], [], "found: expected 1 pictures, received 0"),
        ([GOOD], [Segments(BOTH, {1: 0})], r"found\[0\].classes: expected the ids \[1, 2\], received \[1\]"),
        ([Segments(LEFT, {1: 0, 2: 0})], [GOOD], r"truths\[0\].classes: expected the ids \[1\], received \[1, 2\]"),
        ([GOOD], [Segments(BOTH[:5], {1: 0, 2: 1})], r"found\[0\].ids: expected shape \(10, 10\), received \(5, 10\)"),
        ([GOOD], [Segments(BOTH / 1, {1: 0, 2: 1})], r"found\[0\].ids: expected integers, received float64"),
        ([GOOD], [Segments(BOTH[0], {1: 0, 2: 1})], r"found\[0\].ids: expected \[H, W\], received shape \(10,\)"),
        ([GOOD], [GOOD._replace(crowd=[1])], "crowd of picture 0: expected ids of true segments, received others"),
        ([GOOD._replace(crowd=[3])], [GOOD], "crowd of picture 0: expected ids of true segments, received others"),
    ],
)
def test_bad_input_is_named(truths, found, words):
    with raises(words):
        panoptic_quality(truths, found)
