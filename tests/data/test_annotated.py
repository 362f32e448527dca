"""Readers of annotated folders: exact boxes, labels and masks, and a line for each mistake."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_masks

from lab.data import Letterbox, annotated, load_annotated, split
from lab.data.letterboxes import GREY
from lab.data.masks import Runs, filled, runs_of
from lab.metrics import Detections, average_precision
from tests.contracts import raises

CATEGORIES = [{"id": 70, "name": "dog"}, {"id": 3, "name": "cat"}]
SQUARE = [2, 1, 6, 1, 6, 4, 2, 4]  # 4 x 3 pixels


def picture(path, width=12, height=8, orientation=1, values=None):
    """A picture of one colour, or a mask of these values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Image.new("RGB", (width, height), (200, 100, 50)) if values is None else Image.fromarray(values)
    exif = Image.Exif()
    exif[274] = orientation
    made.save(path, **({} if orientation == 1 else {"exif": exif}))


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def coco(folder, annotations=(), images=None, categories=CATEGORIES, name="annotations/all.json", **entries):
    images = [{"id": 9, "file_name": "a.png", "width": 12, "height": 8}] if images is None else images
    annotations = [{"id": 5, "image_id": 9, "category_id": 3, "bbox": [2, 1, 4, 3], **each} for each in annotations]
    content = {"images": images, "annotations": annotations, "categories": categories, **entries}
    text(folder / name, json.dumps(content))
    return folder


def voc_xml(path, objects, size=(12, 8)):
    boxes = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>"
        + "".join(f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box))
        + "</bndbox></object>"
        for name, difficult, box in objects
    )
    text(path, f"<annotation><size><width>{size[0]}</width><height>{size[1]}</height></size>{boxes}</annotation>")


def rectangle(width, height, left, top, right, bottom, value=True, dtype=bool):
    mask = np.zeros((height, width), dtype)
    mask[top:bottom, left:right] = value
    return mask


def only(folder, **options):
    (found,) = annotated(folder, **options).pictures
    return found


# Masks


def test_a_polygon_has_the_pixels_whose_centres_it_surrounds():
    square = np.array([[1, 1], [3, 1], [3, 3], [1, 3]], float)
    np.testing.assert_array_equal(filled(square, 5, 4), rectangle(5, 4, 1, 1, 3, 3))
    np.testing.assert_array_equal(filled(square[::-1] + 0.4, 5, 4), rectangle(5, 4, 1, 1, 3, 3))
    np.testing.assert_array_equal(filled(square + 0.6, 5, 4), rectangle(5, 4, 2, 2, 4, 4))
    np.testing.assert_array_equal(filled(square * 10 - 15, 5, 4), np.ones((4, 5), bool))  # beyond all edges
    triangle = filled(np.array([[0, 0], [4, 0], [0, 4]], float), 4, 4)
    np.testing.assert_array_equal(triangle, [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    bow = filled(np.array([[0, 0], [4, 4], [4, 0], [0, 4]], float), 4, 4)
    assert bow[1, 0] and bow[1, 3] and not bow[0, 1:3].any()


def test_polygons_are_those_of_pycocotools_but_for_their_outlines():
    rng = np.random.default_rng(0)
    for _ in range(20):
        angles = np.linspace(0, 2 * np.pi, 9)[:-1]
        radii = rng.uniform(15, 40, 8)
        points = np.stack([50 + radii * np.cos(angles), 45 + radii * np.sin(angles)], axis=1)
        theirs = coco_masks.decode(coco_masks.frPyObjects([points.ravel().tolist()], 90, 100))[..., 0].astype(bool)
        ours = filled(points, 100, 90)
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.97
        assert abs(int(ours.sum()) - int(theirs.sum())) < 0.02 * theirs.sum()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_compressed_runs_are_those_of_pycocotools(share):
    mask = np.random.default_rng(1).uniform(size=(37, 200)) < share
    mask[:, 90:130] = False  # long runs, so that differences are negative and of several characters
    encoded = coco_masks.encode(np.asfortranarray(mask.astype("uint8")))
    counts = runs_of(encoded["counts"].decode())
    drawn = Runs(np.array(counts), (200, 37)).mask(Letterbox.whole((200, 37)))
    np.testing.assert_array_equal(drawn, mask)


def test_strings_that_are_no_runs():
    with raises("expected characters from '0' to 'o', received '!'"):
        runs_of("12!")
    with raises("expected the end of a number, received none"):
        runs_of("1T")


# COCO


def test_coco_boxes_labels_and_polygons(tmp_path):
    picture(tmp_path / "some" / "a.png")
    picture(tmp_path / "b.png", 5, 6)
    images = [{"id": 4, "file_name": "b.png"}, {"id": 9, "file_name": "a.png", "width": 12, "height": 8}]
    others = {"category_id": 70, "bbox": [0.5, 6, 12, 2.5], "iscrowd": 1}
    runs = {"size": [8, 12], "counts": [8, 8, 80]}
    coco(tmp_path, [{"segmentation": [SQUARE, [8, 0, 10, 0, 10, 2]]}, {**others, "segmentation": runs}], images)
    found = annotated(tmp_path)
    assert found.classes == ("cat", "dog") and found.has_masks and found.skipped == ()
    assert found.paths == [tmp_path / "b.png", tmp_path / "some" / "a.png"]
    empty, full = found.pictures
    assert empty.size == (5, 6) and empty.boxes.shape == (0, 4)
    assert full.size == (12, 8)
    assert full.boxes.tolist() == [[2, 1, 6, 4], [0.5, 6, 12, 8]]  # the second is clipped
    assert full.labels.tolist() == [0, 1] and full.crowd.tolist() == [False, True]
    masks = full.objects().masks
    expected = rectangle(12, 8, 2, 1, 6, 4)
    expected[0, 8] = expected[0, 9] = expected[1, 9] = True  # the triangle, two centres on its left edge
    np.testing.assert_array_equal(masks[0], expected)
    np.testing.assert_array_equal(masks[1], rectangle(12, 8, 1, 0, 2, 8))
    assert empty.objects().masks.shape == (0, 6, 5)


def test_coco_compressed_runs_and_objects_without_masks(tmp_path):
    picture(tmp_path / "a.png")
    mask = rectangle(12, 8, 3, 2, 7, 5)
    encoded = coco_masks.encode(np.asfortranarray(mask.astype("uint8")))
    runs = {"size": [8, 12], "counts": encoded["counts"].decode()}
    coco(tmp_path, [{"segmentation": runs}, {"segmentation": []}], name="a.json")
    one = only(tmp_path)
    np.testing.assert_array_equal(one.shapes[0].mask(Letterbox.whole((12, 8))), mask)
    assert one.shapes[1] is None and one.objects().masks is None


def test_coco_files_of_parts(tmp_path):
    for part in ("train2017", "val2017"):
        picture(tmp_path / part / "a.png")
        coco(tmp_path, [{}], [{"id": 9, "file_name": "a.png"}], name=f"annotations/instances_{part}.json")
    text(tmp_path / "annotations" / "captions_train2017.json", '{"images": [], "annotations": []}')
    found = annotated(tmp_path)
    assert [(each.part, each.path.parent.name) for each in found.pictures] == [("train", "train2017"), ("val", "val2017")]
    training, validating = split(found, 0.9)
    assert training.paths == [tmp_path / "train2017" / "a.png"] and validating.paths == [tmp_path / "val2017" / "a.png"]
    coco(tmp_path, [{}], [{"id": 9, "file_name": "a.png"}], CATEGORIES[:0], name="annotations/val.json")
    with raises("val.json: expected the categories of .*instances_train2017.json, received others"):
        annotated(tmp_path)


A = {"id": 9, "file_name": "a.png"}


@pytest.mark.parametrize(
    ("annotations", "entries", "words"),
    [
        ([{"bbox": [1, 1, -2, 3]}], {}, "annotation 5: expected a box with left <= right .* received .1.0, 1.0, -1.0, 4.0"),
        ([{"bbox": [1, 1, float("nan"), 3]}], {}, "annotation 5: expected a box of finite numbers"),
        ([{"bbox": [1, 1, 14, 3]}], {}, "annotation 5: expected a box in a picture of 12 x 8 pixels"),
        ([{"bbox": [1, 1, 0, 3]}], {}, "annotation 5: expected a box with an area"),
        ([{"bbox": [1, 1, 2]}], {}, "annotation 5: expected bbox of four numbers"),
        ([{"bbox": [1, 1, 10**400, 3]}], {}, "annotation 5: expected bbox of four numbers"),
        ([{"bbox": "1234"}], {}, "annotation 5: expected bbox of four numbers"),
        ([{"image_id": 8}], {}, "annotation 5: expected image_id of one of the images, received 8"),
        ([{"category_id": 4}], {}, "annotation 5: expected category_id of one of the categories, received 4"),
        ([{"segmentation": [[1, 2, 3, 4]]}], {}, "annotation 5: expected segmentation .*3 or more finite points"),
        ([{"segmentation": [1, 2, 3, 4, 5, 6]}], {}, "annotation 5: expected segmentation .*a list of polygons or runs"),
        ([{"segmentation": [["a", 2, 3, 4, 5, 6]]}], {}, "annotation 5: expected segmentation as polygons or runs"),
        ([{"segmentation": {"size": [12, 8], "counts": [96]}}], {}, r"expected size \[8, 12\], .*received \[12, 8\]"),
        ([{"segmentation": {"size": [8, 12], "counts": [95]}}], {}, "expected counts with the sum 96, received 95"),
        ([{"segmentation": {"size": [8, 12], "counts": [97, -1]}}], {}, "expected counts that are not negative"),
        ([{"segmentation": {"size": [8, 12], "counts": "~"}}], {}, "expected characters from"),
        ([], {"images": [A, A]}, "all.json: expected images with different ids, received id 9 2 times"),
        ([], {"images": [A, {**A, "id": 10}]}, "all.json: expected each picture once .*a.png twice"),
        ([], {"images": [{"id": 9}]}, "all.json, image 1: expected an integer id and a file_name"),
        ([], {"images": [{**A, "width": "12", "height": 8}]}, "image id 9: expected width and height as integers"),
        ([], {"images": [{**A, "width": 9, "height": 8}]}, "image id 9: expected the size of .*a.png, 12 x 8, received 9 x 8"),
        ([], {"images": [{**A, "file_name": "b.png"}]}, "image id 9: expected the picture b.png .*received none"),
        ([], {"images": []}, "expected annotated pictures .*received none"),
        ([], {"categories": CATEGORIES[:1] * 2}, "expected categories with different ids, received id 70 2 times"),
        ([], {"categories": [{"id": 1}]}, "category 1: expected an integer id and a name"),
    ],
)
def test_coco_mistakes(tmp_path, annotations, entries, words):
    picture(tmp_path / "a.png")
    with raises(words) as caught:
        annotated(coco(tmp_path, annotations, **entries))
    assert len(str(caught.value).splitlines()) == 1


def test_coco_entries_of_another_kind(tmp_path):
    picture(tmp_path / "a.png")
    coco(tmp_path)
    held = json.loads((tmp_path / "annotations/all.json").read_text())
    text(tmp_path / "annotations/all.json", json.dumps({**held, "annotations": [7]}))
    with raises("annotation number 1: expected an object, received 7"):
        annotated(tmp_path)


def test_two_pictures_of_one_name(tmp_path):
    for place in ("x", "y"):
        picture(tmp_path / place / "a.png")
    with raises("image id 9: expected one picture a.png, received .*a.png and .*a.png"):
        annotated(coco(tmp_path))
    assert only(coco(tmp_path, images=[{**A, "file_name": "data\\y\\a.png"}])).path == tmp_path / "y" / "a.png"


# YOLO


def test_yolo_boxes_and_polygons(tmp_path):
    picture(tmp_path / "images" / "a.png")
    picture(tmp_path / "images" / "b.png")
    text(tmp_path / "labels" / "a.txt", "1 0.5 0.5 0.5 0.25\n\n0 0.25 0.25 0.75 0.25 0.75 0.5 0.25 0.5\n")
    found = annotated(tmp_path)
    full, empty = found.pictures
    assert found.classes == ("class 0", "class 1") and not len(empty.labels)
    assert full.boxes.tolist() == [[3, 3, 9, 5], [3, 2, 9, 4]] and full.labels.tolist() == [1, 0]
    assert full.shapes[0] is None and full.objects().masks is None
    np.testing.assert_array_equal(full.shapes[1].mask(Letterbox.whole((12, 8))), rectangle(12, 8, 3, 2, 9, 4))
    text(tmp_path / "labels" / "b.txt", f"{10**30} 0.5 0.5 0.5 0.5")
    with raises("b.txt, line 1: expected a class from 0 to 9999, received 1000"):
        annotated(tmp_path)
    text(tmp_path / "labels" / "b.txt", "")
    text(tmp_path / "labels" / "classes.txt", "sun\nmoon\n")
    assert annotated(tmp_path).classes == ("sun", "moon")
    text(tmp_path / "data.yaml", "train: nowhere\nnames:\n  1: dog\n  0: cat\n  2: cow\n")
    assert annotated(tmp_path).classes == ("cat", "dog", "cow")
    text(tmp_path / "data.yaml", "names: [a, b]")
    assert annotated(tmp_path).classes == ("a", "b")


@pytest.mark.parametrize("form", ["images/{}/a.png labels/{}/a.txt", "{}/images/a.png {}/labels/a.txt", "{}/a.png {}/a.txt"])
def test_yolo_parts(tmp_path, form):
    for part in ("train", "valid", "test"):
        image, label = form.replace("{}", part).split()
        picture(tmp_path / image)
        text(tmp_path / label, "0 0.5 0.5 1 1.01")
    found = annotated(tmp_path)
    assert [each.part for each in found.pictures] == ["test", "train", "val"]
    assert all(each.boxes.tolist() == [[0, 0, 12, 8]] for each in found.pictures)
    training, validating = split(found)
    assert [len(part.pictures) for part in (training, validating)] == [1, 1] and training.pictures[0].part == "train"


@pytest.mark.parametrize(
    "parts",
    [
        "train: images/one\nval: [images/two, images/none]",
        "path: images\ntrain: one\nval: two",
        "path: /of/another/machine\ntrain: ../images/one\nval: ./images/two",
        "train: lists/one.txt\nval: images/two\ntest: lists/none.txt",
        "train: images/one\nval: images/two\ntest: images/two",
    ],
)
def test_yolo_parts_of_yaml(tmp_path, monkeypatch, parts):
    for name in ("one", "two", "three"):
        picture(tmp_path / f"images/{name}/a.png")
        text(tmp_path / f"labels/{name}/a.txt", "0 0.5 0.5 0.5 0.5")
    text(tmp_path / "lists/one.txt", "../images/one/a.png\n./images/nothing.png\n")
    text(tmp_path / "data.yaml", f"names: [cat]\n{parts}\n")
    found = annotated(tmp_path)
    assert [each.part for each in found.pictures] == ["train", "", "val"]  # one, three, two
    assert [[each.path.parent.name for each in some.pictures] for some in split(found)] == [["one"], ["two"]]
    assert [found.of_part(name).paths for name in ("val", "test")] == [[tmp_path / "images/two/a.png"], []]
    with raises("name: expected one of train, val, test, received 'tset'"):
        found.of_part("tset")
    monkeypatch.chdir(tmp_path.parent)
    assert [each.part for each in annotated(tmp_path.name).pictures] == ["train", "", "val"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.5", "expected class cx cy w h or class x1 .* received '0 0.5 0.5 0.5'"),
        ("0 0.5 0.5 0.5 0.5 0.5", "expected class cx cy w h"),
        ("cat 0.5 0.5 0.5 0.5", "expected class cx cy w h"),
        ("-1 0.5 0.5 0.5 0.5", "expected class cx cy w h"),
        ("0 0.5 0.5 x 0.5", "expected class cx cy w h"),
        ("2 0.5 0.5 0.5 0.5", "expected a class from 0 to 1, received 2"),
        ("0 320 200 50 50", "expected shares of the picture from 0 to 1, received 320"),
        ("0 0.5 0.5 nan 0.5", "expected shares of the picture from 0 to 1, received nan"),
        ("0 0.5 0.5 -0.02 0.5", "expected a box with left <= right"),
        ("0 0.5 0.5 0 0.5", "expected a box with an area"),
    ],
)
def test_yolo_mistakes(tmp_path, line, words):
    picture(tmp_path / "images" / "a.png")
    text(tmp_path / "labels" / "a.txt", f"0 0.5 0.5 0.1 0.1\n{line}\n")
    text(tmp_path / "classes.txt", "cat\ndog")
    with raises(f"a.txt, line 2: {words}"):
        annotated(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [("names: [", "expected YAML"), ("names: {1: cat}", "expected names, a list or a mapping"), ("nc: 3", "expected names")],
)
def test_yolo_mistakes_in_yaml(tmp_path, content, words):
    picture(tmp_path / "images" / "a.png")
    text(tmp_path / "labels" / "a.txt", "0 0.5 0.5 0.1 0.1")
    text(tmp_path / "data.yaml", content)
    with raises(f"data.yaml: {words}"):
        annotated(tmp_path)


# Pascal VOC


def voc(folder, objects, **options):
    picture(folder / "JPEGImages" / "a.jpg")
    voc_xml(folder / "Annotations" / "a.xml", objects, **options)
    return folder


TWO = [("dog", 0, (3, 2, 6, 4)), ("cat", 1, (1, 1, 12, 8))]


def test_voc_boxes_count_from_one(tmp_path):
    voc(tmp_path, TWO)
    picture(tmp_path / "JPEGImages" / "b.jpg")
    full, empty = annotated(tmp_path).pictures
    assert annotated(tmp_path).classes == ("cat", "dog") and not len(empty.labels)
    assert full.boxes.tolist() == [[2, 1, 6, 4], [0, 0, 12, 8]]
    assert full.labels.tolist() == [1, 0] and full.crowd.tolist() == [False, True]
    assert full.objects().masks is None and not annotated(tmp_path).has_masks
    text(tmp_path / "classes.txt", "dog\ncow\ncat")
    assert annotated(tmp_path).pictures[0].labels.tolist() == [0, 2]
    text(tmp_path / "ImageSets" / "Main" / "train.txt", "b\n")
    text(tmp_path / "ImageSets" / "Main" / "val.txt", "a\n")
    assert [len(part.pictures[0].labels) for part in split(annotated(tmp_path))] == [0, 2]


def test_voc_masks_and_void(tmp_path):
    voc(tmp_path, TWO)
    values = rectangle(12, 8, 1, 0, 7, 5, 255, "uint8")
    values[1:4, 2:6], values[6:8] = 1, 2
    picture(tmp_path / "SegmentationObject" / "a.png", values=values)
    one = only(tmp_path)
    masks = one.objects().masks
    np.testing.assert_array_equal(masks, [values == 1, values == 2])
    loaded = load_annotated(annotated(tmp_path), 12)
    expected = np.full((12, 12), 255)  # bars are void
    expected[2:10] = np.array([0, 2, 1, *[0] * 252, 255])[values]
    np.testing.assert_array_equal(loaded.semantic[0], expected)
    values[values == 2] = 0
    picture(tmp_path / "SegmentationObject" / "a.png", values=values)
    assert only(tmp_path).shapes[1] is None and only(tmp_path).objects().masks is None
    values[0, 0] = 3
    picture(tmp_path / "SegmentationObject" / "a.png", values=values)
    with raises("SegmentationObject/a.png: expected numbers of objects from 0 to 2, or 255 for void, received 3"):
        annotated(tmp_path)


def test_voc_masks_of_classes_need_names(tmp_path):
    voc(tmp_path, TWO)
    values = rectangle(12, 8, 2, 1, 6, 4, 3, "uint8")
    picture(tmp_path / "SegmentationClass" / "a.png", values=values)
    with raises("SegmentationClass/a.png: expected .*classes.txt with the class of each number, received none"):
        annotated(tmp_path)
    text(tmp_path / "classes.txt", "cow\ncat\ndog")
    loaded = load_annotated(annotated(tmp_path), 12)
    np.testing.assert_array_equal(loaded.semantic[0, 2:10], values)
    assert not loaded.instances.any() and loaded.objects(0).masks is None
    text(tmp_path / "classes.txt", "cat\ndog")
    with raises("a.png: expected numbers of classes from 0 to 2, or 255 for void, received 3"):
        annotated(tmp_path)


@pytest.mark.parametrize(
    ("objects", "options", "words"),
    [
        ([("dog", 0, (5, 2, 3, 4))], {}, "a.xml, object 1: expected a box with left <= right"),
        ([*TWO, ("dog", 0, (5, 2, "x", 4))], {}, "a.xml, object 3: expected numbers xmin, ymin, xmax, ymax"),
        ([("dog", 0, (5, 2, 6))], {}, "a.xml, object 1: expected numbers xmin"),
        ([("dog", 0, (4, 2, 3, 4))], {}, "a.xml, object 1: expected a box with an area"),
        ([("", 0, (3, 2, 6, 4))], {}, "a.xml, object 1: expected a name, received none"),
        (TWO, {"size": (8, 11)}, "a.xml: expected the size of .*a.jpg, 12 x 8, received 8 x 11"),
        (TWO, {"size": ("²", 8)}, "a.xml: expected size with width and height"),
        (TWO, {"size": ("w", 8)}, "a.xml: expected size with width and height, received 'w' and '8'"),
    ],
)
def test_voc_mistakes(tmp_path, objects, options, words):
    with raises(words):
        annotated(voc(tmp_path, objects, **options))


def test_voc_names_beyond_the_classes_and_broken_xml(tmp_path):
    voc(tmp_path, TWO)
    text(tmp_path / "classes.txt", "dog")
    with raises("a.xml, object 2: expected a name of classes.txt, dog, received 'cat'"):
        annotated(tmp_path)
    text(tmp_path / "Annotations" / "a.xml", "<annotation>")
    with raises("a.xml: expected XML, received a file that is none"):
        annotated(tmp_path)
    (tmp_path / "Annotations" / "a.xml").rename(tmp_path / "Annotations" / "b.xml")
    voc_xml(tmp_path / "Annotations" / "b.xml", [])
    with raises("b.xml: expected a picture b .*in JPEGImages, received none"):
        annotated(tmp_path)


# Masks of classes


def test_masks_of_classes(tmp_path):
    values = rectangle(12, 8, 2, 1, 6, 4, 2, "uint8")
    values[0] = 255
    picture(tmp_path / "images" / "a.jpg")
    picture(tmp_path / "images" / "b.jpg", 4, 4)
    picture(tmp_path / "masks" / "a.png", values=values)
    found = annotated(tmp_path)
    assert found.classes == ("class 1", "class 2") and [len(each.labels) for each in found.pictures] == [0, 0]
    loaded = load_annotated(found, 12)
    np.testing.assert_array_equal(loaded.semantic[0, 2:10], values)
    assert (loaded.semantic[0, :2] == 255).all() and not loaded.semantic[1].any()
    assert loaded.objects(0).masks.shape == (0, 12, 12)
    palette = Image.fromarray(values).convert("P")
    palette.putdata(values.ravel().tolist())
    palette.putpalette(list(range(255, -1, -1)) * 3)
    palette.save(tmp_path / "masks" / "a.png")
    np.testing.assert_array_equal(load_annotated(found, 12).semantic, loaded.semantic)
    (tmp_path / "masks" / "a.png").rename(tmp_path / "masks" / "a.PNG")
    np.testing.assert_array_equal(load_annotated(annotated(tmp_path), 12).semantic, loaded.semantic)
    for names in ("_background_\nsky\nsea", "sky\nsea\n"):
        text(tmp_path / "classes.txt", names)
        assert annotated(tmp_path).classes == ("sky", "sea")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full((8, 11), 1, "uint8"), "a.png: expected the size of .*a.jpg, 12 x 8, received 11 x 8"),
        (np.full((8, 12), 2, "uint8"), "a.png: expected classes from 0 to 1, or 255 for void, received 2"),
        (np.full((8, 12), 255, "uint8"), "expected classes from 1 to 254 in masks, received only 0 and 255"),
        (np.full((8, 12, 3), 1, "uint8"), "a.png: expected one channel of 8 bits.*received mode RGB"),
    ],
)
def test_mistakes_in_masks_of_classes(tmp_path, values, words):
    picture(tmp_path / "images" / "a.jpg")
    picture(tmp_path / "masks" / "a.png", values=values)
    text(tmp_path / "classes.txt", "sky")
    with raises(words):
        annotated(tmp_path)


def test_folders_without_masks_or_classes_are_refused(tmp_path):
    picture(tmp_path / "images" / "a.jpg")
    mask = rectangle(12, 8, 2, 1, 6, 4, 2, "uint8")
    picture(tmp_path / "masks" / "a.bmp", values=mask)
    with raises("expected masks as PNG files in a folder masks, received none for 1 pictures"):
        annotated(tmp_path, format="masks")
    picture(tmp_path / "masks" / "a.png", values=0 * mask)
    with raises("expected classes from 1 to 254 in masks, received only 0, the background"):
        annotated(tmp_path, format="masks")


def test_masks_that_are_none(tmp_path):
    picture(tmp_path / "images" / "a.jpg")
    text(tmp_path / "masks" / "a.png", "x")
    with raises("a.png: expected a mask, received a file that cannot be read as one"):
        annotated(tmp_path)
    (tmp_path / "masks" / "a.png").rename(tmp_path / "masks" / "b.png")
    with raises("b.png: expected a picture of this name in images, received none"):
        annotated(tmp_path)


# All formats


def test_what_no_reader_knows(tmp_path):
    with raises("expected a JSON file .*received none of them"):
        annotated(tmp_path)
    with raises("nowhere: expected a folder of annotated pictures, received none"):
        annotated(tmp_path / "nowhere")
    picture(tmp_path / "a.png")
    text(tmp_path / "a.json", "{")
    for format in (None, "coco"):
        with raises("a.json: expected JSON, received a file that is none"):
            annotated(tmp_path, format=format)
    text(tmp_path / "a.json", "[1]")
    for format in (None, "coco"):
        with raises("expected a JSON file .*received .*a.json, which has not"):
            annotated(tmp_path, format=format)
    with raises("format: expected one of coco, voc, masks, yolo, received 'kitti'"):
        annotated(tmp_path, format="kitti")
    with raises("unreadable: expected one of refuse, skip, received 'ignore'"):
        annotated(tmp_path, unreadable="ignore")
    coco(tmp_path, [{}])
    text(tmp_path / "a.txt", "0 0.5 0.5 0.5 0.5")
    with raises("expected one format, received coco and yolo; format='coco' chooses one"):
        annotated(tmp_path)
    assert only(tmp_path, format="yolo").boxes.tolist() == [[3, 2, 9, 6]]
    text(tmp_path / "a.txt", "")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe")
    with raises("a.txt: expected a text in UTF-8, received a file that is none"):
        annotated(tmp_path, format="yolo")


def test_unreadable_pictures_and_empty_boxes_are_refused_or_skipped(tmp_path):
    picture(tmp_path / "a.png")
    text(tmp_path / "b.png", "no picture")
    images = [A, {"id": 1, "file_name": "b.png"}, {"id": 2, "file_name": "c.png"}]
    coco(tmp_path, [{"bbox": [3, 3, 0, 2]}, {}], images)
    with raises("annotation 5: expected a box with an area"):
        annotated(tmp_path)
    with pytest.warns(UserWarning, match="3 skipped, the first: .*annotation 5: expected a box with an area"):
        found = annotated(tmp_path, unreadable="skip")
    assert found.paths == [tmp_path / "a.png"] and found.pictures[0].boxes.tolist() == [[2, 1, 6, 4]]
    assert "b.png: expected a picture, received a file that cannot be read" in found.skipped[1] and "c.png" in found.skipped[2]
    coco(tmp_path, [], images[1:2])
    with raises("b.png: expected a picture, received a file that cannot be read as one"):
        annotated(tmp_path)
    with raises("expected annotated pictures .*received 1 faults, the first: .*b.png"):
        annotated(tmp_path, unreadable="skip")


def test_pictures_are_turned_unless_their_size_is_that_of_the_file(tmp_path):
    picture(tmp_path / "a.png", orientation=6)  # 12 x 8 in the file, 8 x 12 as it is seen
    for size, upright in (((8, 12), True), ((12, 8), False)):
        one = only(coco(tmp_path, [{}], [{**A, "width": size[0], "height": size[1]}]))
        assert (one.size, one.upright) == (size, upright) and one.image().shape == (size[1], size[0], 3)
    assert only(coco(tmp_path, [{}], [A])).size == (8, 12)


def test_split_by_seed(tmp_path):
    for index in range(10):
        picture(tmp_path / "images" / f"train_{index}.png")
        text(tmp_path / "labels" / f"train_{index}.txt", "0 0.5 0.5 0.5 0.5")
    found = annotated(tmp_path)
    training, validating = split(found, 0.3, seed=1)
    assert (len(training.pictures), len(validating.pictures)) == (7, 3) and training.classes == found.classes
    assert sorted(training.paths + validating.paths) == found.paths
    assert split(found, 0.3, seed=1)[1].paths == validating.paths != split(found, 0.3, seed=2)[1].paths
    assert len(split(found, 0.001)[1].pictures) == len(split(found, 0.999)[0].pictures) == 1
    with raises("share: expected a number > 0 and < 1, received 1"):
        split(found, 1)
    with raises("annotated: expected at least 2 pictures that are not for tests, received 1"):
        split(found._replace(pictures=found.pictures[:1]))


# Letterboxes and arrays


@pytest.mark.parametrize("size", [(640, 427), (31, 200), (64, 64), (5, 500)])
def test_boxes_there_and_back(size):
    letterbox = Letterbox.within(size, 64)
    rng = np.random.default_rng(0)
    corners = np.sort(rng.uniform(0, 1, (50, 2, 2)), axis=1) * size
    boxes = corners.reshape(50, 4)
    there = letterbox.boxes_there(boxes)
    assert there.min() >= 0 and there.max() <= 64
    assert np.abs(letterbox.boxes_back(there) - boxes).max() < 1e-9
    assert letterbox.boxes_back([[-9, -9, 99, 99]]).tolist() == [[0, 0, *size]]
    moved = [abs(scale - 64 / max(size)) * side for scale, side in zip(letterbox.scale, size)]
    assert max(moved) <= 0.5  # by the rounding to whole pixels


def test_a_letterbox_by_hand():
    letterbox = Letterbox.within((8, 4), 16)
    assert letterbox == ((2.0, 2.0), (0, 4), (8, 4), (16, 16))
    assert letterbox.boxes_there([1, 1, 3, 2]).tolist() == [2, 6, 6, 8]
    image = np.zeros((4, 8, 3), "uint8")
    image[1:2, 1:3] = 255
    there = letterbox.picture_there(image)
    assert (there[:4] == GREY).all() and (there[12:] == GREY).all()
    found = np.argwhere(there[4:12, :, 0] > 127)
    assert (found.min(axis=0) + [4, 0]).tolist() == [6, 2] and (found.max(axis=0) + [5, 1]).tolist() == [8, 6]
    numbers = np.arange(32, dtype="uint8").reshape(4, 8)
    moved = letterbox.classes_there(numbers, 99)
    np.testing.assert_array_equal(moved[4:12], numbers.repeat(2, axis=0).repeat(2, axis=1))
    assert (moved[:4] == 99).all()
    smaller = Letterbox.within((9, 5), 3)
    assert smaller.scale == (1 / 3, 2 / 5) and Letterbox.within((1, 900), 3).inside[1] == slice(1, 2)
    moved = smaller.classes_there(np.arange(45, dtype="uint8").reshape(5, 9), 99)
    assert moved.tolist() == [[10, 13, 16], [28, 31, 34], [99] * 3]  # rows 1 and 3, columns 1, 4 and 7
    with raises(r"image: expected uint8 of shape \(4, 8, 3\), received uint8 of shape \(4, 8\)"):
        letterbox.picture_there(numbers)


def test_loaded_pictures_where_masks_overlap(tmp_path):
    picture(tmp_path / "a.png")
    small = [3, 1, 5, 1, 5, 3, 3, 3]
    crowd = {"bbox": [4, 1, 2, 3], "iscrowd": 1, "segmentation": {"size": [8, 12], "counts": [33, 3, 5, 3, 52]}}
    coco(
        tmp_path,
        [
            {"category_id": 70, "bbox": [3, 1, 2, 2], "segmentation": [small]},
            {"segmentation": [SQUARE]},
            {**crowd},
            {"bbox": [8, 1, 0.02, 0.02], "segmentation": [[8, 1, 8.02, 1, 8, 1.02]]},
        ],
    )
    found = annotated(tmp_path)
    loaded = load_annotated(found, 24, most=5)
    assert loaded.boxes[0].tolist()[:2] == [[6, 6, 10, 10], [4, 6, 12, 12]] and loaded.boxes[0, 4].tolist() == [0] * 4
    assert loaded.labels.tolist() == [[1, 0, 0, 0, -1]]
    assert loaded.crowd.tolist() == [[False, False, True, False, False]] and loaded.masked.sum() == 4
    instances = rectangle(24, 24, 4, 6, 12, 12, 2, "uint8")
    instances[6:10, 6:10] = 1
    instances[6, 16] = 4  # too small for a pixel of its own
    np.testing.assert_array_equal(loaded.instances[0], instances)
    assert loaded.instances.dtype == "uint8"
    np.testing.assert_allclose(loaded.visible[0], [1, 32 / 48, 0, 1, 0])
    objects = loaded.objects(0)
    np.testing.assert_array_equal(objects.masks[1], instances == 2)
    np.testing.assert_array_equal(loaded.semantic[0, 4:20], np.array([0, 2, 1, 1, 1])[instances[4:20]])
    assert (loaded.images[0, 4:20] == [200, 100, 50]).all() and (loaded.images[0, :4] == GREY).all()
    detections = Detections(objects.boxes[:2], np.ones(2), objects.labels[:2])
    assert average_precision([objects._replace(boxes=objects.boxes)], [detections]).by_class[1] == 1
    fewer = load_annotated(found, 24, most=1)
    assert fewer.labels.tolist() == [[0]] and fewer.boxes[0].tolist() == [[4, 6, 12, 12]]
    np.testing.assert_array_equal(fewer.instances[0], instances == 2)
    np.testing.assert_array_equal(fewer.semantic, loaded.semantic)


def test_loaded_pictures_without_masks(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    loaded = load_annotated(annotated(coco(tmp_path, [{}])), 24)
    assert not loaded.instances.any() and loaded.semantic is None and loaded.objects(0).masks is None
    assert loaded.visible.tolist() == [[1]] and not loaded.masked.any()
    some = load_annotated(annotated(coco(tmp_path, [{}, {"bbox": [4, 1, 4, 3], "segmentation": [SQUARE]}])), 24)
    assert some.masked.tolist() == [[False, True]] and some.objects(0).masks is None
    expected = rectangle(24, 24, 0, 4, 24, 20, 1, "uint8") - 1  # bars 255
    expected[6:12, 4:12] = 1
    np.testing.assert_array_equal(some.semantic[0], expected)
    only_boxes = annotated(coco(tmp_path, [{"bbox": [8, 1, 4, 3]}, {"segmentation": [SQUARE]}]))
    expected[6:12, 16:24] = 255  # the box of an object without a mask
    np.testing.assert_array_equal(load_annotated(only_boxes, 24).semantic[0], expected)
    with raises("annotated: expected at least one picture, received none"):
        load_annotated(only_boxes._replace(pictures=()), 24)
    for name, arguments in (("size", (0,)), ("most", (24, 0))):
        options = {"most": arguments[1]} if name == "most" else {}
        with raises(f"{name}: expected an integer >= 1, received 0"):
            load_annotated(only_boxes, arguments[0], **options)
