"""Attacks what the lab promises: runs that are killed, servers that fail, command lines that make no sense.

python -m benchmarks.attack [--only kills couriers] [--scale 0.1] [--seed 0] [--rows FILE]

Every part is a module `benchmarks/attack_<part>.py` with a function `attack(seed, scale, done, keep)`, which hands each finding to `keep`
as {"kind", "counts": {name: number}, "differences": [what broke a promise]} and may hand over more. The rows are appended to a file as
they come; an attack that was stopped goes on from there. Summed up by kind they are kept in benchmarks/results/attack.json.
"""

import argparse
import collections
import importlib
import json
import sys
from pathlib import Path

from benchmarks.machine import describe, keep

HERE = Path(__file__).parent
PARTS = sorted(path.stem.removeprefix("attack_") for path in HERE.glob("attack_*.py"))


class Rows:
    """The findings of all parts, one JSON object a line."""

    def __init__(self, path):
        self._path, self._about = Path(path), describe("tensorflow", "jax", "keras", "gymnasium", "mlflow")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()
        lines = self._path.read_text().splitlines(keepends=True)
        self.rows = [json.loads(line) for line in lines if line.endswith("\n")]  # the last may be cut
        self._path.write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    def of(self, part):
        """Those of a part."""
        return [row for row in self.rows if row["part"] == part]

    def append(self, part, row):
        """Keeps one."""
        row = {"part": part} | row | self._about
        self.rows.append(row)
        with open(self._path, "a") as file:
            file.write(json.dumps(row) + "\n")
        print(part, row["kind"], row["counts"], *row["differences"], flush=True)

    def summary(self):
        """The sums by part and kind, with every difference and each place where the code and the machine differ."""
        sums: dict = {}
        for row in self.rows:
            one = sums.setdefault((row["part"], row["kind"]), {"counts": collections.Counter(), "differences": [], "on": []})
            one["counts"].update(row["counts"])
            one["differences"] += row["differences"]
            about = {key: row.get(key) for key in self._about}  # an older row may lack a key
            one["on"] += [] if about in one["on"] else [about]
        return [{"part": part, "kind": kind} | one for (part, kind), one in sums.items()]


def main():
    """Attacks, keeps the results, and exits with 1 where something differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=PARTS, choices=PARTS, help="parts")
    parser.add_argument("--scale", type=float, default=1.0, help="the share of the kills, for a trial")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and of the runs")
    parser.add_argument("--rows", default=HERE.parent / ".cache" / "attack.jsonl", help="where the rows are appended")
    flags = parser.parse_args()
    rows = Rows(flags.rows)
    keep("attack", {"rows": rows.summary()})  # with no part only what there is
    for part in flags.only:
        module = importlib.import_module(f"benchmarks.attack_{part}")
        module.attack(flags.seed, flags.scale, rows.of(part), lambda row, part=part: rows.append(part, row))
        keep("attack", {"rows": rows.summary()})
    sys.exit(any(row["differences"] for row in rows.rows))


if __name__ == "__main__":
    main()
