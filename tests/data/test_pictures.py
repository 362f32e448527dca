"""The value of the smallest picture of every mode, and files that are damaged."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lab.data import folder_of_images, pictures_in
from tests.contracts import raises


def made(mode, value, **info):
    """A picture of one pixel."""
    picture = Image.new(mode, (1, 1), value)
    if mode == "P":
        picture.putpalette([0, 0, 0, 250, 120, 10])
    picture.info.update(info)
    return picture


def tiff(folder, mode, value, **tags):
    """A TIFF of one pixel whose tags are changed afterwards: bits (258) or what 0 means (262)."""
    made(mode, value).save(folder / "one.tif")
    content = (folder / "one.tif").read_bytes()
    for tag, (old, new) in {258: tags.get("bits", (16, 16)), 262: tags.get("zero", (1, 1))}.items():
        entry = struct.pack("<HHIH", tag, 3, 1, old)
        assert content.count(entry) == 1
        content = content.replace(entry, struct.pack("<HHIH", tag, 3, 1, new))
    (folder / "one.tif").write_bytes(content)


def read(folder, channels=3):
    return folder_of_images(folder, 1, channels=channels)[0].reshape(channels).tolist()


@pytest.mark.parametrize(
    ("name", "mode", "value", "info", "colours", "grey"),
    [
        ("png", "1", 1, {}, [255, 255, 255], 255),
        ("png", "1", 1, {"transparency": 0}, [255, 255, 255], 255),
        ("png", "1", 0, {"transparency": 0}, [255, 255, 255], 255),
        ("png", "L", 9, {}, [9, 9, 9], 9),
        ("png", "L", 9, {"transparency": 9}, [255, 255, 255], 255),
        ("png", "P", 1, {}, [250, 120, 10], 146),
        ("png", "P", 1, {"transparency": 1}, [255, 255, 255], 255),
        ("gif", "P", 1, {}, [250, 120, 10], 146),
        ("png", "LA", (9, 51), {}, [206, 206, 206], 206),  # 0.2 x 9 + 0.8 x 255
        ("png", "RGB", (250, 120, 10), {}, [250, 120, 10], 146),
        ("png", "RGB", (250, 120, 10), {"transparency": (250, 120, 10)}, [255, 255, 255], 255),
        ("png", "RGBA", (5, 105, 255, 51), {}, [205, 225, 255], 222),
        ("webp", "RGBA", (5, 105, 255, 0), {}, [255, 255, 255], 255),
        ("tif", "RGBX", (250, 120, 10, 0), {}, [250, 120, 10], 146),
        ("tif", "CMYK", (255, 0, 0, 0), {}, [0, 255, 255], 179),
        ("tif", "YCbCr", (100, 128, 128), {}, [100, 100, 100], 100),
        ("tif", "LAB", (200, 128, 128), {}, [194, 194, 194], 194),
        ("png", "I;16", 20_000, {}, [78, 78, 78], 78),
        ("png", "I;16", 20_000, {"transparency": 20_000}, [255, 255, 255], 255),
        ("tif", "I;16", 65_535, {}, [255, 255, 255], 255),
        ("tif", "I;16B", 20_000, {}, [78, 78, 78], 78),
        ("tif", "F", 0.5, {}, [128, 128, 128], 128),
        ("tif", "F", 1.0, {}, [255, 255, 255], 255),
    ],
)
def test_every_mode_has_its_values(tmp_path, name, mode, value, info, colours, grey):
    made(mode, value).save(tmp_path / f"one.{name}", lossless=True, **info)
    assert read(tmp_path) == colours
    assert read(tmp_path, 1) == [grey]


def test_a_float_picture_of_a_ramp_is_grey_in_the_mean(tmp_path):
    Image.fromarray(np.linspace(0, 1, 256, dtype="float32").reshape(16, 16)).save(tmp_path / "ramp.tiff")
    images = folder_of_images(tmp_path, 16, channels=1)[0]
    np.testing.assert_array_equal(images.ravel(), np.arange(256))
    assert images.mean() == 127.5


def test_tags_of_a_tiff(tmp_path):
    tiff(tmp_path, "I;16", 20_000, zero=(1, 0))  # white is zero
    assert read(tmp_path, 1) == [255 - 78]
    tiff(tmp_path, "I;16", 0xC0AB, bits=(16, 12))  # 0xABC, of which the highest 8
    assert read(tmp_path, 1) == [0xAB]


@pytest.mark.parametrize(
    ("mode", "value", "words"),
    [
        ("F", 255.0, "expected floating-point pixels from 0 to 1, received 255 to 255"),
        ("F", -0.5, "expected floating-point pixels from 0 to 1, received -0.5 to -0.5"),
        ("F", np.nan, "expected floating-point pixels from 0 to 1, received nan to nan"),
        ("I", 200, "expected pixels of 8 or 16 bits, received integers of another range, 200 to 200"),
    ],
)
def test_modes_without_a_range_are_refused(tmp_path, mode, value, words):
    made(mode, value).save(tmp_path / "one.tif")
    for read_it in (folder_of_images, pictures_in):
        with raises(["one.tif: expected a picture, received a file that cannot be read as one", words]):
            read_it(tmp_path, 1)


def chunk(name, content):
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width, height, pixels, *others):
    """A grey PNG by hand."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(others)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


DAMAGED = {
    "exif.png": png(1, 1, b"\0\0", chunk(b"eXIf", b"Exif\0\0not a tiff")),
    "no_pixels.png": png(0, 0, b""),
    "bomb.png": png(60_000, 60_000, b"\0\0"),
    "text_bomb.png": png(1, 1, b"\0\0", chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2_000_000)))),
    "cut.png": png(1, 9, bytes(range(18)))[:60],
    "no_pixels.gif": b"GIF89a" + struct.pack("<HHBBB", 0, 0, 0, 0, 0) + b";",
    "no_pixels.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 0, 0, 1, 24, 0, 0, 0, 0, 0, 0),
    "empty.jpg": b"",
    "text.tif": b"II*\0",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_cannot_be_decoded_is_refused_by_the_check_and_by_the_run_or_skipped_by_both(tmp_path, name):
    (tmp_path / name).write_bytes(DAMAGED[name])
    for read_it in (pictures_in, folder_of_images):
        with raises(f"{name}: expected a picture, received a file that cannot be read as one"):
            read_it(tmp_path, 4)
    made("L", 7).save(tmp_path / "good.png")
    assert pictures_in(tmp_path, 4, unreadable="skip") == [tmp_path / "good.png"]
    images, _, _, skipped = folder_of_images(tmp_path, 4, unreadable="skip")
    assert (len(images), skipped) == (1, [str(tmp_path / name)])
