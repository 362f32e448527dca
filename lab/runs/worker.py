"""A process that runs jobs of one experiment, as `lab.runs.workers` tells it.

    python -m lab.runs.worker <module or script> <cores>

Each line of stdin is {"run": name of a run folder} or {"stop": 1 at the next checkpoint, 2 at
once}. The answers on stdout are {"ready": true} once, and {"code": exit code} for each job. At the
end of stdin the process ends, also in the middle of a job: whoever started it is gone.
"""

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from lab.runs import command_line, devices, keras_settings, lifecycle, machine, planning
from lab.runs.header import settings_of
from lab.runs.run_folder import RunFolder, runs_folder

PATIENCE = 5.0  # seconds


class Orders:
    """What this process is told, read by a thread of its own."""

    def __init__(self, stdin: BinaryIO) -> None:
        self.runs: queue.Queue[str | None] = queue.Queue()  # None: no more will come
        self.working = False
        self._level = 0  # of stopping
        threading.Thread(target=self._read, args=[stdin], daemon=True).start()

    def _read(self, stdin: BinaryIO) -> None:
        for line in stdin:
            order = json.loads(line)
            if "run" in order:
                self._level = 0
                self.runs.put(order["run"])
            else:
                self._level = order["stop"]
                self._interrupt()
        if self.working:
            os._exit(1)
        self.runs.put(None)

    def listen(self) -> None:
        """Lets signals interrupt jobs alone. Whoever is answering must not be interrupted."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: object) -> None:
        if self.working:
            raise KeyboardInterrupt

    def _interrupt(self) -> None:
        # Two different signals: two of one kind may become one.
        for number in (signal.SIGINT, signal.SIGTERM)[: self._level if self.working else 0]:
            os.kill(os.getpid(), number)

    @contextlib.contextmanager
    def work(self) -> Iterator[bool]:
        """For the time of a job. Yields False if it was stopped before it began."""
        self.working = True
        try:
            yield not self._level
        finally:
            self.working = False


def main(argv: Sequence[str]) -> int:
    """Runs what it is told until stdin ends."""
    started_by, cores = argv
    if cores:
        machine.use([int(core) for core in cores.split(",")])
    answers = os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)  # what is printed before the first job
    orders = Orders(os.fdopen(os.dup(0), "rb", 0))
    orders.listen()
    with command_line.one_line_errors():
        experiment = planning.load(started_by)
    answers.write(b'{"ready": true}\n')
    while (name := orders.runs.get()) is not None:
        code = run(experiment, RunFolder(runs_folder() / name), orders)
        answers.write(json.dumps({"code": code}).encode() + b"\n")
    return 0


def run(experiment: planning.Experiment, folder: RunFolder, orders: Orders) -> int:
    """Runs or resumes a run. Its exit code. What it prints goes to output.log in its folder."""
    try:
        with orders.work() as wanted, _printing_to(folder):
            if not wanted:
                return lifecycle.INTERRUPTED
            _wait_until_free(folder)
            with lifecycle.opened(folder) as writer:
                if writer is None:
                    return 2
                config, _ = settings_of(experiment.config_class, folder)
                keras_settings.choose_backend(folder.header()["backend"])
                keras_settings.import_keras()
                devices.use(folder.header()["options"].get("devices", 1))
                ending = lifecycle.attempt(folder, writer, config, experiment.run)
            lifecycle.say_ending(folder, "", ending)
            return ending.code
    except KeyboardInterrupt:
        return lifecycle.INTERRUPTED
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


def _wait_until_free(folder: RunFolder) -> None:
    """Waits a little for a process that has just been killed and still holds the run."""
    end = time.monotonic() + PATIENCE
    while folder.locked("writer") and time.monotonic() < end:
        time.sleep(0.05)


@contextlib.contextmanager
def _printing_to(folder: RunFolder) -> Iterator[None]:
    """Sends what this process prints to output.log of a run."""
    with open(folder.output, "ab", 0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
