"""One network for every style: adaptive instance normalisation between an encoder and a decoder.

Expected: style_loss <= 0.5 (not measured yet)
Time: an hour of one core, reckoned
Source: Huang and Belongie 2017; the encoder has random filters (He et al. 2016)

    python -m experiments.adain_style --pictures FOLDER
    python -m lab style CONTENT STYLE --network RUN

The encoder is a random VGG and stays as it is. The decoder learns to make pictures of encoded
contents whose means and standard deviations are those of an encoded style. Contents and styles are
random parts of photographs and drawn textures, or of `--pictures FOLDER`. The losses are those of
`--content` in the style of `--style`, neither of which was trained on: `_copy` are those of the
content itself. `reconstruction` is the mean absolute error of the content with a strength of 0, as
a share of the way from black to white.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from experiments.common import one_pass, supervised
from experiments.common import style as common
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import keras

CALIBRATING = 24  # parts of pictures


@dataclass(frozen=True)
class Config(one_pass.OnePass):
    """Settings of the network and of its training."""

    shipped: ClassVar[tuple[str, ...]] = (
        *("china", "flower", "astronaut", "brick", "coffee", "grass", "gravel", "immunohistochemistry"),
        *("retina", "rocket", "hubble_deep_field"),
        *("clouds", "stripes", "dots", "cells", "grain", "checks", "waves", "bricks", "mixed"),
    )
    width: Annotated[float, Interval(0.02, 8)] = 1.0
    """Channels of encoder and decoder, over the default's."""
    samples: int = 4_000
    """Parts of pictures to train on, of contents and of styles."""
    epochs: int = 5

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            memory.Need("parts", memory.array(3 * self.samples, self.size**2, 3), "--samples, --size"),
            memory.Need("maps of a batch", memory.array(60 * self.batch_size, self.size**2, round(64 * self.width)), "--width"),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the decoder and tests it on a new content and a new style."""
    import numpy as np

    from lab.data import picture_crops
    from lab.data.conventions import as_floats
    from lab.supervised import Training
    from lab.vision.style import AdaINLoss, adain_network, apply_adain, random_vgg

    for_decoder, for_features, for_contents, for_styles, order = supervised.seeds(track, 5)
    names = config.names()
    content, style = one_pass.tested(config, track)
    contents, styles = (picture_crops(names, config.samples, config.size, seed=seed)[0] for seed in (for_contents, for_styles))
    pairs = as_floats(np.concatenate([contents, styles], axis=-1))
    widths = [max(round(config.width * width), 1) for width in (32, 64, 128)]
    some = as_floats(np.concatenate([contents[:CALIBRATING], styles[:CALIBRATING]]))
    features = random_vgg(widths=widths, depths=(2, 2, 1), seed=for_features).calibrated(*some)
    network = adain_network(features, filters=widths[::-1], seed=for_decoder)
    loss = AdaINLoss(features, ratio=config.ratio)
    training = Training(of_pairs(network), config, steps_per_epoch=config.steps_per_epoch, loss=loss, seed=order)

    trained = training.model.average.get_layer(network.name)

    def show(epoch, logs):
        common.save(track, f"epoch-{epoch + 1:03d}.png", apply_adain(trained, content, style))

    supervised.fit(track, training, pairs, pairs, callbacks=common.at_epochs(config.epochs, show))
    common.animate(track, "epoch")
    track.model(trained)
    track.curve("loss", label="loss", title="A network for every style", x_label="parts seen")
    made = {strength: apply_adain(trained, content, style, strength=strength) for strength in (0.0, 0.5, 1.0)}
    for name, picture in (("content", content), ("style", style), ("half", made[0.5]), ("stylized", made[1.0])):
        common.save(track, f"{name}.png", picture)
    squares = [each[: config.test_size, : config.test_size][None] for each in (content, style, made[1.0])]
    both = np.concatenate(squares[:2], axis=-1)
    results: dict[str, float] = {}
    for ending, picture in (("", squares[2]), ("_copy", squares[0])):
        results |= {f"{name}_loss{ending}": float(value) for name, value in loss.parts(both, picture).items()}
    results["reconstruction"] = float(np.abs(made[0.0] - content).mean()) / 2
    inputs = [*squares[:2], np.ones((1, 1), "float32")]
    return results | {"milliseconds": one_pass.milliseconds(trained, *inputs)}


def of_pairs(network: "keras.Model") -> "keras.Model":
    """The network with one input: contents and styles side by side in the channels."""
    import keras
    from keras import ops

    pairs = keras.Input((None, None, 6), name="pairs")
    full_strength = ops.ones_like(pairs[:, 0, 0, :1])
    return keras.Model(pairs, network([pairs[..., :3], pairs[..., 3:], full_strength]), name="adain_of_pairs")


if __name__ == "__main__":
    smoke = {"size": 48, "test_size": 64, "samples": 16, "epochs": 2, "width": 0.1}
    experiment.main(Config, run, smoke=smoke)
