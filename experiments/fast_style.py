"""A network that gives any picture one style, in one pass.

Expected: loss_ratio <= 1.5 (not measured yet)
Time: an hour of one core, reckoned
Source: Johnson et al. 2016

    python -m experiments.fast_style --style painting.jpg
    python -m lab translate RUN picture.jpg

The network is trained on random parts of photographs, or of `--pictures FOLDER`, with the losses of
`style_transfer`. `style_loss` and `content_loss` are those of its picture of `--content`, which it
has not seen. `loss_ratio` is its whole loss over that of 100 steps of L-BFGS from the content,
which take a minute for each picture. `milliseconds` is one pass of `--test-size` pixels on a side.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from experiments.common import one_pass, supervised
from experiments.common import style as common
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config(one_pass.OnePass):
    """Settings of the network and of its training."""

    shipped: ClassVar[tuple[str, ...]] = (
        *("china", "flower", "astronaut", "coffee"),
        *("immunohistochemistry", "retina", "rocket", "hubble_deep_field"),
    )
    style: str = "woven"
    """The picture whose style is learnt: a name of `lab.data.textures.KINDS`, or a file."""
    variation: Annotated[float, Interval(0, 1e3)] = 0.0
    """Weight of total variation."""
    filters: Annotated[int, Interval(1, 1024)] = 32
    """Channels of the network's first convolution."""
    blocks: Annotated[int, Interval(0, 100)] = 5
    """Residual blocks of the network."""
    features: Literal["pyramid", "vgg"] = "pyramid"
    """The random filters in whose maps style is described."""
    iterations: Annotated[int, Interval(1, 10**5)] = 100
    """Steps of L-BFGS, whose picture is measured beside."""
    samples: int = 2_000
    """Parts of pictures to train on."""
    epochs: int = 8

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

    from lab.data import credit, picture_crops
    from lab.data.conventions import as_floats
    from lab.models import residual_generator
    from lab.supervised import Training
    from lab.vision.style import PerceptualLoss, random_pyramid, random_vgg, stylize

    network_seed, for_features, for_parts, order = supervised.seeds(track, 4)
    names = config.names()
    content, style = one_pass.tested(config, track)
    for name in names[:8]:
        track.say(credit(name))
    parts = as_floats(picture_crops(names, config.samples, config.size, seed=for_parts)[0])
    features = (random_pyramid if config.features == "pyramid" else random_vgg)(seed=for_features)
    loss = PerceptualLoss(features.calibrated(style, *parts[:8]), style, ratio=config.ratio, variation=config.variation)
    network = residual_generator(
        (None, None, 3), 3, filters=config.filters, blocks=config.blocks, seed=network_seed, name="fast_style"
    )
    training = Training(network, config, steps_per_epoch=config.steps_per_epoch, loss=loss, seed=order)

    trained = training.model.average

    def show(epoch, logs):
        common.save(track, f"epoch-{epoch + 1:03d}.png", as_floats(styled(trained, content)))

    supervised.fit(track, training, parts, parts, callbacks=common.at_epochs(config.epochs, show))
    common.animate(track, "epoch")
    track.model(trained)
    track.curve("loss", label="loss", title=f"A network for the style of {config.style}", x_label="parts seen")
    made = as_floats(styled(trained, content))
    optimized = stylize(
        content,
        style,
        features=loss.features,
        calibrate=False,
        ratio=config.ratio,
        variation=config.variation,
        steps=config.iterations,
    )
    for name, picture in (("content", content), ("style", style), ("stylized", made), ("lbfgs", optimized.picture)):
        common.save(track, f"{name}.png", picture)
    found = {key: float(value) for key, value in loss.parts(content[None], made[None]).items()}
    totals = [float(loss(content[None], picture[None])) for picture in (made, optimized.picture, content)]
    return {
        "style_loss": found["style"],
        "content_loss": found["content"],
        "loss": totals[0],
        "loss_lbfgs": totals[1],
        "loss_of_content": totals[2],
        "loss_ratio": totals[0] / totals[1],
        "milliseconds": one_pass.milliseconds(trained, np.zeros((1, config.test_size, config.test_size, 3), "float32")),
    }


def styled(network, content):
    """The network's picture of a content, uint8."""
    from lab.data.conventions import as_bytes
    from lab.gan import translate_picture

    return translate_picture(network, as_bytes(content))


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
