"""What a convolutional network has learnt: its filters and maps, and the reasons of its decisions.

Expected: accuracy >= 0.95 (on glyphs of the same faces; 1.000, 5 seeds)
Time: about a minute
Source: Zeiler and Fergus 2014 (deconvnet, occlusion); Springenberg et al. 2015 (guided
backpropagation); Selvaraju et al. 2017 (Grad-CAM); Erhan et al. 2009 (activation maximisation).

Trains a small network on digit glyphs and draws five pictures:

- filters.png: the kernels of the first convolution;
- maps.png: its feature maps of one image;
- decisions.png: saliency by three rules, Grad-CAM and occlusion;
- units.png: for each class an image that maximises its logit;
- fields.png: receptive fields.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from experiments.common import supervised
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import FAMILIES, Interval, require_name

if TYPE_CHECKING:
    import keras
    import numpy as np


@dataclass(frozen=True)
class Config(supervised.Sampled):
    """Settings of the network."""

    model: str = "vgg11"
    """A family of `lab.models.FAMILIES`."""
    width: Annotated[float, Interval(over=0, high=32)] = 0.25
    """Factor of the family's number of channels."""
    samples: int = 10_000
    """Glyphs to train on."""
    test_samples: Annotated[int, Interval(8, 10**8)] = 2_000
    """Glyphs to test on. The pictures are of the first eight."""
    epochs: int = 4
    ascent_steps: Annotated[int, Interval(1, 10**6)] = 200
    """Steps of activation maximisation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_name("--model", self.model, FAMILIES)
        validation.require(self.shift < 28, "shift", "less than 28, the images' pixels", self.shift)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [memory.glyphs(self.samples + self.test_samples, 28, "--samples, --test-samples")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network and draws the pictures."""
    from lab.data import glyphs
    from lab.data.conventions import as_floats
    from lab.models import classifier
    from lab.supervised import Training

    network, order, drawn, tested, noise = supervised.seeds(track, 5)
    train = glyphs(config.samples, seed=drawn)
    test = glyphs(config.test_samples, seed=tested)
    model = classifier(config.model, train[0].shape[1:], 10, width=config.width, seed=network)
    training = Training(model, config, steps_per_epoch=config.steps_per_epoch, classes=10, seed=order)
    results = supervised.classify(track, training, train, test, names=range(10))
    for name in draw(track.artifacts, model, as_floats(test[0][:8]), steps=config.ascent_steps, seed=noise):
        track.artifact(name)
    return results


def draw(folder: Path, model: "keras.Model", images: "np.ndarray", *, steps: int, seed: int) -> tuple[str, ...]:
    """Writes the pictures of a network and eight images from -1 to 1. Returns the files' names."""
    import keras
    import numpy as np

    from lab import visualize
    from lab.gan.pictures import save_grid
    from lab.layers import feature_maps, receptive_field

    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    visualize.save_filters(folder / "filters.png", first.kernel)
    visualize.save_maps(folder / "maps.png", feature_maps(model, images[:1], [first.name])[first.name][0])
    names = {"gradient": "gradient"}
    if visualize.rectifies(model):
        names |= {"deconvnet": "deconvnet", "guided": "guided backpropagation"}
    rows = {name: visualize.saliency(model, images, rule=rule) for rule, name in names.items()}
    rows |= {
        "Grad-CAM": visualize.grad_cam(model, images, layer=visualize.last_maps(model, side=5)),
        "occlusion": visualize.occlusion(model, images, size=7, stride=2, fill=-1.0),
    }
    taken = np.asarray(model(images, training=False)).argmax(axis=1)
    visualize.save_overlays(folder / "decisions.png", (images + 1) / 2, rows, titles=[f"answer {each}" for each in taken])
    liked = visualize.maximize(model, np.arange(model.outputs[0].shape[-1]), steps=steps, seed=seed)
    title = "the image that excites the output of each class most"
    save_grid(folder / "units.png", liked, columns=5, zoom=4, title=title, row_labels=("0 to 4", "5 to 9"))
    visualize.save_fields(folder / "fields.png", receptive_field(model), images.shape[1:3])
    return "filters.png", "maps.png", "decisions.png", "units.png", "fields.png"


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"samples": 256, "test_samples": 50, "epochs": 1, "width": 0.125, "ascent_steps": 10})
