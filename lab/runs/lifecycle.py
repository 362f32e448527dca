"""The life of a run, from its folder on the disk to its last line on the screen.

The run may fail, be interrupted or fill the disk: each of these ends in one line that says so.
"""

import contextlib
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from lab.errors import DamagedFile, LabError
from lab.runs import courier, journal, mlflow_server, opening
from lab.runs.about import conditions
from lab.runs.progress import Progress
from lab.runs.run_folder import RunFolder
from lab.runs.track import Stopped, Track

INTERRUPTED = 130  # the exit code after a Ctrl-C
Results: TypeAlias = dict[str, float]  # {name: value}
Run: TypeAlias = Callable[[Any, Track], Results]  # an experiment's `run(config, track)`
# How a full disk is named in a message, also in that of a library which hides the OSError.
FULL = [os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]


class Ending(NamedTuple):
    """How a run ended."""

    status: str = "FINISHED"
    code: int = 0  # exit code of the process
    error: str | None = None
    results: Results | None = None


def identified(header: dict[str, Any]) -> dict[str, Any]:
    """Adds the digest of everything that decides the run's numbers. Checkpoints carry it too."""
    keys = ("experiment", "config", "seed", "backend")
    identity = [header[key] for key in keys] + [header["options"]["checkpoint_every"]]
    if header["options"].get("devices", 1) > 1:  # sums are added in another order
        identity.append(header["options"]["devices"])
    identity += [header["together"]] if "together" in header else []  # the bits depend on how many seeds share a program
    return header | {"digest": hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()}


def total_steps(config: Any) -> int:
    """Steps of the whole run: the configuration's `total_steps`, else its `steps`, else 0."""
    return getattr(config, "total_steps", getattr(config, "steps", 0))


def listen() -> None:
    """Treats SIGTERM as a Ctrl-C from now on."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def run_one(folder: RunFolder, config: Any, run: Run, expected: str) -> tuple[int, Results | None]:
    """Runs or resumes one seed. Returns (exit code, results or None)."""
    with opened(folder) as writer:
        if writer is None:
            return 2, None
        process = start_courier(folder)
        ending = attempt(folder, writer, config, run)
    return see_off(folder, process, expected, ending), ending.results


def attempt(folder: RunFolder, writer: journal.Journal, config: Any, run: Run) -> Ending:
    """Runs or resumes one seed, whose journal is open."""
    header = folder.header()

    def work() -> Results:
        progress = Progress(header["experiment"], header["total_steps"])
        track = Track(folder, writer, progress)
        with progress, interruptible(track):
            results = run(config, track)
        track.finish(results)
        return results

    return do(work, writer)


@contextlib.contextmanager
def opened(folder: RunFolder) -> Iterator[journal.Journal | None]:
    """Opens the journal of a run, so that no other process can write to it.

    If that is impossible, prints one line that says why, and yields None.
    """
    with contextlib.ExitStack() as stack:
        try:
            mine = stack.enter_context(folder.lock("writer"))
            writer = journal.Journal(folder) if mine else None
            problem = f"{folder.name}: expected a run that no process is writing, received one that is running"
        except (OSError, DamagedFile) as error:
            writer, problem = None, str(error)
        for line in writer.complaints if writer else [problem]:
            print(line, file=sys.stderr)
        yield writer


@contextlib.contextmanager
def recorded(folder: RunFolder, expected: str = "") -> Iterator[Track]:
    """Yields the `Track` of a new run, for a `with` in a script. Records and prints how it ended.

    Errors of the script pass through.

    Args:
        expected: see `say_ending`.
    """
    with opened(folder) as writer:
        if writer is None:
            raise LabError(f"{folder.name}: expected a journal that can be opened, received none")
        process = start_courier(folder)
        header = folder.header()
        writer.append({"status": "RUNNING"})
        ending = Ending()
        try:
            with Progress(header["experiment"], header["total_steps"]) as progress:
                track = Track(folder, writer, progress)
                yield track
                ending = Ending(results=track.results)
        except (Stopped, KeyboardInterrupt):
            ending = Ending("KILLED", INTERRUPTED)
            raise
        except Exception as failure:
            ending = Ending("FAILED", 1, f"{type(failure).__name__}: {failure}")
            raise
        finally:
            end(writer, ending)
    see_off(folder, process, expected, ending)


def do(work: Callable[[], Results], writer: journal.Journal) -> Ending:
    """Calls `work()`, which returns the results of a run. Writes to the journal how it ended."""
    try:
        writer.append({"status": "RUNNING"})
        ending = Ending(results=work())
    except (Stopped, KeyboardInterrupt):
        ending = Ending("KILLED", INTERRUPTED)
    except Exception as failure:
        ending = Ending("FAILED", getattr(failure, "exit_code", 1), f"{type(failure).__name__}: {failure}")
        if not _said_by_lab(failure, writer.folder):
            traceback.print_exc()
    end(writer, ending)
    return ending


def see_off(folder: RunFolder, process: subprocess.Popen | None, expected: str, ending: Ending) -> int:
    """Waits for the courier, prints the last lines, and returns the exit code.

    If a Ctrl-C cuts the wait short, the exit code is that of a Ctrl-C.
    """
    code = ending.code
    try:
        delivered = _wait(process, folder)
    except KeyboardInterrupt:
        code, delivered = INTERRUPTED, all(map(courier.delivered, courier.family(folder)))
    say_ending(folder, expected, ending)
    uri = folder.header()["tracking_uri"]
    if uri != mlflow_server.NONE:
        if not delivered:
            print("the tracking server did not take everything; to deliver the rest later: python -m lab sync")
        if mlflow_server.with_password(uri) != uri:
            print(f"the password of {uri} is not kept with the run: resume and sync need it in $MLFLOW_TRACKING_URI again")
        print("to see it:", opening.where_to_see(folder))
    return code


def _said_by_lab(failure, folder):
    """Whether the message says everything. The other failures get a traceback."""
    if isinstance(failure, OSError) and str(folder.path) in str(failure):
        return True  # it names the file of the run that is the cause
    return isinstance(failure, LabError) or any(reason in str(failure) for reason in FULL)


def end(writer: journal.Journal, ending: Ending) -> None:
    """Writes how a run ended, and closes its journal."""
    try:
        error = {"tags": {"lab.error": mlflow_server.hide(ending.error)[:500]}} if ending.error else {}
        writer.append({"status": ending.status} | error)
        writer.close()
    except OSError as failure:
        print(f"the end of the run could not be written: {failure}", file=sys.stderr)


@contextlib.contextmanager
def interruptible(track: Any) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM stops the run at its next checkpoint, the second one at once.

    If no checkpoint will come, the first one stops it at once.

    Args:
        track: has `stopping`, `saving` and `progress`.
    """

    def handle(number, frame):
        if track.stopping:
            raise KeyboardInterrupt
        if not track.saving:
            track.progress.say(
                "stopping at once: no checkpoint will come; a resumed run starts from its last one, or from the beginning"
            )
            raise KeyboardInterrupt
        track.stopping = True
        track.progress.say(
            "stopping at the next checkpoint; press Ctrl-C again to stop at once and lose the steps since the last"
        )

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _wait(process, folder):
    """Waits for the courier of a run and its children. Returns whether everything was delivered."""
    if process is None:
        return True
    end, left = time.monotonic() + 60, courier.family(folder)
    while True:
        ended = process.poll() is not None or time.monotonic() > end
        left = [each for each in left if not courier.delivered(each)]
        if ended or not left:
            return not left
        time.sleep(0.02)


def say_ending(folder: RunFolder, expected: str, ending: Ending) -> None:
    """Prints the results of a run, and how it can be resumed.

    Args:
        expected: what the experiment promises, such as "greedy_return >= 475", or "".
    """
    wanted = conditions(expected)
    for name, value in (ending.results or {}).items():
        said = f"{name} {value:.4g}"
        if name in wanted:
            said += f"   expected {wanted[name].text}: {'reached' if wanted[name].holds(value) else 'missed'}"
        print(said)
    if ending.error:
        print(f"failed: {mlflow_server.hide(ending.error)}", file=sys.stderr)
    if any(reason in (ending.error or "") for reason in FULL):
        print(f"nothing of the run is lost: make room where {folder.path} lies, and let it go on", file=sys.stderr)
    if ending.status != "FINISHED" and ending.code != 2 and folder.is_resumable():  # 2: bad input stays bad
        print(f"to go on: python -m lab resume {folder.name}")
    run_id = folder.mlflow_id()
    print(f"run {folder.name}" + (f"   MLflow run id {run_id}" if run_id else ""))


def say_interrupted(folder: RunFolder | None = None) -> int:
    """Prints the last lines after a Ctrl-C outside the work of a run. Returns the exit code."""
    print("interrupted", file=sys.stderr)
    if folder is not None and folder.status() != "FINISHED":
        print(f"to go on: python -m lab resume {folder.name}")
    return INTERRUPTED


def start_courier(folder: RunFolder) -> subprocess.Popen | None:
    """Starts the courier of a run and its children. None for a run that stays on the disk."""
    return courier.start_courier(folder) if folder.header()["tracking_uri"] != mlflow_server.NONE else None
