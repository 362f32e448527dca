"""A run's life: from its folder on the disk to its last line on the screen, whatever happens in between."""

import contextlib
import dataclasses
import hashlib
import json
import signal
import sys
import time
import traceback
from typing import NamedTuple

from lab import journal, tracking
from lab.progress import Progress
from lab.track import Stopped, Track


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
    header = folder.header()
    with folder.lock("writer") as mine:
        if not mine:
            return _busy(folder)
        writer = _open_journal(folder)
        courier = _start(folder)
        progress = Progress(header["experiment"], header["total_steps"])
        track = Track(folder, writer, progress)

        def work():
            with progress, _interruptible(track):
                results = run(config, track)
            track.finish(results)
            return results

        ending = _do(work, writer)
    return _see_off(folder, courier, expected, ending), ending.results


@contextlib.contextmanager
def recorded(folder):
    """The `Track` of a run that a script does in a `with`; says how it ended, and lets the script's errors through."""
    with folder.lock("writer"):
        writer = _open_journal(folder)
        courier = _start(folder)
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
    _say_goodbye(folder, "", ending, _wait(courier, folder))


class Ending(NamedTuple):
    """How a run ended."""

    status: str = "FINISHED"
    code: int = 0  # of the process
    error: str | None = None
    results: dict | None = None


def _do(work, writer):
    """The `Ending` of a run whose results `work()` returns, which the journal gets too."""
    writer.append({"status": "RUNNING"})
    try:
        ending = Ending(results=work())
    except (Stopped, KeyboardInterrupt):
        ending = Ending("KILLED", 130)
    except Exception as failure:
        ending = Ending("FAILED", getattr(failure, "exit_code", 1), f"{type(failure).__name__}: {failure}")
        if not _said_by_lab(failure):
            traceback.print_exc()
    _end(writer, ending)
    return ending


def _open_journal(folder):
    writer = journal.Journal(folder)
    for complaint in writer.complaints:
        print(complaint, file=sys.stderr)
    return writer


def _busy(folder):
    print(f"{folder.name}: expected a run that no process is writing, received one that is running", file=sys.stderr)
    return 2, None


def _see_off(folder, courier, expected, ending):
    """Waits for the courier and says the last words; the exit code, which is that of a Ctrl-C where one cut the wait short."""
    code = ending.code
    try:
        delivered = _wait(courier, folder)
    except KeyboardInterrupt:
        code, delivered = 130, tracking.delivered(folder)
    _say_goodbye(folder, expected, ending, delivered)
    return code


def _said_by_lab(failure):
    """Whether the message says all that there is to say; others get their traceback."""
    return type(failure).__name__ in (
        "NonFiniteError", "EnvironmentFailure", "CheckpointError", "DamagedFile", "DownloadError", "EventError", "ChildError",
        "SettingError",
    )  # fmt: skip


def _end(writer, ending):
    try:
        writer.append({"status": ending.status} | ({"tags": {"lab.error": ending.error[:500]}} if ending.error else {}))
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


def _wait(courier, folder):
    """Waits for the courier to deliver what is left; whether it did."""
    if courier is None:
        return True
    end = time.monotonic() + 60
    while not tracking.delivered(folder) and courier.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    return tracking.delivered(folder)


def _say_goodbye(folder, expected, ending, delivered):
    for name, value in (ending.results or {}).items():
        wanted = expected.removeprefix(name) if expected.startswith(f"{name} ") else ""
        print(f"{name} {value:.4g}" + (f"   expected{wanted}" if wanted else ""))
    if ending.error:
        print(f"failed: {ending.error}", file=sys.stderr)
    if ending.status != "FINISHED" and ending.code != 2 and folder.header()["module"]:  # bad input stays bad
        print(f"to go on: python -m lab resume {folder.name}")
    run_id = folder.delivery().get("run_id")
    print(f"run {folder.name}" + (f"   MLflow run id {run_id}" if run_id else ""))
    if folder.header()["tracking_uri"] == tracking.NONE:
        return
    if not delivered:
        print("the tracking server did not take everything; to deliver the rest later: python -m lab sync")
    print("to see it: python -m lab ui")


def run_children(parent, config, run, expected, variants=({},), summary=None):
    """Runs every variant of the configuration with every seed as a child run of `parent`. Returns (exit code, results or None).

    The mean and the 95 % interval of each result are logged to it.

    Args:
        variants: dicts of the fields that differ; results of a variant that has some are logged with its values in their names.
        summary: function (track of the parent, {label: list of results}), called at the end.
    """
    header = parent.header()
    seeds = range(header["seed"], header["seed"] + header["seeds"])
    rows: dict[str, list] = {}
    with parent.lock("writer") as mine:
        if not mine:
            return _busy(parent)
        writer = _open_journal(parent)

        def work():
            for variant in variants:
                for seed in seeds:
                    result = _child_results(parent, seed, dataclasses.replace(config, **variant), run, expected)
                    rows.setdefault("_".join(map(str, variant.values())), []).append(result)
            means: dict[str, float] = {}
            for label, results in rows.items():
                means |= summarize(results, f"_{label}" if label else "")
            writer.metrics(means, header["total_steps"])
            if summary is not None:
                summary(Track(parent, writer, Progress(header["experiment"], 0)), rows)
            return {
                name: value for name, value in means.items() if name in rows.get("", [{}])[0] or expected.startswith(f"{name} ")
            }

        ending = _do(work, writer)
    code = _see_off(parent, _start(parent), expected, ending)
    if ending.results is not None:
        for label, results in rows.items():
            _say_means(label, results)
    return code, ending.results


class ChildError(Exception):
    """A child run failed, which it has said itself."""

    def __init__(self, name, exit_code):
        super().__init__(f"{name} did not finish")
        self.exit_code = exit_code


def _child_results(parent, seed, config, run, expected):
    """The results of the child run for a seed and a configuration, which is run if it has not finished."""
    child = _child(parent, seed, config)
    results = child.results() if child.status() == "FINISHED" else None
    if results:
        return results
    code, results = run_one(child, config, run, expected)
    if code == 130:
        raise Stopped
    if code:
        raise ChildError(child.name, code)
    return results


def _say_means(label, results):
    summary = summarize(results)
    for name in results[0]:
        values = ", ".join(f"{result[name]:.4g}" for result in results)
        interval = f" ± {summary[f'{name}_interval']:.2g} (95 %)" if len(results) > 1 else ""
        print(f"{label} {name}: mean {summary[name]:.4g}{interval} over {len(results)} seeds: {values}".strip())


def _start(folder):
    """The run's courier, or None for a run that stays on the disk."""
    return tracking.start_courier(folder) if folder.header()["tracking_uri"] != tracking.NONE else None


def _child(parent, seed, config):
    """The child run for a seed and a configuration: the one there is, or a new one."""
    header, settings = parent.header(), dataclasses.asdict(config)
    settings = json.loads(json.dumps(settings))  # as a header gives them back
    for run in journal.all_runs():
        found = run.header()
        if found.get("parent") == parent.name and found["seed"] == seed and found["config"] == settings:
            return run
    options = header["options"] | {"seed": seed, "seeds": 1}
    child = {"config": settings, "options": options, "seed": seed, "seeds": 1, "parent": parent.name}
    return journal.RunFolder.create(identified(header | child | {"total_steps": total_steps(config)}))


def summarize(results, suffix=""):
    """Mean and half-width of the 95 % Student interval of each result, over seeds, as `name + suffix` and with `_interval`."""
    import numpy as np
    from scipy import stats

    summary = {}
    for name in results[0]:
        values = np.array([result[name] for result in results])
        summary[name + suffix] = values.mean()
        if len(values) > 1:
            summary[f"{name}{suffix}_interval"] = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return summary
