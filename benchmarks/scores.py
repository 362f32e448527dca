"""Scores of whole experiments over seeds, and the documentation's tables of them.

python -m benchmarks.scores FAMILY [--only ROW ...] [--seeds N]    measures what is missing
python -m benchmarks.scores FAMILY --table                         prints the tables
python -m benchmarks.scores FAMILY --pictures DIR                  draws what is kept

A family is a module `benchmarks/<family>.py` with TABLES, whose rows say what is run. Each seed is
a whole run of its experiment (`benchmarks/one_run.py`). It is appended to results/<family>.jsonl as
soon as it has ended, with its commit, processor, versions and a digest of its settings. So a
measurement that was stopped goes on with the seeds that are missing; with the same commit it goes
on in the midst of a run. After a change of an experiment's settings or of a row's flags all its
seeds are missing.

Older results are in results/<family>.json. They are read and never written. They have no digest
and count as results of today's settings.
"""

import argparse
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import json_lines, one_run, three_ways
from benchmarks.machine import RESULTS, describe
from benchmarks.tables import Row, Run, Table

FAMILIES = (
    "rl_scores",
    "cartpole_scores",
    "dqn_scores",
    "tabular_scores",
    "gan_mixtures",
    "gan_glyphs",
    "supervised_scores",
    "memory_scores",
    "vision_scores",
)


def tables(family: str) -> list[Table]:
    """The tables of a family."""
    return importlib.import_module(f"benchmarks.{family}").TABLES


def texts(family: str) -> list[str]:
    """The tables of what is kept of a family, in Markdown. Those without runs are left out."""
    return [text for table in tables(family) if (text := table.text(newest(family)))]


def newest(family: str) -> dict[str, list[Run]]:
    """{name of a row: its runs with the settings that were measured last}."""
    return {name: of_settings(runs, runs[-1].get("digest")) for name, runs in kept(family).items()}


def kept(family: str) -> dict[str, list[Run]]:
    """{name of a row: all its runs, in the order in which they were measured}."""
    rows = older(RESULTS / f"{family}.json")
    for run in json_lines.read(RESULTS / f"{family}.jsonl"):
        name = run.get("row") or run.get("settings") or run["experiment"]  # an older line has no "row"
        rows.setdefault(name, []).append(run)
    return rows


def older(path: Path) -> dict[str, list[Run]]:
    """The runs in a file of one JSON object, {name of a row: runs}.

    A row has "runs", or it has lists of the "values" of all seeds.
    """
    rows = json.loads(path.read_text())["rows"] if path.exists() else {}
    found = {}
    for name, row in rows.items() if isinstance(rows, dict) else ():  # runs in a list are also in the other file
        results = {key: part["values"] for key, part in row.items() if isinstance(part, dict) and "values" in part}
        if "values" in row:
            results["greedy_return"] = row["values"]
        same = {key: row[key] for key in ("steps", "commit") if key in row}
        runs = [{**dict(zip(results, values)), **same, "seed": seed} for seed, values in enumerate(zip(*results.values()))]
        found[name] = row.get("runs", runs)
    return {name: runs for name, runs in found.items() if runs}


def of_settings(runs: Sequence[Run], digest: str | None) -> list[Run]:
    """The runs of these settings, for each way and seed the last one."""
    found = {}
    for run in runs:
        if run.get("digest", digest) == digest:
            found[run.get("way", three_ways.TENSORFLOW), run["seed"]] = run
    return list(found.values())


def is_kept(family: str, row: Row, way: str, seed: int) -> bool:
    """Whether a seed was measured with today's settings, also by another process meanwhile."""
    runs = of_settings(kept(family).get(row.name, []), row.digest())
    return seed in [run["seed"] for run in row.of_ways(runs, way)]


def append(family: str, row: Row, way: str, run: Run, about: dict[str, Any]) -> None:
    """Keeps a run."""
    line = {"row": row.name, "flags": row.flags, "digest": row.digest(), "way": way} | run | about
    json_lines.append(RESULTS / f"{family}.jsonl", {key: value for key, value in line.items() if value is not None})
    print(row.name, way, run, flush=True)


def measure(family: str, rows: Sequence[Row], seeds: int | None = None) -> None:
    """Measures what is missing of these rows: the first seed of all, then the second.

    Args:
        family: where it is kept.
        rows: what is measured.
        seeds: how many of each row, in place of the row's own number.
    """
    for seed in range(max(seeds or row.seeds for row in rows)):
        for row in rows:
            for way in row.ways if seed < (seeds or row.seeds) else ():
                if not is_kept(family, row, way, seed):
                    about = describe("tensorflow", "keras", "gymnasium", "numpy", *["jax"] * (way == three_ways.JAX))
                    append(family, row, way, one_seed(row, way, seed, about["commit"]), about)


def one_seed(row: Row, way: str, seed: int, commit: str) -> Run:
    """Measures a row's seed."""
    if row.measure:
        return row.measure(seed)
    return one_run.measure(row.module, row.flags.split(), seed, three_ways.variables(way), commit)


class Folder:
    """What an experiment's `summary` needs of a track."""

    def __init__(self, path):
        self.artifacts = Path(path)
        self.artifacts.mkdir(parents=True, exist_ok=True)

    def artifact(self, name):
        """The file is already where it should be."""


def draw(family: str, path: Path) -> None:
    """Draws what the experiments draw for a parent run, each into a folder of its own."""
    results = newest(family)
    groups: dict[str, dict[str, list[Run]]] = {}
    for row in (row for table in tables(family) for row in table.rows if row.name in results):
        runs = row.of_ways(results[row.name], *row.ways)
        numbers = [{key: value for key, value in run.items() if isinstance(value, int | float)} for run in runs]
        groups.setdefault(row.module, {})["_".join(row.name.split()[1:])] = numbers
    for experiment, variants in groups.items():
        module = importlib.import_module(f"experiments.{experiment}")
        if hasattr(module, "summary"):
            module.summary(Folder(path / experiment), variants)


def main(argv: Sequence[str] | None = None) -> None:
    """Measures, prints or draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--only", nargs="+", metavar="ROW", help="names of rows; all by default")
    parser.add_argument("--seeds", type=int, help="seeds of each row; by default as many as the row says")
    parser.add_argument("--table", action="store_true", help="print the tables of what is kept, and measure nothing")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="draw what is kept, and measure nothing")
    flags = parser.parse_args(argv)
    rows = [row for table in tables(flags.family) for row in table.rows if not row.cells]
    names = list(dict.fromkeys(row.name for row in rows))
    if unknown := set(flags.only or ()) - set(names):
        parser.error(f"--only: expected rows of {names}, received {sorted(unknown)}")
    if flags.table:
        print("\n\n".join(texts(flags.family)))
    elif flags.pictures:
        draw(flags.family, flags.pictures)
    else:
        measure(flags.family, [row for row in rows if row.name in (flags.only or names)], flags.seeds)


if __name__ == "__main__":
    main()
