"""Experiments on scenes on their code paths, and their own settings alive."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import detect, detect_glyphs, detectors_glyphs, instances_scenes, segment, segment_scenes, segmenters_scenes
from experiments.common import detection, scenes
from lab.data import scenes as drawn
from lab.metrics import Detections, Objects, average_precision, panoptic_quality
from lab.supervised.recipe import Recipe
from tests.contracts import raises
from tests.experiments import fields
from tests.experiments.fields import Alive
from tests.experiments.track import Memory, untimed
from tests.graphs import eagerly
from tests.runs.test_courier import make

START = {"size": 32, "samples": 8, "test_samples": 4, "most": 2, "epochs": 1, "batch_size": 4, "channels": 4, "width": 0.1}
SHARED = {
    "size": 64, "samples": 12, "test_samples": 5, "most": 3, "rotation": 0.0, "scale": 1.0, "colour": 0.0, "mosaic": 1.0,
    "shift": 0, "flip": True, "photographs": True,
}  # fmt: skip
OF_RECIPES = frozenset(fields.names(Recipe)) - SHARED.keys()
EXPERIMENTS = {
    "detect_glyphs": Alive(
        detect_glyphs,
        START,
        SHARED | {"channels": 5, "width": 0.2, "model": "fcos", "depth": 1},
        {"depth": {"model": "fcos"}},
        OF_RECIPES,
    ),
    "segment_scenes": Alive(
        segment_scenes,
        {key: value for key, value in START.items() if key != "width"} | {"channels": 8},
        SHARED | {"channels": 16, "width": 0.2, "model": "fcn", "stride": 4, "of_dice": 0.0, "of_boundary": 0.1},
        {"stride": {"model": "fcn", "channels": 64}, "width": {"model": "fcn", "channels": 64}, "model": {"channels": 64}},
        OF_RECIPES,
    ),
    "instances_scenes": Alive(
        instances_scenes,
        START,
        SHARED | {"channels": 5, "width": 0.2, "prototypes": 3, "mask_size": 14, "model": "mask_rcnn", "proposals": 5},
        {"proposals": {"model": "mask_rcnn"}},
        OF_RECIPES,
    ),
}


@pytest.fixture(scope="module")
def observe(tmp_path_factory):
    """A function (experiment, **settings) -> (what it logged, its result)."""
    return fields.remember_undrawn(observed, tmp_path_factory)


def observed(folder, name, **settings):
    module, start, *_ = EXPERIMENTS[name]
    track = Memory(folder)
    with eagerly():
        result = module.run(module.Config(**start | settings), track)
    return track.logged, untimed(result), track


@pytest.mark.long
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_same_settings_change_nothing(observe, tmp_path, name):
    assert observed(tmp_path, name)[:2] == observe(name)


@pytest.mark.long
@pytest.mark.parametrize(("name", "field"), fields.cases(EXPERIMENTS))
def test_every_field_changes_something(observe, name, field):
    fields.check(observe, EXPERIMENTS, name, field)


def test_scores_of_what_is_right_and_of_what_is_too_much():
    some = drawn(12, size=32, objects=(0, 1), seed=0, cache=False)
    truths = detection.objects(some)
    empty = sum(not len(truth.boxes) for truth in truths)
    assert 0 < empty < 12
    right = [Detections(truth.boxes, np.ones(len(truth.boxes)), truth.labels) for truth in truths]
    result = detection.scores(average_precision(truths, right).summary, truths, right, "_known")
    assert result["ap_known"] == result["ar_100_known"] == 1 and result["false_positives_known"] == 0
    box = np.array([[0, 0, 5, 5.0]])
    more = [
        part if len(part.boxes) else Detections(np.repeat(box, 2, 0), np.array([0.5, 0.4]), np.zeros(2, int)) for part in right
    ]
    assert detection.scores({}, truths, more, "") == {"false_positives": 1}


def test_the_worst_pictures_are_bad_ones():
    truth = Objects(np.array([[0, 0, 9, 9.0]]), np.zeros(1, int))
    none = Objects(np.zeros((0, 4)), np.zeros(0, int))
    right = Detections(truth.boxes, np.array([0.9]), truth.labels)
    missed = Detections(none.boxes, np.zeros(0), none.labels)
    pairs = [(truth, right), (none, missed), (truth, missed), (none, right)]
    assert [round(float(detection._score(*pair)), 6) for pair in pairs] == [1, 1, 0, -0.01]


@pytest.mark.parametrize(("total", "count", "expected"), [(399, 200, 200), (5, 3, 3), (2, 9, 2)])
def test_some_scenes_are_spread_over_all(total, count, expected):
    one = drawn(1, size=32, objects=(0, 1), cache=False)
    many = one._replace(images=np.arange(total), boxes=tuple(range(total)), instances=None, labels=None, visible=None)
    some = scenes.spread(many, count)
    assert len(some.images) == expected and tuple(some.images[[0, -1]]) == (0, total - 1)
    assert max(np.diff(some.images)) <= np.ceil(total / count) + 1
    assert some.boxes == tuple(some.images) and some.instances is None
    assert scenes.first(many, count).boxes == tuple(range(expected))


def coco(folder, count=6):
    """A folder in COCO's format with a square in each picture."""
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(count):
        pixels = rng.integers(0, 60, (40, 50, 3)).astype("uint8")
        left, top = (int(value) for value in rng.integers(0, 20, 2))
        pixels[top : top + 12, left : left + 15] = 230
        Image.fromarray(pixels).save(folder / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": 50, "height": 40})
        annotations.append({"id": number, "image_id": number, "category_id": 7, "bbox": [left, top, 15, 12], "iscrowd": 0})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "square"}]}
    (folder / "annotations.json").write_text(json.dumps(content))
    return str(folder)


SMALL = {"size": 32, "epochs": 1, "batch_size": 2, "channels": 4, "width": 0.1}


def test_a_folder_without_an_object_is_refused(tmp_path):
    content = json.loads((Path(coco(tmp_path)) / "annotations.json").read_text())
    (tmp_path / "annotations.json").write_text(json.dumps(content | {"annotations": []}))
    with raises("--data: expected an object in the pictures for training, received "):
        detect.Config(data=str(tmp_path), **SMALL)


@pytest.mark.long
def test_pictures_of_a_part_test_have_results_of_their_own(tmp_path):
    """In the part "test" the square is said to be where none is: nothing can find it there."""
    folder = tmp_path / "pictures"
    for number, part in enumerate(["train"] * 4 + ["val"] + ["test"] * 2):
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True, exist_ok=True)
        pixels = np.full((32, 32, 3), 20, "uint8")
        pixels[8:24, 8:24] = 230
        Image.fromarray(pixels).save(folder / "images" / part / f"{number}.png")
        box = "0 0.5 0.5 0.5 0.5" if part != "test" else "0 0.05 0.05 0.1 0.1"
        (folder / "labels" / part / f"{number}.txt").write_text(box)
    config = detect.Config(data=str(folder), **SMALL)
    assert config.counts() == (4, 1) and len(config.tested().pictures) == 2
    result = detect.run(config, Memory(tmp_path))
    assert result["ap50_test"] == 0 and "ap50" in result
    assert (tmp_path / "found_test.png").is_file()


@pytest.mark.long
def test_on_a_folder_and_from_the_weights_of_another_run(tmp_path, own_home):
    (tmp_path / "pictures").mkdir()
    config = detect.Config(data=coco(tmp_path / "pictures"), **SMALL)
    assert config.names() == ("square",) and config.counts() == (5, 1) and config.total_steps == 4
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    track = Memory(tmp_path / "first")
    result = detect.run(config, track)
    assert "ap50" in result and len(track.models) == 1
    assert {"found.png", "worst.png"} <= {path.name for path in track.artifacts.glob("*.png")}
    source = make("none")
    track.models[0].save(source.artifacts / "model.keras")
    again = Memory(tmp_path / "second")
    detect.run(detect.Config(data=config.data, weights=source.name, **SMALL), again)
    assert any(f"layers are from {source.name}" in line for line in again.said)
    with raises("--weights: expected a run that has logged its model, received "):
        detect.Config(data=config.data, weights=make("none").name, **SMALL)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"data": ""}, "--data: expected scenes or a folder of annotated pictures, received ''"),
        ({"data": "/nowhere"}, "--data: expected a folder of annotated pictures, received '/nowhere': "),
        ({"batch_size": 241}, "--batch-size: expected at most the 240 training pictures, received 241"),
        ({"share": 1.0}, "--share: expected a number > 0 and <= 0.9, received 1.0"),
    ],
)
def test_bad_folders_are_one_line(settings, words):
    with raises(words):
        detect.Config(**settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": 100}, "--size: expected a multiple of 32, the backbone's greatest stride, received 100"),
        ({"mixup": 0.1}, "--mixup: expected 0.0, for it does nothing here"),
        ({"batch_size": 10_001}, "--batch-size: expected at most samples, 10000"),
        ({"shift": 128}, "--shift: expected less than the picture's 128 pixels, received 128"),
        ({"scale": 0.5}, "--scale: expected a number >= 1"),
    ],
)
def test_bad_input_is_one_line(settings, words):
    with raises(words):
        detect_glyphs.Config(**settings)


def test_settings_that_a_model_does_not_use_are_refused_but_not_in_comparisons():
    with raises("--depth: expected 2 with centernet, received 3"):
        detect_glyphs.Config(depth=3)
    assert detect_glyphs.Config(model="detr", depth=3).depth == 3
    assert detectors_glyphs.Config(depth=3).depth == 3
    for settings, words in (
        ({"width": 0.2}, "--width: expected 0.5 with unet, received 0.2"),
        ({"model": "fcn", "channels": 8}, "--channels: expected 64 with fcn, received 8"),
        ({"model": "deeplab", "stride": 4}, "--stride: expected 8 with deeplab, received 4"),
    ):
        with raises(words):
            segment_scenes.Config(**settings)
    names = segmenters_scenes.Config(models=("unet", "fcn-4"), width=0.2)
    assert segmenters_scenes.variants(names) == [{"model": "unet"}, {"model": "fcn", "stride": 4}]


def test_a_mosaic_has_queries_enough():
    config = detect_glyphs.Config(model="detr", mosaic=1.0, most=8, size=32, channels=4, width=0.1, depth=1)
    found = detection.detector(config, 2, most=8, seeds=(0, 1))
    assert found.queries >= 4 * 8


def test_background_counts_in_panoptic_quality():
    part = drawn(1, size=32, objects=(1, 1), sizes=(0.4, 0.5), seed=3, cache=False)
    mask = part.instances == 1
    label = part.labels[0, :1]
    true = [instances_scenes._true_segments(part, 0)]

    def quality(masks):
        found = Detections(np.zeros((len(masks), 4)), np.full(len(masks), 0.9), np.repeat(label, len(masks)), np.array(masks))
        said = [instances_scenes.segments(found, (32, 32))]
        return panoptic_quality(true, said, things=range(1, 11)).summary["PQ_things"]

    assert quality([mask[0]]) == 1
    assert quality([np.ones((32, 32), bool)]) == 0  # the whole picture is not the digit
    wrong = np.zeros((32, 32), bool)
    wrong[np.nonzero(~mask[0])[0][:9], np.nonzero(~mask[0])[1][:9]] = True
    assert quality([mask[0], wrong]) == pytest.approx(1 / 1.5)


def test_few_proposals_are_no_fault():
    config = instances_scenes.Config(model="mask_rcnn", proposals=1, size=32, channels=4, width=0.1)
    assert instances_scenes.detector(config, 3, seeds=(0, 1)).most == 3


def test_a_part_without_masks_is_refused(tmp_path):
    for part, line in (("train", "0 0.1 0.1 0.5 0.1 0.5 0.5"), ("val", "0 0.5 0.5 0.5 0.5")):
        for number in range(2):
            for kind in ("images", "labels"):
                (tmp_path / kind / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((32, 32, 3), "uint8")).save(tmp_path / "images" / part / f"{number}.png")
            (tmp_path / "labels" / part / f"{number}.txt").write_text(line)
    with raises("--data: expected masks of at most 254 classes, for training and validation, received "):
        segment.Config(data=str(tmp_path), size=32, batch_size=2)


def test_a_comparison_of_detectors(tmp_path):
    with raises("--models: expected one of centernet, fcos, retinanet, detr, received 'yolo'"):
        detectors_glyphs.Config(models=("yolo",))
    config = detectors_glyphs.Config(models=("fcos", "detr"))
    assert detectors_glyphs.variants(config) == [{"model": "fcos"}, {"model": "detr"}]
    assert not detectors_glyphs.variants(detectors_glyphs.Config(model="detr"))
    track = Memory(tmp_path)
    result = {"ap": 0.5, "ap50": 0.7, "ap75": 0.4, "parameters": 1e5, "milliseconds_per_step": 90.0}
    detectors_glyphs.summary(track, {"fcos": [result, result], "detr": [result]})
    assert "| fcos | 0.5 ± 0 |" in (track.artifacts / "table.md").read_text()
    assert (track.artifacts / "detectors.png").exists()
