"""`python -m lab runs`: lists the runs on this disk."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lab.commands import shared
from lab.runs import command_line, listing, run_folder


@dataclass(frozen=True)
class Runs:
    """The flags of `runs`."""

    running: bool = False
    """List the runs that are running."""
    failed: bool = False
    """List the runs that failed or were interrupted."""
    children: bool = False
    """List seeds, variants and trials beside their parents."""
    json: bool = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Lists runs."""
    word, rest = shared.word(argv)
    (flags,) = command_line.parse("python -m lab runs [WORD]", "Lists the runs on this disk.", rest, Runs())
    statuses = ["RUNNING"] * flags.running + ["FAILED", "KILLED", listing.DAMAGED] * flags.failed
    found = listing.rows(word, statuses, flags.children)
    if flags.json:
        print(json.dumps([each._asdict() for each in found], indent=2))
    elif found:
        print(listing.text(found))
    else:
        print(f"no such run in {run_folder.runs_folder()}")
    return 0
