"""What a run writes on one machine, repeated on another: its journal, checkpoints and artifacts.

The journal and what was printed only grow, so only their new ends are sent. The other files are
sent whole when they have changed. A checkpoint is never there before the journal that led to it,
nor a line of the journal before the artifact that it names.
"""

import io
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

from lab.runs.paths import replacing
from lab.runs.run_folder import RunFolder

GROWING = ("journal.jsonl", "output.log")


class Change(NamedTuple):
    """A part of a file, or a file that is gone."""

    path: str  # within the folder of the run
    offset: int  # where the content begins; WHOLE for the whole file
    content: bytes | None  # None: the file is gone


WHOLE = -1


def packed(run: RunFolder) -> bytes:
    """The files of a run as a tar archive, after a half line of its journal was cut off."""
    length = run.length()
    with open(run.journal, "r+b") as journal:
        journal.truncate(length)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in _files(run.path):
            archive.add(path, str(path.relative_to(run.path)))
    return buffer.getvalue()


def unpack(content: bytes, run: RunFolder) -> None:
    """Makes the folder of a run from `packed`."""
    run.path.mkdir(parents=True)
    (run.path / "artifacts").mkdir()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(run.path, filter="data")


class Source:
    """Finds what has changed in the folder of a run since the last call.

    Args:
        run: the folder, as it is on the other machine too.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._lengths = {name: _length(run.path / name) for name in GROWING}
        self._known = {path: _stamp(path) for path in self._others()}

    def changes(self) -> list[Change]:
        """What has changed, in the order in which it must be written."""
        # They are read in the other order: what a run writes meanwhile is never there too early.
        stamps: dict[Path, Any] = {}
        last = self._new(stamps, in_checkpoints=True)
        ends = [change for name in GROWING if (change := self._grown(name))]
        first = self._new(stamps, in_checkpoints=False)
        gone = [self._change(path, WHOLE, None) for path in self._known.keys() - stamps.keys()]
        self._known = stamps
        return [*first, *ends, *last, *gone]

    def _new(self, stamps, in_checkpoints):
        """The files that are new or replaced. Adds the stamps of all to `stamps`."""
        mine = [path for path in self._others() if (path.parent == self._run.checkpoints) == in_checkpoints]
        found = {path: stamp for path in mine if (stamp := _stamp(path))}
        stamps |= found
        new = [path for path in found if found[path] != self._known.get(path)]
        return [change for path in new if (change := self._whole(path))]

    def _others(self):
        return [path for path in _files(self._run.path) if path.parent != self._run.path]

    def _grown(self, name):
        path, start = self._run.path / name, self._lengths[name]
        if _length(path) <= start:
            return None
        with open(path, "rb") as file:
            file.seek(start)
            content = file.read()
        self._lengths[name] = start + len(content)
        return Change(name, start, content)

    def _whole(self, path):
        try:
            return self._change(path, WHOLE, path.read_bytes())
        except FileNotFoundError:  # an old checkpoint, deleted just now
            return None

    def _change(self, path, offset, content):
        return Change(str(path.relative_to(self._run.path)), offset, content)


def write(run: RunFolder, changes: list[Change]) -> None:
    """Writes changes into the folder of a run."""
    for change in changes:
        path = run.path / change.path
        if change.content is None:
            path.unlink(missing_ok=True)
        elif change.offset == WHOLE:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path, durable=True) as beside:
                beside.write_bytes(change.content)
        else:
            with open(path, "r+b" if path.exists() else "w+b") as file:
                file.seek(change.offset)
                file.write(change.content)
                file.truncate()


def _files(folder: Path) -> list[Path]:
    """The files of a run, without those that are being written, locks and the courier's."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    return [path for path in found if path.name not in ("mlflow.json", "courier.log")]


def _length(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _stamp(path):
    try:
        found = path.stat()
        return found.st_mtime_ns, found.st_size
    except FileNotFoundError:
        return None
