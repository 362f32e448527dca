"""The gallery's page, and that every setting changes a picture or a number."""

import dataclasses
import hashlib

import numpy as np
import pytest
from PIL import Image

from experiments.component_gallery import Config, run
from tests.contracts import raises
from tests.experiments.track import Memory

BASE = {"steps": 20, "rates": (1e-2,), "optimizers": ("SGD", "SAM"), "depth": 3, "width": 32}
CHANGES = {"steps": 25, "rates": (1e-3,), "optimizers": ("SGD", "ExtraGradient"), "depth": 4, "width": 16}


def observe(folder, **changes):
    result = run(Config(**BASE | changes), Memory(folder))
    return result, {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    return folder, *observe(folder)


@pytest.mark.slow
def test_the_page_has_every_picture(base):
    folder, result, files = base
    page = (folder / "gallery.html").read_text()
    assert page.count("data:image/png;base64,") == len(files) - 1 == 6
    for name in files:
        if name.endswith(".png"):
            picture = np.asarray(Image.open(folder / name).convert("L"))
            assert min(picture.shape) > 200
            assert picture.std() > 5  # not an empty sheet
    assert result["optimistic_adam_distance"] < result["adam_distance"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Config)])
def test_every_field_changes_something(base, tmp_path, name):
    _, result, files = base
    assert observe(tmp_path, **{name: CHANGES[name]}) != (result, files)


@pytest.mark.slow
def test_the_same_settings_change_nothing(base, tmp_path):
    _, result, files = base
    assert observe(tmp_path) == (result, files)


def test_bad_settings():
    with raises(["--optimizers: expected some of SGD", "received 'Adan'"]):
        Config(optimizers=("Adan",))
    with raises("--rates: expected a number > 0 and"):
        Config(rates=(0.0,))
