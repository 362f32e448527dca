"""A VGG that tells of which picture a part is: features for style that were trained offline.

Expected: accuracy >= 0.7 (0.90 in one run with bfloat16; chance has about 0.05)
Time: half an hour of one core, reckoned
Source: ours; Simonyan and Zisserman 2015 for the network

The classes are photographs that libraries ship and drawn textures. Training sees the left two
thirds of each, the test the rest. Colours are changed at random, so that they say nothing. The run
is a source of features: `python -m experiments.style_transfer --features RUN`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from experiments.common import style, supervised
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import numpy as np

PHOTOGRAPHED = ("china", "flower", "hopper")
MORE = ("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "immunohistochemistry", "retina", "rocket")
DRAWN = ("clouds", "stripes", "dots", "cells", "woven", "grain", "checks", "waves", "bricks")
SEEN = 2 / 3  # of a picture's columns, in training
SIDES = (0.15, 0.33)  # of a part, over the picture's shorter side: also what the test sees has room for it


@dataclass(frozen=True)
class Config(supervised.Sampled):
    """Settings of the classifier."""

    unused: ClassVar[tuple[str, ...]] = ("patience",)
    size: Annotated[int, Interval(32, 512)] = 64
    """Pixels on a side of the parts."""
    width: Annotated[float, Interval(0.02, 4)] = 0.5
    """Channels of the network, as a share of VGG13's."""
    samples: int = 12_000
    """Parts to train on."""
    test_samples: Annotated[int, Interval(1, 10**6)] = 1_000
    """Parts to test on."""
    epochs: int = 8
    batch_size: int = 32
    learning_rate: float = 1e-3
    flip: bool = True
    shift: int = 4

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            memory.Need("parts", memory.array(self.samples + self.test_samples, self.size**2, 3), "--samples, --size"),
            memory.Need(
                "maps of a batch", memory.array(30 * self.batch_size, self.size**2, round(64 * self.width)), "--batch-size"
            ),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the classifier and tests it on the other columns."""
    from lab.data import picture_crops
    from lab.models import vgg
    from lab.supervised import Training

    network_seed, for_train, for_test, for_colours, order = supervised.seeds(track, 5)
    names = style.pictures_of("", (*PHOTOGRAPHED, *MORE, *DRAWN))
    parts: list[supervised.Pair] = []
    for count, columns, seed in ((config.samples, (0.0, SEEN), for_train), (config.test_samples, (SEEN, 1.0), for_test)):
        x, y = picture_crops(names, count, config.size, sides=SIDES, columns=columns, seed=seed)
        parts.append((recoloured(x, for_colours + len(parts)), y))
    shape = (config.size, config.size, 3)
    network = vgg(shape, len(names), depth=13, width=config.width, normalize=True, stem="small", seed=network_seed)
    training = Training(network, config, steps_per_epoch=config.steps_per_epoch, classes=len(names), seed=order)
    return supervised.classify(track, training, *parts, names=names)


def recoloured(pictures: "np.ndarray", seed: int) -> "np.ndarray":
    """Pictures whose channels are exchanged and scaled at random, uint8."""
    import numpy as np

    rng = np.random.default_rng(seed)
    order = np.stack([rng.permutation(3) for _ in pictures])[:, None, None]
    scales = rng.uniform(0.6, 1.4, (len(pictures), 1, 1, 3))
    return np.clip(np.take_along_axis(pictures, order, axis=-1) * scales, 0, 255).round().astype("uint8")


if __name__ == "__main__":
    smoke = {"size": 32, "width": 0.05, "samples": 120, "test_samples": 60, "epochs": 2, "batch_size": 20}
    experiment.main(Config, run, smoke=smoke)
