"""`python -m lab translate`: pictures of any size, folders, both directions, bad input."""

import keras
import numpy as np
import pytest
from PIL import Image

from lab import __main__ as commands
from lab.gan.translation import translate, translate_picture
from lab.models import residual_generator, side_by_side, unet_generator
from lab.models.any_size import stride_of
from tests.backends import only
from tests.commands.test_evaluate import same_backend  # noqa: F401  a fixture
from tests.commands.test_predict import picture, saved
from tests.test_main import fails

pytestmark = pytest.mark.usefixtures("graphs")


def generator(channels=1, outputs=1, seed=0):
    return residual_generator((16, 16, channels), outputs, filters=2, blocks=1, seed=seed, name=f"g{seed}")


def test_a_picture_of_any_size():
    # Instance normalisation would hide a wrong range of the pixels, so there is none.
    inputs = keras.Input((16, 16, 3))
    start = keras.initializers.RandomNormal(seed=0)
    halved = keras.layers.Conv2D(4, 3, 2, "same", kernel_initializer=start)(inputs)
    outputs = keras.layers.Conv2D(1, 1, activation="tanh", kernel_initializer=start)(keras.layers.UpSampling2D()(halved))
    network = keras.Model(inputs, outputs)
    array = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    expected = np.round((translate(network, array[None])[0] + 1) * 127.5)
    np.testing.assert_allclose(translate_picture(network, array), expected, atol=1)
    assert 100 < expected.mean() < 150  # of 255: pixels from -1 to 1 stay near grey
    network = generator(3, 1)
    assert stride_of(network) == 4 and stride_of(unet_generator((16, 16, 1), 1, widths=(2, 2, 2, 2), seed=0)) == 8
    for height, width in ((5, 33), (32, 20)):  # padded and cut, or taken as it is
        large = np.resize(array, (height, width, 3))
        made = translate_picture(network, large)
        assert made.shape == (height, width, 1) and made.dtype == np.uint8
    with pytest.raises(ValueError, match=r"picture: expected uint8 \[H, W, 3\], received uint8 \[16, 16, 1\]"):
        translate_picture(network, array[..., :1])


@only("tensorflow")
def test_pictures_and_folders(tmp_path, own_home, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside = tmp_path / "pictures"
    inside.mkdir()
    first = picture(inside, "a.png", (21, 10))
    picture(inside, "b.jpg", (40, 18))
    run = saved(side_by_side(generator(), generator(seed=1), name="pair"))
    assert commands.main(["translate", run, str(first)]) == 0
    assert "a.png: translated in " in capsys.readouterr().out
    assert commands.main(["translate", run, str(inside), "--back", "--output", "back"]) == 0
    assert [each.name for each in sorted((tmp_path / "back").iterdir())] == ["a-translated.png", "b-translated.png"]
    with Image.open(tmp_path / "a-translated.png") as there, Image.open(tmp_path / "back" / "a-translated.png") as back:
        assert there.size == back.size == (21, 10) and there.mode == "L"
        assert (np.asarray(there) != np.asarray(back)).any()  # two networks


@only("tensorflow")
def test_bad_input_is_one_line(tmp_path, own_home, capsys):
    path = picture(tmp_path)
    other = saved(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(1, 1)]))
    run = saved(generator())
    text = tmp_path / "text.png"
    text.write_text("no picture")
    for words, line in (
        ([run], "translate: expected a picture after the run, received none"),
        ([other, str(path)], f"run id: expected a run of a translation of pictures, received {other}"),
        ([run, str(path), "--back"], f"--back: expected a run without pairs, such as CycleGAN's, received {run!r}"),
        ([run, str(path), str(text)], f"{text}: expected a picture, received a file that cannot be decoded"),
    ):
        assert line in fails(capsys, "translate", *words)
    assert sorted(each.name for each in tmp_path.glob("*.png")) == ["picture.png", "text.png"]
