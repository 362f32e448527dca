"""The seeds of one configuration as one program: the flag --together.

Each seed is a child run with its own journal and checkpoints. It runs in a thread, and the programs
that all seeds share run for all of them in one call (`lab.engine.together`). The bits of a seed
depend on how many seeds run together, so the headers of the children record it, and only the parent
can be resumed.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab import validation
from lab.errors import ChildError
from lab.runs import keras_settings, lifecycle, memory
from lab.runs.children import Family, Wanted
from lab.runs.header import LOCAL
from lab.runs.lifecycle import Ending, Results, Run
from lab.runs.progress import Progress
from lab.runs.run_folder import RunFolder
from lab.runs.track import Stopped, Track


def checked(given: tuple[Any, ...], name: str, resumed: RunFolder | None = None) -> tuple[Any, ...]:
    """`given`, after a check of the flag --together.

    Args:
        given: (config, options). The attribute `together` of the configuration says whether its
            seeds share programs.
        name: the name of the experiment.
        resumed: the run to resume, if there is one.

    Raises:
        ValueError: there is one seed, the backend cannot do it, or the experiment has no shared
            program. Or the run to resume is one of several seeds.
    """
    config, options = given
    if not options.together:
        return given
    if resumed and (parent := resumed.header().get("parent")):
        raise ValueError(f"--resume: expected {parent}, whose seeds run together, received {resumed.name}, one of them")
    expected = "--seeds 2 or more, which run as one program"
    validation.require(options.seeds > 1, "together", expected, f"--seeds {options.seeds}")
    backend = keras_settings.backend()
    for name_of_flag in ("jobs", "print_jobs", "gpus_per_job"):
        received = getattr(options, name_of_flag)
        validation.require(not received, name_of_flag, "none with --together, which is one process", received)
    validation.require(options.engine == LOCAL, "engine", "none with --together, which is one process", options.engine)
    validation.require(options.devices == 1, "devices", "1 with --together", options.devices)
    expected = "KERAS_BACKEND=jax, the only backend that runs seeds as one program"
    validation.require(backend == "jax", "together", expected, backend)
    expected = "a deep agent or a GAN on a mixture, whose seeds share their programs"
    validation.require(getattr(config, "together", False), "together", expected, name)
    return given


def needs(config: Any, options: Any) -> list[memory.Need]:
    """The memory of a configuration, that of all seeds if they run together."""
    return memory.times(config.memory(), options.seeds if options.together else 1)


class OneProgram:
    """Runs the seeds of each variant together. For `lab.runs.children.run_children`.

    A child that has finished keeps its results, and its place among the seeds.

    Args:
        run, expected: as in `lab.runs.children.run_children`.
    """

    def __init__(self, run: Run, expected: str) -> None:
        self._run, self._expected = run, expected

    def __call__(self, family: Family, all_wanted: Sequence[Wanted]) -> None:
        """Runs or resumes the children.

        Raises:
            ChildError: a seed failed. The others are KILLED.
            Stopped: the user stopped the run. All seeds stopped at the same checkpoint.
        """
        groups: dict[str, list[Wanted]] = {}
        for each in all_wanted:
            groups.setdefault(each.label, []).append(each)
        for group in groups.values():
            finished = [family.has_finished(each) for each in group]
            if not all(finished):
                runs = [family.child(each) for each in group]
                self._seeds(family.parent, runs, finished, group[0].config)

    def _seeds(self, parent: RunFolder, runs: Sequence[RunFolder], finished: Sequence[bool], config: Any) -> None:
        waiting = {place: run for place, run in enumerate(runs) if not finished[place]}
        keep_common_checkpoints(list(waiting.values()))
        endings: dict[int, Ending] = {}
        try:
            _run(parent, runs, waiting, config, self._run, endings)
        finally:
            for place, ending in sorted(endings.items()):
                lifecycle.say_ending(runs[place], self._expected, ending)
        if any(ending.code == lifecycle.INTERRUPTED for ending in endings.values()):
            raise Stopped


def _run(parent, children, waiting, config, run, endings):
    from lab import engine

    header = parent.header()
    seeds = Seeds(Progress(header["experiment"], lifecycle.total_steps(config)), max(waiting))
    with contextlib.ExitStack() as stack:
        works: list[Callable[[], Any]] = []
        for place, child in enumerate(children):
            journal = stack.enter_context(lifecycle.opened(child)) if place in waiting else None
            if place in waiting and journal is None:
                raise ChildError(child.name, 2)
            works.append(_work(place, child, journal, config, run, seeds, endings))
        stack.enter_context(seeds.progress)
        stack.enter_context(lifecycle.interruptible(seeds))
        engine.together(works, parts=header["together"]["parts"], between=seeds.between)


def _work(place, child, journal, config, run, seeds, endings):
    """The function that runs a seed to its end. It raises a ChildError if the seed fails."""

    def body() -> Results:
        track = Track(child, journal, Place(seeds, place))
        track.first = place == 0
        seeds.tracks.append(track)
        found = run(config, track)
        track.finish(found)
        return found

    def work() -> None:
        endings[place] = ending = lifecycle.do(body, journal)
        if ending.code not in (0, lifecycle.INTERRUPTED):
            raise ChildError(child.name, ending.code)

    return work if journal else lambda: None


class Seeds:
    """What the seeds that run together have in common: the display, and a Ctrl-C.

    Attributes:
        stopping: whether the user asked the seeds to stop at their next checkpoint.
        tracks: of the seeds that have begun.

    Args:
        progress: shows the means over the seeds, and the sum of what counts per second.
        last: the place of the seed that runs last in each round. The display changes then.
    """

    def __init__(self, progress: Progress, last: int) -> None:
        self.progress = progress
        self.stopping = False
        self.tracks: list[Track] = []
        self._last = last
        self._latest: dict[int, Mapping[str, float]] = {}
        self._said: set[str] = set()

    @property
    def saving(self) -> bool:
        """Whether a checkpoint will come."""
        return any(track.saving for track in self.tracks)

    def between(self) -> None:
        """Tells all seeds to stop, if the user asked for it. Is called when all of them wait.

        So they stop at the same step.
        """
        if self.stopping and not self.saving:
            raise KeyboardInterrupt
        for track in self.tracks:
            track.stopping = self.stopping

    def update(self, place: int, step: int, metrics: Mapping[str, float]) -> None:
        """Takes the metrics of a seed."""
        self._latest[place] = metrics
        if place == self._last:
            count = len(self._latest)
            totals = {key: sum(each.get(key, value) for each in self._latest.values()) for key, value in metrics.items()}
            shown = {key: total if key.endswith("_per_second") else total / count for key, total in totals.items()}
            self.progress.update(step, shown)

    def say(self, sentence: str) -> None:
        """Prints what the seeds say. The same sentence is printed once."""
        if sentence not in self._said:
            self._said.add(sentence)
            self.progress.say(sentence)


class Place(Progress):
    """The progress of one seed, as its `Track` needs it.

    Args:
        seeds: all seeds.
        place: of this one.
    """

    def __init__(self, seeds: Seeds, place: int) -> None:
        super().__init__("", 0)
        self._seeds = seeds
        self._place = place

    def update(self, step: int, metrics: Mapping[str, float]) -> None:
        """Passes the metrics on."""
        if self.total:
            self._seeds.progress.total = self.total
        self._seeds.update(self._place, step, metrics)

    def say(self, sentence: str) -> None:
        """Passes the sentence on."""
        self._seeds.say(sentence)


def keep_common_checkpoints(folders: Sequence[RunFolder]) -> int:
    """Deletes the checkpoints after the newest one that all runs have. Returns its step, else 0.

    A killed process may have saved some seeds at a step, and others not yet. They go on from the
    same step, and reach the deleted ones again.
    """
    from lab.runs import checkpoint

    found = [{path.name: path for path in folder.checkpoints.glob(f"step-*{checkpoint.SUFFIX}")} for folder in folders]
    shared = sorted(set(found[0]).intersection(*found[1:]), reverse=True)
    common = next((name for name in shared if all(checkpoint.is_whole(each[name]) for each in found)), "")
    for each in found:
        for name, path in each.items():
            if name > common:
                path.unlink()
    return int(common.removesuffix(checkpoint.SUFFIX).removeprefix("step-") or 0)
