"""Image GANs on digit glyphs, 28 x 28: Fréchet and kernel distance, precision, recall, density, coverage, over seeds.

python -m benchmarks.gan_glyphs [--only dcgan_glyphs r3gan_glyphs] [--seeds 3]
python -m benchmarks.gan_glyphs --table        README's tables of the results that are kept

Every row is whole runs of an experiment with its default settings. The floor is real glyphs of another seed in place of generated ones. Each
seed is kept as soon as it is there, and not run again.
"""

import argparse
import json
import time

import numpy as np

from benchmarks.machine import RESULTS, describe, interval, keep
from benchmarks.one_run import measure

RUNS = {
    "dcgan_glyphs": [], "wgan_gp_glyphs": [], "sngan_glyphs": [], "r3gan_glyphs": [], "conditional_gan_glyphs": [],
    "conditional_gan_glyphs concatenation": ["--conditioning", "concatenation"],
    "conditional_gan_glyphs acgan": ["--conditioning", "acgan"], "infogan_digits": [],
    "stacked_glyphs": [], "stacked_glyphs dcgan": ["--family", "dcgan"], "stacked_glyphs pacgan2": ["--family", "pacgan2"],
}  # fmt: skip
COLUMNS = {
    "frechet_distance": 1, "kernel_distance": 1, "precision": 2, "recall": 2, "density": 2, "coverage": 2, "as_asked": 3,
}  # fmt: skip
STACKS = {"modes": 0, "reverse_kl": 2}
CODES = {"code_accuracy": 2}
NAME = "gan_glyphs"


def floor(seeds, count=5_000):
    """Real glyphs against real ones, as the experiments measure."""
    from lab.data import glyphs
    from lab.gan import Evaluation
    from lab.models import trained_glyph_classifier

    network, digest = trained_glyph_classifier()
    rows = []
    for seed in range(seeds):
        real, other = (
            glyphs(count, seed=number, cache=False) for number in np.random.SeedSequence(seed).generate_state(2).tolist()
        )
        start = time.perf_counter()
        found = Evaluation(network, real[0], verbose=1)(*other)
        about = {
            "seconds": round(time.perf_counter() - start, 1),
            "seed": seed,
            "feature_network": f"{network.name} {digest}",
            "commit": describe()["commit"],
        }
        rows.append({key: round(value, 5) for key, value in found.items()} | about)
    return rows


def cell(runs, key, digits):
    """mean ± 95 % interval over seeds, or a dash."""
    values = [run[key] for run in runs if key in run]
    return interval(values, digits) if values else "–"


def table(rows):
    """README's tables: of images, of stacks, and of InfoGAN's codes."""
    kinds = [
        ("frechet_distance", list(COLUMNS), COLUMNS),
        ("modes", ["modes of 1,000", "reverse KL"], STACKS),
        ("code_accuracy", list(CODES), CODES),
    ]
    tables = []
    for sign, titles, columns in kinds:
        found = [name for name in ("real against real", *RUNS) if name in rows and sign in rows[name]["runs"][0]]
        if found:
            tables.append(lines(["experiment", "images seen", *titles, "minutes", "seeds"], found, rows, columns))
    return "\n\n".join(tables)


def lines(titles, names, rows, columns):
    """A table of these rows."""
    found = [
        f"| {' | '.join(title.replace('_', ' ').replace('frechet', 'Fréchet') for title in titles)} |",
        "|---" * len(titles) + "|",
    ]
    for name in names:
        runs = rows[name]["runs"]
        seen = f"{runs[0]['samples_seen'] / 1e6:.1f} million" if "samples_seen" in runs[0] else "–"
        cells = [cell(runs, key, digits) for key, digits in columns.items()]
        minutes = [run["minutes"] for run in runs if "minutes" in run]
        cells.append(f"{min(minutes):.0f}" if minutes else "–")
        found.append(f"| {name} | {seen} | {' | '.join(cells)} | {len(runs)} |")
    return "\n".join(found)


def main():
    """Runs what is missing and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=list(RUNS), choices=list(RUNS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table", action="store_true", help="print README's tables and run nothing")
    flags = parser.parse_args()
    path = RESULTS / f"{NAME}.json"
    kept = json.loads(path.read_text())["rows"] if path.exists() else {}
    if flags.table:
        print(table(kept))
        return
    if "real against real" not in kept:
        kept["real against real"] = {"runs": floor(flags.seeds)}
        keep(NAME, {"rows": kept} | describe("tensorflow", "keras", "numpy"))
    for seed in range(flags.seeds):
        for name in flags.only:
            runs = kept.setdefault(name, {"runs": []})["runs"]
            if seed in [run["seed"] for run in runs]:
                continue
            runs.append(measure(name.split()[0], RUNS[name], seed))
            keep(NAME, {"rows": kept} | describe("tensorflow", "keras", "numpy"))
            print(name, runs[-1], flush=True)


if __name__ == "__main__":
    main()
