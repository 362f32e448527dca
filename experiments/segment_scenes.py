"""The class of each pixel of scenes: digits on textures, by a U-Net trained from scratch.

Expected: mean_iou >= 0.3 (not measured yet with these settings; background alone has 0.09)
Time: about a quarter of an hour of two cores, reckoned
Source: Ronneberger et al. 2015; boundary IoU of Cheng et al. 2021, with a distance of one pixel.

The scenes are those of `detect_glyphs`, with 10 classes and the background. `mean_iou` is the mean
IoU of the classes, from one confusion matrix of all test pictures. `boundary_iou` counts only
pixels at edges. The test has faces and textures that training never shows. `_photographs` has
photographs as backgrounds.
`--model fcn` or `deeplab` takes another network.
"""

from dataclasses import dataclass

from experiments.common import scenes, segmentation, supervised
from lab.runs import experiment
from lab.runs.track import Track


@dataclass(frozen=True)
class Config(segmentation.SceneSegmenter):
    """Settings of the segmenter."""


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the segmenter and tests it."""
    from lab.data.glyphs import DIGITS

    names = ("background", *DIGITS)
    for_backbone, for_rest, for_training, *for_scenes = supervised.seeds(track, 6)
    train, test, photographs = scenes.drawn(config, for_scenes)
    network = segmentation.network(config, len(names), seeds=(for_backbone, for_rest))
    training = segmentation.trained(track, config, network, train, test, names, seed=for_training)
    parts = {"": test, "_known": scenes.first(train, config.test_samples), "_photographs": photographs}
    results = segmentation.test(track, network, training, parts, names)
    results["parameters"] = float(network.count_params())
    return results | {"milliseconds_per_step": supervised.milliseconds_per_step(track, training)}


if __name__ == "__main__":
    smoke = {"size": 32, "samples": 32, "test_samples": 8, "most": 2, "epochs": 2, "batch_size": 8, "channels": 8}
    experiment.main(Config, run, smoke=smoke)
