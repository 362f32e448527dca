"""A sequence-to-sequence network with attention reads dates and writes them as ISO 8601 does.

Expected: exact >= 0.98 (1.0 in one seed; the most frequent characters: 0)
Time: about 1 minute of one core
Source: Luong, Pham and Manning 2015; Bahdanau et al. 2015.

    the 3rd of march 1998 -> 1998-03-03

`exact` is the share of dates, on days that training never shows, that are written without a
mistake. `characters` is the share of right characters. The best possible is 1. In training the
network is told the right character before each; in the test it reads what it wrote itself.
attention.png shows which characters of the source it attends to while it writes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from experiments.common import supervised
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import keras
    import numpy as np

    from lab.data import Dates, Vocabulary

LONGEST = 29  # characters: wednesday, september 30, 2000
CHARACTERS = " ,-./0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Config(supervised.Sampled):
    """Settings of the network and of its training."""

    unused: ClassVar[tuple[str, ...]] = ("mixup", "label_smoothing", "patience", *supervised.OF_IMAGES)
    several_devices: ClassVar[bool] = False
    cell: Literal["gru", "lstm"] = "gru"
    """The cell of encoder and decoder."""
    units: Annotated[int, Interval(1, 10**5)] = 64
    """Units of the decoder, and of each direction of the encoder."""
    embedding: Annotated[int, Interval(1, 10**5)] = 32
    """Numbers for each character."""
    samples: Annotated[int, Interval(1, 10**9)] = 10_000
    """Dates in an epoch, which draws its own."""
    test_samples: Annotated[int, Interval(1, 10**7)] = 2_000
    """Dates of the test."""
    epochs: int = 8
    batch_size: int = 64
    learning_rate: float = 5e-3

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        dates = memory.array(1, max(self.samples, self.test_samples), LONGEST + 20)
        steps = memory.array(10, self.batch_size, LONGEST + 10, 4 * self.units)
        return [
            memory.Need("dates of an epoch", 2 * dates, "--samples, --test-samples"),
            memory.Need("steps of a batch", steps, "--batch-size, --units"),
            memory.Need("network", memory.dense(4 * self.units, 4 * self.units), "--units"),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network, and lets it write dates."""
    import numpy as np

    from lab.data import Vocabulary, dates
    from lab.models import answer, sequence_to_sequence, with_answers
    from lab.supervised import Training

    for_network, order, drawn, tested = supervised.seeds(track, 4)
    vocabulary = Vocabulary(CHARACTERS)

    def epoch(number):
        seed = int(np.random.SeedSequence([drawn, number]).generate_state(1)[0])
        sources, answers = encoded(vocabulary, dates(config.samples, seed=seed))
        return with_answers(sources, answers), answers

    test = dates(config.test_samples, held_out=True, seed=tested)
    sources, right = encoded(vocabulary, test)
    network = sequence_to_sequence(
        len(vocabulary), LONGEST, cell=config.cell, units=config.units, embedding=config.embedding, seed=for_network
    )
    training = Training(network, config, steps_per_epoch=config.steps_per_epoch, classes=len(vocabulary), seed=order)
    supervised.fit(track, training, epoch, validation=(with_answers(sources, right)[:500], right[:500]))
    track.model(network)
    written = answer(network, sources, right.shape[1])
    track.curve(
        "validation_accuracy",
        label="right characters",
        x_label="dates seen",
        title="Dates to ISO 8601: characters of a network with attention",
    )
    log_attention(track, network, test, sources, written, vocabulary)
    return {
        **scores(written, right),
        "exact_at_most_frequent": scores(np.broadcast_to(most_frequent(right), right.shape), right)["exact"],
    }


def encoded(vocabulary: "Vocabulary", found: "Dates") -> "tuple[np.ndarray, np.ndarray]":
    """Dates as integers: sources `[N, LONGEST]`, padded with 0, and answers `[N, 10]`."""
    import numpy as np

    sources = np.zeros((len(found.written), LONGEST), "int32")
    for row, text in zip(sources, found.written):
        row[: len(text)] = vocabulary.encode(text, unknown="refuse")
    return sources, np.stack([vocabulary.encode(text, unknown="refuse") for text in found.iso])


def scores(written: "np.ndarray", right: "np.ndarray") -> dict[str, float]:
    """The shares of answers, and of their characters, that are right."""
    same = written == right
    return {"exact": float(same.all(axis=1).mean()), "characters": float(same.mean())}


def most_frequent(answers: "np.ndarray") -> "np.ndarray":
    """The most frequent symbol of each place."""
    import numpy as np

    return np.array([np.bincount(column).argmax() for column in answers.T])


def log_attention(
    track: Track,
    network: "keras.Model",
    test: "Dates",
    sources: "np.ndarray",
    written: "np.ndarray",
    vocabulary: "Vocabulary",
) -> None:
    """Logs dates with what was written, dates.txt, and attention.png."""
    from matplotlib.figure import Figure

    from lab.models import attention_weights, with_answers

    texts = ["".join(vocabulary.decode(row)) for row in written]
    lines = [
        f"{source} -> {text}" + (f" (right: {iso})" if text != iso else "")
        for source, iso, text in zip(test.written, test.iso, texts)
    ]
    (track.artifacts / "dates.txt").write_text("\n".join(lines[:100]) + "\n")
    track.artifact("dates.txt")
    weights = attention_weights(network, with_answers(sources[:4], written[:4]))
    figure = Figure(figsize=(9, 6), layout="constrained")
    for axes, source, text, part in zip(figure.subplots(2, 2).flat, test.written, texts, weights):
        shown = axes.imshow(part[:, : len(source)], cmap="magma", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(source)), source)
        axes.set_yticks(range(len(text)), text)
    figure.colorbar(shown, ax=figure.axes, label="weight", shrink=0.6)
    figure.suptitle("Which characters of the date the network attends to while it writes")
    track.figure("attention.png", figure)


if __name__ == "__main__":
    smoke = {"epochs": 2, "samples": 64, "test_samples": 20, "units": 8, "embedding": 4, "batch_size": 16}
    experiment.main(Config, run, smoke=smoke)
