"""Glyphs, digits, stacks, folders and downloads."""

import importlib
import sys

import numpy as np
import pytest
from PIL import Image

import lab.data
import lab.runs.files
from lab.data import digits, downloaded, faces_with, folder_of_images, glyphs, stacked
from lab.data.glyphs import DIGITS, FACES, LOWER, UPPER
from tests.contracts import raises


def test_glyphs_are_what_the_seed_says(own_home):
    images, labels = glyphs(40, seed=3)
    assert images.shape == (40, 28, 28, 1) and images.dtype == np.uint8 and labels.dtype == np.int32
    (kept,) = (own_home / "mlruns" / "cache").iterdir()
    before = kept.stat().st_mtime_ns
    for again in (glyphs(40, seed=3), glyphs(40, seed=3, cache=False)):
        np.testing.assert_array_equal(images, again[0])
        np.testing.assert_array_equal(labels, again[1])
    assert kept.stat().st_mtime_ns == before
    assert (glyphs(40, seed=4, cache=False)[0] != images).any()


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:200], lambda content: b"", lambda content: content[:900] + b"?" + content[901:]],
    ids=["cut", "empty", "a byte"],
)
def test_a_damaged_cache_is_drawn_again(own_home, damage):
    images, labels = glyphs(4, seed=3)
    (kept,) = (own_home / "mlruns" / "cache").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    for found, expected in zip(glyphs(4, seed=3), (images, labels)):
        np.testing.assert_array_equal(found, expected)
    assert kept.read_bytes()[:200] == whole[:200] and len(kept.read_bytes()) == len(whole)


def test_a_cache_that_cannot_be_written_stops_nobody(own_home):
    (own_home / "mlruns").write_text("a file where the folder should be")
    assert len(glyphs(4, seed=3)[0]) == 4


def test_data_sets_need_no_fcntl(monkeypatch):
    # which Windows lacks
    monkeypatch.setattr(lab, "data", lab.data)  # put back afterwards, as the modules are
    monkeypatch.setattr(lab.runs, "paths", lab.runs.paths)
    for name in [name for name in sys.modules if name == "lab.data" or name.startswith(("lab.data.", "lab.runs.paths"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert importlib.import_module("lab.data").glyphs(1)[0].shape == (1, 28, 28, 1)


@pytest.mark.parametrize("changed", ["matplotlib", "numpy", "pillow", "scipy"])
def test_kept_glyphs_are_drawn_anew_by_another_version(own_home, monkeypatch, changed):
    glyphs(2, seed=3)
    module = sys.modules["lab.data.drawn"]
    known = module.version
    monkeypatch.setattr(module, "version", lambda name: "0.0" if name == changed else known(name))
    glyphs(2, seed=3)
    assert len(list((own_home / "mlruns" / "cache").iterdir())) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 32},
        {"characters": "01"},
        {"faces": FACES[:2]},
        {"rotation": 40.0},
        {"shear": 0.5},
        {"zoom": 0.4},
        {"shift": 0.2},
        {"elastic": 0.0},
        {"coloured": True},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_setting_of_glyphs_changes_them(changes):
    images, other = glyphs(20, cache=False)[0], glyphs(20, cache=False, **changes)[0]
    assert images.shape != other.shape or (images != other).any()


def test_glyphs_without_distortion_are_their_characters():
    still = {"rotation": 0.0, "shear": 0.0, "zoom": 0.0, "shift": 0.0, "elastic": 0.0, "faces": FACES[:1], "cache": False}
    images, labels = glyphs(300, characters=DIGITS + UPPER + LOWER, **still)
    for label in np.unique(labels):
        same = images[labels == label]
        assert (same == same[0]).all()
    one = {label: images[labels == label][0] for label in np.unique(labels)}
    assert len({image.tobytes() for image in one.values()}) == len(one)
    image = one[DIGITS.index("1")][..., 0].astype(float)
    centre = (image.sum(0) @ np.arange(28) / image.sum(), image.sum(1) @ np.arange(28) / image.sum())
    np.testing.assert_allclose(centre, 13.5, atol=1.5)
    assert images.max() > 240 and images[:, 0].max() == 0


@pytest.mark.slow
def test_glyphs_are_uniform_over_classes_and_hold_out_faces():
    _, labels = glyphs(5_000, characters="abcd", cache=False)
    assert abs(np.bincount(labels) / 5_000 - 0.25).max() < 0.03
    sans, _ = glyphs(1, characters="g", faces=["DejaVuSans"], cache=False)
    serif, _ = glyphs(1, characters="g", faces=["DejaVuSerif"], cache=False)
    assert (sans != serif).any()


def test_coloured_glyphs_can_be_read():
    images, _ = glyphs(30, coloured=True, cache=False)
    for image in images.astype(float):
        colours = image.reshape(-1, 3)
        distance = np.linalg.norm(colours - colours[0], axis=1).max()
        assert distance > 0.4 * 255 * np.sqrt(3)


def test_bad_glyphs():
    with raises("characters: expected different characters, at least one, received '00'"):
        glyphs(3, characters="00")
    with raises("characters: expected ones that some of the 1 faces have, received '漢'"):
        glyphs(3, characters="漢", faces=FACES[:1])
    with raises("faces: expected names of matplotlib's fonts, such as DejaVuSans, received 'Helvetica'"):
        glyphs(3, faces=["Helvetica"])
    with raises("size: expected an integer >= 8, received 4"):
        glyphs(3, size=4)
    with raises("rotation: expected a number >= 0, received -5"):
        glyphs(3, rotation=-5)
    np.testing.assert_array_equal(glyphs(3, seed=np.int64(3), cache=False)[0], glyphs(3, seed=3, cache=False)[0])


def test_computer_modern_has_letters_and_digits_alone():
    first, *others = faces_with("A<À")
    assert "cmr10" in first and "DejaVuSans" in first
    assert not {"cmr10", "cmb10", "cmss10", "cmtt10"} & {face for faces in others for face in faces}


def test_digits():
    images, labels = digits()
    assert images.shape == (1797, 8, 8, 1) and images.max() == 255 and list(labels[:4]) == [0, 1, 2, 3]
    larger, _ = digits(28)
    assert larger.shape == (1797, 28, 28, 1)
    small = [np.asarray(Image.fromarray(image[..., 0]).resize((8, 8), Image.Resampling.BOX), float) for image in larger]
    assert np.corrcoef(np.ravel(small), images.ravel())[0, 1] > 0.98


def test_stacks():
    base = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    images, modes = stacked(base, np.arange(10), 2_000, seed=1)
    assert images.shape == (2_000, 2, 2, 3) and modes.max() < 1_000
    np.testing.assert_array_equal(images[:, 0, 0].astype(int) @ [100, 10, 1], modes)
    assert len(np.unique(modes)) > 800
    with raises(r"images: expected \[N, H, W, 1\] with N labels"):
        stacked(images, modes, 3)
    with raises("labels: expected 0 to 7, received 0 to 9"):
        stacked(base, np.arange(10), 5, classes=8)


def test_a_folder_of_images(tmp_path):
    rng = np.random.default_rng(0)
    for name, size in (("b/one.png", (8, 12)), ("a/two.jpg", (20, 10)), ("b/three.png", (6, 6))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(tmp_path / name)
    images, labels, names, skipped = folder_of_images(tmp_path, 6)
    assert images.shape == (3, 6, 6, 3) and names == ["a", "b"] and list(labels) == [0, 1, 1] and not skipped
    exact = np.asarray(Image.open(tmp_path / "b/three.png"))
    np.testing.assert_array_equal(images[2], exact)
    assert folder_of_images(tmp_path, 6, channels=1)[0].shape == (3, 6, 6, 1)
    (tmp_path / "a" / "broken.png").write_bytes(b"not a picture")
    with raises("broken.png: expected a picture, received a file that cannot be read as one"):
        folder_of_images(tmp_path, 6)
    images, _, _, skipped = folder_of_images(tmp_path, 6, unreadable="skip")
    assert len(images) == 3 and skipped == [str(tmp_path / "a" / "broken.png")]
    Image.fromarray(exact).save(tmp_path / "loose.png")
    assert list(folder_of_images(tmp_path, 6, unreadable="skip")[1]) == [0] * 4
    (tmp_path / "empty").mkdir()
    with raises("nowhere: expected a folder of pictures, received none"):
        folder_of_images(tmp_path / "nowhere", 6)
    with raises("empty: expected pictures .*, received none"):
        folder_of_images(tmp_path / "empty", 6)


def test_damaged_pictures_are_named_or_skipped(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)).save(tmp_path / "good.png")
    content = (tmp_path / "good.png").read_bytes()
    place = content.index(b"IDAT")
    half = content[: place + 4 + 4000]
    (tmp_path / "cut.png").write_bytes(half)
    (tmp_path / "header.png").write_bytes(
        half[: place - 4] + (4000).to_bytes(4, "big") + half[place:] + b"1234" + b"\x00\x00\x10\x00\xff\xfe{}" * 9
    )
    for name in ("cut", "header"):
        with raises(f"{name}.png: expected a picture, received a file that cannot be read as one"):
            folder_of_images(one_more(tmp_path, name), 6)
    images, _, _, skipped = folder_of_images(tmp_path, 6, unreadable="skip")
    assert len(images) == 1 and [name.rsplit("/")[-1] for name in skipped] == ["cut.png", "header.png"]


def one_more(folder, name):
    """A folder with one of the other's pictures alone."""
    alone = folder.with_name(f"{folder.name}-{name}")
    alone.mkdir()
    (alone / f"{name}.png").write_bytes((folder / f"{name}.png").read_bytes())
    return alone


def test_sixteen_bits_and_transparency(tmp_path):
    Image.fromarray(np.array([[0, 300], [20_000, 65_535]], np.uint16)).save(tmp_path / "a.png")
    Image.fromarray(np.array([[[9, 0], [9, 255]], [[9, 51], [0, 255]]], np.uint8), "LA").save(tmp_path / "b.png")
    grey = folder_of_images(tmp_path, 2, channels=1)[0][..., 0]
    np.testing.assert_array_equal(grey[0], [[0, 1], [78, 255]])
    np.testing.assert_array_equal(grey[1], [[255, 9], [206, 0]])  # 0.2 x 9 + 0.8 x 255
    np.testing.assert_array_equal(folder_of_images(tmp_path, 2)[0][0, ..., 2], grey[0])


def test_pictures_the_right_way_up(tmp_path):
    turned = Image.fromarray(np.array([[0, 255], [0, 255]], np.uint8).repeat(8, 0).repeat(8, 1))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned.save(tmp_path / "turned.jpg", exif=exif)
    turned.save(tmp_path / "as_it_is.tiff")
    as_it_is, upright = folder_of_images(tmp_path, 16, channels=1)[0][..., 0]
    assert as_it_is[:, 0].max() < 30 and as_it_is[:, -1].min() > 225
    assert upright[0].max() < 30 and upright[-1].min() > 225


def test_downloaded_sets_are_read_from_their_archive(tmp_path, monkeypatch):
    # the archive that keras.datasets would download, made here, with its digest
    arrays = {
        "x_train": np.arange(2 * 784).reshape(2, 28, 28) % 256,
        "y_train": [3, 4],
        "x_test": np.ones((1, 28, 28)),
        "y_test": [7],
    }
    path = tmp_path / "mnist.npz"
    np.savez(path, **{name: np.asarray(array, np.uint8) for name, array in arrays.items()})
    from keras.src.datasets import mnist

    monkeypatch.setattr(mnist, "get_file", lambda fname, **_: str(path))
    images, labels = downloaded("mnist")
    np.testing.assert_array_equal(images[..., 0], arrays["x_train"])
    assert images.shape == (2, 28, 28, 1) and list(labels) == [3, 4]
    images, labels = downloaded("mnist", "test")
    assert images.shape == (1, 28, 28, 1) and list(labels) == [7]


def test_a_set_that_cannot_be_downloaded(tmp_path, monkeypatch):
    from keras.src.datasets import cifar10

    def fail(*args, **kwargs):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(cifar10, "get_file", fail)
    with pytest.raises(
        OSError, match=r"cifar10: expected a download or its archive in .*datasets, received: URL fetch failure"
    ):
        downloaded("cifar10")
    with raises("name: expected one of mnist, .*, received 'imagenet'"):
        downloaded("imagenet")
    with raises("split: expected 'train' or 'test', received 'valid'"):
        downloaded("mnist", "valid")
