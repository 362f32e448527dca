"""Recurrent networks over sequences of numbers or symbols."""

import keras
import numpy as np

from lab import validation
from lab.initializers import GateBias
from lab.layers import LayerNormGRUCell, LayerNormLSTMCell, PeepholeLSTMCell
from lab.validation import CELLS, GATED, require_name


def sequence_network(
    cell, outputs, *, features=None, symbols=None, units=128, layers=1, embedding=64, dropout=0.0, every_step=False, time_scale=0, seed, name=None
):  # fmt: skip
    """Sequences -> `[B, outputs]` of the last step, or `[B, T, outputs]` of every step: an embedding, recurrent layers, a linear map, float32.

    Input kernels start Glorot uniform, recurrent ones orthogonal, forget gates at 1, as Keras has them; an "irnn" (Le et al. 2015) is a ReLU
    recurrence that starts as the identity with input kernels N(0, 0.001²).

    Args:
        cell: one of `CELLS`.
        features: numbers per step, for inputs `[B, T, features]`; or
        symbols: integers from 0 to symbols - 1, for inputs `[B, T]`, of which 0 is padding and skipped unless every step answers.
        units: of each recurrent layer.
        embedding: numbers for each symbol.
        dropout: of what a recurrent layer gets.
        time_scale: steps up to which the gates of a GRU or LSTM start to remember, >= 3 (`lab.initializers.GateBias`); 0 leaves their biases as above.
        seed: of the initial weights and of dropout.
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
        x = keras.layers.Embedding(
            symbols, embedding, embeddings_initializer=start, mask_zero=not every_step, name="embedding"
        )(inputs)
    for i in range(layers):
        x = keras.layers.Dropout(dropout, seed=next(seeds), name=f"dropout{i + 1}")(x) if dropout else x
        options = {"return_sequences": every_step or i < layers - 1, "name": f"recurrent{i + 1}"}
        x = recurrent(cell, units, [next(seeds) for _ in range(3)], time_scale, **options)(x)
    last = keras.layers.Dense(
        outputs, kernel_initializer=keras.initializers.GlorotUniform(next(seeds)), dtype="float32", name="outputs"
    )
    return keras.Model(inputs, last(x), name=name or f"{cell}_network")


def recurrent(cell, units, seeds, time_scale, **options):
    """A recurrent layer by the name of its cell and three seeds; Keras's own are their fastest form."""
    one, two, three = seeds
    if cell == "irnn":
        starts = {
            "kernel_initializer": keras.initializers.RandomNormal(stddev=0.001, seed=one),
            "recurrent_initializer": keras.initializers.Identity(),
        }
        return keras.layers.SimpleRNN(units, "relu", seed=one, **starts, **options)
    starts = {
        "kernel_initializer": keras.initializers.GlorotUniform(one),
        "recurrent_initializer": keras.initializers.Orthogonal(seed=two),
        "seed": one,  # without one Keras draws it, though nothing uses it
    }
    if time_scale:
        starts["bias_initializer"] = GateBias(cell, units, time_scale, seed=three)
        options |= {"unit_forget_bias": False} if cell == "lstm" else {}
    kinds = {"simple": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
    if cell in kinds:
        return kinds[cell](units, **starts, **options)
    ours = {"peephole_lstm": PeepholeLSTMCell, "layer_norm_lstm": LayerNormLSTMCell, "layer_norm_gru": LayerNormGRUCell}
    return keras.layers.RNN(ours[cell](units, **starts), **options)


def generate(network, prompt, length, *, temperature=1.0, seed=0, banned=()):
    """A continuation of `length` symbols of a prompt int32 `[T]`, drawn one by one from softmax(logits / temperature), as int32 `[length]`.

    Args:
        network: a `sequence_network` with symbols and an answer at every step.
        temperature: 0 takes the most probable symbol.
        banned: symbols that are never drawn, such as padding.
    """
    prompt = np.asarray(prompt, "int32")
    if prompt.ndim != 1 or not len(prompt):
        raise ValueError(f"prompt: expected at least one symbol [T], received shape {prompt.shape}.")
    known = network.get_layer("embedding").input_dim
    if prompt.min() < 0 or prompt.max() >= known:
        raise ValueError(f"prompt: expected symbols from 0 to {known - 1}, received {prompt.min()} to {prompt.max()}.")
    validation.NOT_NEGATIVE.check("temperature", temperature)
    rng, step = np.random.default_rng(seed), _stateful(network)
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
    """A function, symbol -> logits of the next one as an array, which remembers what it was given."""
    from keras import ops

    from lab import engine

    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.RNN)]
    cells = [layer.cell for layer in layers]
    sizes = [cell.state_size if isinstance(cell.state_size, list | tuple) else [cell.state_size] for cell in cells]
    memory = [[keras.Variable(np.zeros((1, size)), dtype="float32", trainable=False) for size in group] for group in sizes]
    embedding, outputs = network.get_layer("embedding"), network.get_layer("outputs")

    def program(symbol):
        x = embedding(ops.reshape(symbol, (1,)))
        for cell, states in zip(cells, memory):
            x, new = cell(x, [state.value for state in states])
            for state, value in zip(states, new if isinstance(new, list | tuple) else [new]):
                state.assign(value)
        return outputs(x)[0]

    compiled = engine.compile(program, [*(state for group in memory for state in group), *network.variables])
    return lambda symbol: ops.convert_to_numpy(compiled(np.int32(symbol)))
