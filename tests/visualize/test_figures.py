"""Pictures are files of a size."""

import keras
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from lab.layers import receptive_field
from lab.models import classifier
from lab.visualize import save_fields, save_filters, save_gradient_flow, save_maps, save_overlays
from tests.contracts import raises, uniform


def seen(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


@pytest.mark.slow
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


@pytest.mark.slow
def test_fields_of_a_network(tmp_path):
    model = classifier("resnet20", (32, 32, 3), 3, width=0.25, seed=0)
    save_fields(tmp_path / "fields.png", receptive_field(model), (32, 32))
    assert seen(tmp_path / "fields.png").std() > 5


def test_filters_of_later_layers_are_refused(tmp_path):
    with raises(["kernels: expected", r"\(3, 3, 16, 4\)"]):
        save_filters(tmp_path / "filters.png", np.zeros((3, 3, 16, 4)))


@pytest.mark.parametrize(
    ("draw", "title"),
    [
        (lambda: save_filters(None, uniform(1, 5, 5, 3, 2)), "Filters of the first layer"),
        (lambda: save_maps(None, uniform(2, 8, 8, 3)), "Feature maps of one image"),
        (lambda: save_overlays(None, np.zeros((2, 8, 8, 1)), {"heat": np.ones((2, 8, 8))}), "Which pixels decide"),
        (
            lambda: save_fields(
                None, receptive_field(keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 3)])), (8, 8)
            ),
            "Receptive fields",
        ),
    ],
)
def test_pictures_have_a_title_that_fits(monkeypatch, draw, title):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **options: figures.append(figure))
    draw()
    (figure,) = figures
    assert figure.get_suptitle().startswith(title)
    FigureCanvasAgg(figure).draw()
    box = figure._suptitle.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width


@pytest.mark.slow
def test_the_colours_of_maps_are_explained(monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **options: figures.append(figure))
    save_maps(None, uniform(2, 8, 8, 3))
    assert figures[0].axes[-1].get_ylabel() == "activation"


def test_curves_of_gradients_differ_in_more_than_colour(monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **options: figures.append(figure))
    save_gradient_flow(None, {"a_b": np.ones(3), "c": np.ones(3)}, title="Gradients")
    (axes,) = figures[0].axes
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a b", "c"] and axes.get_title() == "Gradients"
