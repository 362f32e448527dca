"""Pictures are files of a size."""

import numpy as np
from PIL import Image

from lab.layers import receptive_field
from lab.models import classifier
from lab.visualize import save_fields, save_filters, save_gradient_flow, save_maps, save_overlays
from tests.contracts import raises, uniform


def seen(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


def test_pictures_show_something(tmp_path):
    images = (uniform(0, 3, 28, 28, 1) + 1) / 2
    save_filters(tmp_path / "filters.png", uniform(1, 5, 5, 3, 10))
    save_maps(tmp_path / "maps.png", uniform(2, 8, 8, 20))
    heat = np.abs(uniform(3, 3, 28, 28))
    save_overlays(
        tmp_path / "overlays.png",
        images,
        {"heat": heat, "signed": heat - 0.5, "picture": uniform(4, 3, 28, 28, 1)},
        titles="abc",
    )
    save_gradient_flow(tmp_path / "flow.png", {"fades": 0.5 ** np.arange(30)[::-1], "grows": 2.0 ** np.arange(30)[::-1]})
    for path in tmp_path.iterdir():
        assert seen(path).std() > 5, path.name


def test_fields_of_a_network(tmp_path):
    model = classifier("resnet20", (32, 32, 3), 3, width=0.25, seed=0)
    save_fields(tmp_path / "fields.png", receptive_field(model), (32, 32))
    assert seen(tmp_path / "fields.png").std() > 5


def test_filters_of_later_layers_are_refused(tmp_path):
    with raises(["kernels: expected", r"\(3, 3, 16, 4\)"]):
        save_filters(tmp_path / "filters.png", np.zeros((3, 3, 16, 4)))
