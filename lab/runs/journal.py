"""The writer of a run's journal. Its reader is `lab.runs.run_folder`."""

import os
import time
from array import array
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from lab.runs import events
from lab.runs.run_folder import RunFolder


class Journal:
    """Appends to a run's journal. What a resumed run logs for a second time is left out.

    Attributes:
        complaints: what is damaged, one sentence each.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._steps: dict[str, array] = {}  # {key: its steps, ascending, 8 bytes each}
        damaged, end = [], 0
        for number, (event, end) in enumerate(folder.read(), 1):  # noqa: B007  the last `end` is used
            if event is None:
                damaged.append(number)
            else:
                for key in event.get("metrics", {}):
                    self._is_new(key, event["step"])
        self.complaints = list(folder.complaints(damaged, end))
        self._file = open(folder.journal, "r+b", buffering=0)  # noqa: SIM115  open as long as the run
        self._file.truncate(end)  # drops a line that a killed process did not finish
        self._file.seek(end)

    def metrics(self, values: Mapping[str, Any], step: Any) -> None:
        """Logs metrics at a step. Each pair of a key and a step is logged once.

        Raises:
            EventError: a name, a value or the step cannot be logged. Then nothing is.
        """
        step = events.whole(step)
        numbers = {name: events.number(name, value) for name, value in values.items()}
        fresh = {name: value for name, value in numbers.items() if self._is_new(name, step)}
        if fresh:
            self.append({"metrics": fresh, "step": step})

    def append(self, event: dict[str, Any]) -> None:
        """Writes one event. It survives the end of the process and, after `sync`, a power failure.

        If the disk is full, no part of it is left.
        """
        left = memoryview(events.encode(event | {"time": int(time.time() * 1000)}))
        start = self._file.tell()
        try:
            while left:
                left = left[self._file.write(left) :]
        except BaseException:
            self._file.truncate(start)
            self._file.seek(start)
            raise

    def sync(self) -> None:
        """Flushes everything to the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flushes everything to the disk and closes the file."""
        self.sync()
        self._file.close()

    def _is_new(self, key, step):
        steps = self._steps.setdefault(key, array("q"))
        place = len(steps) if not steps or step > steps[-1] else bisect_left(steps, step)
        if place < len(steps) and steps[place] == step:
            return False
        steps.insert(place, step)
        return True
