"""A character-level recurrent network learns Python from Python's own sources, and writes some.

Expected: perplexity <= 4 (a character, on modules held out: 3.2 to 3.9, 5 seeds)
Time: about 11 minutes of one core
Source: Graves 2013 and Karpathy et al. 2016 for the idea; Kneser and Ney 1995, Chen and Goodman
1999 for the n-gram model.

A Kneser-Ney 5-gram model is trained on the same modules and tested on the same others. Its
perplexity is 2 to 6 % higher. The network reads windows of a module. Their first halves are context
and do not count. Unlike the network, the n-gram model also predicts the first character of each
module. sample.txt is what the network writes after `--prompt`.
"""

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from experiments.common import supervised
from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import CELLS, Interval, require_name

if TYPE_CHECKING:
    import numpy as np

    from lab.supervised import Training


@dataclass(frozen=True)
class Config(supervised.Supervised):
    """Settings of the language model."""

    unused: ClassVar = ("mixup", "patience", "precision", *supervised.OF_IMAGES)
    corpus: str = ""
    """A folder of .py files; empty is the standard library of this Python."""
    characters: Annotated[int, Interval(1_000, 10**10)] = 2_000_000
    """Characters to train on, of whole modules in random order."""
    test_characters: Annotated[int, Interval(500, 10**9)] = 200_000
    """Characters to test on, of other modules."""
    cell: str = "lstm"
    """A recurrent cell of `lab.validation.CELLS`."""
    units: Annotated[int, Interval(1, 10**5)] = 256
    """Units of each recurrent layer."""
    layers: Annotated[int, Interval(1, 100)] = 1
    """Recurrent layers."""
    window: Annotated[int, Interval(2, 10**5)] = 64
    """Characters of a training example."""
    order: Annotated[int, Interval(2, 20)] = 5
    """Characters of an n-gram."""
    discount: Annotated[float, Interval(0.01, 1)] = 0.75
    """What Kneser-Ney smoothing subtracts from each count."""
    prompt: str = "def "
    """The beginning of the sample. Its characters must occur in the corpus."""
    sample_characters: Annotated[int, Interval(1, 10**7)] = 1_000
    """Characters of the sample after the prompt."""
    temperature: Annotated[float, Interval(0, 1e6)] = 0.7
    """Temperature of the sample. 0 takes the most probable character."""
    epochs: int = 3
    batch_size: int = 16
    learning_rate: float = 4e-3
    warm_up: float = 0.2
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_name("--cell", self.cell, CELLS)
        validation.require(
            self.steps_per_epoch >= 1, "characters", f"at least {self.window * self.batch_size + 1}", self.characters
        )
        validation.require(self.prompt, "prompt", "at least one character", self.prompt)
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        if any(getattr(self, name) != usual[name] for name in ("corpus", "characters", "test_characters", "prompt")):
            self._check_corpus()

    def _check_corpus(self) -> None:
        modules = load(self.corpus)
        most = sum(map(len, modules.values())) - max(map(len, modules.values())) - self.test_characters
        validation.require(self.characters <= most, "characters", f"at most {most} of this corpus", self.characters)
        strange = sorted(set(self.prompt) - set().union(*modules.values()))
        validation.require(not strange, "prompt", "characters of the corpus", "".join(strange))

    @property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch."""
        return (self.characters - 1) // self.window // self.batch_size

    @property
    def total_steps(self) -> int:
        """Windows seen in the whole run."""
        return self.epochs * self.steps_per_epoch * self.batch_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            memory.Need("characters", 20 * (self.characters + self.test_characters), "--characters, --test-characters"),
            memory.Need("recurrent layers", self.layers * memory.dense(2 * self.units, 4 * self.units), "--units, --layers"),
            memory.Need(
                "states of a batch", memory.array(4, self.batch_size, self.window, self.units), "--batch-size, --units"
            ),
        ]


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains and tests both models, and writes a sample."""
    from lab.data import Vocabulary
    from lab.metrics import kneser_ney, sequence_perplexity
    from lab.models import generate, sequence_network
    from lab.supervised import Training

    split, network, order, drawn = supervised.seeds(track, 4)
    text, tests = texts(config, split)
    vocabulary = Vocabulary.of(load(config.corpus).values())  # the alphabet is the corpus's
    prompt = vocabulary.encode(config.prompt, unknown="refuse")
    numbers = vocabulary.encode(text)
    count = config.steps_per_epoch * config.batch_size
    x = numbers[: count * config.window].reshape(count, config.window)
    y = numbers[1 : count * config.window + 1].reshape(count, config.window)
    size = len(vocabulary)
    model = sequence_network(
        config.cell, size, symbols=size, units=config.units, layers=config.layers, every_step=True, seed=network
    )
    training = Training(model, config, steps_per_epoch=config.steps_per_epoch, classes=size, seed=order)
    supervised.fit(track, training, x, y)
    track.model(model)
    title = f"Characters of Python modules: training loss of a network of {config.cell} cells"
    track.curve("loss", label="cross-entropy, nats a character", x_label="windows seen", title=title)
    written = generate(model, prompt, config.sample_characters, temperature=config.temperature, seed=drawn, banned=(0, 1))
    (track.artifacts / "sample.txt").write_text(config.prompt + "".join(vocabulary.decode(written)) + "\n")
    track.artifact("sample.txt")
    track.say("counting n-grams")
    n_gram = kneser_ney([text], config.order, discount=config.discount)
    return {
        "perplexity": perplexity(training, [vocabulary.encode(test) for test in tests], config.window),
        f"perplexity_{config.order}_gram": sequence_perplexity(n_gram, tests),
    }


@functools.cache
def load(folder: str) -> dict[str, str]:
    """The modules {name: text} of a folder; of the standard library if it is empty."""
    from lab.data import corpus, stdlib_sources

    return corpus(folder) if folder else stdlib_sources()


def texts(config: Config, seed: int) -> tuple[str, list[str]]:
    """(the text to train on, texts of other modules to test on).

    Modules are taken in random order, the first ones for the test.
    """
    import numpy as np

    modules = list(load(config.corpus).values())
    shuffled = [modules[i] for i in np.random.default_rng(seed).permutation(len(modules)) if modules[i]]
    tests: list[str] = []
    left = config.test_characters
    while left > 0:
        tests.append(shuffled.pop(0)[:left])
        left -= len(tests[-1])
    return "\n".join(shuffled)[: config.characters], tests


def perplexity(training: "Training", sequences: "Sequence[np.ndarray]", window: int) -> float:
    """exp of the mean negative log-likelihood of the characters of each sequence but the first.

    A character is predicted from the half window before it or more, or from the beginning of its
    sequence.
    """
    import numpy as np

    from lab.supervised import probabilities

    half = max(window // 2, 1)
    inputs: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    asked: list[np.ndarray] = []
    for numbers in sequences:
        for start in range(0, max(len(numbers) - 1, 0), half):
            first = max(start - half, 0)
            part, answer = numbers[first : start + half], numbers[first + 1 : start + half + 1]
            part = part[: len(answer)]
            padding = 2 * half - len(part)
            inputs.append(np.pad(part, (0, padding)))
            targets.append(np.pad(answer, (0, padding)))
            asked.append(np.pad(np.arange(len(answer)) >= start - first, (0, padding)))
    shares = probabilities(training.predict(np.array(inputs)))
    likelihood = np.take_along_axis(shares, np.array(targets)[..., None], axis=-1)[..., 0]
    return float(np.exp(-np.log(np.maximum(likelihood[np.array(asked)], 1e-30)).mean()))


if __name__ == "__main__":
    smoke = {
        "characters": 20_000,
        "test_characters": 2_000,
        "units": 16,
        "window": 32,
        "batch_size": 32,
        "epochs": 2,
        "sample_characters": 50,
    }
    experiment.main(Config, run, smoke=smoke)
