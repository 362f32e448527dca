"""Experiments on style and texture on their code paths, and their settings alive."""

import csv
import importlib

import numpy as np
import pytest
from PIL import Image

from experiments import adain_style, classifier_textures, fast_style, style_transfer, texture_synthesis
from lab.data import credit, picture_by_name
from lab.models import vgg
from lab.supervised.recipe import Recipe
from tests.contracts import raises
from tests.experiments import fields
from tests.experiments.fields import Alive
from tests.experiments.track import Memory, untimed
from tests.runs.test_courier import make

BRIEF = {"size": 64, "steps": 2, "levels": 3, "filters": 3, "filter_size": 3, "preview_every": 1}
SHARED = {
    "features": "vgg", "levels": 2, "filters": 4, "filter_size": 5, "steps": 3, "optimizer": "adam", "learning_rate": 0.1,
    "preview_every": 3,
    "precision": "mixed_bfloat16", "size": 72,
}  # fmt: skip
ONE_PASS = {"size": 48, "test_size": 48, "samples": 4, "epochs": 1, "batch_size": 2, "content": "cells", "style": "dots"}
OF_ONE_PASS = {"size": 52, "test_size": 56, "samples": 6, "content": "waves", "style": "checks", "ratio": 1.0}
OF_RECIPES = frozenset(fields.names(Recipe)) | {"pictures"}
ELSEWHERE = {"learning_rate": {"optimizer": "adam"}}
EXPERIMENTS = {
    "style_transfer": Alive(
        style_transfer,
        BRIEF,
        SHARED
        | {"content": "hopper", "style": "cells", "style_scale": 1.5, "ratio": 1.0, "variation": 1.0, "start": "noise"}
        | {"colours": True},
        ELSEWHERE,
    ),
    "fast_style": Alive(
        fast_style,
        ONE_PASS | {"blocks": 0, "filters": 2, "iterations": 2},
        OF_ONE_PASS | {"variation": 1.0, "filters": 3, "blocks": 1, "features": "vgg", "iterations": 3},
        left_out=OF_RECIPES,
    ),
    "adain_style": Alive(adain_style, ONE_PASS | {"width": 0.05}, OF_ONE_PASS | {"width": 0.1}, left_out=OF_RECIPES),
    "classifier_textures": Alive(
        classifier_textures,
        {"size": 32, "width": 0.03, "samples": 20, "test_samples": 10, "epochs": 1, "batch_size": 10},
        {"size": 40, "width": 0.06, "samples": 30, "test_samples": 12},
        left_out=OF_RECIPES - {"pictures"},
    ),
    "texture_synthesis": Alive(
        texture_synthesis, BRIEF | {"textures": ("stripes", "dots")}, SHARED | {"textures": ("cells",)}, ELSEWHERE
    ),
}
pytestmark = pytest.mark.usefixtures("module_eager")


@pytest.fixture(scope="module")
def observe(tmp_path_factory):
    """A function (experiment, **settings) -> (what it logged, its result), which are kept."""
    return fields.remember_undrawn(observed, tmp_path_factory)


def observed(folder, name, **settings):
    module = importlib.import_module(f"experiments.{name}")
    folder.mkdir(exist_ok=True)
    track = Memory(folder)
    result = module.run(module.Config(**EXPERIMENTS[name].start | settings), track)
    return track.logged, untimed(result), track


@pytest.mark.long
@pytest.mark.parametrize(("name", "field"), fields.cases(EXPERIMENTS))
def test_every_field_changes_something(observe, name, field):
    fields.check(observe, EXPERIMENTS, name, field)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_same_settings_change_nothing(observe, tmp_path, name):
    assert observed(tmp_path, name)[:2] == observe(name)


@pytest.mark.slow
def test_pictures_of_a_transfer(tmp_path):
    _, result, track = observed(tmp_path, "style_transfer", content="china", steps=60, preview_every=1)
    assert "china.jpg of scikit-learn, by Denis Jarvis, CC BY 2.0" in track.said
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"content.png", "style.png", "stylized.png", "training.gif"}
    assert sum(name.startswith("preview-") for name in names) <= 51  # the disk does not fill up
    with Image.open(tmp_path / "stylized.png") as made, Image.open(tmp_path / "content.png") as content:
        assert made.size == content.size == (96, 64)
    assert result["style_loss_new"] < result["style_loss_new_content"]


@pytest.mark.slow
def test_the_table_of_textures(tmp_path):
    _, result, _ = observed(tmp_path, "texture_synthesis", steps=20, filters=8)
    with open(tmp_path / "textures.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["texture"] for row in rows] == ["stripes", "dots"]
    np.testing.assert_allclose(result["distance"], np.mean([float(row["distance"]) for row in rows]), rtol=1e-6)
    assert result["found"] == np.mean([row["texture"] == row["nearest"] for row in rows]) == 1
    assert result["distance_ratio_worst"] >= result["distance_ratio"]


def test_twelve_textures(monkeypatch):
    names = texture_synthesis.Config().names
    assert len(set(names)) == 12 and names[0] == "brick"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    without = texture_synthesis.Config().names
    assert len(without) == 12 and not set(without) & set(texture_synthesis.PHOTOGRAPHED)
    one, other = (texture_synthesis.parts("woven", 64, seed)[0] for seed in (1, 2))
    assert (one != other).any()


@pytest.mark.slow
def test_features_of_a_run(tmp_path, own_home):
    folder = make("none")
    vgg((32, 32, 3), 4, depth=11, width=0.05, stem="small", seed=0).save(folder.artifacts / "model.keras")
    _, result, _ = observed(tmp_path, "style_transfer", features=folder.name)
    assert np.isfinite(result["style_loss"])
    with pytest.raises(FileNotFoundError, match="run id: expected one of the 1 runs in "):
        style_transfer.Config(features="nothing")


@pytest.mark.slow
def test_networks_train_on_a_folder(tmp_path):
    for name in "ab":
        Image.fromarray(picture_by_name("china", 60)).save(tmp_path / f"{name}.png")
    for module in (fast_style, adain_style):
        own = ONE_PASS | {"pictures": str(tmp_path), "content": str(tmp_path / "a.png")}
        assert module.Config(**own).names() == [str(tmp_path / "b.png")]  # never what is tested on
        assert "hopper" not in module.Config().names()
        detour = str(tmp_path / ".." / tmp_path.name / "a.png")  # another way to write the same path
        assert module.Config(**own | {"content": detour}).names() == [str(tmp_path / "b.png")]
        with raises("--pictures: expected a folder with more than the pictures to test on, received "):
            module.Config(**own | {"style": str(tmp_path / "b.png")})
        with raises("--pictures: .*none: expected a folder of pictures, received none"):
            module.Config(pictures=str(tmp_path / "none"))
        with raises("--size: expected a multiple of 4, received 50"):
            module.Config(size=50)


def test_bad_settings_are_named_before_the_run(tmp_path):
    text = tmp_path / "text.png"
    text.write_text("no picture")
    pyramid = "expected a picture of at least 48 pixels on a side, or fewer --levels, received 32"
    for module, settings, words in (
        (style_transfer, {"size": 64, "style_scale": 0.5}, f"--style-scale: {pyramid}"),
        (
            style_transfer,
            {"levels": 10},
            "--size: expected a picture of at least 1536 pixels on a side, or fewer --levels, rec",
        ),
        (
            texture_synthesis,
            {"levels": 7},
            "--size: expected a picture of at least 192 pixels on a side, or fewer --levels, rec",
        ),
        (
            style_transfer,
            {"content": str(text)},
            "--content: .*text.png: expected a picture, received a file that cannot be dec",
        ),
        (fast_style, {"style": str(text)}, "--style: .*text.png: expected a picture, received a file that cannot be decoded"),
    ):
        with raises(words):
            module.Config(**settings)
    usual, coarse = (sum(need.size for need in style_transfer.Config(style_scale=scale).memory()) for scale in (1.0, 3.0))
    assert coarse == 9 * usual


@pytest.mark.slow
def test_a_picture_in_its_own_style_is_done_at_once(tmp_path):
    _, result, _ = observed(tmp_path, "style_transfer", content="cells", style="cells")
    assert result["style_loss"] == pytest.approx(0, abs=1e-6)
    assert "stylized.png" in {path.name for path in tmp_path.iterdir()}


def test_pictures_by_name(tmp_path):
    assert picture_by_name("china", 64).shape == (64, 96, 3)
    assert picture_by_name("cells").shape == (256, 256, 3)
    assert (picture_by_name("cells", 64, seed=1) != picture_by_name("cells", 64)).any()
    path = tmp_path / "mine.png"
    Image.new("LA", (20, 40), (100, 255)).save(path)
    assert picture_by_name(str(path)).shape == (40, 20, 3) and picture_by_name(str(path), 10).shape == (20, 10, 3)
    assert credit(str(path)) == "mine.png, yours" and credit("cells") == "cells, drawn here"
    for flag in ("content", "style"):
        with raises(f"--{flag}: expected one of .* or a picture's path, received 'nothing.png'"):
            style_transfer.Config(**{flag: "nothing.png"})
    with raises("--textures: expected one of "):
        texture_synthesis.Config(textures=("cells", "nothing.png"))
