"""Three segmenters on the same scenes: U-Net, FCN at several strides, DeepLab v3+.

Expected: mean_iou_unet >= 0.3 (not measured yet with these settings; background alone has 0.09)
Time: about a quarter of an hour of two cores for each segmenter, reckoned
Source: each network's paper, named in `lab/models/unet.py`, `lab/vision/fcn.py` and `deeplab.py`.

The scenes and the scores are those of `segment_scenes`. There is one parent run with a child for
each segmenter and seed. The finer the stride of an FCN, the higher is its boundary IoU.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from experiments import segment_scenes
from experiments.common import segmentation, supervised
from lab.runs import experiment
from lab.runs.track import Track
from lab.validation import require_name

NAMES = ("unet", "fcn-8", "fcn-32", "deeplab")
COMPARED = ("unet", "fcn-4", "fcn-8", "fcn-16", "fcn-32", "deeplab")


@dataclass(frozen=True)
class Config(segment_scenes.Config):
    """Settings of the comparison."""

    compared: ClassVar[bool] = True
    models: tuple[str, ...] = NAMES
    """Segmenters to compare, each in a child run; fcn-8 is an FCN of stride 8."""
    model: str = ""  # type: ignore[assignment]
    """One segmenter to run alone: unet, fcn (with --stride) or deeplab. Empty compares."""

    def __post_init__(self) -> None:
        super().__post_init__()
        supervised.distinct("models", self.models)
        for name in self.models:
            require_name("--models", name, COMPARED)
        if self.model:
            require_name("--model", self.model, segmentation.MODELS)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains and tests one segmenter."""
    return segment_scenes.run(config, track)


def variants(config: Config) -> list[dict[str, Any]]:
    """One variant for each segmenter; none if one runs alone."""
    if config.model:
        return []
    parts = [name.split("-") for name in config.models]
    return [{"model": name, **({"stride": int(rest[0])} if rest else {})} for name, *rest in parts]


def summary(track: Track, rows: Mapping[str, list[dict[str, float]]]) -> None:
    """Logs the table, and both IoUs as a picture."""
    import numpy as np
    from matplotlib.figure import Figure

    names = ("mean_iou", "boundary_iou", "mean_iou_photographs", "parameters", "milliseconds_per_step")
    supervised.table(track, rows, names, heading="segmenter")
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for offset, name in ((-0.2, "mean_iou"), (0.2, "boundary_iou")):
        heights = [np.mean([result[name] for result in results]) for results in rows.values()]
        axes.bar(np.arange(len(rows)) + offset, heights, 0.38, label=name.replace("_", " "))
    axes.set_xticks(np.arange(len(rows)), list(rows), fontsize=8)
    axes.set(ylim=(0, 1), title="Segmenters on new faces and textures")
    axes.legend(frameon=False)
    track.figure("segmenters.png", figure)


if __name__ == "__main__":
    smoke = {"models": ("unet", "fcn-8"), "size": 32, "samples": 32, "test_samples": 8, "most": 2}
    smoke |= {"epochs": 2, "batch_size": 8, "channels": 8, "width": 0.1}
    experiment.main(Config, run, smoke=smoke, variants=variants, summary=summary)
