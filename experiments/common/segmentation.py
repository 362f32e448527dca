"""What the experiments of segmenters share: settings, a network, its training and its test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np

from experiments.common import folders, scenes, supervised
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import keras

    from experiments.common.scenes import AnyScenes
    from lab.supervised import Training

MODELS = ("unet", "fcn", "deeplab")


@dataclass(frozen=True)
class SegmenterChoice(scenes.PictureSettings):
    """Which segmenter, and its loss."""

    model: Literal["unet", "fcn", "deeplab"] = "unet"
    """The segmenter. FCN and DeepLab stand on a ResNet-18."""
    stride: Literal[4, 8, 16, 32] = 8
    """Of FCN alone: the finest maps it sees are so many times smaller than the picture."""
    of_dice: Annotated[float, Interval(0, 1000)] = 1.0
    """Weight of the Dice loss beside the cross-entropy of the pixels."""
    of_boundary: Annotated[float, Interval(0, 1000)] = 0.0
    """Weight of the boundary loss (Kervadec et al. 2019), such as 0.01."""
    channels: int = 64
    """Channels of DeepLab. A U-Net's finest maps have a quarter of them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        scenes.require_used(self, "model", {"unet": ("stride", "width"), "fcn": ("channels",), "deeplab": ("stride",)})


@dataclass(frozen=True)
class SceneSegmenter(SegmenterChoice, scenes.SceneSettings):
    """Settings of a segmenter of scenes."""


@dataclass(frozen=True)
class FolderSegmenter(SegmenterChoice, folders.FolderSettings):
    """Settings of a segmenter of the pictures of a folder."""


Segmenter: TypeAlias = SceneSegmenter | FolderSegmenter


def network(config: Segmenter, classes: int, *, seeds: tuple[int, int]) -> "keras.Model":
    """The network of these settings, pictures -> logits `[B, H, W, classes]`.

    Args:
        config: the settings.
        classes: number of classes, with the background.
        seeds: of the initial weights of the backbone and of the rest.
    """
    from lab.models import resnet, unet
    from lab.vision import deeplab, fcn

    shape = (config.size, config.size, 3)
    if config.model == "unet":
        finest = max(config.channels // 4, 1)
        return unet(shape, classes, widths=[finest * factor for factor in (1, 2, 4, 8)], seed=seeds[1])
    backbone = resnet(shape, classes, depth=18, width=config.width, stem="large", seed=seeds[0])
    if config.model == "fcn":
        return fcn(backbone, classes, stride=config.stride, seed=seeds[1])
    return deeplab(backbone, classes, channels=config.channels, seed=seeds[1])


def trained(
    track: Track,
    config: Segmenter,
    network: "keras.Model",
    train: "AnyScenes",
    shown: "AnyScenes",
    names: Sequence[str],
    *,
    seed: int,
) -> "Training":
    """Trains a segmenter, from the newest checkpoint on.

    Args:
        track: of the run.
        config: settings.
        network: pictures -> logits.
        train: pictures to train on, changed anew in each epoch.
        shown: pictures to validate on; the first ones make the GIF over training.
        names: of the classes, the background first.
        seed: of the order and of the augmentation.
    """
    from lab.data.masks import VOID
    from lab.metrics import MeanIoU
    from lab.vision import segmentation_loss, with_names
    from lab.visualize import masks_figure

    def picture(training, some):
        return masks_figure(some.images, labels_of(training, some.images), names, some.semantic, columns=2)

    return scenes.fitted(
        track,
        config,
        network,
        train,
        shown,
        pair=pair,
        picture=picture,
        seed=seed,
        loss=segmentation_loss(of_dice=config.of_dice, of_boundary=config.of_boundary),
        metrics=[MeanIoU(len(names), VOID, name="mean_iou")],
        least=0.0,
        kept=with_names(network, names),
    )


def pair(scenes: "AnyScenes") -> supervised.Pair:
    """Pictures, and the class of each pixel: 0 background, 255 void."""
    return scenes.images, np.asarray(scenes.semantic)


def labels_of(training: "Training", images: np.ndarray) -> np.ndarray:
    """The class of each pixel, uint8 `[N, H, W]`."""
    parts = [training.predict(images[start : start + 100]).argmax(axis=-1) for start in range(0, len(images), 100)]
    return np.concatenate(parts).astype("uint8")


def test(
    track: Track, network: "keras.Model", training: "Training", parts: "Mapping[str, AnyScenes]", names: Sequence[str]
) -> dict[str, float]:
    """Scores and pictures of a trained segmenter.

    Args:
        track: of the run.
        network: of the training.
        training: which is over.
        parts: {ending of the names of results: pictures}. Those with the ending "" are the test:
            the worst cases and a table of the classes are logged.
        names: of the classes, the background first.
    """
    from lab.data.masks import VOID
    from lab.metrics import boundary_iou, confusion_matrix, intersection_over_union, mean_iou, pixel_accuracy
    from lab.visualize import masks_figure

    results: dict[str, float] = {}
    for ending, part in parts.items():
        truth, found = np.asarray(part.semantic), labels_of(training, part.images)
        matrix = confusion_matrix(truth, found, len(names), ignored=VOID)
        edges = boundary_iou(truth, found, len(names), distance=1, ignored=VOID)
        results[f"mean_iou{ending}"] = mean_iou(matrix)
        results[f"boundary_iou{ending}"] = float(np.nanmean(edges))
        results[f"pixel_accuracy{ending}"] = pixel_accuracy(matrix)
        track.figure(f"found{ending}.png", masks_figure(part.images[:8], found[:8], names, truth[:8], columns=2))
        if not ending:
            wrong = ((truth != found) & (truth != VOID)).mean(axis=(1, 2))
            worst = np.argsort(-wrong, kind="stable")[:8]
            track.figure("worst.png", masks_figure(part.images[worst], found[worst], names, truth[worst], columns=2))
            _log_classes(track, names, intersection_over_union(matrix), edges)
    title = f"{network.name}: mean IoU on pictures not trained on"
    track.curve("validation_mean_iou", label="mean IoU", x_label="pictures seen", title=title)
    return results


def _log_classes(track, names, overlaps, edges):
    """Logs IoU and boundary IoU of each class as a table."""
    lines = ["| class | IoU | boundary IoU |", "|---|---|---|"]
    lines += [f"| {name} | {overlap:.3f} | {edge:.3f} |" for name, overlap, edge in zip(names, overlaps, edges)]
    (track.artifacts / "classes.md").write_text("\n".join(lines) + "\n")
    track.artifact("classes.md")
