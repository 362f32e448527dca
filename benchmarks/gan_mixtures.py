"""Families of GANs on the ring of 8 and the grid of 25 Gaussians at PacGAN's protocol: modes, high quality, samples seen.

python -m benchmarks.gan_mixtures [--mixtures ring grid] [--families gan r3gan] [--seeds 10]
python -m benchmarks.gan_mixtures --table        README's table of the results that are kept

PacGAN's families train for its 400 passes over 100,000 samples in batches of 100 (40 million samples), ours for the experiments' defaults, a fifth of
it at most. 2,500 samples are measured after the last update. Each seed is kept as soon as it is there, and not run again.
"""

import argparse
import json

import numpy as np
from scipy import stats

from benchmarks.machine import RESULTS, describe, keep
from benchmarks.one_run import measure

MODES = {"ring": 8, "grid": 25}
PROTOCOL = {"gan": 400, "pacgan2": 400, "pacgan4": 400}  # epochs; the others: the experiment's default
PUBLISHED = {
    ("ring", "gan"): "6.3 / 98.2 %", ("ring", "pacgan2"): "7.9 / 95.6 %", ("ring", "pacgan4"): "7.8 / 95.9 %",
    ("grid", "gan"): "17.3 / 94.8 %", ("grid", "pacgan2"): "23.8 / 91.3 %", ("grid", "pacgan4"): "24.8 / 93.6 %",
}  # fmt: skip


def interval(values):
    """mean ± 95 % Student interval, as text."""
    spread = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.1f} ± {spread:.1f}"


def table(rows):
    """README's table."""
    lines = [
        "| mixture | family | samples seen | PacGAN's figures | modes | worst seed | high quality, % | worst seed | seeds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for key, row in rows.items():
        mixture, family = key.split(" ")
        modes, quality = ([run[name] for run in row["runs"]] for name in ("modes", "high_quality"))
        published = PUBLISHED.get((mixture, family), "–")
        lines.append(
            f"| {mixture} ({MODES[mixture]}) | {family} | {row['runs'][0]['samples_seen'] / 1e6:.1f} million | {published} | {interval(modes)} | "
            f"{min(modes):.0f} | {interval(100 * np.array(quality))} | {100 * min(quality):.1f} | {len(modes)} |"
        )
    return "\n".join(lines)


def main():
    """Runs what is missing and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mixtures", nargs="*", default=list(MODES), choices=list(MODES))
    parser.add_argument("--families", nargs="*", default=["r3gan", "gan"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--table", action="store_true", help="print README's table and run nothing")
    flags = parser.parse_args()
    path = RESULTS / "gan_mixtures.json"
    kept = json.loads(path.read_text())["rows"] if path.exists() else {}
    if flags.table:
        print(table(kept))
        return
    for family in flags.families:
        for mixture in flags.mixtures:
            for seed in range(flags.seeds):
                runs = kept.setdefault(f"{mixture} {family}", {"runs": []})["runs"]
                if seed in [run["seed"] for run in runs]:
                    continue
                epochs = ["--epochs", str(PROTOCOL[family])] if family in PROTOCOL else []
                runs.append(measure(f"gan_{mixture}", ["--family", family, *epochs], seed))
                keep("gan_mixtures", {"rows": kept} | describe("tensorflow", "keras", "numpy"))
                print(mixture, family, runs[-1], flush=True)


if __name__ == "__main__":
    main()
