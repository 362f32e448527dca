"""Files of the laboratory: where they lie, that they are whole, and what is said if not."""

import os
import sys
from pathlib import Path

import pytest

from lab.errors import DamagedFile
from lab.runs import paths
from lab.runs.files import read_json, require_readable, write_json
from tests.processes import ROOT


def damage(path, how):
    content = path.read_bytes() if path.exists() else b""
    if how == "directory":
        path.unlink()
        path.mkdir()
    elif how == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "not JSON": b"hello", "a list": b"[1]"}[how])


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("empty", "expected JSON, received an empty file"),
        ("cut", "expected JSON, received 20 bytes that are none"),
        ("not JSON", "expected JSON, received 5 bytes that are none"),
        ("a list", "expected a JSON object, received a JSON list"),
        ("missing", "expected a file, received nothing"),
        ("directory", "expected a readable file, received Is a directory"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, how, words):
    path = tmp_path / "run.json"
    write_json(path, {"seed": 3})
    damage(path, how)
    with pytest.raises(DamagedFile, match=f"^{path}: {words}"):
        read_json(path)


def test_any_flipped_byte_of_a_json_file_is_named_or_changes_nothing(tmp_path):
    path, content = tmp_path / "run.json", {"seed": 3, "rate": 0.5, "tags": {"ä": (1, float("inf"))}}
    write_json(path, content)
    assert read_json(path) == {"seed": 3, "rate": 0.5, "tags": {"ä": [1, float("inf")]}}
    whole, named = path.read_bytes(), 0
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << position % 7]) + whole[position + 1 :])
        try:
            found = read_json(path)
            assert {key: found[key] for key in content} == {"seed": 3, "rate": 0.5, "tags": {"ä": [1, float("inf")]}}
        except DamagedFile as error:
            named += str(error).startswith(f"{path}: expected ")
    assert named > 0.7 * len(whole)


def test_a_json_file_of_an_older_version_has_no_checksum(tmp_path):
    (tmp_path / "run.json").write_text('{"seed": 3}')
    assert read_json(tmp_path / "run.json") == {"seed": 3}


def test_writing_leaves_nothing_half_made_and_replaces_what_a_kill_left(tmp_path):
    path = tmp_path / "config.json"
    (tmp_path / ".config.partial.json").write_text("{")  # of a process that was killed
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert os.listdir(tmp_path) == ["config.json"]
    assert read_json(path) == {"a": 1}


def test_the_old_file_is_there_until_the_new_one_takes_its_place(tmp_path, monkeypatch):
    path, replace, seen = tmp_path / "run.json", os.replace, []

    def look(source, target):
        seen.append((read_json(path), read_json(source)))
        replace(source, target)

    write_json(path, {"a": 1})
    monkeypatch.setattr(os, "replace", look)
    write_json(path, {"a": 2})
    assert seen == [({"a": 1}, {"a": 2})]


def test_a_damaged_model_is_named(tmp_path):
    import zipfile

    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}" * 50)
    require_readable(path)
    whole = path.read_bytes()
    for position, words in ((60, "one whose part config.json is damaged"), (len(whole) - 20, "a damaged one: ")):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(DamagedFile, match=f"^{path}: expected a model that Keras saved, received {words}"):
            require_readable(path)
    path.unlink()
    with pytest.raises(DamagedFile, match=f"^{path}: expected a file, received nothing"):
        require_readable(path)


@pytest.mark.parametrize(
    ("main", "mlruns", "at_checkout"),
    [
        (ROOT / "experiments" / "dqn_cartpole.py", False, True),
        (ROOT / "experiments" / "dqn_cartpole.py", True, True),
        (ROOT / "lab" / "__main__.py", False, True),
        (ROOT / "lab" / "__main__.py", True, False),
        (ROOT / ".venv" / "bin" / "pytest", False, False),
        (Path("/home/me/mypackage/own.py"), False, False),
        (None, False, False),  # a notebook, or python -c
    ],
)
def test_runs_of_the_checkout_lie_there_and_others_in_the_current_folder(tmp_path, monkeypatch, main, mlruns, at_checkout):
    monkeypatch.delenv("LAB_HOME")
    monkeypatch.chdir(tmp_path)
    if mlruns:
        (tmp_path / "mlruns").mkdir()
    monkeypatch.setattr(sys.modules["__main__"], "__file__", main and str(main), raising=False)
    assert paths.home() == (ROOT if at_checkout else tmp_path)


@pytest.mark.parametrize("named", ["somewhere", "somewhere/mlruns", "somewhere/mlruns/"])
def test_lab_home_is_absolute_and_may_name_mlruns_itself(tmp_path, monkeypatch, named):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", named)
    assert paths.home() == tmp_path / "somewhere"


def test_a_file_is_replaced_whole_or_stays(tmp_path):
    path = tmp_path / "curve.png"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), paths.replacing(path):
        pass  # nothing was written
    assert path.read_text() == "old"
    with paths.replacing(path) as beside:
        beside.write_text("new")
    assert (path.read_text(), beside.suffix, [each.name for each in tmp_path.iterdir()]) == ("new", ".png", ["curve.png"])


@pytest.mark.parametrize("durable", [False, True])
def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path, durable):
    path = tmp_path / "config.json"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), paths.replacing(path, durable=durable) as beside:
        raise KeyboardInterrupt(beside.write_text("half"))
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["config.json"])
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError), paths.replacing(path, durable=durable) as beside:
        beside.write_text("new")
    assert os.listdir(tmp_path) == ["config.json"]


@pytest.mark.parametrize(("durable", "calls"), [(False, ["replace"]), (True, ["fsync new", "replace"])])
def test_a_durable_file_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch, durable, calls):
    seen = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (seen.append(f"fsync {os.pread(file, 9, 0).decode()}"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *names: (seen.append("replace"), replace(*names)))
    with paths.replacing(tmp_path / "config.json", durable=durable) as beside:
        beside.write_text("new")
    assert seen == calls
