"""A detector of the objects in your own pictures.

Expected: ap50 >= 0.05 (not measured yet; on other pictures it depends on them)
Time: about a minute of two cores for each 100 pictures of 256 x 256 and 10 epochs
Source: `lab.data.annotated` for the formats; the detectors' papers are named in `lab/vision/`.

    python -m experiments.detect --data FOLDER

The folder is in the format of COCO, YOLO or Pascal VOC. A fifth of the pictures is for validation,
unless the folder has parts for it. Without a folder it trains on drawn scenes. `ap` is COCO's
average precision over IoU 0.5 to 0.95 of the validation pictures, `ap50` that at IoU 0.5.
`ap_small`, `ap_medium` and `ap_large` are of areas below 32², 96² and above, in pixels of the
pictures as they were scaled to `--size`. `ap_test` and the like are of the folder's part "test".
`--weights RUN` starts from another run, such as one of `detect_glyphs`.
`python -m lab predict RUN picture.png` draws what a trained detector finds.
"""

from dataclasses import dataclass

from experiments.common import detection, folders, supervised
from lab.runs import experiment
from lab.runs.track import Track


@dataclass(frozen=True)
class Config(detection.FolderDetector):
    """Settings of the detector."""


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the detector and tests it on the validation pictures."""
    from lab.metrics import AREAS

    names = config.names()
    for_backbone, for_heads, for_training, *for_scenes = supervised.seeds(track, 5)
    train, parts = folders.loaded(config, for_scenes)
    most = train.labels.shape[1]
    found = detection.detector(config, len(names), most=most, seeds=(for_backbone, for_heads))
    if config.weights:
        folders.start_from(track, found.network, config.weights)
    training = detection.trained(track, config, found, train, parts[""], names, seed=for_training)
    return detection.test(track, found, training, parts, names, areas=AREAS, least=config.threshold)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"size": 32, "epochs": 2, "batch_size": 60, "channels": 8})
