"""A detector finds digits in scenes: CenterNet, trained from scratch.

Expected: ap50 >= 0.4 (0.44 in one run of a quarter of the default; an empty answer has 0)
Time: about half an hour, reckoned from that run
Source: Zhou, Wang and Kraehenbuehl 2019; average precision as COCO's (Lin et al. 2014).

Scenes of 128 x 128 pixels have up to 8 digits of random colours on textures. The test has faces
and textures that training never shows. `ap` is COCO's average precision over IoU 0.5 to 0.95,
`ap50` that at IoU 0.5. `ap_small`, `ap_medium` and `ap_large` are of areas below 14², 24² and
above. `ap_known` is that of training scenes, `ap_photographs` that on photographs.
`false_positives` is the mean number of detections with a score of at least 0.5 in an empty scene.
"""

from dataclasses import dataclass

from experiments.common import scenes, supervised
from lab.runs import experiment
from lab.runs.track import Track


@dataclass(frozen=True)
class Config(scenes.SceneSettings):
    """Settings of the detector."""


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the detector and tests it."""
    from lab.data.glyphs import DIGITS
    from lab.models import resnet
    from lab.supervised import Training
    from lab.vision import CenterNet
    from lab.visualize import detections_figure

    for_backbone, for_heads, order, *drawn = supervised.seeds(track, 6)
    train, test, photographs = scenes.drawn(config, drawn)
    backbone = resnet((config.size, config.size, 3), 10, depth=18, width=config.width, stem="large", seed=for_backbone)
    detector = CenterNet(backbone, len(DIGITS), channels=config.channels, seed=for_heads)
    training = Training(
        detector.network, config, steps_per_epoch=config.steps_per_epoch, loss=detector.loss, metrics=[], seed=order
    )
    validation = test.images[:200], scenes.targets(test)[:200]
    supervised.fit(track, training, train.images, scenes.targets(train), validation=validation)
    track.model(detector.network)
    results: dict[str, float] = {}
    known = type(train)(*(part[: config.test_samples] for part in train))
    for part, name in ((test, ""), (known, "_known"), (photographs, "_photographs")):
        found = scenes.detections(detector, training, part.images)
        results |= scenes.scores(part, found, name)
        if part is not known:
            shown = [part.objects(index) for index in range(min(12, len(part.images)))]
            track.figure(f"found{name}.png", detections_figure(part.images[:12], shown, found, DIGITS))
    track.curve("validation_loss", label="loss", x_label="scenes seen", title="CenterNet: loss on new faces and textures")
    return results


if __name__ == "__main__":
    smoke = {"size": 32, "samples": 32, "test_samples": 16, "most": 2, "epochs": 2, "batch_size": 8, "channels": 8}
    experiment.main(Config, run, smoke=smoke)
