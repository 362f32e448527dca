"""A differentiable neural computer reads stories and answers questions about them.

Expected: accuracy >= 0.8 (0.86 in one seed; the last name of the right sort has 0.70)
Time: about 10 minutes of one core
Source: Graves et al. 2016, "Synthetic question answering", with stories of our own for bAbI.

A story has 2 to 6 sentences, word by word, and a question after each (`lab.data.stories`):

    anna takes apple . who holds apple ? -> anna
    anna gives apple boris . who holds apple ? -> boris

`accuracy` is the share of right answers, `accuracy_<kind>` that of one kind of story. The best
possible is 1. `accuracy_of_the_last` is that of always naming the last place or actor that the
story names and the question does not.

Differences from the paper: one network size of our own, Adam, a learning rate that falls.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from experiments.common import memory_networks, supervised
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval, require_name

if TYPE_CHECKING:
    import keras
    import numpy as np

    from lab.data import TaskSequences

KINDS = ("where", "carried", "given", "above")
WORDS = 25


@dataclass(frozen=True)
class Config(memory_networks.MemoryNetwork):
    """Settings of the stories."""

    kinds: tuple[str, ...] = KINDS
    """Kinds of stories: where, carried, given, above."""
    sentences: Annotated[int, Interval(2, 1000)] = 6
    """Sentences of the longest story. The shortest has two."""
    cell: str = "dnc"
    units: int = 128
    read_heads: int = 4
    epochs: int = 60
    learning_rate: float = 5e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        supervised.distinct("kinds", self.kinds)
        for kind in self.kinds:
            require_name("--kinds", kind, KINDS)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return self.needs(9 * self.sentences, WORDS, WORDS)


def run(config: Config, track: Track) -> dict[str, float]:
    """Trains the network, and asks it about new stories."""
    import numpy as np

    from lab.data import STORY_WORDS, stories

    def draw(kinds):
        return lambda count, seed: stories(count, kinds=kinds, sentences=(2, config.sentences), seed=seed)

    network = memory_networks.train(track, config, draw(config.kinds), bits=False)
    seeds = supervised.seeds(track, 4 + len(config.kinds))[4:]  # the first four are those of `train`
    results, at_last = {}, []
    for kind, seed in zip(config.kinds, seeds):
        test = draw((kind,))(config.test_samples, seed)
        results[f"accuracy_{kind}"] = accuracy(memory_networks.answers(network, test).argmax(-1), test)
        at_last.append(accuracy(last_named(test), test))
    results = {"accuracy": float(np.mean(list(results.values())))} | results
    results["accuracy_of_the_last"] = float(np.mean(at_last))
    memory_networks.log_attention(track, config, network, test, words=STORY_WORDS)
    log_examples(track, network, draw(config.kinds)(10, seeds[0]))
    track.curve(
        "validation_right_answers",
        label="right answers",
        x_label="stories seen",
        title=f"Stories: answers of a network with {config.cell} cells",
        lines={"last name of the right sort": results["accuracy_of_the_last"], "best possible": 1.0},
    )
    return results


def accuracy(answers: "np.ndarray", sequences: "TaskSequences") -> float:
    """The share of the answers due that are right; answers are words `[count, T]`."""
    return float(((answers == sequences.y.argmax(-1)) * sequences.mask).sum() / sequences.mask.sum())


def last_named(sequences: "TaskSequences") -> "np.ndarray":
    """Words `[count, T]`: at a question, the last place or actor that it does not name itself."""
    import numpy as np

    from lab.data import STORY_WORDS
    from lab.data.stories import ACTORS, PLACES

    found = np.zeros(sequences.mask.shape, int)
    for row, step in zip(*np.nonzero(sequences.mask)):
        words = [STORY_WORDS[word] for word in sequences.x[row, : step + 1].argmax(-1)]
        start = max(place for place, word in enumerate(words) if word in ("where", "who", "what"))  # of the question
        wanted = ACTORS if words[start] == "who" else PLACES
        found[row, step] = STORY_WORDS.index([word for word in words if word in wanted and word not in words[start:]][-1])
    return found


def log_examples(track: Track, network: "keras.Model", sequences: "TaskSequences") -> None:
    """Logs stories with their questions, the right answers and those of a network: stories.txt."""
    from lab.data import STORY_WORDS, story_text

    found, lines = memory_networks.answers(network, sequences).argmax(-1), []
    for x, y, mask, answers in zip(*sequences, found):
        start, parts = 0, []
        for step in mask.nonzero()[0]:
            right, given = STORY_WORDS[y[step].argmax()], STORY_WORDS[answers[step]]
            parts.append(f"{story_text(x[start : step + 1])} {given.upper()}" + f" (right: {right.upper()})" * (given != right))
            start = step + 1
        lines.append(" ".join(parts))
    (track.artifacts / "stories.txt").write_text("\n".join(lines) + "\n")
    track.artifact("stories.txt")


if __name__ == "__main__":
    smoke = {
        "epochs": 2,
        "samples": 64,
        "test_samples": 20,
        "sentences": 3,
        "units": 8,
        "slots": 5,
        "width": 4,
        "read_heads": 2,
    }
    experiment.main(Config, run, smoke=smoke)
