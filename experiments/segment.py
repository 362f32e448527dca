"""A segmenter of your own pictures: the class of each pixel.

Expected: mean_iou >= 0.09 (not measured yet; on other pictures it depends on them)
Time: about two minutes of two cores for each 100 pictures of 256 x 256 and 10 epochs, reckoned
Source: `lab.data.annotated` for the formats; the networks' papers are named in `lab/`.

    python -m experiments.segment --data FOLDER

The folder has masks: images/ and masks/ of PNG files whose pixels are classes, or the masks of
COCO, YOLO or Pascal VOC. Without a folder it trains on drawn scenes. `mean_iou` is the mean IoU of
the classes of the validation pictures, `mean_iou_test` that of the folder's part "test", if it has
one. `python -m lab predict RUN picture.png` draws what the segmenter finds.
"""

from dataclasses import dataclass

from experiments.common import folders, segmentation, supervised
from lab import validation
from lab.runs import experiment
from lab.runs.track import Track


@dataclass(frozen=True)
class Config(segmentation.FolderSegmenter):
    """Settings of the segmenter."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data != folders.SCENES:
            masks = all(part.has_masks for part in self.pictures()) and len(self.names()) < 255
            validation.require(masks, "data", "masks of at most 254 classes, for training and validation", self.data)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the segmenter and tests it on the validation pictures."""
    names = ("background", *config.names())
    for_backbone, for_rest, for_training, *for_scenes = supervised.seeds(track, 5)
    train, parts = folders.loaded(config, for_scenes)
    network = segmentation.network(config, len(names), seeds=(for_backbone, for_rest))
    if config.weights:
        folders.start_from(track, network, config.weights)
    training = segmentation.trained(track, config, network, train, parts[""], names, seed=for_training)
    return segmentation.test(track, network, training, parts, names)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"size": 32, "epochs": 2, "batch_size": 60, "channels": 8})
