"""A run's life: from its folder on the disk to its last line on the screen, whatever happens in between."""

import contextlib
import errno
import hashlib
import json
import os
import signal
import sys
import time
import traceback
from typing import NamedTuple

from lab.errors import DamagedFile, LabError
from lab.runs import courier, journal, mlflow_server
from lab.runs.progress import Progress
from lab.runs.track import Stopped, Track

FULL = [os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]  # whoever wraps the OSError


def identified(header):
    """The header with the digest of everything that decides the run's numbers; a checkpoint carries it."""
    keys = ("experiment", "config", "seed", "backend")
    identity = [header[key] for key in keys] + [header["options"]["checkpoint_every"]]
    return header | {"digest": hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()}


def total_steps(config):
    """Steps of the whole run: what the configuration says or works out, 0 where it does not know."""
    return getattr(config, "total_steps", getattr(config, "steps", 0))


def listen():
    """Takes SIGTERM for a Ctrl-C from now on."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def run_one(folder, config, run, expected):
    """Runs or resumes one seed. Returns (exit code, results or None)."""
    with opened(folder) as writer:
        if writer is None:
            return 2, None
        process = start_courier(folder)
        ending = attempt(folder, writer, config, run)
    return see_off(folder, process, expected, ending), ending.results


def attempt(folder, writer, config, run):
    """The `Ending` of one run, whose journal is open."""
    header = folder.header()

    def work():
        progress = Progress(header["experiment"], header["total_steps"])
        track = Track(folder, writer, progress)
        with progress, _interruptible(track):
            results = run(config, track)
        track.finish(results)
        return results

    return do(work, writer)


@contextlib.contextmanager
def opened(folder):
    """The journal of a run, to be written by this process alone; None, and a line that says why, where that cannot be."""
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
def recorded(folder):
    """The `Track` of a run that a script does in a `with`; says how it ended, and lets the script's errors through."""
    with opened(folder) as writer:
        process = start_courier(folder)
        header = folder.header()
        writer.append({"status": "RUNNING"})
        ending = Ending()
        try:
            with Progress(header["experiment"], header["total_steps"]) as progress:
                yield Track(folder, writer, progress)
        except (Stopped, KeyboardInterrupt):
            ending = Ending("KILLED", 130)
            raise
        except Exception as failure:
            ending = Ending("FAILED", 1, f"{type(failure).__name__}: {failure}")
            raise
        finally:
            _end(writer, ending)
    see_off(folder, process, "", ending)


class Ending(NamedTuple):
    """How a run ended."""

    status: str = "FINISHED"
    code: int = 0  # of the process
    error: str | None = None
    results: dict | None = None


def do(work, writer):
    """The `Ending` of a run whose results `work()` returns, which the journal gets too."""
    try:
        writer.append({"status": "RUNNING"})
        ending = Ending(results=work())
    except (Stopped, KeyboardInterrupt):
        ending = Ending("KILLED", 130)
    except Exception as failure:
        ending = Ending("FAILED", getattr(failure, "exit_code", 1), f"{type(failure).__name__}: {failure}")
        if not _said_by_lab(failure, writer.folder):
            traceback.print_exc()
    _end(writer, ending)
    return ending


def see_off(folder, process, expected, ending):
    """Waits for the courier and says the last words; the exit code, which is that of a Ctrl-C where one cut the wait short."""
    code = ending.code
    try:
        delivered = _wait(process, folder)
    except KeyboardInterrupt:
        code, delivered = 130, all(map(courier.delivered, courier.family(folder)))
    say_ending(folder, expected, ending)
    uri = folder.header()["tracking_uri"]
    if uri != mlflow_server.NONE:
        if not delivered:
            print("the tracking server did not take everything; to deliver the rest later: python -m lab sync")
        if mlflow_server.with_password(uri) != uri:
            print(f"the password of {uri} is not kept with the run: resume and sync need it in $MLFLOW_TRACKING_URI again")
        print("to see it: python -m lab ui")
    return code


def _said_by_lab(failure, folder):
    """Whether the message says all that there is to say; others get their traceback."""
    if isinstance(failure, OSError) and str(folder.path) in str(failure):
        return True  # it names the file of ours that stands in the way
    return isinstance(failure, LabError) or any(reason in str(failure) for reason in FULL)


def _end(writer, ending):
    try:
        error = {"tags": {"lab.error": mlflow_server.hide(ending.error)[:500]}} if ending.error else {}
        writer.append({"status": ending.status} | error)
        writer.close()
    except OSError as failure:
        print(f"the end of the run could not be written: {failure}", file=sys.stderr)


@contextlib.contextmanager
def _interruptible(track):
    """The first Ctrl-C or SIGTERM stops the run at its next checkpoint, the second, or where none is to come the first, at once."""

    def handle(number, frame):
        if track.stopping:
            raise KeyboardInterrupt
        if not track.saving:
            track.progress.say(
                "stopping at once: no checkpoint is to come, and a resumed run goes on from its last, or from the start"
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
    """Waits for the courier to deliver what is left of a run and its children; whether it did."""
    if process is None:
        return True
    end, left = time.monotonic() + 60, courier.family(folder)
    while True:
        ended = process.poll() is not None or time.monotonic() > end
        left = [each for each in left if not courier.delivered(each)]
        if ended or not left:
            return not left
        time.sleep(0.02)


def say_ending(folder, expected, ending):
    """Says what a run came to, and how it can go on."""
    for name, value in (ending.results or {}).items():
        wanted = expected.removeprefix(name) if expected.startswith(f"{name} ") else ""
        print(f"{name} {value:.4g}" + (f"   expected{wanted}" if wanted else ""))
    if ending.error:
        print(f"failed: {mlflow_server.hide(ending.error)}", file=sys.stderr)
    if any(reason in (ending.error or "") for reason in FULL):
        print(f"nothing of the run is lost: make room where {folder.path} lies, and let it go on", file=sys.stderr)
    if ending.status != "FINISHED" and ending.code != 2 and folder.header()["module"]:  # bad input stays bad
        print(f"to go on: python -m lab resume {folder.name}")
    run_id = folder.mlflow_id()
    print(f"run {folder.name}" + (f"   MLflow run id {run_id}" if run_id else ""))


def say_interrupted(folder=None):
    """What is said where a Ctrl-C comes outside a run's work. Returns the exit code."""
    print("interrupted", file=sys.stderr)
    if folder is not None and folder.status() != "FINISHED":
        print(f"to go on: python -m lab resume {folder.name}")
    return 130


def start_courier(folder):
    """The courier of a run and its children, or None for one that stays on the disk."""
    return courier.start_courier(folder) if folder.header()["tracking_uri"] != mlflow_server.NONE else None
