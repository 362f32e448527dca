"""What a network with a memory does at each step: weights of its heads, and its memory."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from lab import engine
from lab.layers.memory_cell import MemoryCell


def trace(network: keras.Model, sequence: ArrayLike) -> dict[str, np.ndarray]:
    """The outputs and the states of a network's memory cell at each step of one sequence.

    Args:
        network: a model with one `RNN` layer around a `MemoryCell`, such as `memory_network`.
        sequence: `[T, D]`.

    Returns:
        {"outputs": `[T, units]`, and each state of the memory by its name: `[T, size]`}.
    """
    cell = _cell(network)
    states = [keras.Variable(state, trainable=False) for state in cell.get_initial_state(1)]

    def program(x):
        output, new = cell(x, [state.value for state in states], training=False)
        for state, value in zip(states, new):
            state.assign(value)
        return output[0], [value[0] for value in new[-len(cell.state_names) :]]

    step = engine.compile(program, [*states, *cell.variables])
    seen: dict[str, list[np.ndarray]] = {name: [] for name in ("outputs", *cell.state_names)}
    for x in np.asarray(sequence, "float32"):
        output, values = step(x[None])
        for name, value in zip(seen, [output, *values]):
            seen[name].append(np.array(ops.convert_to_numpy(value)))
    starts = cell.starts()
    return {name: np.stack(values) + starts.get(name, 0) for name, values in seen.items()}


def heads(network: keras.Model, traced: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights of each head over time, `{"read 1": [T, N], ..., "write 1": [T, N]}`."""
    cell = _cell(network)
    weights = traced["weights"].reshape(len(traced["weights"]), -1, cell.slots)
    named = {f"read {h + 1}": weights[:, h] for h in range(cell.read_heads)}
    if "written" in traced:
        return named | {"write": traced["written"]}
    return named | {f"write {h + 1 - cell.read_heads}": weights[:, h] for h in range(cell.read_heads, weights.shape[1])}


def _cell(network):
    """The network's cell with a memory."""
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.RNN) and isinstance(layer.cell, MemoryCell)]
    if len(layers) != 1:
        raise ValueError(f"network: expected one RNN layer around a cell with a memory, received {len(layers)}.")
    return layers[0].cell


def weights_figure(
    inputs: np.ndarray,
    targets: np.ndarray,
    answers: np.ndarray,
    weights: Mapping[str, np.ndarray],
    names: Sequence[str] = (),
) -> Any:
    """One sequence over time: inputs, targets, answers, and where each head attends.

    Args:
        inputs: `[T, D]`.
        targets: `[T, K]`, nan where no answer is due.
        answers: probabilities, `[T, K]`, nan where no answer is due.
        weights: {name of a head: `[T, N]`}.
        names: of the numbers of one-hot inputs, targets and answers, D = K. They are written beside
            what is answered, and below the steps. None by default.
    """
    from matplotlib.figure import Figure

    parts = {"inputs": inputs, "answers due": targets, "answers": answers} | dict(weights)
    sizes = [max(part.shape[1] / 6, 1) for part in list(parts.values())[:3]] + [2.5] * len(weights)
    figure = Figure(figsize=(7, 0.55 * sum(sizes) + 1), layout="constrained")
    axes = figure.subplots(len(parts), 1, sharex=True, gridspec_kw={"height_ratios": sizes})
    for axis, (name, part) in zip(axes, parts.items()):
        slots = name in weights
        shown = axis.imshow(part.T, aspect="auto", cmap="magma" if slots else "gray_r", vmin=0, vmax=1, interpolation="nearest")
        axis.set_ylabel(f"{name}\nslot" if slots else name, rotation=0, ha="right", va="center", fontsize=8)
        axis.set_yticks([0, part.shape[1] - 1] if slots else [])
        if names and not slots:
            rows = np.flatnonzero(np.nan_to_num(part).max(axis=0) > 0.2)
            axis.set_yticks(rows, [names[int(row)] for row in rows], fontsize=5)
    if names:
        axes[-1].set_xticks(
            range(len(inputs)), [names[int(number)] for number in inputs.argmax(axis=1)], rotation=90, fontsize=7
        )
    else:
        axes[-1].set_xlabel("step")
    figure.colorbar(shown, ax=axes[3:].tolist(), label="weight")
    figure.suptitle("One sequence: what comes in, what is due, what is answered, where the heads attend", fontsize=9)
    return figure


def save_memory(path: str | PathLike, memory: np.ndarray, weights: Mapping[str, np.ndarray], *, scale: int = 12) -> None:
    """The memory as a GIF, a picture a step, with the weights of each head beside it.

    Blue is negative, red positive. Left of the memory `[N, W]` is a column for each head.

    Args:
        path: of the GIF.
        memory: `[T, N, W]`.
        weights: {name of a head: `[T, N]`}.
        scale: pixels of a number.
    """
    from matplotlib import colormaps
    from PIL import Image

    bound = max(float(np.abs(memory).max()), 1e-6)
    pictures = []
    for step, content in enumerate(memory):
        columns = [colormaps["magma"](np.clip(each[step], 0, 1))[:, None, :3] for each in weights.values()]
        gap = np.ones((len(content), 1, 3))
        cells = colormaps["coolwarm"](0.5 + content / (2 * bound))[..., :3]
        picture = np.concatenate([*columns, gap, cells], axis=1)
        pictures.append(Image.fromarray(np.uint8(255 * np.kron(picture, np.ones((scale, scale, 1))))))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=250, loop=0)
