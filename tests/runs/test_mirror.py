"""A run on another machine, repeated here: nothing is there too early, and all of it arrives."""

import os
import tarfile

import pytest

from lab.runs import mirror
from lab.runs.journal import Journal
from lab.runs.mirror import WHOLE, Change, Source
from lab.runs.run_folder import RunFolder
from tests.runs.test_lifecycle import HEADER


@pytest.fixture
def run():
    folder = RunFolder.create(HEADER)
    folder.checkpoints.mkdir()
    return folder


@pytest.fixture
def here(run, tmp_path):
    """The copy of the run, as it is here."""
    folder = RunFolder(tmp_path / "here" / run.name)
    mirror.unpack(mirror.packed(run), folder)
    return folder


def content(run):
    return {str(path.relative_to(run.path)): path.read_bytes() for path in mirror._files(run.path)}


def names(changes):
    return [change.path for change in changes]


def put(path, text):
    """Writes a file as the laboratory does: at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    beside.write_text(text)
    beside.rename(path)


def test_a_run_is_packed_and_unpacked_as_it_is(run, tmp_path):
    journal = Journal(run)
    journal.metrics({"loss": 1.0}, 1)
    put(run.artifacts / "pictures" / "a.txt", "a")
    put(run.checkpoints / "step-1.safetensors", "1")
    run.output.write_text("hello\n")
    for name in ("mlflow.json", "courier.log", ".writer.lock"):  # of this machine alone
        (run.path / name).write_text("{}")
    (run.artifacts / ".b.txt.partial").write_text("half")
    copy = RunFolder(tmp_path / "copy" / run.name)
    mirror.unpack(mirror.packed(run), copy)
    assert content(copy) == content(run)
    assert set(content(copy)) == {
        "artifacts/pictures/a.txt",
        "checkpoints/step-1.safetensors",
        "journal.jsonl",
        "output.log",
        "run.json",
    }
    assert sorted(path.name for path in copy.path.iterdir()) == sorted(
        ["artifacts", "checkpoints", "journal.jsonl", "output.log", "run.json"]
    )
    assert copy.header() == run.header()
    assert copy.metrics() == {"loss": [(1, 1.0)]}


def test_an_empty_run_has_its_folders(run, tmp_path):
    copy = RunFolder(tmp_path / "copy" / run.name)
    mirror.unpack(mirror.packed(run), copy)
    assert copy.artifacts.is_dir()
    assert copy.length() == 0


def test_a_half_line_of_the_journal_is_cut_before_it_is_packed(run, tmp_path):
    Journal(run).metrics({"loss": 1.0}, 1)
    whole = run.journal.read_bytes()
    with open(run.journal, "ab") as file:
        file.write(b'{"metrics": {"lo')
    packed = mirror.packed(run)
    assert run.journal.read_bytes() == whole
    copy = RunFolder(tmp_path / "copy" / run.name)
    mirror.unpack(packed, copy)
    assert copy.journal.read_bytes() == whole


def test_an_archive_writes_nowhere_else(tmp_path):
    archive = tmp_path / "bad.tar"
    (tmp_path / "x").write_text("x")
    with tarfile.open(archive, "w") as file:
        file.add(tmp_path / "x", "../../x")
    with pytest.raises(tarfile.FilterError):
        mirror.unpack(archive.read_bytes(), RunFolder(tmp_path / "copy" / "run"))


def test_nothing_new_is_nothing(run):
    put(run.artifacts / "a.txt", "a")
    assert Source(run).changes() == []


def test_only_the_new_end_of_what_grows_is_sent(run, here):
    run.output.write_text("one\n")
    journal, source = Journal(run), Source(run)
    start = run.length()
    journal.metrics({"loss": 1.0}, 1)
    with open(run.output, "a") as file:
        file.write("two\n")
    changes = source.changes()
    assert changes == [
        Change("journal.jsonl", start, run.journal.read_bytes()[start:]),
        Change("output.log", 4, b"two\n"),
    ]
    assert source.changes() == []
    middle = run.length()
    journal.metrics({"loss": 2.0}, 2)
    later = source.changes()
    assert [(change.path, change.offset) for change in later] == [("journal.jsonl", middle)]
    here.output.write_text("one\n")
    mirror.write(here, changes)
    mirror.write(here, later)
    assert content(here) == content(run)
    mirror.write(here, later)  # written again, it is the same
    assert content(here) == content(run)


def test_what_was_there_beyond_the_new_end_is_gone(run, here):
    journal, source = Journal(run), Source(run)
    journal.metrics({"loss": 1.0}, 1)
    here.journal.write_text("of a machine that is gone\n" * 100)
    mirror.write(here, source.changes())
    assert content(here) == content(run)


def test_artifact_then_journal_then_checkpoint(run):
    source, journal = Source(run), Journal(run)
    put(run.checkpoints / "step-1.safetensors", "1")
    journal.append({"artifact": "z.txt"})
    put(run.artifacts / "z.txt", "z")
    run.output.write_text("x\n")
    assert names(source.changes()) == ["artifacts/z.txt", "journal.jsonl", "output.log", "checkpoints/step-1.safetensors"]


def test_what_is_written_during_a_look_is_not_there_too_early(run, here, monkeypatch):
    """Between any two reads the run writes an artifact, its line, a metric and a checkpoint."""
    source, journal, count = Source(run), Journal(run), 0

    def step():
        nonlocal count
        count += 1
        put(run.artifacts / f"{count}.txt", str(count))
        journal.append({"artifact": f"{count}.txt"})
        journal.metrics({"count": count}, count)
        put(run.checkpoints / f"step-{count:04d}.safetensors", str(count))

    def writing(method):
        def called(*arguments):
            step()
            found = method(*arguments)
            step()
            return found

        return called

    for name in ("_others", "_grown", "_whole"):
        monkeypatch.setattr(source, name, writing(getattr(source, name)))
    for _ in range(2):
        for change in source.changes():
            mirror.write(here, [change])
            events = here.events()[0]
            named = {event["artifact"] for event in events if "artifact" in event}
            logged = max((event["step"] for event in events if "metrics" in event), default=0)
            saved = max((int(path.stem.partition("-")[2]) for path in here.checkpoints.glob("*")), default=0)
            assert named <= set(os.listdir(here.artifacts))
            assert saved <= logged
    assert count > 20
    monkeypatch.setattr(source, "_others", Source(run)._others)
    monkeypatch.setattr(source, "_grown", Source._grown.__get__(source))
    monkeypatch.setattr(source, "_whole", Source._whole.__get__(source))
    mirror.write(here, source.changes())
    assert content(here) == content(run)


def test_replaced_and_deleted_files(run, here):
    put(run.artifacts / "a.txt", "old")
    put(run.checkpoints / "step-1.safetensors", "1")
    mirror.write(here, [Change("artifacts/a.txt", WHOLE, b"old"), Change("checkpoints/step-1.safetensors", WHOLE, b"1")])
    source = Source(run)
    put(run.artifacts / "a.txt", "new")  # of the same length
    os.utime(run.artifacts / "a.txt", ns=(1, 1))
    put(run.checkpoints / "step-2.safetensors", "2")
    (run.checkpoints / "step-1.safetensors").unlink()
    changes = source.changes()
    assert names(changes) == ["artifacts/a.txt", "checkpoints/step-2.safetensors", "checkpoints/step-1.safetensors"]
    assert changes[-1].content is None
    mirror.write(here, changes)
    assert content(here) == content(run)
    mirror.write(here, changes)  # what is gone may be gone already
    assert source.changes() == []


def test_a_file_that_is_deleted_before_it_is_read(run, here, monkeypatch):
    source = Source(run)
    put(run.checkpoints / "step-1.safetensors", "1")
    whole = source._whole

    def late(path):
        path.unlink()
        return whole(path)

    monkeypatch.setattr(source, "_whole", late)
    assert source.changes() == []
    monkeypatch.setattr(source, "_whole", whole)
    mirror.write(here, source.changes())
    assert content(here) == content(run)


def test_a_folder_of_artifacts_named_like_that_of_the_checkpoints_is_one_of_artifacts(run):
    source, journal = Source(run), Journal(run)
    put(run.artifacts / "checkpoints" / "a.txt", "a")
    journal.append({"artifact": "checkpoints/a.txt"})
    assert names(source.changes()) == ["artifacts/checkpoints/a.txt", "journal.jsonl"]
