"""Pictures and scores on their schedules, and what pictures show."""

import keras
import numpy as np
import pytest
from PIL import Image

from lab.gan import pictures
from lab.gan.callbacks import Interpolation, Plane, SampleGrid, Score, frames, log_spaced
from tests.gan.players import gan, samples

pytestmark = pytest.mark.usefixtures("graphs")


def image_gan():
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(12, "tanh"), keras.layers.Reshape((2, 2, 3))])
    discriminator = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    return gan(generator=generator, discriminator=discriminator)


def test_schedules():
    assert log_spaced(1) == {0, 1}
    assert log_spaced(10) == {0, 1, 2, 4, 8, 10}
    assert log_spaced(16) == {0, 1, 2, 4, 8, 16}
    assert Plane("", None, None, frames=4).schedule(100) == {0, 25, 50, 75, 100}
    assert Plane("", None, None, frames=25).schedule(3) == {0, 1, 2, 3}
    assert Score(None, times=4).schedule(100) == {25, 50, 75, 100}
    assert Score(None, times=9).schedule(2) == {1, 2}


def test_grids_before_training_and_on_the_schedule(tmp_path):
    subject, kept = image_gan(), []
    latents = np.random.default_rng(0).normal(size=(6, 2))
    x = np.random.default_rng(1).uniform(-1, 1, (16, 2, 2, 3)).astype("float32")
    start = subject.decode(latents)
    subject.fit(x, batch_size=8, epochs=3, verbose=0, callbacks=[SampleGrid(tmp_path, latents, keep=kept.append, columns=3)])
    assert (
        kept == [f"samples-000{epoch}.png" for epoch in range(4)] == [path.name for path in frames(tmp_path, "samples-*.png")]
    )
    for name, images in ((kept[0], start), (kept[-1], subject.decode(latents))):
        expected = np.asarray(pictures.picture(pictures.tile(images, 3)))
        found = np.asarray(Image.open(tmp_path / name))
        np.testing.assert_array_equal(found[-len(expected) :, : expected.shape[1]], expected)
        assert (found[: -len(expected)] < 128).any()  # the title
    before = (tmp_path / kept[0]).stat().st_mtime_ns
    subject.fit(
        x, batch_size=8, epochs=4, initial_epoch=3, verbose=0, callbacks=[SampleGrid(tmp_path, latents, keep=kept.append)]
    )
    assert (
        kept[-1] == "samples-0004.png" and (tmp_path / kept[0]).stat().st_mtime_ns == before
    )  # a resumed run does not start anew


def test_tiles():
    images = np.stack([np.full((2, 3, 1), value) for value in (-1.0, 0.0, 1.0, 5.0)])
    sheet = pictures.tile(images, 3)
    assert sheet.shape == (2 * 3 - 1, 3 * 4 - 1, 1)
    np.testing.assert_array_equal(sheet[0, :, 0], [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255])
    np.testing.assert_array_equal(sheet[3, :, 0], [255] * 11)


def test_scores_reach_the_callbacks_after_them():
    seen = []
    late = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs.get("answer")))
    subject = gan()
    history = subject.fit(
        samples(16), batch_size=8, epochs=4, verbose=0, callbacks=[Score(lambda gan: {"answer": 42}, times=2), late]
    )
    assert seen == [None, 42, None, 42]
    assert history.history["answer"] == [42, 42]


@pytest.mark.slow
@pytest.mark.parametrize("pac", [1, 2])
def test_the_plane(tmp_path, pac):
    subject = gan(pac=pac)
    real = samples(50)
    weights = np.zeros((2 * pac, 1), "float32")
    weights[0] = 1.0
    subject.discriminator.set_weights([weights, np.zeros(1)])
    x, y, surface = pictures.surface(subject, real, resolution=11)
    np.testing.assert_allclose(surface, 1 / (1 + np.exp(-x)), rtol=1e-5)
    assert x.max() == pytest.approx(1.3 * np.abs(real).max()) and y.min() == -x.max()
    plane = Plane(tmp_path, real, np.zeros((3, 2)), frames=2)
    subject.fit(real, batch_size=10, epochs=2, verbose=0, callbacks=[plane])
    files = frames(tmp_path, "plane-*.png")
    (tmp_path / "other-9999.png").touch(), (tmp_path / "other-10000.png").touch()
    assert [path.name for path in frames(tmp_path, "other-*")] == ["other-9999.png", "other-10000.png"]
    assert [path.name for path in files] == ["plane-0000.png", "plane-0001.png", "plane-0002.png"]
    pixels = [np.asarray(Image.open(path).convert("RGB")).astype(int) for path in files]
    assert min(pixels[0].shape[:2]) > 300 and (pixels[0] != pixels[2]).any()
    pictures.animate(tmp_path / "a.gif", files)
    assert Image.open(tmp_path / "a.gif").n_frames == 3


def test_an_interpolation_goes_there_and_back(tmp_path):
    rows = np.linspace(-1, 1, 2 * 4 * 2 * 2 * 1).reshape(2, 4, 2, 2, 1)
    pictures.save_interpolation(tmp_path / "i.gif", rows)
    film = Image.open(tmp_path / "i.gif")
    assert film.n_frames == 6
    shown = []
    for frame in range(6):
        film.seek(frame)
        shown.append(np.asarray(film.convert("L"))[0, 0])
    assert shown[1] == shown[5] and shown[2] == shown[4] and shown[0] < shown[1] < shown[2] < shown[3]


def test_interpolations_after_training(tmp_path):
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, "tanh"), keras.layers.Reshape((2, 2, 1))])
    discriminator = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    subject = gan(generator=generator, discriminator=discriminator)
    pairs, kept = np.random.default_rng(0).normal(size=(3, 2, 2)), []
    subject.fit(
        np.zeros((8, 2, 2, 1), "float32"),
        batch_size=8,
        verbose=0,
        callbacks=[Interpolation(tmp_path, pairs, keep=kept.append, steps=4)],
    )
    assert kept == ["interpolation.gif"]
    film = Image.open(tmp_path / "interpolation.gif")
    assert film.n_frames == 6
    for frame, places in ((0, pairs[:, 0]), (3, pairs[:, 1])):
        film.seek(frame)
        expected = np.asarray(pictures.picture(pictures.tile(subject.decode(places), 3)))
        found = np.asarray(film.convert("L"))[: len(expected), : expected.shape[1]]
        np.testing.assert_allclose(found, expected, atol=1)
