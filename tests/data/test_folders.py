"""Which files count: hidden entries, links and folders that cannot be read."""

import os

import numpy as np
from PIL import Image

from lab.data import corpus, folder_of_images, pictures_in
from tests.contracts import raises

HIDDEN = [
    ".ipynb_checkpoints/1-checkpoint.png",
    "cat/.ipynb_checkpoints/1.png",
    "__MACOSX/cat/1.png",
    "cat/._1.png",
    "cat/.png",
    "@eaDir/1.png",
    "$RECYCLE.BIN/1.png",
    "lost+found/1.png",
    "cat/Thumbs.db",
    "cat/desktop.ini",
]


def pixel(path, value=9):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((1, 1), value, np.uint8)).save(path, "PNG")


def test_hidden_entries_are_no_pictures_and_no_classes(tmp_path):
    for name in ("cat/1.png", "dog/2.PNG", *HIDDEN):
        pixel(tmp_path / name)
    images, labels, names, skipped = folder_of_images(tmp_path, 1)
    assert (len(images), list(labels), names, skipped) == (2, [0, 1], ["cat", "dog"], [])
    assert pictures_in(tmp_path, 1) == [tmp_path / "cat/1.png", tmp_path / "dog/2.PNG"]
    (tmp_path / ".hidden" / "a").mkdir(parents=True)
    pixel(tmp_path / ".hidden" / "a" / "1.png")
    assert folder_of_images(tmp_path / ".hidden", 1)[2] == ["a"]  # who names it means it


def test_hidden_entries_are_no_texts(tmp_path):
    for name in ("a.py", "b/c.py", ".git/d.py", "b/._c.py", "__MACOSX/e.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert list(corpus(tmp_path)) == ["a.py", "b/c.py"]


def test_links_are_followed_and_loops_are_not(tmp_path):
    pixel(tmp_path / "elsewhere" / "deep" / "1.png", 1)
    pixel(tmp_path / "set" / "own" / "2.png", 2)
    targets = {
        "linked": "../elsewhere",
        "own/up": "..",
        "own/self": ".",
        "own/3.png": "2.png",
        "linked_too": "../elsewhere/deep",
    }
    for place, target in targets.items():
        (tmp_path / "set" / place).symlink_to(target)
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "set")  # a loop over two folders
    images, labels, names, _ = folder_of_images(tmp_path / "set", 1, channels=1)
    assert names == ["linked", "linked_too", "own"]
    assert [(int(label), int(image[0, 0, 0])) for label, image in zip(labels, images)] == [(0, 1), (1, 1), (2, 2), (2, 2)]
    (tmp_path / "set" / "own" / "4.png").symlink_to("nowhere.png")
    with raises(r"4\.png: expected a picture, received a file that cannot be read as one .*No such file"):
        pictures_in(tmp_path / "set", 1)
    assert len(pictures_in(tmp_path / "set", 1, unreadable="skip")) == 4
    for name in ("round.py", "texts"):
        (tmp_path / name).mkdir()
    (tmp_path / "round.py" / "a.py").write_text("x")
    (tmp_path / "texts" / "linked").symlink_to("../round.py")
    (tmp_path / "texts" / "linked" / "again").symlink_to("..")
    assert list(corpus(tmp_path / "texts")) == ["linked/a.py"]


def test_pipes_are_no_pictures(tmp_path):
    pixel(tmp_path / "1.png")
    os.mkfifo(tmp_path / "2.png")  # opening it would wait for ever
    assert pictures_in(tmp_path, 1) == [tmp_path / "1.png"]


def test_folders_that_cannot_be_read_are_named_or_skipped(tmp_path, monkeypatch):
    pixel(tmp_path / "open" / "1.png")
    (tmp_path / "shut").mkdir()
    listed = os.listdir

    def refuse(place):
        if str(place).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return listed(place)

    monkeypatch.setattr(os, "listdir", refuse)
    with raises("shut: expected a folder, received one that cannot be read .*Permission denied"):
        folder_of_images(tmp_path, 1)
    assert len(folder_of_images(tmp_path, 1, unreadable="skip")[0]) == 1
