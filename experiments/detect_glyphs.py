"""A detector finds digits in scenes: CenterNet, trained from scratch.

Expected: ap50 >= 0.8 (0.88 and 0.90 in two runs; nothing found: 0)
Time: 32 minutes of one core
Source: Zhou, Wang and Kraehenbuehl 2019; average precision as COCO's (Lin et al. 2014).

Scenes of 128 x 128 pixels have up to 8 digits of random colours on textures. The test has faces
and textures that training never shows. `ap` is COCO's average precision over IoU 0.5 to 0.95,
`ap50` that at IoU 0.5. `ap_small`, `ap_medium` and `ap_large` are of areas below 14², 24² and
above. `ap_known` is that of training scenes, `ap_photographs` that on photographs.
`false_positives` is the mean number of detections with a score of at least 0.5 in an empty scene.
"""

from dataclasses import dataclass

from experiments.common import detection, scenes, supervised
from lab.runs import experiment
from lab.runs.track import Track


@dataclass(frozen=True)
class Config(detection.SceneDetector):
    """Settings of the detector."""


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the detector and tests it."""
    from lab.data.glyphs import DIGITS

    for_backbone, for_heads, for_training, *for_scenes = supervised.seeds(track, 6)
    train, test, photographs = scenes.drawn(config, for_scenes)
    found = detection.detector(config, len(DIGITS), most=config.most, seeds=(for_backbone, for_heads))
    training = detection.trained(track, config, found, train, test, DIGITS, seed=for_training)
    known = scenes.first(train, config.test_samples)
    parts = {"": test, "_known": known, "_photographs": photographs}
    results = detection.test(track, found, training, parts, DIGITS, areas=detection.AREAS, least=0.3)
    results["parameters"] = float(found.network.count_params())
    return results | {"milliseconds_per_step": supervised.milliseconds_per_step(track, training)}


if __name__ == "__main__":
    smoke = {"size": 32, "samples": 32, "test_samples": 16, "most": 2, "epochs": 2, "batch_size": 8, "channels": 8}
    experiment.main(Config, run, smoke=smoke)
