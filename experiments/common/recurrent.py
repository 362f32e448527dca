"""What the experiments with recurrent networks share: settings and a comparison of cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from experiments.common import supervised
from lab.runs import memory
from lab.runs.track import Track
from lab.validation import CELLS, GATED, Interval, require_name

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Recurrent(supervised.Sampled):
    """Settings of recurrent networks that are compared."""

    cells: tuple[str, ...] = ("simple", "gru", "lstm")
    """Cells to compare, of `lab.validation.CELLS`, each in a child run."""
    cell: str = ""
    """One cell to run alone; empty compares."""
    units: Annotated[int, Interval(1, 10**5)] = 128
    """Units of the recurrent layer."""
    layers: Annotated[int, Interval(1, 100)] = 1
    """Recurrent layers."""
    chrono: bool = False
    """Whether the gates of Keras's GRU and LSTM start with time scales up to the length of a
    sequence (Tallec and Ollivier 2018)."""
    samples: int = 50_000
    """Sequences to train on."""
    test_samples: Annotated[int, Interval(1, 10**8)] = 2_000
    """Sequences to test on."""
    warm_up: float = 0.0
    learning_rate: float = 1e-3
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        supervised.distinct("cells", self.cells)
        for name in self.cells:
            require_name("--cells", name, CELLS)
        if self.cell:
            require_name("--cell", self.cell, CELLS)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            memory.Need("recurrent layers", memory.dense(2 * self.units, 4 * self.units) * self.layers, "--units, --layers"),
        ]


def sequences(config: Recurrent, length: int, item: int) -> list[memory.Need]:
    """The memory of all sequences and of the states of a batch.

    Args:
        length: steps of a sequence.
        item: bytes of a step.
    """
    return [
        memory.Need("sequences", (config.samples + config.test_samples) * length * item, "--samples, --test-samples"),
        memory.Need("states of a batch", memory.array(4, config.batch_size, length, config.units), "--batch-size, --units"),
    ]


def network(config: Recurrent, outputs: int, length: int, *, seed: int, **options: Any) -> "keras.Model":
    """The `sequence_network` of these settings for sequences of a length."""
    from lab.models import sequence_network

    scale = max(length, 3) if config.chrono and config.cell in GATED else 0
    return sequence_network(
        config.cell, outputs, units=config.units, layers=config.layers, time_scale=scale, seed=seed, **options
    )


def variants(config: Recurrent) -> list[dict[str, str]]:
    """One variant for each cell; none if one cell runs alone."""
    return [] if config.cell else [{"cell": name} for name in config.cells]


def compare(
    track: Track,
    rows: Mapping[str, list[dict[str, float]]],
    names: Sequence[str],
    *,
    over: str,
    baseline: tuple[str, float] | None = None,
) -> None:
    """Logs a table of the cells, and a picture of one result of each.

    Args:
        rows: {cell: the results of each seed}.
        names: of the results in the table.
        over: the name of the result in the picture.
        baseline: (name, value) of a line in the picture.
    """
    import numpy as np
    from matplotlib.figure import Figure

    supervised.table(track, rows, names, heading="cell")
    figure = Figure(figsize=(6, 0.45 * len(rows) + 1.8), layout="constrained")
    axes = figure.subplots()
    for place, results in enumerate(rows.values()):
        values = [result[over] for result in results]
        labels = ("", "") if place else ("mean", "each seed")
        axes.barh(place, np.mean(values), color="tab:blue", alpha=0.4, label=labels[0])
        axes.plot(values, [place] * len(values), "o", color="tab:blue", markersize=4, label=labels[1])
    if baseline is not None:
        axes.axvline(baseline[1], color="0.4", linestyle="--", label=f"{baseline[0]}: {baseline[1]:.3g}")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    axes.set_title(f"{over.replace('_', ' ').capitalize()} of each kind of recurrent cell")
    axes.set(xlabel=over.replace("_", " "), yticks=range(len(rows)), yticklabels=list(rows))
    axes.invert_yaxis()
    figure.savefig(track.artifacts / "cells.png", dpi=120)
    track.artifact("cells.png")
