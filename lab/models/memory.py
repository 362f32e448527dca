"""Networks over sequences whose cell has a memory, and the same task for an LSTM."""

from collections.abc import Sequence

import keras
import numpy as np

from lab import validation
from lab.layers import DNCCell, LRUACell, NTMCell
from lab.validation import require_name

MEMORY_CELLS = ("ntm", "dnc", "lrua")
CONTROLLERS = ("lstm", "dense")
CORRECTIONS = ("masked", "erasing", "sharpened")


def memory_network(
    cell: str,
    features: int,
    outputs: int,
    *,
    controller: str = "lstm",
    units: int = 64,
    slots: int = 32,
    width: int = 16,
    read_heads: int = 1,
    write_heads: int = 1,
    corrections: Sequence[str] = (),
    strength: float = 1.0,
    seed: int,
) -> keras.Model:
    """A network that answers at every step.

        numbers [B, T, features] -> logits [B, T, outputs], float32

    Args:
        cell: one of `MEMORY_CELLS`.
        features: numbers of a step.
        outputs: numbers of an answer.
        controller: one of `CONTROLLERS`; "dense" has a tanh.
        units: of the controller.
        slots, width: of the memory.
        read_heads: heads that read.
        write_heads: heads that write, of an NTM alone. Elsewhere it must be 1.
        corrections: of a DNC alone: some of `CORRECTIONS`, see `lab.layers.DNCCell`.
        strength: of an LRUA cell alone: how sharply it reads, see `lab.layers.LRUACell`.
        seed: of the initial weights.
    """
    require_name("cell", cell, MEMORY_CELLS)
    require_name("controller", controller, CONTROLLERS)
    for name, value in {"features": features, "outputs": outputs, "units": units}.items():
        validation.integer(name, value)
    if corrections and cell != "dnc":
        raise ValueError(f"corrections: expected none for {cell}, received {', '.join(corrections)}.")
    if cell != "ntm" and write_heads != 1:
        raise ValueError(f"write_heads: expected 1 for {cell}, received {write_heads}.")
    if cell != "lrua" and strength != 1:
        raise ValueError(f"strength: expected 1 for {cell}, received {strength}.")
    for name in corrections:
        require_name("corrections", name, CORRECTIONS)
    for_input, for_recurrence, for_cell = np.random.SeedSequence(seed).generate_state(3).tolist()
    start = keras.initializers.GlorotUniform(for_input)
    inner: keras.layers.Layer
    if controller == "lstm":
        orthogonal = keras.initializers.Orthogonal(seed=for_recurrence)
        inner = keras.layers.LSTMCell(units, kernel_initializer=start, recurrent_initializer=orthogonal, seed=for_input)
    else:
        inner = keras.layers.Dense(units, "tanh", kernel_initializer=start)
    sizes = {"slots": slots, "width": width, "read_heads": read_heads, "seed": for_cell, "name": cell}
    made: keras.layers.Layer
    if cell == "ntm":
        made = NTMCell(outputs, inner, write_heads=write_heads, **sizes)
    elif cell == "lrua":
        made = LRUACell(outputs, inner, strength=strength, **sizes)
    else:
        made = DNCCell(outputs, inner, **{name: name in corrections for name in CORRECTIONS}, **sizes)
    inputs = keras.Input((None, features), name="sequence")
    answers = keras.layers.RNN(made, return_sequences=True, name="memory")(inputs)
    return keras.Model(
        inputs, keras.layers.Activation("linear", dtype="float32", name="outputs")(answers), name=f"{cell}_network"
    )
