"""`python -m lab clean`: says what would be deleted and how much room that makes, and asks."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.commands import shared
from lab.runs import cleaning, command_line, memory

LISTED = 20  # items that are named


@dataclass(frozen=True)
class Clean:
    """The flags of `clean`. Without one of the first four it shows what each would free."""

    smoke: bool = False
    """Delete smoke runs."""
    failed: bool = False
    """Delete runs of which nothing has finished, no seed and no trial."""
    checkpoints: bool = False
    """Delete the checkpoints of runs that have finished. Their results and pictures stay."""
    all: bool = False
    """Delete all runs."""
    older: Annotated[float, validation.Interval(0, 10**5)] = 0.0
    """Only of runs that began more than so many days ago."""
    yes: bool = False
    """Do not ask."""


def main(argv: Sequence[str]) -> int:
    """Deletes runs, after a question."""
    word, rest = shared.word(argv)
    (flags,) = command_line.parse("python -m lab clean [WORD]", "Deletes runs from this disk.", rest, Clean())
    wanted = cleaning.Selection(word, flags.smoke, flags.failed, flags.checkpoints, flags.all, flags.older)
    if not (flags.smoke or flags.failed or flags.checkpoints or flags.all):
        for name in ("smoke", "failed", "checkpoints", "all"):
            alone = cleaning.Selection(word, older=flags.older)._replace(**{name: True})  # type: ignore[arg-type]
            items, _ = cleaning.find(alone)
            print(f"--{name:<12} would free {_amount(items)} in {len(items)} folders")
        print("nothing was deleted; choose one or several of these flags")
        return 0
    items, kept = cleaning.find(wanted)
    for sentence in kept:
        print(f"kept: {sentence}")
    for item in items[:LISTED]:
        print(f"{memory.amount(item.size):>9}  {item.what}: {item.path}")
    if len(items) > LISTED:
        print(f"           and {len(items) - LISTED} more")
    print(f"to be deleted: {len(items)} folders, {_amount(items)}; the copies in MLflow stay")
    if not items:
        return 0
    if not flags.yes:
        validation.require(sys.stdin.isatty(), "yes", "it where nobody can be asked", flags.yes)
        if input("delete them? [y/N] ").strip().lower() not in ("y", "yes"):
            print("nothing was deleted")
            return 0
    still = {item.path for item in cleaning.find(wanted)[0]}  # a run may have begun to run since the question
    items = [item for item in items if item.path in still]
    cleaning.delete(items)
    print(f"deleted, {_amount(items)} are free")
    return 0


def _amount(items):
    return memory.amount(sum(item.size for item in items))
