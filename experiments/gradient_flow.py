"""How far back in time an error reaches: |dL / dh_t| for each cell, with orthogonal and random recurrent weights, and what clipping does.

Expected: faded_simple_random <= 1e-6 (|dL / dh_1| over |dL / dh_T| after 100 steps, of a simple cell with small random weights)
Time: about a minute of one core
Source: Bengio et al. 1994; Pascanu et al. 2013, sections 2 and 3 (vanishing, exploding, clipping); Saxe et al. 2014 (orthogonal weights).

Draws cells.png (every cell as Keras starts it, and with gates that start at time scales), weights.png (a simple cell with recurrent weights of several kinds) and clipping.png (a simple cell with large weights
learns the adding problem with clipping, and diverges without; `finite_updates_free` counts the updates until then).
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.validation import Interval

WEIGHTS = {  # name: (kind, gain) of the recurrent weights; random ones are N(0, gain² / units)
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
    """Updates of each of the two networks that learn."""
    training_length: Annotated[int, Interval(2, 10**5)] = 50
    """Steps of the sequences that they learn from."""
    clip_norm: Annotated[float, Interval(over=0, high=1e12)] = 1.0
    """Greatest norm of the gradient where it is clipped."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 0.03
    """Step size of plain gradient descent."""

    def __post_init__(self):
        validation.check_fields(self)

    @property
    def total_steps(self):
        """Updates in the whole run."""
        return 2 * self.updates

    def memory(self):
        """What the run holds."""
        return [
            memory.Need("sequences", 32 * self.updates * self.training_length * 16, "--updates, --training-length"),
            memory.Need("cells", 11 * memory.dense(2 * self.units, 4 * self.units), "--units"),
            memory.Need(
                "states of a batch", memory.array(4, self.batch_size, self.length, self.units), "--batch-size, --length"
            ),
        ]


def run(config, track):
    """Measures, learns, and draws."""
    import keras
    import numpy as np

    from experiments.common.gan import seeds
    from lab.initializers import GateBias
    from lab.layers import LayerNormGRUCell, LayerNormLSTMCell, PeepholeLSTMCell
    from lab.visualize import hidden_gradients, save_gradient_flow

    drawn, start, recurrent, order = seeds(track, 4)
    x = np.random.default_rng(drawn).normal(size=(config.batch_size, config.length, 8)).astype("float32")
    kernel = keras.initializers.GlorotUniform(start)
    orthogonal = keras.initializers.Orthogonal(seed=recurrent)
    kinds = {
        "simple": keras.layers.SimpleRNNCell, "lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell,
        "peephole_lstm": PeepholeLSTMCell, "layer_norm_lstm": LayerNormLSTMCell, "layer_norm_gru": LayerNormGRUCell,
    }  # fmt: skip
    cells = {
        name: kind(config.units, kernel_initializer=kernel, recurrent_initializer=orthogonal) for name, kind in kinds.items()
    }
    for name, options in {"gru": {}, "lstm": {"unit_forget_bias": False}}.items():
        bias = GateBias(name, config.units, max(config.length, 3), seed=start)
        cells[f"{name}_chrono"] = kinds[name](
            config.units, kernel_initializer=kernel, recurrent_initializer=orthogonal, bias_initializer=bias, **options
        )
    weights = {}
    for name, (kind, gain) in WEIGHTS.items():
        rotation = keras.initializers.Orthogonal(gain, seed=recurrent)
        noise = keras.initializers.RandomNormal(stddev=gain / np.sqrt(config.units), seed=recurrent)
        made = rotation if kind == "orthogonal" else noise
        weights[f"simple_{name}"] = keras.layers.SimpleRNNCell(
            config.units, kernel_initializer=kernel, recurrent_initializer=made
        )
    results: dict[str, float] = {}
    for picture, group in {"cells": cells, "weights": weights}.items():
        curves = {name: hidden_gradients(cell, x) for name, cell in group.items()}
        save_gradient_flow(track.artifacts / f"{picture}.png", curves, title=f"{config.units} units, T = {config.length}")
        track.artifact(f"{picture}.png")
        results |= {f"faded_{name}": float(norms[0] / max(norms[-1], 1e-30)) for name, norms in curves.items()}
    learnt = {
        name: learn(config, clip, start, recurrent, order) for name, clip in (("clipped", config.clip_norm), ("free", None))
    }
    clipping(track.artifacts / "clipping.png", learnt, config.clip_norm)
    track.artifact("clipping.png")
    for i, (name, (losses, norms)) in enumerate(learnt.items()):
        sound = finite_updates(losses, norms)
        for at in range(sound):
            track.log({f"loss_{name}": losses[at], f"gradient_norm_{name}": norms[at]}, i * config.updates + at + 1)
        results[f"finite_updates_{name}"] = float(sound)
    return results


def finite_updates(*curves):
    """Updates before the first number that is infinite or none, in any of the curves."""
    import numpy as np

    return int(np.argmin(np.append(np.isfinite(np.array(curves)).all(axis=0), False)))


def learn(config, clip, start, recurrent, order):
    """(losses, norms of the gradient before clipping) of a simple network with large recurrent weights on the adding problem."""
    import keras
    import numpy as np
    from keras import ops

    from lab import engine
    from lab.data import adding

    x, y = adding(32 * config.updates, config.training_length, seed=order)
    layer = keras.layers.SimpleRNN(
        config.units, kernel_initializer=keras.initializers.GlorotUniform(start),
        recurrent_initializer=keras.initializers.Orthogonal(1.5, seed=recurrent),
    )  # fmt: skip
    model = keras.Sequential([keras.Input((config.training_length, 2)), layer, keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(start + 1))])  # fmt: skip
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
    return tuple(np.array(found).T)


def clipping(path, learnt, bound):
    """Draws losses and norms over updates."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, (losses, norms) in learnt.items():
        left.plot(losses, label=name, linewidth=1)
        right.plot(norms, label=name, linewidth=1)
    right.axhline(bound, color="0.4", linestyle="--", label="bound")
    left.set(yscale="log", xlabel="updates", ylabel="mean squared error")
    right.set(yscale="log", xlabel="updates", ylabel="norm of the gradient, before clipping")
    for axes, most in ((left, 1e3), (right, 1e5)):
        axes.set_ylim(top=min(axes.get_ylim()[1], most))  # of what diverges the beginning
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"length": 6, "units": 4, "batch_size": 2, "updates": 3, "training_length": 5})
