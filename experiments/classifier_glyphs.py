"""The feature network: a small classifier of digit glyphs, whose features measure generated ones.

Expected: accuracy >= 0.995 (on 10,000 glyphs of the same faces, another seed)
Time: three minutes on two cores
Source: ours; LeCun et al. 1998 for the idea that a small convolutional network suffices.

The weights, rounded to half precision, are the run's artifact classifier.safetensors. Their digest
is a tag of this run, and of every run that is measured with them. The other experiments use the
repository's copy, lab/models/glyph_classifier.safetensors. `--keep` replaces it.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the classifier."""

    samples: Annotated[int, Interval(1, 10**9)] = 50_000
    """Glyphs to train on."""
    test_samples: Annotated[int, Interval(1, 10**8)] = 10_000
    """Glyphs to test on."""
    epochs: Annotated[int, Interval(1, 10**6)] = 10
    """Passes over them."""
    batch_size: Annotated[int, Interval(1, 10**6)] = 100
    """Glyphs per update."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 2e-3
    """Adam's learning rate at the start. It falls to 0 along a cosine."""
    keep: bool = False
    """Make the weights the repository's, if their accuracy is 0.99 or better."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.batch_size <= self.samples, "batch_size", f"at most samples, {self.samples}", self.batch_size)

    @property
    def total_steps(self) -> int:
        """Images seen in the whole run."""
        return self.epochs * (self.samples // self.batch_size) * self.batch_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [memory.glyphs(self.samples + self.test_samples, 28, "--samples, --test-samples")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains, rounds and tests the classifier."""
    import shutil

    import keras
    import numpy as np

    from experiments.common.gan import seeds
    from lab import engine, errors
    from lab.data import glyphs
    from lab.models import describe_images, glyph_classifier
    from lab.models.glyph_classifier import WEIGHTS, save_glyph_classifier
    from lab.optimizers import Adam
    from lab.runs.paths import replacing

    network, drawn, tested = seeds(track, 3)
    x, y = glyphs(config.samples, seed=drawn)
    updates = config.samples // config.batch_size
    model = glyph_classifier(seed=network)
    optimizer = Adam(keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * updates))
    optimizer.build(model.trainable_variables)

    def loss(images, labels):
        logits, _ = model(keras.ops.cast(images, "float32") / 127.5 - 1, training=True)
        return keras.ops.mean(keras.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)), ()

    def update(images, labels):
        (value, _), gradients = engine.value_and_grad(loss, model.trainable_variables)(images, labels)
        optimizer.apply(gradients, model.trainable_variables)
        return value

    state = [*model.variables, *optimizer.variables]
    program = engine.compile(update, state)
    per_epoch = updates * config.batch_size
    for epoch in range(track.restore(state) // per_epoch, config.epochs):
        order = np.random.default_rng([track.seed, epoch]).permutation(len(x))[:per_epoch].reshape(updates, -1)
        losses = [float(program(x[chosen], y[chosen])) for chosen in order]
        errors.require_finite_variables(state, f"epoch {epoch + 1}")
        track.log({"loss": float(np.mean(losses))}, (epoch + 1) * per_epoch)
        track.checkpoint(state, (epoch + 1) * per_epoch)
    digest = save_glyph_classifier(model, track.artifacts / "classifier.safetensors")
    track.artifact("classifier.safetensors")
    track.tag("feature_network", f"{model.name} {digest}")
    test, labels = glyphs(config.test_samples, seed=tested)
    logits, _ = describe_images(model, test)
    track.model(model)
    title = "Training loss of the classifier of digit glyphs"
    track.curve("loss", label="mean cross-entropy of an epoch, nats", x_label="images seen", title=title)
    accuracy = float((logits.argmax(1) == labels).mean())
    if config.keep and accuracy < 0.99:
        track.say(f"the repository's weights stay: expected an accuracy of at least 0.99, received {accuracy:.3f}")
    elif config.keep:
        with replacing(WEIGHTS) as path:
            shutil.copyfile(track.artifacts / "classifier.safetensors", path)
    return {"accuracy": accuracy}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"samples": 1_000, "test_samples": 200, "epochs": 2})
