"""Recurrent networks over sequences of numbers or symbols."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from lab import validation
from lab.initializers import GateBias
from lab.layers import LayerNormGRUCell, LayerNormLSTMCell, PeepholeLSTMCell
from lab.validation import CELLS, GATED, require_name


def sequence_network(
    cell: str,
    outputs: int,
    *,
    features: int | None = None,
    symbols: int | None = None,
    units: int = 128,
    layers: int = 1,
    embedding: int = 64,
    dropout: float = 0.0,
    every_step: bool = False,
    time_scale: int = 0,
    seed: int,
    name: str | None = None,
) -> keras.Model:
    """A recurrent network over sequences: an embedding, recurrent layers, a linear map.

        numbers [B, T, features] or symbols [B, T]
        -> [B, outputs] of the last step, or [B, T, outputs] of every step, float32

    Input kernels start Glorot uniform, recurrent ones orthogonal, forget gates at 1, as in Keras.
    An "irnn" (Le et al. 2015) is a ReLU recurrence. It starts as the identity, with input kernels
    N(0, 0.001²).

    Args:
        cell: one of `CELLS`.
        outputs: numbers of an answer.
        features: numbers of a step. Give this or `symbols`.
        symbols: how many symbols there are, as integers from 0. 0 is padding, which is skipped
            unless every step answers.
        units: of each recurrent layer.
        layers: number of recurrent layers.
        embedding: numbers for each symbol.
        dropout: of the inputs of a recurrent layer.
        every_step: whether every step answers, or the last one alone.
        time_scale: the gates of a GRU or LSTM start with time scales up to this many steps, >= 3
            (`lab.initializers.GateBias`). 0 leaves their biases as above.
        seed: of the initial weights and of dropout.
        name: of the model.
    """
    require_name("cell", cell, CELLS)
    if (features is None) == (symbols is None):
        raise ValueError(f"features, symbols: expected one of them, received {features} and {symbols}.")
    validation.integer("layers", layers)
    if time_scale and cell not in GATED:
        raise ValueError(f"time_scale: expected 0 for a cell other than {' and '.join(GATED)}, received {time_scale}.")
    seeds = iter(np.random.SeedSequence(seed).generate_state(5 * layers + 2).tolist())
    if symbols is None:
        x = inputs = keras.Input((None, features), name="sequence")
    else:
        inputs = keras.Input((None,), dtype="int32", name="sequence")
        start = keras.initializers.RandomUniform(seed=next(seeds))
        embed = keras.layers.Embedding(
            symbols, embedding, embeddings_initializer=start, mask_zero=not every_step, name="embedding"
        )
        x = embed(inputs)
    for i in range(layers):
        x = keras.layers.Dropout(dropout, seed=next(seeds), name=f"dropout{i + 1}")(x) if dropout else x
        options = {"return_sequences": every_step or i < layers - 1, "name": f"recurrent{i + 1}"}
        x = recurrent(cell, units, [next(seeds) for _ in range(3)], time_scale, **options)(x)
    last = keras.layers.Dense(
        outputs, kernel_initializer=keras.initializers.GlorotUniform(next(seeds)), dtype="float32", name="outputs"
    )
    return keras.Model(inputs, last(x), name=name or f"{cell}_network")


def recurrent(cell: str, units: int, seeds: Sequence[int], time_scale: int, **options: Any) -> keras.layers.Layer:
    """A recurrent layer by the name of its cell. Keras's own cells come as its fast layers.

    Args:
        cell: one of `CELLS`.
        units: of the layer.
        seeds: three, of the kernels and of the gates.
        time_scale: as of `sequence_network`.
        **options: other arguments of the layer.
    """
    for_input, for_recurrence, for_gates = seeds
    if cell == "irnn":
        starts = {
            "kernel_initializer": keras.initializers.RandomNormal(stddev=0.001, seed=for_input),
            "recurrent_initializer": keras.initializers.Identity(),
        }
        return keras.layers.SimpleRNN(units, "relu", seed=for_input, **starts, **options)
    starts = {
        "kernel_initializer": keras.initializers.GlorotUniform(for_input),
        "recurrent_initializer": keras.initializers.Orthogonal(seed=for_recurrence),
        "seed": for_input,  # nothing uses it, but without it Keras draws one
    }
    if time_scale:
        starts["bias_initializer"] = GateBias(cell, units, time_scale, seed=for_gates)
        options |= {"unit_forget_bias": False} if cell == "lstm" else {}
    kinds = {"simple": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
    if cell in kinds:
        return kinds[cell](units, **starts, **options)
    ours = {"peephole_lstm": PeepholeLSTMCell, "layer_norm_lstm": LayerNormLSTMCell, "layer_norm_gru": LayerNormGRUCell}
    return keras.layers.RNN(ours[cell](units, **starts), **options)


def generate(
    network: keras.Model,
    prompt: ArrayLike,
    length: int,
    *,
    temperature: float = 1.0,
    seed: int = 0,
    banned: Iterable[int] = (),
) -> np.ndarray:
    """A continuation of a prompt, int32 `[length]`.

    Symbols are drawn one by one from softmax(logits / temperature).

    Args:
        network: a `sequence_network` with symbols and an answer at every step.
        prompt: integers `[T]`, at least one.
        length: number of symbols to draw.
        temperature: 0 takes the most probable symbol.
        seed: of the draws.
        banned: symbols that are never drawn, such as padding.
    """
    prompt = np.asarray(prompt, "int32")
    if prompt.ndim != 1 or not len(prompt):
        raise ValueError(f"prompt: expected at least one symbol [T], received shape {prompt.shape}.")
    known = network.get_layer("embedding").input_dim
    if prompt.min() < 0 or prompt.max() >= known:
        raise ValueError(f"prompt: expected symbols from 0 to {known - 1}, received {prompt.min()} to {prompt.max()}.")
    validation.NOT_NEGATIVE.check("temperature", temperature)
    rng = np.random.default_rng(seed)
    step = _stateful(network)
    for symbol in prompt:
        logits = step(symbol)
    drawn = []
    for _ in range(validation.integer("length", length)):
        scores = np.array(logits, np.float64)
        scores[list(banned)] = -np.inf
        if temperature:
            scores = (scores - scores.max()) / temperature
            shares = np.exp(scores - np.log(np.exp(scores).sum()))
            drawn.append(int(rng.choice(len(shares), p=shares / shares.sum())))
        else:
            drawn.append(int(scores.argmax()))
        logits = step(drawn[-1])
    return np.array(drawn, "int32")


def _stateful(network):
    """A function, symbol -> logits of the next one as an array. It remembers earlier symbols."""
    from keras import ops

    from lab import engine

    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.RNN)]
    cells = [layer.cell for layer in layers]
    sizes = [cell.state_size if isinstance(cell.state_size, list | tuple) else [cell.state_size] for cell in cells]
    memory = [[keras.Variable(np.zeros((1, size)), dtype="float32", trainable=False) for size in group] for group in sizes]
    embedding = network.get_layer("embedding")
    outputs = network.get_layer("outputs")

    def program(symbol):
        x = embedding(ops.reshape(symbol, (1,)))
        for cell, states in zip(cells, memory):
            x, new = cell(x, [state.value for state in states])
            for state, value in zip(states, new if isinstance(new, list | tuple) else [new]):
                state.assign(value)
        return outputs(x)[0]

    compiled = engine.compile(program, [*(state for group in memory for state in group), *network.variables])
    return lambda symbol: ops.convert_to_numpy(compiled(np.int32(symbol)))
