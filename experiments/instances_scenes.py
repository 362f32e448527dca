"""Each digit of a scene with its own mask: CenterNet with prototypes of masks, or Mask R-CNN.

Expected: ap50_masks >= 0.2 (not measured yet with these settings; an empty answer has 0)
Time: about 25 minutes of two cores, reckoned
Source: Bolya et al. 2019 (YOLACT) on Zhou et al. 2019; He et al. 2017; Kirillov et al. 2019.

The scenes are those of `detect_glyphs`. `ap_masks` is COCO's average precision with the IoU of
masks. `panoptic_quality` is that of the digits (Kirillov et al. 2019), found with a score of at
least 0.5. Where two overlap, a pixel belongs to the one with the higher score. All other pixels are
background.
`--model mask_rcnn` looks twice: for boxes first, then into them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from experiments.common import detection, scenes, supervised
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    from lab.data import Scenes
    from lab.metrics import Detections, Segments
    from lab.supervised import Training
    from lab.vision import MaskCenterNet, MaskRCNN

SCORE = 0.5  # from which a detection is a segment


@dataclass(frozen=True)
class Config(scenes.SceneSettings):
    """Settings of the detector of masks."""

    model: Literal["centernet", "mask_rcnn"] = "centernet"
    """The detector."""
    prototypes: Annotated[int, Interval(1, 256)] = 8
    """Of CenterNet alone: maps from which masks are put together."""
    mask_size: Literal[14, 28, 56] = 28
    """Of CenterNet alone: cells on a side of a mask within its box. Mask R-CNN has 28."""
    proposals: Annotated[int, Interval(1, 256)] = 64
    """Of Mask R-CNN alone: boxes that it looks into."""

    def __post_init__(self) -> None:
        super().__post_init__()
        scenes.require_used(self, "model", {"centernet": ("proposals",), "mask_rcnn": ("prototypes", "mask_size")})

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        room = self.most * (4 if self.mosaic else 1)  # of a picture that is put together of four
        masks = memory.array(3, self.samples + self.test_samples, room, self.mask_size**2)
        return [*super().memory(), memory.Need("masks", masks, "--samples, --test-samples, --most")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the detector and tests its boxes and masks."""
    from lab.data.glyphs import DIGITS

    for_backbone, for_heads, for_training, *for_scenes = supervised.seeds(track, 6)
    train, test, photographs = scenes.drawn(config, for_scenes)
    found = detector(config, len(DIGITS), seeds=(for_backbone, for_heads))

    def pair(scenes: "Scenes") -> supervised.Pair:
        return scenes.images, found.with_masks(scenes.boxes, scenes.labels, scenes.instances)

    training = detection.trained(track, config, found, train, test, DIGITS, seed=for_training, pair=pair)
    results = detection.test(track, found, training, {"": test}, DIGITS, areas=detection.AREAS, least=0.3)
    for part, ending in ((test, ""), (photographs, "_photographs")):
        results |= _masks(track, found, training, part, ending)
    results["parameters"] = float(found.network.count_params())
    return results | {"milliseconds_per_step": supervised.milliseconds_per_step(track, training)}


def detector(config: Config, classes: int, *, seeds: tuple[int, int]) -> "MaskCenterNet | MaskRCNN":
    """The detector of these settings, on a ResNet-18.

    Args:
        config: the settings.
        classes: number of classes.
        seeds: of the initial weights of the backbone and of the rest.
    """
    from lab.models import resnet
    from lab.vision import MaskCenterNet, MaskRCNN

    shape = (config.size, config.size, 3)
    backbone = resnet(shape, classes, depth=18, width=config.width, stem="large", seed=seeds[0])
    channels, seed = config.channels, seeds[1]
    if config.model == "mask_rcnn":
        most = min(2 * config.most * (4 if config.mosaic else 1), config.proposals * classes, 100)
        return MaskRCNN(backbone, classes, channels=channels, proposals=config.proposals, most=most, seed=seed)
    prototypes, size = config.prototypes, config.mask_size
    return MaskCenterNet(backbone, classes, channels=channels, prototypes=prototypes, size=size, seed=seed)


def _masks(
    track: Track, found: "MaskCenterNet | MaskRCNN", training: "Training", part: "Scenes", ending: str
) -> dict[str, float]:
    """AP of the masks and panoptic quality, and a picture."""
    from lab.data.glyphs import DIGITS
    from lab.metrics import average_precision, panoptic_quality
    from lab.visualize import masks_figure

    truths, answers = detection.objects(part), with_masks(found, training, part.images)
    result = average_precision(truths, answers, of_masks=True, areas=detection.AREAS).summary
    said = [segments(each, part.images.shape[1:3]) for each in answers]
    true = [_true_segments(part, index) for index in range(len(part.images))]
    quality = panoptic_quality(true, said, things=range(1, len(DIGITS) + 1)).summary["PQ_things"]
    semantic = [_semantic(each) for each in said[:8]]
    names = ("background", *DIGITS)
    track.figure(f"masks{ending}.png", masks_figure(part.images[:8], np.stack(semantic), names, part.semantic[:8], columns=2))
    named = {"ap_masks": result["AP"], "ap50_masks": result["AP50"], "panoptic_quality": quality}
    return {f"{name}{ending}": float(value) for name, value in named.items() if np.isfinite(value)}


def with_masks(found: "MaskCenterNet | MaskRCNN", training: "Training", images: np.ndarray) -> "list[Detections]":
    """What is found in pictures, with masks in their pixels. Only scores of at least 0.05 count."""
    from lab.metrics import Detections
    from lab.vision import paste_masks

    results = []
    for start in range(0, len(images), 50):
        parts = found.decode(training.predict(images[start : start + 50]))
        for boxes, scores, labels, masks in zip(*(np.asarray(part) for part in parts)):
            kept = scores >= 0.05
            pasted = paste_masks(masks[kept], boxes[kept], *images.shape[1:3])
            results.append(Detections(boxes[kept], scores[kept], labels[kept], pasted))
    return results


def segments(found: "Detections", size: Sequence[int]) -> "Segments":
    """Detections with masks as segments that do not overlap: the higher score is in front.

    All other pixels are a segment of the background, with the id 1 and the class 0.
    """
    from lab.metrics import Segments

    ids = np.ones(tuple(size), int)
    assert found.masks is not None
    for index in np.flatnonzero(found.scores >= SCORE)[::-1]:  # scores fall
        ids[found.masks[index]] = index + 2
    classes = np.append([0, 0], found.labels + 1)  # by id; 0 is no id
    return Segments(ids, {each: int(classes[each]) for each in np.unique(ids).tolist()})


def _true_segments(part, index):
    from lab.metrics import Segments

    ids = part.instances[index].astype(int) + 1
    classes = np.append([0, 0], part.labels[index] + 1)
    return Segments(ids, {each: int(classes[each]) for each in np.unique(ids).tolist()})


def _semantic(segments):
    """The class plus 1 of each pixel, 0 for background."""
    table = np.zeros(int(segments.ids.max()) + 1, "uint8")
    for each, label in segments.classes.items():
        table[each] = label
    return table[segments.ids]


if __name__ == "__main__":
    smoke = {"size": 32, "samples": 32, "test_samples": 16, "most": 2, "epochs": 2, "batch_size": 8, "channels": 8}
    experiment.main(Config, run, smoke=smoke)
