"""What the experiments from one typeface to another share: pairs of glyphs, and measures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from experiments.common import gan as shared
from experiments.common import translation
from lab import validation
from lab.runs import memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import numpy as np

    from lab.gan import GAN

DIGITS = "0123456789"
MOST = 5_000  # training pictures among which the nearest is searched


@dataclass(frozen=True)
class Typefaces(translation.Translation):
    """Settings of a translation between typefaces."""

    source: str = "DejaVuSans"
    """The typeface to start from, one of matplotlib's."""
    target: str = "DejaVuSans-BoldOblique"
    """The typeface to become."""
    letters: Literal["latin", "all"] = "all"
    """Those to train on: a to z and A to Z, or those of all scripts that both typefaces have."""
    samples: Annotated[int, Interval(1, 10**8)] = 20_000
    """Letters of each typeface to train on."""
    test_samples: Annotated[int, Interval(10, 10**6)] = 2_000
    """Digits to test on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.require(self.source != self.target, "target", "another typeface than the source", self.target)
        validation.require(self.batch_size <= self.samples, "batch_size", f"at most samples, {self.samples}", self.batch_size)
        from lab.data import faces_with

        for name in ("source", "target"):
            try:
                faces_with(DIGITS, [getattr(self, name)])
            except ValueError as error:
                raise ValueError(f"--{name}: {str(error).partition(': ')[2]}") from error

    @property
    def total_steps(self) -> int:
        """Letters of each typeface seen in the whole run."""
        return self.epochs * (self.samples // self.batch_size) * self.batch_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return self.held(memory.DRAWN * (self.samples + self.test_samples), "--samples, --test-samples")


def alphabet(config: Typefaces) -> list[str]:
    """The letters to train on."""
    from lab.data import scripts
    from lab.data.glyphs import LOWER, UPPER, charmap

    if config.letters == "latin":
        return [*UPPER, *LOWER]
    both = charmap(config.source) & charmap(config.target)
    return [letter for letters in scripts().values() for letter in letters if letter in both]


def drawn(config: Typefaces, count: int, characters: Any, seed: int) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """(glyphs in the source's face, the same in the target's, labels).

    One seed draws the same characters with the same distortions in any face.
    """
    from lab.data import glyphs

    options = {"size": config.size, "characters": characters, "seed": seed}
    x, labels = glyphs(count, faces=[config.source], **options)
    y, _ = glyphs(count, faces=[config.target], **options)
    return x, y, labels


def run(config: Any, track: Track, make: "Callable[..., GAN]", *, paired: bool) -> dict[str, float]:
    """Trains on letters, tests on digits.

    Args:
        config: settings.
        track: of the run.
        make: `translation.pix2pix_gan` or `translation.cyclegan_gan`.
        paired: whether training sees pairs. Else sources and targets are drawn apart.
    """
    import numpy as np

    from lab.gan import translate

    for_x, for_y, for_test, players = shared.seeds(track, 4)
    letters = alphabet(config)
    x, y, _ = drawn(config, config.samples, letters, for_x)
    counterparts = y  # of the training sources, also where training does not see them
    if not paired:
        _, y, _ = drawn(config, config.samples, letters, for_y)
    tested, truth, labels = drawn(config, config.test_samples, DIGITS, for_test)
    gan = make(config, (1, 1), config.total_steps // config.batch_size, players)

    def score(gan: "GAN") -> dict[str, float]:
        found = measures(translate(gan.average, tested), truth, labels)
        if not paired:
            back = translate(gan.average, truth, back=True)
            found |= translation.named(measures(back, tested, labels), "back")
        return found

    some = np.unique(labels, return_index=True)[1]  # a picture of each digit
    translation.train(track, config, gan, x, y, (tested[some], truth[some]), score, title="unseen digits")
    results = score(gan)
    track.curve("error", label="mean absolute error", title="Translated digits against true ones", x_label="letters seen")
    for name, pictures in rivals(x, y, counterparts, tested).items():
        results |= translation.named(measures(pictures, truth, labels), name)
    results["digit_kept_target"] = kept(truth, labels)
    return results | {"error_ratio": results["error"] / results["error_source"]}


def rivals(x: "np.ndarray", y: "np.ndarray", counterparts: "np.ndarray", tested: "np.ndarray") -> "dict[str, np.ndarray]":
    """Answers that nothing was learnt for.

    They are the source itself, the mean target, and the counterpart of the nearest training source.
    """
    import numpy as np

    from lab.metrics import nearest_in_training

    found = nearest_in_training(x[:MOST].astype("float32"), tested.astype("float32")).indices
    mean = np.broadcast_to(y.mean(axis=0).round().astype("uint8"), tested.shape)
    return {"source": tested, "mean": mean, "nearest": counterparts[:MOST][found]}


def measures(made: "np.ndarray", truth: "np.ndarray", labels: "np.ndarray") -> dict[str, float]:
    """Distances to the true pictures, and the share of digits that a classifier still reads."""
    return translation.distances(made, truth) | {"digit_kept": kept(made, labels)}


def kept(pictures: "np.ndarray", labels: "np.ndarray") -> float:
    """The share of digits that our classifier of 28 x 28 pixels reads as what they are."""
    import numpy as np
    from keras import ops

    from lab.data.conventions import as_floats
    from lab.models import describe_images, trained_glyph_classifier

    classifier, _ = trained_glyph_classifier()
    resized = ops.image.resize(as_floats(pictures), (28, 28), antialias=True)
    logits, _ = describe_images(classifier, np.clip(ops.convert_to_numpy(resized), -1, 1))
    return float((logits.argmax(1) == labels).mean())
