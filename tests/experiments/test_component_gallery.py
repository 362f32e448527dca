"""The gallery's page, and that every setting changes a picture or a number."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from experiments import component_gallery
from experiments.component_gallery import Config
from tests.contracts import raises
from tests.experiments import fields
from tests.experiments.fields import Alive
from tests.experiments.track import Memory

TABLES = {
    "gallery": Alive(
        component_gallery,
        {"steps": 20, "rates": (1e-2,), "optimizers": ("SGD", "SAM"), "depth": 3, "width": 32},
        {"steps": 25, "rates": (1e-3,), "optimizers": ("SGD", "ExtraGradient"), "depth": 4, "width": 16},
    )
}


@pytest.fixture(scope="module")
def observe(tmp_path_factory):
    """A function (name, **settings) -> (result, the files' digests)."""
    return fields.remember(lambda folder, name, **settings: observed(folder, **settings), tmp_path_factory)


def observed(folder, **settings):
    result = component_gallery.run(Config(**TABLES["gallery"].start | settings), Memory(folder))
    return result, {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_the_page_has_every_picture(tmp_path):
    result, files = observed(tmp_path)
    page = (tmp_path / "gallery.html").read_text()
    assert page.count("data:image/png;base64,") == len(files) - 1 == 6
    for name in files:
        if name.endswith(".png"):
            picture = np.asarray(Image.open(tmp_path / name).convert("L"))
            assert min(picture.shape) > 200
            assert picture.std() > 5  # not an empty sheet
    assert result["optimistic_adam_distance"] < result["adam_distance"]


@pytest.mark.long
def test_the_same_settings_change_nothing(observe, tmp_path):
    assert observed(tmp_path) == observe("gallery")


@pytest.mark.long
@pytest.mark.parametrize(("name", "field"), fields.cases(TABLES))
def test_every_field_changes_something(observe, name, field):
    fields.check(observe, TABLES, name, field)


def test_bad_settings():
    with raises(["--optimizers: expected some of SGD", "received 'Adan'"]):
        Config(optimizers=("Adan",))
    with raises("--rates: expected a number > 0 and"):
        Config(rates=(0.0,))
