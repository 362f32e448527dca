"""`python -m lab predict`: boxes, masks and classes in pictures of any size."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

from lab import __main__ as commands
from lab.models import small_resnet
from lab.vision import CenterNet, MaskCenterNet, with_names
from tests.backends import only
from tests.commands.test_evaluate import same_backend  # noqa: F401  a fixture
from tests.runs.test_courier import make
from tests.test_main import fails


def saved(model):
    folder = make("none")
    model.save(folder.artifacts / "model.keras")
    return folder.name


def picture(folder, name="picture.png", size=(50, 30)):
    path = folder / name
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3)).astype("uint8")).save(path)
    return path


def detector(kind=CenterNet, **options):
    backbone = small_resnet((32, 32, 3), 2, depth=8, width=0.5, seed=0)
    return kind(backbone, 2, strides=(2, 4), channels=4, seed=1, **options)


@only("tensorflow")
@pytest.mark.slow
@pytest.mark.parametrize("kind", [CenterNet, MaskCenterNet])
def test_boxes_are_in_pixels_of_the_picture(kind, tmp_path, own_home, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, path = saved(detector(kind).predictor(["cat", "dog"])), picture(tmp_path)
    assert commands.main(["predict", run, str(path), "--threshold", "0.05", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["picture"] == str(path) and found["detections"]
    for each in found["detections"]:
        left, top, right, bottom = each["box"]
        assert 0 <= left <= right <= 50 and 0 <= top <= bottom <= 30
        assert each["score"] >= 0.05 and each["class"] in ("cat", "dog")
        assert ("mask_pixels" in each) == (kind is MaskCenterNet)
    assert commands.main(["predict", run, str(path)]) == 0
    assert f"drawn in {tmp_path}/picture-found.png" in capsys.readouterr().out
    with Image.open(tmp_path / "picture-found.png") as drawn:
        assert np.asarray(drawn.convert("L")).std() > 1


@only("tensorflow")
def test_classes_of_pixels_and_several_pictures(tmp_path, own_home, capsys):
    network = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 1, kernel_initializer="zeros")])
    network.layers[0].bias.assign([0.0, 1.0])
    run = saved(with_names(network, ["background", "cat"]))
    paths = [picture(tmp_path), picture(tmp_path, "other.png", (20, 40))]
    for words in (map(str, paths), [str(tmp_path)]):  # the folder stands for its pictures
        assert commands.main(["predict", run, *words, "--output", str(tmp_path / "found")]) == 0
        assert capsys.readouterr().out.count("100.0 % cat; drawn in ") == 2
        assert sorted(each.name for each in (tmp_path / "found").iterdir()) == ["other-found.png", "picture-found.png"]


@only("tensorflow")
def test_bad_input_is_one_line(tmp_path, own_home, capsys):
    path = picture(tmp_path)
    run = saved(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))
    empty = tmp_path / "empty"
    empty.mkdir()
    text = tmp_path / "text.png"
    text.write_text("no picture")
    named = saved(with_names(keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(1, 1)]), ["background"]))
    for words, line in (
        ([run], "predict: expected a picture after the run, received none"),
        ([run, str(tmp_path / "none.png")], f"{tmp_path}/none.png: expected a picture, received nothing"),
        ([run, str(path)], f"run id: expected a run of a detector or a segmenter, received {run}"),
        ([named, str(path), str(path)], f"predict: expected pictures with different names, received {path} and {path}"),
        ([named, str(path), "--output", str(tmp_path)], "--output: expected a file for one picture, received the folder "),
        (
            [named, str(path), str(text), "--output", str(path)],
            "--output: expected a folder for 2 pictures, received the file ",
        ),
        ([named, str(path), "--json", "--output", "x.png"], "--output: expected no file with --json"),
        ([named, str(empty)], f"{empty}: expected a folder with pictures, received none in it"),
        ([named, str(path), str(text)], f"{text}: expected a picture, received a file that cannot be decoded"),
    ):
        assert line in fails(capsys, "predict", *words)
    assert sorted(each.name for each in tmp_path.iterdir() if each.suffix == ".png") == ["picture.png", "text.png"]
