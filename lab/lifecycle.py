"""A run's life: from its folder on the disk to its last line on the screen, whatever happens in between."""

import contextlib
import dataclasses
import hashlib
import json
import os
import signal
import sys
import time
import traceback

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


def _import_keras():
    """Imports the backend with its start-up messages, which the C++ side writes to the process's stderr, kept away."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            import keras  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def run_one(folder, config, run, expected):
    """Runs or resumes one seed. Returns (exit code, results or None)."""
    header = folder.header()
    with folder.lock("writer") as mine:
        if not mine:
            print(f"{folder.name}: expected a run that no process is writing, received one that is running", file=sys.stderr)
            return 2, None
        writer = journal.Journal(folder)
        courier = _start(folder)
        progress = Progress(header["experiment"], header["total_steps"])
        track = Track(folder, writer, progress)
        writer.append({"status": "RUNNING"})
        status, code, results, error = "FINISHED", 0, None, None
        try:
            _import_keras()
            with progress, _interruptible(track):
                results = run(config, track)
            track.finish(results)
        except (Stopped, KeyboardInterrupt):
            status, code = "KILLED", 130
        except Exception as failure:
            status, code, error = "FAILED", 1, f"{type(failure).__name__}: {failure}"
            if not _said_by_lab(failure):
                traceback.print_exc()
        _end(writer, status, error)
    delivered = _wait(courier, folder)
    _say_goodbye(folder, expected, status, results, error, delivered)
    return code, results


def _said_by_lab(failure):
    """Whether the message says all that there is to say; others get their traceback."""
    return type(failure).__name__ in ("NonFiniteError", "EnvironmentFailure", "CheckpointError", "DownloadError")


def _end(writer, status, error):
    try:
        writer.append({"status": status} | ({"tags": {"lab.error": error[:500]}} if error else {}))
        writer.close()
    except OSError as failure:
        print(f"the end of the run could not be written: {failure}", file=sys.stderr)


@contextlib.contextmanager
def _interruptible(track):
    """The first Ctrl-C or SIGTERM stops the run at its next checkpoint, the second at once."""

    def handle(number, frame):
        if track.stopping:
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
    with contextlib.suppress(KeyboardInterrupt):
        while not tracking.delivered(folder) and courier.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
    return tracking.delivered(folder)


def _say_goodbye(folder, expected, status, results, error, delivered):
    if results is not None:
        for name, value in results.items():
            wanted = expected.removeprefix(name) if expected.startswith(f"{name} ") else ""
            print(f"{name} {value:.4g}" + (f"   expected{wanted}" if wanted else ""))
    if error:
        print(f"failed: {error}", file=sys.stderr)
    if status != "FINISHED":
        print(f"to go on: python -m lab resume {folder.name}")
    run_id = folder.delivery().get("run_id")
    print(f"run {folder.name}" + (f"   MLflow run id {run_id}" if run_id else ""))
    if folder.header()["tracking_uri"] == tracking.NONE:
        return
    if not delivered:
        print("the tracking server did not take everything; to deliver the rest later: python -m lab sync")
    print("to see it: python -m lab ui")


def run_children(parent, config, run, expected, variants=({},), summary=None):
    """Runs every variant of the configuration with every seed as a child run of `parent`, then logs mean and 95 % interval of each result to it.

    Args:
        variants: dicts of the fields that differ; results of a variant that has some are logged with its values in their names.
        summary: function (track of the parent, {label: list of results}), called at the end.
    """
    header = parent.header()
    rows: dict[str, list] = {}
    with parent.lock("writer") as mine:
        if not mine:
            print(f"{parent.name}: expected a run that no process is writing, received one that is running", file=sys.stderr)
            return 2
        writer = journal.Journal(parent)
        writer.append({"status": "RUNNING"})
        for variant in variants:
            changed = dataclasses.replace(config, **variant)
            for seed in range(header["seed"], header["seed"] + header["seeds"]):
                child = _child(parent, seed, changed)
                done = child.results() if child.status() == "FINISHED" else None
                code, result = (0, done) if done else run_one(child, changed, run, expected)
                if code:
                    _end(writer, child.status(), None)
                    _wait(_start(parent), parent)
                    print(f"to go on with all runs: python -m lab resume {parent.name}")
                    return code
                rows.setdefault("_".join(map(str, variant.values())), []).append(result)
        for label, results in rows.items():
            writer.metrics(_summarize(results, f"_{label}" if label else ""), header["total_steps"])
        if summary is not None:
            summary(Track(parent, writer, Progress(header["experiment"], 0)), rows)
        _end(writer, "FINISHED", None)
    delivered = _wait(_start(parent), parent)
    means = {
        name: value
        for label, results in rows.items()
        for name, value in _summarize(results, f"_{label}" if label else "").items()
    }
    shown = {name: value for name, value in means.items() if name in rows.get("", [{}])[0] or expected.startswith(f"{name} ")}
    _say_goodbye(parent, expected, "FINISHED", shown, None, delivered)
    for label, results in rows.items():
        _say_means(label, results)
    return 0


def _say_means(label, results):
    summary = _summarize(results)
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


def _summarize(results, suffix=""):
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
