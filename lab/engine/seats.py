"""Seeds that run side by side: each in a thread of its own, one of them at a time.

A group has a seat for each seed. The seeds take turns: one runs until it calls a shared program,
then the next one runs. So only one thread runs Python at any time, in an order that never differs.
When all seeds wait at a program, it runs for all of them in one call.

`lab/engine/jax_together.py` makes that call. This file knows no backend.
"""

import ctypes
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

_here = threading.local()


class Request(NamedTuple):
    """A call of a shared program, at which a seed waits."""

    program: Any  # its `number` is the place among the shared programs of the seed
    args: tuple


class Batch(Protocol):
    """Runs the requests of several seeds in one call."""

    def expect(self, request: Request) -> None:
        """Is told of each request when its seed arrives. May prepare the program."""

    def __call__(self, requests: Mapping[int, Request]) -> Mapping[int, Any]:
        """{place of the seed: request} -> {place: output}."""


def seat() -> "Seat | None":
    """The seat of the seed that this thread runs. None outside of a group."""
    return getattr(_here, "seat", None)


class Seat:
    """The place of a seed in its group.

    Args:
        place: of the seed, from 0.
        work: the function that the seed runs.
        back: the queue on which the seat says that it stopped.
        batch: runs the requests of the group.
    """

    def __init__(self, place: int, work: Callable[[], Any], back: queue.SimpleQueue, batch: Batch) -> None:
        self.place = place
        self.request: Request | None = None  # at which the seed waits
        self.answer: Any = None
        self.fault: BaseException | None = None  # what the seed raised
        self.outcome: Any = None  # what `work` returned
        self.turn: queue.SimpleQueue = queue.SimpleQueue()  # an exception, or None to go on
        self.thread = threading.Thread(target=self._run, name=f"seed {place}", daemon=True)
        self._work = work
        self._back = back
        self._batch = batch
        self._programs = 0

    @property
    def alive(self) -> bool:
        """Whether the seed has not ended."""
        return self.thread.is_alive()

    def number(self) -> int:
        """The number of a new shared program of this seed, counted from 0."""
        self._programs += 1
        return self._programs - 1

    def expect(self, program: Any, args: tuple) -> None:
        """Has a program prepared that the seed will call with arguments like these."""
        self._batch.expect(Request(program, args))

    def call(self, program: Any, args: tuple) -> Any:
        """Waits until the program has run for all seeds. Returns the output of this seed."""
        self.request = Request(program, args)
        self._back.put(self)
        self._wait()
        answer, self.answer = self.answer, None
        return answer

    def _wait(self):
        problem = self.turn.get()
        if problem is not None:
            raise problem

    def _run(self):
        _here.seat = self
        try:
            self._wait()
            self.outcome = self._work()
        except BaseException as fault:
            self.fault = fault
        finally:
            self._back.put(self)


class Group:
    """Seeds that run together.

    Args:
        works: a function for each seed.
        batch: runs the requests of several seeds in one call.
        between: is called whenever all seeds wait. What it raises ends the group.
    """

    def __init__(self, works: Sequence[Callable[[], Any]], batch: Batch, between: Callable[[], None]) -> None:
        self._back: queue.SimpleQueue = queue.SimpleQueue()
        self._seats = [Seat(place, work, self._back, batch) for place, work in enumerate(works)]
        self._batch = batch
        self._between = between
        self._running: Seat | None = None

    def run(self) -> list[Any]:
        """Runs all seeds to their end. Returns what their functions returned.

        If one of them raises an exception, or `between` does, the others receive a
        KeyboardInterrupt where they are. The exception passes on.
        """
        for each in self._seats:
            each.thread.start()
        try:
            left = list(self._seats)
            while left:
                for each in left:
                    if each.request is None:
                        self._let(each)
                left = [each for each in left if each.alive]
                if left:
                    self._between()
                    self._answer(left)
        except BaseException:
            self._end()
            raise
        return [each.outcome for each in self._seats]

    def _let(self, seat, problem=None):
        """Lets a seed run until it waits or ends."""
        self._running = seat
        seat.turn.put(problem)
        self._back.get()
        self._running = None
        if seat.request is None:
            seat.thread.join()
        else:
            try:
                self._batch.expect(seat.request)
            except Exception as fault:  # of the seed: its program cannot be traced
                seat.request = None
                self._let(seat, fault)
        if seat.fault is not None:
            raise seat.fault

    def _answer(self, waiting):
        """Runs the program at which the first seed waits, for all seeds that wait there."""
        number = waiting[0].request.program.number
        there = [each for each in waiting if each.request.program.number == number]
        try:
            answers = self._batch({each.place: each.request for each in there})
        except Exception as problem:
            there[0].request = None
            self._let(there[0], problem)
            raise
        for each in there:
            each.request, each.answer = None, answers[each.place]

    def _end(self):
        """Interrupts the seeds that are left, one after another."""
        running = self._running
        if running is not None and running.alive and self._back.empty():
            number = ctypes.c_ulong(running.thread.ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(KeyboardInterrupt))
            self._back.get()
        for each in self._seats:
            each.turn.put(KeyboardInterrupt())
            each.thread.join()
