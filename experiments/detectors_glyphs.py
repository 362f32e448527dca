"""Four detectors on the same scenes: CenterNet, FCOS, RetinaNet and DETR.

Expected: ap50_centernet >= 0.3 (not measured with these settings; an empty answer has 0)
Time: about a quarter of an hour of two cores for each detector, reckoned from detect_glyphs
Source: each detector's paper, named in `lab/vision/`.

The scenes and the scores are those of `detect_glyphs`. There is one parent run with a child for
each detector and seed. The parent has a table and a figure of AP over time and over weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from experiments import detect_glyphs
from experiments.common import detection, supervised
from lab.runs import experiment
from lab.runs.track import Track
from lab.validation import require_name


@dataclass(frozen=True)
class Config(detect_glyphs.Config):
    """Settings of the comparison."""

    compared: ClassVar[bool] = True
    models: tuple[str, ...] = detection.MODELS
    """Detectors to compare, each in a child run."""
    model: str = ""  # type: ignore[assignment]
    """One detector to run alone; empty compares."""

    def __post_init__(self) -> None:
        super().__post_init__()
        supervised.distinct("models", self.models)
        for name in self.models:
            require_name("--models", name, detection.MODELS)
        if self.model:
            require_name("--model", self.model, detection.MODELS)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains and tests one detector."""
    return detect_glyphs.run(config, track)


def variants(config: Config) -> list[dict[str, Any]]:
    """One variant for each detector; none if one runs alone."""
    return [] if config.model else [{"model": name} for name in config.models]


def summary(track: Track, rows: Mapping[str, list[dict[str, float]]]) -> None:
    """Logs the table, and AP over time and over weights as a picture."""
    import numpy as np
    from matplotlib.figure import Figure

    wanted = ("ap", "ap50", "ap75", "ap_photographs", "false_positives", "parameters", "milliseconds_per_step")
    names = [name for name in wanted if all(name in result for results in rows.values() for result in results)]
    supervised.table(track, rows, names, heading="detector")
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2, sharey=True), ("milliseconds_per_step", "parameters")):
        for label, results in rows.items():
            mean = {key: np.mean([result[key] for result in results]) for key in (name, "ap")}
            axes.plot(mean[name], mean["ap"], "o", label=label)
        axes.set(xlabel=name.replace("_", " "))
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("AP on new faces and textures")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right center")
    track.figure("detectors.png", figure)


if __name__ == "__main__":
    smoke = {"models": ("centernet", "fcos"), "size": 32, "samples": 32, "test_samples": 16, "most": 2}
    smoke |= {"epochs": 2, "batch_size": 8, "channels": 8, "depth": 1}
    experiment.main(Config, run, smoke=smoke, variants=variants, summary=summary)
