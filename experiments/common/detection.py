"""What the experiments of detectors share: settings, a detector, its training and its test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import numpy as np

from experiments.common import folders, scenes, supervised
from lab import validation
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    from experiments.common.scenes import AnyScenes
    from lab.metrics import Detections
    from lab.supervised import Training
    from lab.vision import Detector

MODELS = ("centernet", "fcos", "retinanet", "detr")
AREAS = {"all": (0.0, 1e10), "small": (0.0, 14.0**2), "medium": (14.0**2, 24.0**2), "large": (24.0**2, 1e10)}
"""Ranges of areas for pictures of 128 pixels: in COCO's all of their objects are small."""


@dataclass(frozen=True)
class DetectorChoice(scenes.PictureSettings):
    """Which detector."""

    model: Literal["centernet", "fcos", "retinanet", "detr"] = "centernet"
    """The detector."""
    depth: Annotated[int, Interval(1, 20)] = 2
    """Convolutions of each tower of FCOS and RetinaNet (the papers' 4); layers of DETR's encoder
    and of its decoder (the paper's 6)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        scenes.require_used(self, "model", {"centernet": ("depth",)})


@dataclass(frozen=True)
class SceneDetector(DetectorChoice, scenes.SceneSettings):
    """Settings of a detector of objects in scenes."""


@dataclass(frozen=True)
class FolderDetector(DetectorChoice, folders.FolderSettings):
    """Settings of a detector of objects in the pictures of a folder."""

    threshold: Annotated[float, Interval(0, 1)] = 0.3
    """The score from which pictures show a detection."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data != folders.SCENES:
            for part, use in zip(self.pictures(), ("training", "validation")):
                there = any((~picture.crowd).any() for picture in part.pictures)
                validation.require(there, "data", f"an object in the pictures for {use}", self.data)


DetectorSettings: TypeAlias = SceneDetector | FolderDetector


def detector(config: DetectorSettings, classes: int, *, most: int, seeds: tuple[int, int]) -> "Detector":
    """The detector of these settings on maps of a ResNet-18.

    In scenes, whose objects are small, maps of strides 4, 8 and 16 are used, and DETR stands on
    those of stride 8. In a folder's pictures these are 4 to 32, and 16. The stages of the ResNet
    after them are left out.

    Args:
        config: its settings.
        classes: number of classes.
        most: the greatest number of objects in a picture.
        seeds: of the initial weights of the backbone and of the rest.
    """
    from lab.models import resnet
    from lab.vision import DETR, FCOS, CenterNet, RetinaNet

    for_backbone, seed = seeds
    shape = (config.size, config.size, 3)
    backbone = resnet(shape, classes, depth=18, width=config.width, stem="large", seed=for_backbone)
    channels, depth, large = config.channels, config.depth, isinstance(config, FolderDetector)
    strides = (4, 8, 16, 32) if large else (4, 8, 16)
    if config.model == "centernet":
        return CenterNet(backbone, classes, strides=strides, channels=channels, seed=seed)
    if config.model == "detr":
        room = most * (4 if config.mosaic else 1)  # of a picture that is put together of four
        queries, stride = max(25, room + most), 16 if large else 8
        return DETR(backbone, classes, stride=stride, queries=queries, size=2 * channels, layers=depth, seed=seed)
    kind = FCOS if config.model == "fcos" else RetinaNet
    return kind(backbone, classes, strides=strides, channels=channels, depth=depth, seed=seed)


def trained(
    track: Track,
    config: DetectorSettings | scenes.SceneSettings,
    found: "Detector",
    train: "AnyScenes",
    shown: "AnyScenes",
    names: Sequence[str],
    *,
    seed: int,
    pair: "Callable[[Any], supervised.Pair] | None" = None,
) -> "Training":
    """Trains a detector, from the newest checkpoint on.

    Args:
        track: of the run.
        config: settings.
        found: the detector.
        train: scenes to train on, changed anew in each epoch.
        shown: scenes to validate on; the first ones make the GIF over training.
        names: of the classes.
        seed: of the order and of the augmentation.
        pair: a function of scenes -> (pictures, targets). None is `boxes_of`.
    """
    from lab.vision import AveragePrecisionCallback
    from lab.visualize import detections_figure

    def picture(training, some):
        return detections_figure(some.images, objects(some), detections(found, training, some.images), names)

    checked = scenes.spread(shown, scenes.CHECKED)
    evaluated = any(len(each.labels) for each in objects(checked))
    return scenes.fitted(
        track,
        config,
        found.network,
        train,
        shown,
        pair=pair or boxes_of,
        picture=picture,
        seed=seed,
        loss=found.loss,
        callbacks=[AveragePrecisionCallback(found, checked.images, objects(checked))] if evaluated else [],
        kept=found.predictor(names),
    )


def boxes_of(scenes: "AnyScenes") -> supervised.Pair:
    """Pictures, and their objects as detectors take them: left, top, right, bottom, class.

    Crowds have the class -1, of no object. They are learnt as background.
    """
    labels = np.where(getattr(scenes, "crowd", False), -1, scenes.labels)[..., None]
    return scenes.images, np.concatenate([scenes.boxes, labels.astype("float32")], axis=-1)


def objects(scenes: "AnyScenes") -> list:
    """The objects of each picture, for `lab.metrics`."""
    return [scenes.objects(index) for index in range(len(scenes.images))]


def detections(found: "Detector", training: "Training", images: np.ndarray) -> "list[Detections]":
    """What a detector finds in pictures."""
    results: list[Detections] = []
    for start in range(0, len(images), 250):
        results += found.detections(training.predict(images[start : start + 250]))
    return results


def test(
    track: Track,
    found: "Detector",
    training: "Training",
    parts: "Mapping[str, AnyScenes]",
    names: Sequence[str],
    *,
    areas: Mapping[str, tuple[float, float]],
    least: float,
) -> dict[str, float]:
    """Scores and pictures of a trained detector.

    Args:
        track: of the run.
        found: the detector.
        training: its training, which is over.
        parts: {ending of the names of results: scenes}. The scenes with the ending "" are the test:
            its curves, worst cases and heat maps are logged.
        names: of the classes.
        areas: ranges of areas that have an AP of their own.
        least: the score from which pictures show a detection.
    """
    from lab.metrics import average_precision
    from lab.visualize import detections_figure, heat_figure, precision_recall_figure

    results: dict[str, float] = {}
    for ending, part in parts.items():
        truths, answers = objects(part), detections(found, training, part.images)
        result = average_precision(truths, answers, areas=areas)
        results |= scores(result.summary, truths, answers, ending)
        track.figure(f"found{ending}.png", detections_figure(part.images[:12], truths, answers, names, least=least))
        if not ending:
            track.figure("precision_recall.png", precision_recall_figure(result, names))
            worst = np.argsort([_score(*each) for each in zip(truths, answers)], kind="stable")[:12]
            chosen = [[items[index] for index in worst] for items in (truths, answers)]
            _log_classes(track, names, result)
            track.figure("worst.png", detections_figure(part.images[worst], chosen[0], chosen[1], names, least=least))
            if found.network.name == "centernet":
                heat = training.predict(part.images[:12])[..., : found.classes]
                track.figure("heat.png", heat_figure(part.images[:12], 1 / (1 + np.exp(-heat))))
    if "validation_ap" in track.metrics():
        title = f"{found.network.name}: average precision on pictures not trained on"
        track.curve("validation_ap", label="AP", x_label="pictures seen", title=title)
    return results


def _log_classes(track, names, result):
    """Logs the AP of each class as a table."""
    lines = ["| class | AP |", "|---|---|", *(f"| {names[label]} | {ap:.3f} |" for label, ap in result.by_class.items())]
    (track.artifacts / "classes.md").write_text("\n".join(lines) + "\n")
    track.artifact("classes.md")


def scores(summary: dict[str, float], truths: list, found: "list[Detections]", ending: str) -> dict[str, float]:
    """AP, AP50 and the like, and the false positives at score 0.5 of pictures without an object."""
    named = {key.lower(): value for key, value in summary.items() if key.startswith("AP") or key == "AR_100"}
    empty = [detected for truth, detected in zip(truths, found) if not len(truth.boxes)]
    if empty:
        named["false_positives"] = float(np.mean([(detected.scores >= 0.5).sum() for detected in empty]))
    return {f"{key}{ending}": value for key, value in named.items() if np.isfinite(value)}


def _score(truth, found):
    """How well a picture was done: AP50. Without an object: 1, or below 0 if something is found."""
    from lab.metrics import average_precision

    if not len(truth.boxes):
        wrong = int((found.scores >= 0.3).sum())
        return -wrong / 100 if wrong else 1.0
    return average_precision([truth], [found]).summary["AP50"]
