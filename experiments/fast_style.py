"""A network that gives any picture one style, in one pass.

Expected: loss_ratio <= 1.5 (not measured yet)
Time: an hour of one core, reckoned
Source: Johnson et al. 2016

    python -m experiments.fast_style --style painting.jpg
    python -m lab translate RUN picture.jpg

The network is trained on random parts of photographs, or of `--pictures FOLDER`, with the losses of
`style_transfer`. `style_loss` and `content_loss` are those of its picture of `--content`, which it
has not seen. `loss_ratio` is its whole loss over that of 100 steps of L-BFGS from the content,
which take a minute for each picture. `milliseconds` is one pass of 256 x 256 pixels.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from experiments.common import style as common
from experiments.common import supervised
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

PHOTOGRAPHED = ("china", "flower")
MORE = ("astronaut", "coffee", "immunohistochemistry", "retina", "rocket", "hubble_deep_field")


@dataclass(frozen=True)
class Config(supervised.Sampled):
    """Settings of the network and of its training."""

    several_devices: ClassVar[bool] = False
    unused: ClassVar[tuple[str, ...]] = ("mixup", "label_smoothing", "patience", *supervised.OF_IMAGES)
    style: str = "woven"
    """The picture whose style is learnt: a name of `lab.data.textures.KINDS`, or a file."""
    content: str = "hopper"
    """The picture to test on: a name, or a file."""
    pictures: str = ""
    """A folder of pictures to train on; by default photographs that libraries ship."""
    size: Annotated[int, Interval(48, 1024)] = 128
    """Pixels on a side of the parts. A multiple of 4."""
    ratio: Annotated[float, Interval(over=0, high=1e6)] = 10.0
    """Weight of style beside content."""
    variation: Annotated[float, Interval(0, 1e3)] = 0.0
    """Weight of total variation."""
    filters: Annotated[int, Interval(1, 1024)] = 32
    """Channels of the network's first convolution."""
    blocks: Annotated[int, Interval(0, 100)] = 5
    """Residual blocks of the network."""
    features: Literal["pyramid", "vgg"] = "pyramid"
    """The random filters in whose maps style is described."""
    test_size: Annotated[int, Interval(48, 2048)] = 256
    """Pixels of the shorter side of the pictures to test on."""
    iterations: Annotated[int, Interval(1, 10**5)] = 100
    """Steps of L-BFGS, whose picture is measured beside."""
    samples: int = 2_000
    """Parts of pictures to train on."""
    epochs: int = 8
    batch_size: int = 4
    learning_rate: float = 1e-3
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(self.size % 4 == 0, "size", "a multiple of 4", self.size)
        common.require_pictures(style=self.style, content=self.content)
        self.names()

    def names(self) -> list[str]:
        """Of the pictures to train on, never the one to test on."""
        return common.pictures_of(self.pictures, (*PHOTOGRAPHED, *MORE), without=self.content)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            memory.Need("parts", memory.array(2 * self.samples, self.size**2, 3), "--samples, --size"),
            memory.Need(
                "maps of a batch", memory.array(60 * self.batch_size, self.size**2, self.filters), "--batch-size, --size"
            ),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network, and tests it beside L-BFGS."""
    import numpy as np

    from lab.data import credit, picture_by_name, picture_crops
    from lab.data.conventions import as_floats
    from lab.gan import translate_picture
    from lab.models import residual_generator
    from lab.supervised import Training
    from lab.vision.style import PerceptualLoss, random_pyramid, random_vgg, stylize

    network_seed, for_features, for_parts, order = supervised.seeds(track, 4)
    names = config.names()
    style, content = (as_floats(picture_by_name(name, config.test_size)) for name in (config.style, config.content))
    for name in (*names[:8], config.style, config.content):
        track.say(credit(name))
    parts = as_floats(picture_crops(names, config.samples, config.size, seed=for_parts)[0])
    features = (random_pyramid if config.features == "pyramid" else random_vgg)(seed=for_features)
    loss = PerceptualLoss(features.calibrated(style, *parts[:8]), style, ratio=config.ratio, variation=config.variation)
    network = residual_generator(
        (None, None, 3), 3, filters=config.filters, blocks=config.blocks, seed=network_seed, name="fast_style"
    )
    training = Training(network, config, steps_per_epoch=config.steps_per_epoch, loss=loss, seed=order)

    def show(epoch, logs):
        common.save(track, f"epoch-{epoch + 1:03d}.png", as_floats(styled(training.model.average, content)))

    supervised.fit(track, training, parts, parts, callbacks=common.at_epochs(config.epochs, show))
    common.animate(track, "epoch")
    track.model(training.model.average)
    track.curve("loss", label="loss", title=f"A network for the style of {config.style}", x_label="parts seen")
    made = as_floats(styled(training.model.average, content))
    begun = stylize(
        content,
        style,
        features=loss.features,
        calibrate=False,
        ratio=config.ratio,
        variation=config.variation,
        steps=config.iterations,
    )
    for name, picture in (("content", content), ("style", style), ("stylized", made), ("lbfgs", begun.picture)):
        common.save(track, f"{name}.png", picture)
    found = {key: float(value) for key, value in loss.parts(content[None], made[None]).items()}
    totals = [float(loss(content[None], picture[None])) for picture in (made, begun.picture, content)]
    return {
        "style_loss": found["style"],
        "content_loss": found["content"],
        "loss": totals[0],
        "loss_lbfgs": totals[1],
        "loss_of_content": totals[2],
        "loss_ratio": totals[0] / totals[1],
        "milliseconds": common.milliseconds(
            lambda: translate_picture(training.model.average, np.zeros((config.test_size, config.test_size, 3), "uint8"))
        ),
    }


def styled(network, content):
    """The network's picture of a content, uint8."""
    from lab.gan import translate_picture

    return translate_picture(network, common.as_bytes(content))


if __name__ == "__main__":
    smoke = {
        "size": 48,
        "test_size": 64,
        "iterations": 5,
        "samples": 16,
        "epochs": 2,
        "filters": 4,
        "blocks": 1,
        "content": "cells",
    }
    experiment.main(Config, run, smoke=smoke)
