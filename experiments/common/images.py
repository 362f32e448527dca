"""What the experiments of image GANs share: settings, data, and a run with scores and pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from experiments.common import gan as shared
from experiments.common.image_words import CURVES, class_words, nearest_words
from lab import validation
from lab.engine.precision import Precision
from lab.runs import memory
from lab.validation import Interval

if TYPE_CHECKING:
    import keras
    import numpy as np

    from lab.gan import GAN, Evaluation, Penalty


@dataclass(frozen=True)
class Images:
    """Settings of a GAN on images."""

    several_devices: ClassVar[bool] = True  # see `lab.runs.devices`

    data: str = "glyphs"
    """glyphs (rendered), mnist, fashion_mnist, cifar10 (downloaded) or a folder of pictures."""
    unreadable: Literal["refuse", "skip"] = "refuse"
    """What to do with a file in the folder that is not a picture."""
    characters: str = "0123456789"
    """Classes of glyphs."""
    size: Literal[28, 32, 64] = 28
    """Pixels on a side."""
    channels: Literal[1, 3] = 1
    """1 is grey, 3 coloured."""
    samples: Annotated[int, Interval(1, 10**9)] = 50_000
    """Glyphs to train on; other data have their own number."""
    epochs: Annotated[int, Interval(1, 10**6)] = 10
    """Passes over the images."""
    batch_size: Annotated[int, Interval(1, 10**6)] = 64
    """Images in one turn of a player."""
    latent: Annotated[int, Interval(1, 10**5)] = 64
    """Numbers in a latent."""
    filters: Annotated[int, Interval(1, 4_096)] = 32
    """Channels of the players' narrowest convolutions."""
    generator_rate: Annotated[float, Interval(over=0, high=1e6)] = 2e-4
    """Adam's step size of the generator."""
    discriminator_rate: Annotated[float, Interval(over=0, high=1e6)] = 2e-4
    """Adam's step size of the discriminator."""
    beta_1: Annotated[float, Interval(0, 1)] = 0.5
    """Decay of Adam's first moment."""
    beta_2: Annotated[float, Interval(0, 1)] = 0.999
    """Decay of Adam's second moment."""
    decay: bool = True
    """Let both step sizes fall to 0 along a cosine."""
    ema: Annotated[float, Interval(0, 0.999999)] = 0.999
    """Decay of the generator's average, which makes the samples; 0 is the generator itself."""
    augment: tuple[str, ...] = ()
    """Augmentations before the discriminator: some of colour, translation, cutout."""
    precision: Precision = "float32"
    """Numbers that the players' convolutions and dense layers compute with; see `Recipe`."""
    evaluation_samples: Annotated[int, Interval(10, 10**8)] = 5_000
    """Generated images to measure, and as many unseen real ones; at most a tenth of a folder's."""
    evaluations: Annotated[int, Interval(1, 10**6)] = 4
    """How often to measure during training."""
    inception: str = ""
    """Path of InceptionV3's weights without top (keras.applications), to measure other data."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        for name in self.augment:
            expected = "some of colour, translation, cutout"
            validation.require(name in ("colour", "translation", "cutout"), "augment", expected, name)
        self._require_data()
        if self.data == "glyphs":
            enough = self.update_size <= self.samples
            validation.require(enough, "samples", f"at least one update's, {self.update_size}", self.samples)
            different = len(set(self.characters)) == len(self.characters) > 0
            validation.require(different, "characters", "different ones", self.characters)

    def _require_data(self):
        """Stops at data that are missing or of another size."""
        from lab.data import DOWNLOADS, faces_with, pictures_in

        expected = f"glyphs, {', '.join(DOWNLOADS)} or a folder of pictures"
        validation.require(self.data, "data", expected, self.data)
        if self.inception:
            import h5py  # Keras's

            validation.require(h5py.is_hdf5(self.inception), "inception", "a file of weights (HDF5)", self.inception)
        if self.data == "glyphs" and not (self.characters.isascii() and self.characters.isalnum()):
            try:
                faces_with(self.characters)
            except ValueError as error:
                raise ValueError(f"--{error}") from error

        if self.data in DOWNLOADS:
            shape = (self.size, self.size, self.channels)
            theirs = DOWNLOADS[self.data]
            validation.require(theirs == shape, "size", f"{self.data}'s size and channels, {theirs}", shape)
        elif self.data != "glyphs":
            try:
                found = len(pictures_in(self.data, self.size, channels=self.channels, unreadable=self.unreadable))
            except ValueError as error:
                raise ValueError(f"--data: expected {expected}, received {self.data!r}: {error}") from error
            held_out = min(self.evaluation_samples, found // 10)
            trained = found - held_out
            validation.require(
                trained >= self.update_size, "data", f"at least one update's pictures, {self.update_size}", trained
            )
            validation.require(held_out >= 2, "data", "at least 20 pictures, a tenth of which are held out", found)

    @property
    def total_steps(self) -> int:
        """Images seen in the whole run; 0 where that is not known beforehand."""
        return self.epochs * (self.samples // self.update_size) * self.update_size if self.data == "glyphs" else 0

    @property
    def update_size(self) -> int:
        """Real images in one update."""
        return self.batch_size * getattr(self, "discriminator_steps", 1)

    @property
    def measurable(self) -> bool:
        """Whether our classifier was trained on such images: digit glyphs of 28 grey pixels."""
        return (self.data, self.characters, self.size, self.channels) == ("glyphs", "0123456789", 28, 1)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            memory.Need("images", self.images * self.size**2 * self.channels, "--data, --samples"),
            # As float32, generated and real ones.
            memory.Need("images measured", 8 * self.evaluation_samples * self.size**2 * self.channels, "--evaluation-samples"),
            memory.players(self.filters, self.latent),
        ]

    @property
    def images(self) -> int:
        """Images to train on, for `memory`: drawing a glyph takes as much as a dozen of them."""
        from lab.data import DOWNLOADS

        if self.data == "glyphs":
            return memory.DRAWN * self.samples
        if self.data in DOWNLOADS:
            return 60_000
        return sum(path.is_file() for path in Path(self.data).rglob("*"))


def load(config: Images, seed: int, say: Callable[[str], Any] = print) -> tuple["np.ndarray", "np.ndarray", "np.ndarray", int]:
    """(images, labels, unseen real images, number of classes).

    Args:
        say: told of each file in a folder that is left out.
    """
    import numpy as np

    from lab import data

    train, test = np.random.SeedSequence(seed).generate_state(2).tolist()
    if config.data == "glyphs":
        options: dict[str, Any] = {"size": config.size, "characters": config.characters, "coloured": config.channels == 3}
        x, y = data.glyphs(config.samples, seed=train, **options)
        real, _ = data.glyphs(config.evaluation_samples, seed=test, **options)
        return x, y, real, len(config.characters)
    if config.data in data.DOWNLOADS:
        x, y = data.downloaded(config.data)
        real, _ = data.downloaded(config.data, "test")
        return x, y, real[: config.evaluation_samples], int(y.max()) + 1
    options = {"channels": config.channels, "unreadable": config.unreadable}
    x, y, names, skipped = data.folder_of_images(config.data, config.size, **options)
    for name in skipped:
        say(f"{name}: no picture, left out")
    order = np.random.default_rng(test).permutation(len(x))
    held_out, trained = np.split(order, [min(config.evaluation_samples, len(x) // 10)])
    return x[trained], y[trained], x[held_out], len(names)


def optimizers(config: Images, images: int) -> tuple["keras.optimizers.Optimizer", "keras.optimizers.Optimizer"]:
    """(the generator's, the discriminator's) for a run over `images` training images."""
    import keras

    from lab.optimizers import Adam

    def adam(rate, turns):
        rate = keras.optimizers.schedules.CosineDecay(rate, updates(config, images) * turns) if config.decay else rate
        return Adam(rate, config.beta_1, config.beta_2)

    return adam(config.generator_rate, 1), adam(config.discriminator_rate, getattr(config, "discriminator_steps", 1))


def updates(config: Images, images: int) -> int:
    """Updates of the generator in a run over `images` training images."""
    return config.epochs * (images // config.update_size)


def zero_centred(config: Any, images: int) -> tuple["Penalty", "Penalty"]:
    """R1 and R2, with a weight that goes from gamma to gamma_end over the run."""
    return shared.zero_centred(config.gamma, config.gamma_end, updates(config, images))


def common(config: Images, images: int) -> dict[str, Any]:
    """The arguments of `GAN` that all families take from the settings."""
    from lab.gan import diff_augment

    generator, discriminator = optimizers(config, images)
    augment = diff_augment(config.augment) if config.augment else None
    players = {"generator_optimizer": generator, "discriminator_optimizer": discriminator}
    return players | {"ema": config.ema, "augment": augment, "precision": config.precision}


def run(config: Images, track: Any, make: Callable[..., "GAN"], *, labelled: bool = False) -> dict[str, float]:
    """Trains a GAN, measures it and draws it. Returns its measures.

    Args:
        make: function (config, images, classes, seed) -> the GAN.
        labelled: whether the players take labels.
    """
    import numpy as np

    from lab.data.conventions import as_floats
    from lab.gan import pictures
    from lab.gan.callbacks import Interpolation, SampleGrid, Score, frames
    from lab.gan.evaluation import nearest

    drawn, players, looks, scores = shared.seeds(track, 4)
    x, y, real, classes = load(config, drawn, track.say)
    gan = make(config, len(x), classes, players)
    rng = np.random.default_rng(looks)
    columns = 10
    rows = np.arange(columns * columns) % columns % classes if labelled else None
    grid = gan.latent.sample(columns**2, rng)
    asked = rng.integers(0, classes, len(real)) if labelled else None
    ends = gan.latent.sample(2 * columns, rng).reshape(columns, 2, -1)
    words = {} if rows is None else class_words(config, rows[:columns])
    callbacks = [
        SampleGrid(track.artifacts, grid, rows, keep=track.artifact, columns=columns, **words),
        Interpolation(track.artifacts, ends, None if rows is None else rows[:columns], keep=track.artifact),
    ]
    evaluation: Any = measure(config, track, real, x)

    def score(gan):
        return evaluation(gan.generate(len(real), labels=asked, seed=scores), asked)

    if evaluation:
        callbacks.append(Score(score, times=config.evaluations))
    labels = y if labelled else None
    shared.fit(track, gan, x, labels, epochs=config.epochs, batch_size=config.batch_size, callbacks=callbacks)

    pictures.animate(track.artifacts / "training.gif", frames(track.artifacts, "samples-*.png"), milliseconds=700)
    track.artifact("training.gif")
    track.model(gan.average)
    key = "frechet_distance" if evaluation else "discriminator_loss"
    track.curve(key, **CURVES[key], x_label="images seen")
    made = gan.decode(grid, rows)
    if evaluation and not config.inception:  # Inception would take hours for all training images
        found, distances = evaluation.nearest(made)
    else:
        found, distances = nearest(x, (made + 1) * 127.5, real)
    shown = np.concatenate([made[:columns], as_floats(x[found[:columns]])])
    pictures.save_grid(track.artifacts / "nearest.png", shown, columns=columns, **nearest_words(distances[:columns]))
    track.artifact("nearest.png")
    results = score(gan) if evaluation else {key: track.metrics()[key][-1][1]}
    return results | {"nearest_ratio": float(distances.mean())}


def measure(config: Images, track: Any, real: "np.ndarray", training: "np.ndarray") -> "Evaluation | None":
    """How these images are measured, or None where no network fits them.

    The network is named by a tag of the run.
    """
    import hashlib
    from pathlib import Path

    from lab.gan import Evaluation
    from lab.models import inception, trained_glyph_classifier

    if config.inception:
        network = inception(config.inception, config.channels)
        digest = hashlib.sha256(Path(config.inception).read_bytes()).hexdigest()[:12]
        batch_size = 50  # its first maps are large
    elif config.measurable:
        network, digest = trained_glyph_classifier()
        batch_size = 500
    else:
        return None
    track.tag("feature_network", f"{network.name} {digest}")
    return Evaluation(network, real, training=training, batch_size=batch_size)


# As many updates as it takes until samples are no longer grey.
SMOKE = {"samples": 300, "epochs": 6, "filters": 4, "batch_size": 10, "evaluation_samples": 50, "evaluations": 1, "latent": 8}
