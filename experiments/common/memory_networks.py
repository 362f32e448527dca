"""What the experiments with memories share: settings, training on fresh sequences, pictures.

Each epoch draws sequences of its own. A network is one of `lab.models.memory_network`, or an LSTM
for comparison.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np

from experiments.common import supervised
from lab import validation
from lab.runs import memory
from lab.runs.track import Track
from lab.validation import Interval, require_name

if TYPE_CHECKING:
    import keras

    from lab.data import TaskSequences

WITHOUT_MEMORY = ("lstm", "transformer")
OF_MEMORY = ("controller", "slots", "width", "read_heads", "write_heads")  # settings that these do not have
CELLS = ("ntm", "dnc", "lrua", *WITHOUT_MEMORY)

TOGETHER = 250  # sequences that are answered in one call
HEADS = 4  # of a Transformer

Draw: TypeAlias = "Callable[[int, int], TaskSequences]"
"""A function (count, seed) -> sequences of a task."""


@dataclass(frozen=True)
class MemoryNetwork(supervised.Sampled):
    """Settings of a network with a memory and of its training."""

    unused: ClassVar[tuple[str, ...]] = ("mixup", "label_smoothing", "patience", "weight_decay", *supervised.OF_IMAGES)
    several_devices: ClassVar[bool] = False
    cell: str = "ntm"
    """The cell with the memory: ntm, dnc, lrua. lstm and transformer have none, for comparison."""
    corrections: tuple[Literal["masked", "erasing", "sharpened"], ...] = ()
    """Of a DNC alone: corrections of Csordas and Schmidhuber 2019."""
    controller: Literal["lstm", "dense"] = "lstm"
    """The network that reads from the memory and writes into it."""
    units: Annotated[int, Interval(1, 10**5)] = 64
    """Units of the controller or of the LSTM. A Transformer has so many numbers in a step."""
    slots: Annotated[int, Interval(1, 10**5)] = 32
    """Slots of the memory."""
    width: Annotated[int, Interval(1, 10**5)] = 16
    """Numbers in a slot."""
    read_heads: Annotated[int, Interval(1, 100)] = 1
    """Heads that read."""
    write_heads: Annotated[int, Interval(1, 100)] = 1
    """Heads that write. Only an NTM can have several."""
    epochs: int = 30
    """An epoch is a report. It draws sequences of its own."""
    samples: Annotated[int, Interval(1, 10**9)] = 2_000
    """Sequences in an epoch."""
    test_samples: Annotated[int, Interval(1, 10**7)] = 500
    """Sequences of each test."""
    batch_size: int = 16
    learning_rate: float = 1e-2
    """The step size, before the schedule. A Transformer takes a tenth of it: it does not learn with
    the steps of recurrent networks."""
    beta_2: Annotated[float, Interval(0, 0.999999)] = 0.99
    """Decay of Adam's second moment, or rho of RMSprop, which is centred as in Graves 2013. Once a
    task is solved, gradients are tiny for long. With 0.999 the next large one makes a step that can
    undo what was learnt."""
    momentum: Annotated[float, Interval(0, 0.999999)] = 0.0
    """Of RMSprop alone."""
    clip_norm: float = 1.0
    warm_up: float = 0.0

    networks: ClassVar[tuple[str, ...]] = CELLS
    compared: ClassVar[bool] = False  # whether no cell stands for all of `cells`

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell or not self.compared:
            require_name("--cell", self.cell, self.networks)
            self._check_cell()
        require_name("--optimizer", self.optimizer, ("adam", "rmsprop"))
        if self.optimizer == "adam":
            validation.require(self.momentum == 0, "momentum", "0 with Adam", self.momentum)

    def _check_cell(self):
        """Memory, heads, units and precision must be what the cell takes."""
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        reasons = dict.fromkeys(OF_MEMORY if self.cell in WITHOUT_MEMORY else (), "has no memory")
        reasons |= {} if self.cell == "transformer" else {"precision": "is recurrent"}
        for name, reason in () if self.compared else reasons.items():
            expected = f"{usual[name]}, for {self.cell} {reason}"
            validation.require(getattr(self, name) == usual[name], name, expected, getattr(self, name))
        if self.cell != "ntm":
            validation.require(self.write_heads == 1, "write_heads", f"1 for {self.cell}", self.write_heads)
        if self.cell != "dnc":
            validation.require(not self.corrections, "corrections", f"none for {self.cell}", self.corrections)
        if self.cell == "ntm":
            validation.require(self.slots >= 3, "slots", "at least 3, for heads that move back and on", self.slots)
        if self.cell == "lrua":
            least = f"at least read_heads, {self.read_heads}"
            validation.require(self.slots >= self.read_heads, "slots", least, self.slots)
        if self.cell == "transformer":
            validation.require(self.units % 8 == 0, "units", "a multiple of 8 for four heads that turn pairs", self.units)

    def needs(self, steps: int, features: int, outputs: int) -> list[memory.Need]:
        """What a run with sequences of so many steps holds."""
        numbers = 4 * steps * (features + outputs + 1)
        return [
            memory.Need("sequences of an epoch", 2 * self.samples * numbers, "--samples"),
            memory.Need("sequences of a test", self.test_samples * numbers, "--test-samples"),
            *self._of_steps(steps),
            memory.Need("controller", memory.dense(2 * self.units, 4 * self.units), "--units"),
        ]

    def _of_steps(self, steps):
        """What the networks that run hold of the steps of a batch."""
        cells = (self.cell,) if self.cell else getattr(self, "cells", ())
        needs = []
        if set(cells) - set(WITHOUT_MEMORY):
            numbers = self.slots * (self.width + self.read_heads + self.write_heads) + self.slots**2 * ("dnc" in cells)
            size = memory.array(8, self.batch_size, steps, numbers)
            needs.append(memory.Need("memories of a batch", size, "--batch-size, --slots, --width"))
        if "transformer" in cells:
            pairs = memory.array(6, max(self.batch_size, TOGETHER), HEADS, steps**2)
            needs.append(memory.Need("pairs of steps", pairs, "a smaller task"))
        return needs


@dataclass(frozen=True)
class ComparedNetworks(MemoryNetwork):
    """Settings of several networks, each in a child run."""

    compared: ClassVar[bool] = True
    cells: tuple[str, ...] = CELLS
    """Networks to compare."""
    cell: str = ""
    """One network to run alone; empty compares."""

    def __post_init__(self) -> None:
        super().__post_init__()
        supervised.distinct("cells", self.cells)
        for name in self.cells:
            require_name("--cells", name, self.networks)


def network(config: MemoryNetwork, features: int, outputs: int, *, seed: int, **more: Any) -> "keras.Model":
    """The network of these settings. `more` is for the cell with the memory."""
    from lab.models import memory_network, sequence_network, transformer

    if config.cell == "lstm":
        return sequence_network("lstm", outputs, features=features, units=config.units, every_step=True, seed=seed)
    if config.cell == "transformer":
        return transformer(features, outputs, size=config.units, seed=seed)
    same = ("controller", "units", "slots", "width", "read_heads", "write_heads", "corrections")
    sizes = {name: getattr(config, name) for name in same}
    return memory_network(config.cell, features, outputs, seed=seed, **sizes, **more)


def optimizer(config: MemoryNetwork) -> "keras.optimizers.Optimizer":
    """Adam or RMSprop with these settings."""
    from lab.optimizers import Adam, RMSprop
    from lab.supervised.optimization import step_sizes

    slower = dataclasses.replace(config, learning_rate=config.learning_rate / 10) if config.cell == "transformer" else config
    rate, clip = step_sizes(slower, config.steps_per_epoch), config.clip_norm or None
    if config.optimizer == "adam":
        return Adam(rate, beta_2=config.beta_2, global_clipnorm=clip)
    decay, momentum = config.beta_2, config.momentum
    return RMSprop(rate, rho=decay, momentum=momentum, epsilon=1e-4, centered=True, global_clipnorm=clip)


def units_of_an_equal_lstm(config: MemoryNetwork, features: int, outputs: int) -> int:
    """The units of an LSTM network that has about as many weights as an NTM of these settings.

    With D features and K outputs an LSTM network of u units has so many:

        4 u (D + u + 1) + K (u + 1)
    """
    ntm = network(dataclasses.replace(config, cell="ntm"), features, outputs, seed=0)
    linear = 4 * (features + 1) + outputs
    return round((np.sqrt(linear**2 + 16 * (ntm.count_params() - outputs)) - linear) / 8)


def train(track: Track, config: MemoryNetwork, draw: Draw, *, bits: bool = True) -> "keras.Model":
    """A network of these settings, trained on sequences of a task from the newest checkpoint on.

    Args:
        track: of the run.
        config: its settings.
        draw: of the sequences.
        bits: whether answers are bits, or else one-hot.
    """
    from lab import losses
    from lab.supervised import Training

    for_network, order, drawn, validated = supervised.seeds(track, 4)
    fixed = draw(min(config.test_samples, 256), validated)
    trained = network(config, fixed.x.shape[-1], fixed.y.shape[-1], seed=for_network)
    training = Training(
        trained,
        config,
        steps_per_epoch=config.steps_per_epoch,
        loss=losses.masked_binary_crossentropy if bits else losses.masked_categorical_crossentropy,
        metrics=[losses.wrong_bits if bits else losses.right_answers],
        optimizer=optimizer(config),
        seed=order,
    )

    def epoch(number):
        sequences = draw(config.samples, int(np.random.SeedSequence([drawn, number]).generate_state(1)[0]))
        return sequences.x, sequences.targets

    supervised.fit(track, training, epoch, validation=(fixed.x, fixed.targets))
    track.model(trained)
    return trained


def answers(network: "keras.Model", sequences: "TaskSequences") -> np.ndarray:
    """The logits of a network, `[count, T, K]`."""
    from lab import engine

    compiled = engine.compile(lambda x: network(x, training=False), network.variables)
    parts = [sequences.x[i : i + TOGETHER] for i in range(0, len(sequences.x), TOGETHER)]
    return np.concatenate([np.asarray(compiled(part)) for part in parts])


def errors(logits: np.ndarray, sequences: "TaskSequences") -> tuple[float, float]:
    """(wrong bits of a sequence, share of the bits due that are wrong in %)."""
    wrong = (((logits > 0) != (sequences.y > 0.5)) * sequences.mask[..., None]).sum()
    due = sequences.mask.sum() * sequences.y.shape[-1]
    return float(wrong / len(sequences.x)), float(100 * wrong / due)


def run_task(track: Track, config: MemoryNetwork, draw: Draw, tests: Mapping[str, Draw], *, title: str) -> dict[str, float]:
    """Trains a network on a task of bits, tests it, and logs the curve and the pictures.

    Args:
        draw: of the sequences to train on.
        tests: {name: `Draw` of harder sequences}. All of them have equally many steps. The pictures
            are of the last one, or of `draw` where there is none.
        title: of the task.

    Returns:
        `wrong_bits` of a sequence, and `wrong_bits_at_random`; `wrong_percent`, the share of wrong
        bits, and `wrong_percent_<name>`, that of a harder test; `solved_after`, the sequences seen
        when the validation set first had at most 0.1 wrong bits a sequence, -1 if it never had.
    """
    network = train(track, config, draw)
    for_test, *others = supervised.seeds(track, 5 + len(tests))[4:]  # the first four are those of `train`
    test = draw(config.test_samples, for_test)
    wrong, percent = errors(answers(network, test), test)
    points = track.metrics()["validation_wrong_bits"]
    solved = next((step for step, value in points if value <= 0.1), -1)
    results = {"wrong_bits": wrong, "wrong_percent": percent, "solved_after": float(solved)}
    shown = test
    for (name, harder), seed in zip(tests.items(), others):
        shown = harder(config.test_samples, seed)
        results[f"wrong_percent_{name}"] = errors(answers(network, shown), shown)[1]
    results["wrong_bits_at_random"] = float(test.mask.sum() * test.y.shape[-1] / 2 / len(test.x))
    log_attention(track, config, network, shown)
    track.curve(
        "validation_wrong_bits",
        label="wrong bits of a sequence",
        x_label="sequences seen",
        title=f"{title}: errors of a network with {config.cell} cells",
        lines={"at random": results["wrong_bits_at_random"]},
    )
    return results


def log_attention(
    track: Track, config: MemoryNetwork, network: "keras.Model", sequences: "TaskSequences", *, words: Sequence[str] = ()
) -> None:
    """Logs what heads and memory do in the longest sequence, as attention.png and memory.gif.

    Nothing of a network without a memory. With `words` steps and answers are one-hot, in their
    order; without, bits.
    """
    from lab import visualize
    from lab.runs.files import replacing
    from lab.supervised.training import probabilities

    if config.cell in WITHOUT_MEMORY:
        return
    longest = int(sequences.mask.sum(axis=1).argmax())
    x, y, mask = (part[longest] for part in sequences)
    steps = int(np.nonzero(mask)[0].max()) + 1
    traced = visualize.trace(network, x[:steps])
    weights = visualize.heads(network, traced)
    due = np.where(mask[:steps, None] > 0, 1.0, np.nan)
    shown = 1 / (1 + np.exp(-traced["outputs"])) if not words else probabilities(traced["outputs"])
    track.figure("attention.png", visualize.weights_figure(x[:steps], y[:steps] * due, shown * due, weights, words))
    slots = weights["read 1"].shape[1]
    with replacing(track.artifacts / "memory.gif") as path:
        visualize.save_memory(path, traced["memory"].reshape(steps, slots, -1), weights)
    track.artifact("memory.gif")
