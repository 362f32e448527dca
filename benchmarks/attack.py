"""Attacks the lab's promises: kills runs, lets servers fail, writes command lines without sense.

python -m benchmarks.attack [--only kills couriers] [--scale 0.1] [--seed 0] [--rows FILE]

A part is a module `benchmarks/attack_<part>.py` with a function `attack(seed, scale, done, keep)`.
It calls `keep` with each finding, a row with at least

    {"kind", "counts": {name: number}, "differences": [each broken promise]}

Each row is appended to a file at once, so an attack that was stopped goes on from there. The sums
by kind are in benchmarks/results/attack.json; those of a trial, with --scale, are not kept.
"""

import argparse
import collections
import importlib
import sys
from pathlib import Path

from benchmarks import json_lines
from benchmarks.machine import describe, keep

HERE = Path(__file__).parent
PARTS = sorted(path.stem.removeprefix("attack_") for path in HERE.glob("attack_*.py"))


class Rows:
    """The findings of all parts, in a file of JSON lines."""

    def __init__(self, path):
        self._path = Path(path)
        self._about = describe("tensorflow", "jax", "keras", "gymnasium", "mlflow")
        self.rows = json_lines.read(self._path)

    def of(self, part):
        """The rows of a part."""
        return [row for row in self.rows if row["part"] == part]

    def append(self, part, row):
        """Keeps a row."""
        row = {"part": part} | row | self._about
        self.rows.append(row)
        json_lines.append(self._path, row)
        print(part, row["kind"], row["counts"], *row["differences"], flush=True)

    def summary(self):
        """The sums by part and kind, with every difference.

        "on" lists each commit, machine and set of versions on which rows were made.
        """
        sums: dict = {}
        for row in self.rows:
            one = sums.setdefault((row["part"], row["kind"]), {"counts": collections.Counter(), "differences": [], "on": []})
            one["counts"].update(row["counts"])
            one["differences"] += row["differences"]
            about = {key: row.get(key) for key in self._about}  # an older row may lack a key
            one["on"] += [] if about in one["on"] else [about]
        return [{"part": part, "kind": kind} | one for (part, kind), one in sums.items()]


def main():
    """Attacks and keeps the results. Exits with 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=PARTS, choices=PARTS, help="parts")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the attacks, for a trial")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments and of the runs")
    parser.add_argument("--rows", default=HERE.parent / ".cache" / "attack.jsonl", help="file to which rows are appended")
    flags = parser.parse_args()
    rows = Rows(flags.rows)

    def conclude():
        if flags.scale == 1:
            keep("attack", {"rows": rows.summary()})

    conclude()  # without parts: what is there already
    for part in flags.only:
        module = importlib.import_module(f"benchmarks.attack_{part}")
        module.attack(flags.seed, flags.scale, rows.of(part), lambda row, part=part: rows.append(part, row))
        conclude()
    sys.exit(any(row["differences"] for row in rows.rows))


if __name__ == "__main__":
    main()
