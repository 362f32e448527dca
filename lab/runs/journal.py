"""The writer of a run's journal; `lab.runs.run_folder` reads it."""

import os
import time
from array import array
from bisect import bisect_left

from lab.runs import events


class Journal:
    """Appends to a run's journal; what a resumed run logs a second time is left out.

    Attributes:
        complaints: what was found damaged, a sentence each.
    """

    def __init__(self, folder):
        self.folder = folder
        self._steps: dict[str, array] = {}  # of each key, ascending: 8 bytes each
        damaged, end = [], 0
        for number, (event, end) in enumerate(folder.read(), 1):  # noqa: B007  the last one counts
            if event is None:
                damaged.append(number)
            else:
                for key in event.get("metrics", {}):
                    self._is_new(key, event["step"])
        self.complaints = list(folder.complaints(damaged, end))
        self._file = open(folder.journal, "r+b", buffering=0)  # noqa: SIM115  open as long as the run
        self._file.truncate(end)  # a line that a killed process did not finish
        self._file.seek(end)

    def metrics(self, values, step):
        """Logs metrics at a step, each key and step once. An `EventError` names what cannot be."""
        step = events.whole(step)
        numbers = {name: events.number(name, value) for name, value in values.items()}
        fresh = {name: value for name, value in numbers.items() if self._is_new(name, step)}
        if fresh:
            self.append({"metrics": fresh, "step": step})

    def append(self, event):
        """Writes one event; it survives the process, and after `sync` the machine. A full disk leaves no half of it."""
        left = memoryview(events.encode(event | {"time": int(time.time() * 1000)}))
        start = self._file.tell()
        try:
            while left:
                left = left[self._file.write(left) :]
        except BaseException:
            self._file.truncate(start)
            self._file.seek(start)
            raise

    def sync(self):
        """Forces everything to the disk."""
        os.fsync(self._file.fileno())

    def close(self):
        """Syncs and closes."""
        self.sync()
        self._file.close()

    def _is_new(self, key, step):
        steps = self._steps.setdefault(key, array("q"))
        place = len(steps) if not steps or step > steps[-1] else bisect_left(steps, step)
        if place < len(steps) and steps[place] == step:
            return False
        steps.insert(place, step)
        return True
