"""Words around sheets, legends of planes."""

import numpy as np
import pytest
from PIL import Image

from experiments.common.image_words import class_words, nearest_words
from experiments.conditional_gan_glyphs import Config
from lab.gan import pictures
from lab.gan.labels import TITLE, with_labels, with_progress
from tests.contracts import raises

SHEET = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 90), "uint8"))


def test_a_sheet_without_words_stays_as_it_is():
    assert with_labels(SHEET, 3, 2) is SHEET


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_words_stand_beside_and_above_the_sheet(mode):
    sheet = SHEET.convert(mode)
    picture = with_labels(sheet, 3, 2, title="t", row_labels=("generated", "nearest"), column_labels=range(3))
    assert picture.mode == mode and picture.height == 2 * TITLE + 60
    pixels = np.asarray(picture.convert("L"))
    left = picture.width - 90
    np.testing.assert_array_equal(pixels[2 * TITLE :, left:], np.asarray(SHEET))
    for row in range(2):
        assert (pixels[2 * TITLE + 30 * row :, :left][:30] < 128).sum() > 20
    for column in range(3):
        assert (pixels[TITLE : 2 * TITLE, left + 30 * column :][:, :30] < 128).sum() > 5
    assert (pixels[:TITLE] < 128).any()


def test_a_long_title_makes_the_picture_wider_not_shorter():
    picture = with_labels(SHEET, 3, 2, title="a title that is much longer than the sheet is wide")
    np.testing.assert_array_equal(np.asarray(picture)[TITLE:, :90], np.asarray(SHEET))
    assert picture.width > 200 and (np.asarray(picture)[:TITLE, 150:] < 128).any()


def test_labels_of_another_number_are_refused():
    with raises("row_labels: expected 2 or none, received 3"):
        with_labels(SHEET, 3, 2, row_labels="abc")


def test_the_mark_goes_from_start_to_end():
    places = []
    for share in (0.0, 0.5, 1.0):
        picture = with_progress(SHEET.resize((300, 60)), share)
        strip = np.asarray(picture)[60:]
        thick = (strip[TITLE // 2 - 4 : TITLE // 2 + 4] < 128).all(axis=0)
        places.append(np.convolve(thick, np.ones(7), "same").argmax())  # the mark is 7 pixels wide
    assert 20 < places[0] < 60 and 240 < places[2] < 290
    assert places[1] == pytest.approx((places[0] + places[2]) / 2, abs=1)


def test_films_of_sheets_of_other_widths(tmp_path):
    for i, width in enumerate((20, 30)):
        Image.new("L", (width, 10), 0).save(tmp_path / f"{i}.png")
    pictures.animate(tmp_path / "a.gif", sorted(tmp_path.glob("*.png")))
    film = Image.open(tmp_path / "a.gif")
    assert film.size == (30, 10)
    assert np.asarray(film.convert("L"))[0, 25] == 255


def test_the_plane_names_its_samples_and_has_equal_axes():
    real, fake = np.array([[1.0, 0], [0, 1]]), np.array([[2.0, 0]])
    x, y = np.meshgrid([-1.0, 1], [-1.0, 1])
    figure = pictures.plane(real, fake, (x, y, np.full((2, 2), 0.5)), title="Samples after epoch 3")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["real", "generated"]
    axes, bar = figure.axes
    assert axes.get_title() == "Samples after epoch 3" and axes.get_aspect() == 1 and axes.get_xlim() == axes.get_ylim()
    assert "discriminator" in bar.get_ylabel()
    shown = {
        each.get_label(): each.get_offsets().tolist() for each in axes.collections if each.get_label() in ("real", "generated")
    }
    assert shown == {"real": real.tolist(), "generated": fake.tolist()}


def test_generated_samples_alone_are_not_called_real():
    figure = pictures.plane(None, np.array([[2.0, 0]]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["generated"]
    assert figure.axes[0].get_xlim()[1] > 2


def test_words_of_the_experiments():
    assert class_words(Config(characters="abc"), [0, 1, 2, 0])["column_labels"] == ["a", "b", "c", "a"]
    assert nearest_words([0.5, np.inf]) == {
        "title": "Distance of each generated image to the training image below it (1: usual for unseen real images)",
        "row_labels": ("generated", "nearest in training"),
        "column_labels": ["0.50", "inf"],
    }
