"""`python -m lab sample`: sheets of samples from a generator alone."""

import keras
import numpy as np
import pytest
from PIL import Image

from lab import models
from lab.__main__ import main
from lab.gan import Codes, Normal, labels, pictures, sheet
from lab.runs.run_folder import RunFolder
from tests.contracts import raises


def generator(latent=4, classes=None):
    return models.dcgan_generator(28, 1, latent=latent, filters=2, classes=classes, seed=0)


def shown(path, columns):
    """The images of a sheet of 28 x 28, as many rows as columns, without the words."""
    side = 2 * (29 * columns - 1)
    return np.asarray(Image.open(path))[-side:, :side]


def expected(images, columns):
    return np.asarray(pictures.picture(pictures.tile(keras.ops.convert_to_numpy(images), columns)))


def test_images(tmp_path):
    model = generator()
    sheet.draw(tmp_path / "a.png", model, {}, 9, seed=2)
    z = Normal(4).sample(9, np.random.default_rng(2))
    np.testing.assert_array_equal(shown(tmp_path / "a.png", 3), expected(model(z, training=False), 3))
    sheet.draw(tmp_path / "b.png", model, {}, 9, seed=2, truncation=0.1)
    z = Normal(4).sample(9, np.random.default_rng(2), 0.1)
    np.testing.assert_array_equal(shown(tmp_path / "b.png", 3), expected(model(z, training=False), 3))


@pytest.mark.parametrize(("label", "classes"), [(None, [0, 1, 0, 1]), (1, [1, 1, 1, 1])])
def test_labels(tmp_path, label, classes):
    model, settings = generator(classes=2), {"characters": "ab"}
    for variable in model.trainable_variables:
        variable.assign(5.0 * variable)
    sheet.draw(tmp_path / "a.png", model, settings, 4, label=label)
    z = Normal(4).sample(4, np.random.default_rng(0))
    np.testing.assert_array_equal(
        shown(tmp_path / "a.png", 2), expected(model([z, np.array(classes, "int32")], training=False), 2)
    )
    sheet.draw(tmp_path / "c.png", model, {"characters": "0123456789"}, 4, label=label)  # the model knows better
    np.testing.assert_array_equal(shown(tmp_path / "a.png", 2), shown(tmp_path / "c.png", 2))
    with raises("--label: expected an integer from 0 to 1, received 2"):
        sheet.draw(tmp_path / "b.png", model, settings, 4, label=2)
    with raises("--label: expected none, for the generator takes none, received 1"):
        sheet.draw(tmp_path / "b.png", generator(), {}, 4, label=1)
    with raises("run id: expected a run whose model makes pictures of latents, received one of pictures; lab translate"):
        sheet.draw(tmp_path / "b.png", models.residual_generator((8, 8, 1), 1, filters=2, blocks=0, seed=0), {}, 4)


@pytest.mark.parametrize(
    ("settings", "options", "columns", "words"),
    [
        ({"characters": "abc"}, {}, 3, {"title": "generated images, a class in each column", "column_labels": ["a", "b", "c"]}),
        ({"data": "mnist", "characters": "abc"}, {"label": 2}, 4, {"title": "generated images of class 2"}),
        ({"characters": "abc"}, {"label": 2}, 4, {"title": "generated images of class c"}),
        ({"characters": "abc"}, {"count": 2}, 2, {"title": "generated images", "column_labels": ["a", "b"]}),
    ],
)
def test_words_of_classes(tmp_path, monkeypatch, settings, options, columns, words):
    seen = {}
    monkeypatch.setattr(pictures, "save_grid", lambda path, images, **given: seen.update(given))
    sheet.draw(tmp_path / "a.png", generator(classes=3), settings, **{"count": 20} | options)
    assert seen == {"columns": columns} | words


def test_codes(tmp_path):
    codes = Codes(2, (3,), 1)
    model = generator(latent=codes.size)
    sheet.draw(tmp_path / "a.png", model, {"noise": 2, "categories": 3, "continuous": 1}, 4)
    z = codes.sample(4, np.random.default_rng(0))
    np.testing.assert_array_equal(shown(tmp_path / "a.png", 2), expected(model(z, training=False), 2))


def test_the_command(own_home, tmp_path, capsys, monkeypatch):
    header = {
        "experiment": "toy",
        "seed": 0,
        "seeds": 1,
        "backend": keras.backend.backend(),
        "config": {},
        "tracking_uri": "none",
    }
    folder = RunFolder.create(header)
    generator().save(folder.artifacts / "model.keras")
    assert main(["sample", folder.name, "--count", "4", "--output", str(tmp_path / "x.png")]) == 0
    assert "4 samples, written to" in capsys.readouterr().out
    assert Image.open(tmp_path / "x.png").height == labels.TITLE + 2 * 57
    policy = RunFolder.create(header | {"config": {"environment": "CartPole-v1"}})
    models.mlp((4,), (3,), 2, seed=0).save(policy.artifacts / "model.keras")
    with pytest.raises(SystemExit) as stop:
        main(["sample", policy.name])
    assert stop.value.code == 2
    assert "run id: expected a run whose model is a generator" in capsys.readouterr().err


def test_points_in_the_plane(tmp_path):
    sheet.draw(tmp_path / "a.png", models.mixture_generator(2, (4,), seed=0), {}, 50)
    assert min(Image.open(tmp_path / "a.png").size) > 300
