"""What the experiments on scenes share: their data, a detector's training and its test."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from experiments.common import supervised
from lab import validation
from lab.runs import memory
from lab.validation import Interval

if TYPE_CHECKING:
    from lab.data import Scenes
    from lab.metrics import Detections
    from lab.supervised import Training
    from lab.vision import CenterNet

AREAS = {"all": (0.0, 1e10), "small": (0.0, 14.0**2), "medium": (14.0**2, 24.0**2), "large": (24.0**2, 1e10)}
"""Ranges of areas for pictures of 128 pixels: in COCO's all of their objects are small."""


@dataclass(frozen=True)
class SceneSettings(supervised.Sampled):
    """Settings of scenes, and of the training of a detector or a segmenter."""

    unused: ClassVar[tuple[str, ...]] = ("mixup", "label_smoothing", "patience", *supervised.OF_IMAGES)
    several_devices: ClassVar[bool] = False
    size: Annotated[int, Interval(32, 2048)] = 128
    """Pixels on a side. A multiple of 32."""
    most: Annotated[int, Interval(1, 200)] = 8
    """The greatest number of objects of a scene. A ninth of the scenes or so has none."""
    samples: Annotated[int, Interval(1, 10**7)] = 8_000
    """Scenes to train on."""
    test_samples: Annotated[int, Interval(1, 10**6)] = 500
    """Scenes of each test."""
    width: Annotated[float, Interval(0.05, 4)] = 0.25
    """The backbone's channels, as a share of ResNet-18's."""
    channels: Annotated[int, Interval(1, 1024)] = 64
    """Channels of the pyramid and of the heads."""
    epochs: int = 12
    batch_size: int = 16
    learning_rate: float = 2e-3
    clip_norm: float = 1.0
    ema: float = 0.998

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(self.size % 32 == 0, "size", "a multiple of 32, the backbone's greatest stride", self.size)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        pictures = self.samples + 2 * self.test_samples
        return [
            memory.Need("scenes", memory.array(5, pictures, self.size**2), "--samples, --test-samples, --size"),
            memory.Need("maps of a batch", memory.array(8 * self.batch_size, self.size**2, 8), "--batch-size, --size"),
        ]


def drawn(config: SceneSettings, seeds: list[int]) -> "tuple[Scenes, Scenes, Scenes]":
    """Scenes to train on; to test on, with other faces and textures; and those on photographs."""
    from lab.data import NEW_TEXTURES, PHOTOGRAPHS, scenes
    from lab.data.scenes import NEW_FACES

    size, objects, count = config.size, (0, config.most), config.test_samples
    train = scenes(config.samples, size=size, objects=objects, seed=seeds[0])
    new, photographs = (
        scenes(count, size=size, objects=objects, faces=NEW_FACES, backgrounds=backgrounds, seed=seed)
        for backgrounds, seed in ((NEW_TEXTURES, seeds[1]), (PHOTOGRAPHS, seeds[2]))
    )
    return train, new, photographs


def targets(scenes: "Scenes") -> np.ndarray:
    """The objects of scenes as detectors take them: left, top, right, bottom, class `[N, M, 5]`."""
    return np.concatenate([scenes.boxes, scenes.labels[..., None].astype("float32")], axis=-1)


def detections(detector: "CenterNet", training: "Training", images: np.ndarray) -> "list[Detections]":
    """What a detector finds in pictures."""
    from lab.metrics import Detections

    found = []
    for start in range(0, len(images), 250):
        parts = detector.decode(training.predict(images[start : start + 250]))
        found += [Detections(*each) for each in zip(*(np.asarray(part) for part in parts))]
    return found


def scores(scenes: "Scenes", found: "list[Detections]", name: str = "") -> dict[str, float]:
    """AP, AP50 and the like of scenes, and the false positives of those that are empty.

    `name` is added to the names of the results.
    """
    from lab.metrics import average_precision

    truths = [scenes.objects(index) for index in range(len(scenes.images))]
    result = average_precision(truths, found, areas=AREAS)
    empty = [detected for truth, detected in zip(truths, found) if not len(truth.boxes)]
    results = {
        f"{key.lower()}{name}": value for key, value in result.summary.items() if key.startswith("AP") or key == "AR_100"
    }
    if empty:
        results[f"false_positives{name}"] = float(np.mean([(detected.scores >= 0.5).sum() for detected in empty]))
    return {key: value for key, value in results.items() if np.isfinite(value)}
