"""The progress of a run: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Mapping
from typing import Any

SHOWN = (  # the metrics beside the bar
    "episode_return",
    "loss",
    "discriminator_loss",
    "generator_loss",
    "steps_per_second",
    "images_per_second",
    "examples_per_second",
)


def words_of(metrics: Mapping[str, float]) -> str:
    """The metrics that are worth showing, as text."""
    return "  ".join(f"{key.replace('_', ' ')} {value:,.4g}" for key, value in metrics.items() if key in SHOWN)


def started_bar() -> Any:
    """A bar of rich, started. Each of its tasks has a text `values` at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, TextColumn("{task.fields[values]}"))
    bar.start()
    return bar


class Progress:
    """Shows how far a run is, with its latest return and speed.

    Args:
        title: what is running.
        total: steps of the whole run, 0 if unknown. It can be set later.
    """

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self.total = total
        self._bar: Any = None
        self._task: Any = None
        self._last = float("-inf")
        self._shown: dict[str, float] = {}

    def __enter__(self) -> "Progress":
        if sys.stdout.isatty():
            self._bar = started_bar()
            self._task = self._bar.add_task(self._title, total=self.total or None, values="")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, step: int, metrics: Mapping[str, float]) -> None:
        """Shows the run at `step`, with the return, the losses and the speed among the metrics."""
        self._shown |= metrics
        values = words_of(self._shown)
        if self._bar is not None:
            self._bar.update(self._task, completed=step, total=self.total or None, values=values)
        elif time.monotonic() - self._last > 2.0 or (self.total and step >= self.total):
            self._last = time.monotonic()
            total = f"/{self.total:,}" if self.total else ""
            print(f"{self._title} {step:,}{total}  {values}", flush=True)

    def say(self, sentence: str) -> None:
        """Prints a line above the bar."""
        if self._bar is not None:
            self._bar.console.print(sentence)
        else:
            print(sentence, flush=True)
