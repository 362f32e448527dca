"""`python -m lab style`: the picture, folders, odd sizes, bad input."""

import keras
import numpy as np
import pytest
from PIL import Image

from lab import __main__ as commands
from lab.vision.style import adain_network, random_vgg
from tests.backends import only
from tests.commands.test_evaluate import same_backend  # noqa: F401  a fixture
from tests.commands.test_predict import picture, saved
from tests.test_main import fails

pytestmark = [pytest.mark.usefixtures("graphs"), only("tensorflow")]


def test_pictures_of_odd_sizes(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside = tmp_path / "contents"
    inside.mkdir()
    picture(inside, "strip.png", (61, 9))
    first, style = picture(inside, "a.png", (33, 20)), picture(tmp_path, "style.png", (25, 40))
    assert commands.main(["style", str(first), str(style), "--steps", "2"]) == 0
    assert "a.png: styled in " in capsys.readouterr().out
    assert commands.main(["style", str(inside), str(style), "--steps", "2", "--colours", "--output", "out"]) == 0
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["a-styled.png", "strip-styled.png"]
    (inside / "strip.png").unlink()  # a folder of one picture is still a folder
    assert commands.main(["style", str(inside), str(style), "--steps", "1", "--output", "one"]) == 0
    assert [each.name for each in (tmp_path / "one").iterdir()] == ["a-styled.png"]
    picture(inside, "strip.png", (61, 9))
    with (
        Image.open("a-styled.png") as one,
        Image.open("out/a-styled.png") as other,
        Image.open("out/strip-styled.png") as strip,
    ):
        assert one.size == other.size == (33, 20) and strip.size == (61, 9)
        assert (np.asarray(one) != np.asarray(other)).any()


def test_the_network_of_a_run(tmp_path, own_home, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    features = random_vgg(widths=(3, 4, 5), depths=(1, 1, 1), seed=0)
    run = saved(adain_network(features, filters=(5, 4, 3), seed=0))  # what the experiment keeps
    path, style = picture(tmp_path, "a.png", (33, 20)), picture(tmp_path, "style.png", (25, 40))
    for name, strength in (("whole.png", "1"), ("none.png", "0")):
        words = [str(path), str(style), "--network", run, "--strength", strength, "--output", name]
        assert commands.main(["style", *words]) == 0
    with Image.open("whole.png") as whole, Image.open("none.png") as none:
        assert whole.size == (33, 20) and (np.asarray(whole) != np.asarray(none)).any()
    other = saved(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(1, 1)]))
    line = fails(capsys, "style", str(path), str(style), "--network", other)
    assert f"--network: expected a run of adain_style, received {other}" in line


def test_bad_input_is_one_line(tmp_path, capsys):
    path = picture(tmp_path)
    small, folder = picture(tmp_path, "small.png", (30, 6)), tmp_path / "folder"
    folder.mkdir()
    picture(folder)
    text = tmp_path / "text.png"
    text.write_text("no picture")
    for words, line in (
        ([], "style: expected pictures and, last, the one whose style they get, received none"),
        ([str(path)], f"style: expected pictures and, last, the file whose style they get, received {path} at the end"),
        ([str(path), str(folder)], f"style: expected pictures and, last, the file whose style they get, received {folder} at"),
        (
            [str(path), str(path), "--style-scale", "0.1"],
            f"{path}: expected a picture of at least 8 pixels on a side, received 3 after scaling",
        ),
        ([str(small), str(path)], f"{small}: expected a picture of at least 8 pixels on a side, received 6 after scaling"),
        ([str(path), str(path), "--output", "x.jpg"], "--output: expected a name that ends in .png, received x.jpg"),
        ([str(path), str(path), "--strength", "0.5"], "--strength: expected 1.0 without --network, received 0.5"),
        ([str(path), str(path), "--network", "r", "--steps", "9"], "--steps: expected 200 with --network, received 9"),
        ([str(path), str(text)], f"{text}: expected a picture, received a file that cannot be decoded"),
        ([str(path), str(path), "--ratio", "0"], "--ratio: expected a number > 0 and <= 1e+06, received 0.0"),
    ):
        assert line in fails(capsys, "style", *words)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "picture.png", "small.png", "text.png"]


def test_memory_is_counted_before_anything_is_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("lab.runs.memory.available", lambda: 10**6)
    path = picture(tmp_path)
    assert "memory: expected a run for the 1 MB that are free, received one of" in fails(capsys, "style", str(path), str(path))
    assert [each.name for each in tmp_path.iterdir()] == ["picture.png"]
