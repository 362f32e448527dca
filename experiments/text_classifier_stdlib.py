"""A recurrent network says from which package of the standard library a piece of code comes.

Expected: accuracy >= 0.5 (0.72 ± 0.06, 5 seeds; naive Bayes on the same words 0.75 ± 0.04)
Time: about 2 minutes of one core
Source: Joachims 1998 for the task of classifying texts by their words; McCallum and Nigam 1998 for
naive Bayes.

A piece is a few lines of one of the largest packages, with comments and strings. NLTK divides it
into words. Training and test pieces come from different modules. Naive Bayes, for comparison, is
logged as accuracy_naive_bayes.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from experiments.common import supervised
from lab import errors, validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import CELLS, Interval, require_name

Piece: TypeAlias = tuple[list[str], int]  # words and label


@dataclass(frozen=True)
class Config(supervised.Supervised):
    """Settings of the classifier."""

    unused: ClassVar = ("mixup", "patience", "precision", *supervised.OF_IMAGES)
    packages: Annotated[int, Interval(2, 10**4)] = 12
    """Classes: the packages with the most text."""
    lines: Annotated[int, Interval(1, 10**5)] = 5
    """Lines of a piece."""
    most_pieces: Annotated[int, Interval(2, 10**8)] = 1_000
    """Greatest number of pieces of a package, so that none outweighs the others."""
    words: Annotated[int, Interval(1, 10**8)] = 20_000
    """Words of the vocabulary: the most frequent ones."""
    length: Annotated[int, Interval(1, 10**5)] = 64
    """Greatest number of words of a piece."""
    tokenizer: Literal["wordpunct", "treebank", "whitespace"] = "wordpunct"
    """NLTK's tokenizer, which finds the words."""
    stemmer: Literal["none", "porter", "snowball"] = "none"
    """NLTK's stemmer, which shortens the words."""
    cell: str = "gru"
    """A recurrent cell of `lab.validation.CELLS`."""
    units: Annotated[int, Interval(1, 10**5)] = 64
    """Units of the recurrent layer."""
    embedding: Annotated[int, Interval(1, 10**5)] = 64
    """Length of the vector of a word."""
    dropout: Annotated[float, Interval(0, 0.99)] = 0.3
    """Share of the recurrent layer's inputs that is dropped in training."""
    test_share: Annotated[float, Interval(0.01, 0.9)] = 0.2
    """Share of a package's modules to test on."""
    epochs: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_name("--cell", self.cell, CELLS)
        if self.packages > type(self).packages:  # counting them reads them all
            count = len(large_packages())
            validation.require(self.packages <= count, "packages", f"at most {count}, those with four modules", self.packages)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            memory.Need("pieces", memory.array(self.most, self.length), "--most-pieces, --length"),
            memory.Need("counts of words", memory.array(self.most, min(self.words, 200_000), item=8), "--most-pieces, --words"),
            memory.Need("vectors of words", memory.dense(min(self.words, 200_000), self.embedding), "--words, --embedding"),
            memory.Need("recurrent layer", memory.dense(self.units + self.embedding, 4 * self.units), "--units"),
            memory.Need(
                "states of a batch", memory.array(4, self.batch_size, self.length, self.units), "--batch-size, --units"
            ),
        ]

    @property
    def most(self) -> int:
        """Greatest number of pieces. The standard library has no more than 100,000."""
        return min(self.packages * self.most_pieces, 100_000)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network and naive Bayes, and tests both."""
    import keras
    import numpy as np
    from sklearn.naive_bayes import MultinomialNB

    from lab.data import Vocabulary
    from lab.models import sequence_network
    from lab.supervised import Training, probabilities

    split, network, order = supervised.seeds(track, 3)
    train, test, names = pieces(config, split)
    vocabulary = Vocabulary.of([words for words, _ in train], most=config.words)

    def padded(examples):
        encoded = [vocabulary.encode(words) for words, _ in examples]
        x = keras.utils.pad_sequences(encoded, config.length, padding="post", truncating="post")
        return x, np.array([label for _, label in examples])

    (x, y), (test_x, test_y) = padded(train), padded(test)
    if len(x) < config.batch_size:
        raise errors.SettingError(
            f"--batch-size: expected at most {len(x)}, the pieces to train on, received {config.batch_size}."
        )
    model = sequence_network(
        config.cell,
        len(names),
        symbols=len(vocabulary),
        units=config.units,
        embedding=config.embedding,
        dropout=config.dropout,
        seed=network,
    )
    training = Training(model, config, steps_per_epoch=len(x) // config.batch_size, classes=len(names), seed=order)
    supervised.fit(track, training, x, y)
    track.model(model)
    results = supervised.log_report(track, test_y, probabilities(training.predict(test_x)), None, names=names)
    size = len(vocabulary)
    bags, asked = (np.stack([np.bincount(row[row > 0], minlength=size) for row in rows]) for rows in (x, test_x))
    bayes = MultinomialNB().fit(bags, y)
    return results | {"accuracy_naive_bayes": float((bayes.predict(asked) == test_y).mean())}


def large_packages() -> dict[str, dict[str, str]]:
    """{name: {module: text}} of the packages with four modules or more, by falling size."""
    import collections

    from lab.data import stdlib_sources

    packages: dict[str, dict[str, str]] = collections.defaultdict(dict)
    for name, text in stdlib_sources().items():
        if "/" in name and text.strip():
            packages[name.split("/")[0]][name] = text
    large = [(name, modules) for name, modules in packages.items() if len(modules) >= 4]
    return dict(sorted(large, key=lambda item: (-sum(map(len, item[1].values())), item[0])))


def pieces(config: Config, seed: int) -> tuple[list[Piece], list[Piece], list[str]]:
    """(pieces to train on, pieces to test on, names of the packages)."""
    from lab.data import held_out, words_of
    from lab.engine import seeds

    packages = large_packages()
    names = list(packages)[: config.packages]
    sides: tuple[list[Piece], list[Piece]] = ([], [])
    stemmer = None if config.stemmer == "none" else config.stemmer
    for label, name in enumerate(names):
        for side, modules in zip(sides, held_out(packages[name], config.test_share, seed=seed + label)):
            found = []
            for module in modules:
                lines = [line for line in packages[name][module].splitlines() if line.strip()]
                found += ["\n".join(lines[i : i + config.lines]) for i in range(0, len(lines), config.lines)]
            chosen = seeds.generator("pieces", seed, label).permutation(len(found))[: config.most_pieces]
            words = (words_of(found[i], tokenizer=config.tokenizer, stemmer=stemmer) for i in sorted(chosen))
            side += [(each, label) for each in words if each]
    return *sides, names


if __name__ == "__main__":
    smoke = {
        "packages": 3,
        "most_pieces": 40,
        "words": 500,
        "units": 8,
        "embedding": 8,
        "length": 16,
        "epochs": 2,
        "batch_size": 16,
    }
    experiment.main(Config, run, smoke=smoke)
