"""Every family of GANs on one mixture of 8 Gaussians: which modes they cover, side by side.

Expected: modes_r3gan >= 8 (8 of 8 in the one seed that is measured)
Time: 11 minutes of a shared core for each family and seed; 2 hours for all families with one seed
Source: Lin et al. 2018, section 4.1 (players and measures); each family's paper is named in
    `experiments/common/mixture.py`

There is one parent run, with a child for each family and seed. The parent has a table and a picture
of all.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from experiments.common import mixture
from lab import validation
from lab.runs import experiment


@dataclass(frozen=True)
class Config(mixture.Mixture):
    """Settings of the comparison."""

    epochs: int = 24
    """Passes over the samples."""
    families: tuple[str, ...] = tuple(mixture.RECIPES)
    """Families to compare, each in turn in place of `--family`."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.families, "families", "at least one", self.families)
        for name in self.families:
            validation.require(name in mixture.RECIPES, "families", f"some of {', '.join(mixture.RECIPES)}", name)
            validation.require(self.families.count(name) == 1, "families", "different ones", self.families)
        shared = {field.name: getattr(self, field.name) for field in dataclasses.fields(mixture.Mixture)}
        for name in self.families:
            mixture.Mixture(**shared | {"family": name})  # refuses what its family cannot do with


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains one family and measures it; see `experiments.common.mixture`."""
    from lab.data import ring

    return mixture.run(config, track, ring())


def variants(config: Config) -> list[dict[str, Any]]:
    """One for each family."""
    return [{"family": name} for name in config.families]


MEASURES = {
    "modes": "modes covered, of 8",
    "high_quality": "share of good samples",
    "reverse_kl": "reverse KL divergence, nats\n(0 is best)",
}


def summary(track: Any, rows: dict[str, list[dict[str, float]]]) -> None:
    """Logs the table of means and the picture of every run."""
    import numpy as np
    from matplotlib.figure import Figure

    names = ("modes", "high_quality", "reverse_kl")
    lines = ["| family | " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---" * 4 + "|"]
    for label, results in rows.items():
        cells = [
            f"{np.mean([r[n] for r in results]):.3g} ({min(r[n] for r in results):.3g} to {max(r[n] for r in results):.3g})"
            for n in names
        ]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    (track.artifacts / "families.md").write_text("\n".join(lines) + "\n")
    track.artifact("families.md")
    figure = Figure(figsize=(9, 0.4 * len(rows) + 1.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, 3, sharey=True), names):
        for place, results in enumerate(rows.values()):
            values = [result[name] for result in results]
            labels = ("", "") if place else ("mean", "each seed")
            axes.barh(place, np.mean(values), color="tab:blue", alpha=0.4, label=labels[0])
            axes.plot(values, [place] * len(values), "o", color="tab:blue", markersize=4, label=labels[1])
        axes.set(xlabel=MEASURES[name], yticks=range(len(rows)), yticklabels=list(rows))
        axes.locator_params("x", nbins=4)
    axes.invert_yaxis()
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.suptitle("Families of GANs on a ring of 8 Gaussians")
    figure.savefig(track.artifacts / "families.png", dpi=120)
    track.artifact("families.png")


if __name__ == "__main__":
    smoke = mixture.SMOKE | {"families": ("gan", "r3gan")}
    experiment.main(Config, run, smoke=smoke, variants=variants, summary=summary)
