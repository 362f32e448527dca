"""How far back in time a gradient reaches in recurrent cells, and what clipping does.

Expected: faded_simple_random <= 1e-6 (a simple cell with small random weights, 100 steps)
Time: about a minute of one core
Source: Bengio et al. 1994; Pascanu et al. 2013, sections 2 and 3 (vanishing, exploding, clipping);
Saxe et al. 2014 (orthogonal weights).

The result `faded_<cell>` is |dL / dh_1| over |dL / dh_T|. There are three pictures:

- cells.png: |dL / dh_t| of every cell as Keras starts it, and of gates that start with time scales;
- weights.png: the same of a simple cell with orthogonal and random recurrent weights;
- clipping.png: a simple cell with large weights learns the adding problem with clipping. Without
  clipping it diverges; `finite_updates_free` counts the updates until then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval

if TYPE_CHECKING:
    import keras
    import numpy as np

# name: (kind, gain) of the recurrent weights; random ones are N(0, gain² / units)
WEIGHTS = {
    "orthogonal": ("orthogonal", 1.0),
    "orthogonal_large": ("orthogonal", 1.5),
    "random": ("random", 0.5),
    "random_unit": ("random", 1.0),
    "random_large": ("random", 2.0),
}


@dataclass(frozen=True)
class Config:
    """Settings of the pictures."""

    length: Annotated[int, Interval(2, 10**5)] = 100
    """Steps of a sequence, T."""
    units: Annotated[int, Interval(1, 10**5)] = 64
    """Units of a cell."""
    batch_size: Annotated[int, Interval(1, 10**6)] = 16
    """Sequences over which norms are averaged."""
    updates: Annotated[int, Interval(1, 10**6)] = 300
    """Updates of each of the two networks that are trained."""
    training_length: Annotated[int, Interval(2, 10**5)] = 50
    """Steps of the sequences that they are trained on."""
    clip_norm: Annotated[float, Interval(over=0, high=1e12)] = 1.0
    """Greatest norm of the gradient where it is clipped."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 0.03
    """Learning rate of plain gradient descent."""

    def __post_init__(self) -> None:
        validation.check_fields(self)

    @property
    def total_steps(self) -> int:
        """Updates in the whole run."""
        return 2 * self.updates

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return [
            memory.Need("sequences", 32 * self.updates * self.training_length * 16, "--updates, --training-length"),
            memory.Need("cells", 11 * memory.dense(2 * self.units, 4 * self.units), "--units"),
            memory.Need(
                "states of a batch", memory.array(4, self.batch_size, self.length, self.units), "--batch-size, --length"
            ),
        ]


TITLES = {
    "cells": "Gradients through {0.length} steps of untrained cells ({0.units} units)",
    "weights": "Gradients through {0.length} steps of simple cells with other recurrent weights",
}


def run(config: Config, track: Track) -> dict[str, float]:
    """Measures, trains, and draws."""
    import numpy as np

    from experiments.common.gan import seeds
    from lab.visualize import hidden_gradients, save_gradient_flow

    drawn, start, recurrent, order = seeds(track, 4)
    x = np.random.default_rng(drawn).normal(size=(config.batch_size, config.length, 8)).astype("float32")
    pictures = {"cells": cells(config, start, recurrent), "weights": simple_cells(config, start, recurrent)}
    results: dict[str, float] = {}
    for picture, group in pictures.items():
        curves = {name: hidden_gradients(cell, x) for name, cell in group.items()}
        save_gradient_flow(track.artifacts / f"{picture}.png", curves, title=TITLES[picture].format(config))
        track.artifact(f"{picture}.png")
        results |= {f"faded_{name}": float(norms[0] / max(norms[-1], 1e-30)) for name, norms in curves.items()}
    bounds = {"clipped": config.clip_norm, "free": None}
    learnt = {name: learn(config, bound, start, recurrent, order) for name, bound in bounds.items()}
    draw_clipping(track.artifacts / "clipping.png", learnt, config.clip_norm)
    track.artifact("clipping.png")
    for i, (name, (losses, norms)) in enumerate(learnt.items()):
        count = finite_updates(losses, norms)
        for at in range(count):
            track.log({f"loss_{name}": losses[at], f"gradient_norm_{name}": norms[at]}, i * config.updates + at + 1)
        results[f"finite_updates_{name}"] = float(count)
    return results


def cells(config: Config, start: int, recurrent: int) -> "dict[str, keras.layers.Layer]":
    """{name: cell} of every cell with orthogonal recurrent weights.

    GRU and LSTM are there twice: as Keras starts them, and with gates that start with time scales.

    Args:
        start: seed of the input weights.
        recurrent: seed of the recurrent weights.
    """
    import keras

    from lab.initializers import GateBias
    from lab.layers import LayerNormGRUCell, LayerNormLSTMCell, PeepholeLSTMCell

    weights = {
        "kernel_initializer": keras.initializers.GlorotUniform(start),
        "recurrent_initializer": keras.initializers.Orthogonal(seed=recurrent),
    }
    kinds = {
        "simple": keras.layers.SimpleRNNCell,
        "lstm": keras.layers.LSTMCell,
        "gru": keras.layers.GRUCell,
        "peephole_lstm": PeepholeLSTMCell,
        "layer_norm_lstm": LayerNormLSTMCell,
        "layer_norm_gru": LayerNormGRUCell,
    }
    made = {name: kind(config.units, **weights) for name, kind in kinds.items()}
    gated: dict[str, dict[str, Any]] = {"gru": {}, "lstm": {"unit_forget_bias": False}}
    for name, options in gated.items():
        bias = GateBias(name, config.units, max(config.length, 3), seed=start)
        made[f"{name}_chrono"] = kinds[name](config.units, bias_initializer=bias, **weights, **options)
    return made


def simple_cells(config: Config, start: int, recurrent: int) -> "dict[str, keras.layers.Layer]":
    """{name: simple cell} with each kind of recurrent weights in `WEIGHTS`; seeds as in `cells`."""
    import keras
    import numpy as np

    made = {}
    for name, (kind, gain) in WEIGHTS.items():
        if kind == "orthogonal":
            initializer = keras.initializers.Orthogonal(gain, seed=recurrent)
        else:
            initializer = keras.initializers.RandomNormal(stddev=gain / np.sqrt(config.units), seed=recurrent)
        made[f"simple_{name}"] = keras.layers.SimpleRNNCell(
            config.units, kernel_initializer=keras.initializers.GlorotUniform(start), recurrent_initializer=initializer
        )
    return made


def finite_updates(*curves: "Sequence[float] | np.ndarray") -> int:
    """Updates before the first number, in any of the curves, that is infinite or NaN."""
    import numpy as np

    return int(np.argmin(np.append(np.isfinite(np.array(curves)).all(axis=0), False)))


def learn(config: Config, clip: float | None, start: int, recurrent: int, order: int) -> "tuple[np.ndarray, np.ndarray]":
    """Trains a simple network with large recurrent weights on the adding problem.

    Args:
        clip: greatest norm of the gradient, or None.
        start, recurrent: seeds of the input weights and of the recurrent weights.
        order: seed of the examples.

    Returns:
        losses, and norms of the gradient before clipping, `[updates]` each.
    """
    import keras
    import numpy as np
    from keras import ops

    from lab import engine
    from lab.data import adding

    x, y = adding(32 * config.updates, config.training_length, seed=order)
    layer = keras.layers.SimpleRNN(
        config.units,
        kernel_initializer=keras.initializers.GlorotUniform(start),
        recurrent_initializer=keras.initializers.Orthogonal(1.5, seed=recurrent),
    )
    output = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(start + 1))
    model = keras.Sequential([keras.Input((config.training_length, 2)), layer, output])
    optimizer = keras.optimizers.SGD(config.learning_rate, global_clipnorm=clip)
    optimizer.build(model.trainable_variables)

    def update(x, y):
        def loss():
            return ops.mean(ops.square(model(x, training=True) - y)), ()

        (value, _), gradients = engine.value_and_grad(loss, model.trainable_variables)()
        optimizer.apply(gradients, model.trainable_variables)
        return value, ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))

    program = engine.compile(update, [*model.variables, *optimizer.variables])
    found = [[float(each) for each in program(x[i : i + 32], y[i : i + 32])] for i in range(0, len(x), 32)]
    losses, norms = np.array(found).T
    return losses, norms


def draw_clipping(path: Path, learnt: "dict[str, tuple[np.ndarray, np.ndarray]]", bound: float) -> None:
    """Draws losses and norms of gradients over updates.

    Args:
        learnt: {name: (losses, norms)}.
        bound: greatest norm where it is clipped.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    figure.suptitle("Training a network whose gradients explode, with and without clipping")
    for name, (losses, norms) in learnt.items():
        name = {"clipped": "gradients clipped", "free": "not clipped"}.get(name, name)
        left.plot(losses, label=name, linewidth=1)
        right.plot(norms, label=name, linewidth=1)
    right.axhline(bound, color="0.4", linestyle="--", label=f"bound: {bound:g}")
    left.set(yscale="log", xlabel="updates", ylabel="mean squared error")
    right.set(yscale="log", xlabel="updates", ylabel="gradient norm before clipping")
    for axes, most in ((left, 1e3), (right, 1e5)):
        axes.set_ylim(top=min(axes.get_ylim()[1], most))  # a diverging curve is cut
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"length": 6, "units": 4, "batch_size": 2, "updates": 3, "training_length": 5})
