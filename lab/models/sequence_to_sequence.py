"""A recurrent network that reads one sequence and writes another, with attention."""

import keras
import numpy as np
from numpy.typing import ArrayLike

from lab import engine, validation
from lab.models.sequence import recurrent
from lab.validation import GATED, require_name

TOGETHER = 500  # sources that are answered in one call


def sequence_to_sequence(
    symbols: int, source_steps: int, *, cell: str = "gru", units: int = 64, embedding: int = 32, seed: int
) -> keras.Model:
    """An encoder and a decoder with attention over all steps of the source (Luong et al. 2015).

        symbols [B, source_steps + T]: the source, then the answer of the step before
        -> logits [B, T, symbols], float32

        H = [forward(source), backward(source)]
        h_t = decoder(y_t-1, h_t-1),   h_0 = tanh(W_0 [last forward, last backward state] + b_0)
        a_t = softmax_s(h_t W_a H_s)   over the steps of the source that are not padding
        logits = W tanh(W_c [sum_s a_ts H_s, h_t]) + b

    The cells of an LSTM start as h does. Symbol 0 is padding in a source, and the start of an
    answer. `with_answers` makes inputs for training, `answer` writes answers.

    Source: Luong, Pham and Manning 2015, "general" attention, without input feeding; the encoder in
    two directions: Bahdanau et al. 2015.

    Args:
        symbols: how many there are, as integers from 0, in source and answer.
        source_steps: steps of a source with its padding.
        cell: of encoder and decoder: gru or lstm.
        units: of the decoder, and of each direction of the encoder.
        embedding: numbers for each symbol.
        seed: of the initial weights.
    """
    require_name("cell", cell, GATED)
    validation.integer("symbols", symbols, 2)
    validation.integer("source_steps", source_steps)
    validation.integer("units", units)
    validation.integer("embedding", embedding)
    seeds = np.random.SeedSequence(seed).generate_state(16).tolist()

    def dense(outputs, number, **options):
        return keras.layers.Dense(outputs, kernel_initializer=keras.initializers.GlorotUniform(seeds[number]), **options)

    def embed(number, **options):
        start = keras.initializers.RandomUniform(seed=seeds[number])
        return keras.layers.Embedding(symbols, embedding, embeddings_initializer=start, **options)

    inputs = keras.Input((None,), dtype="int32", name="symbols")
    source = keras.ops.reshape(inputs[:, :source_steps], (-1, source_steps))  # their number is known
    before = inputs[:, source_steps:]
    both = {"return_sequences": True, "return_state": True}
    encoder = keras.layers.Bidirectional(
        recurrent(cell, units, seeds[2:5], 0, **both, name="forward"),
        backward_layer=recurrent(cell, units, seeds[5:8], 0, **both, go_backwards=True, name="backward"),
        name="encoder",
    )
    read, *states = encoder(embed(0, mask_zero=True, name="source")(source))
    last = keras.layers.Concatenate(name="last")([states[0], states[len(states) // 2]])  # h of both directions
    starts = [dense(units, 8 + i, activation="tanh", name=f"start{i}")(last) for i in range(len(states) // 2)]
    decoder = recurrent(cell, units, seeds[10:13], 0, return_sequences=True, name="decoder")
    written = decoder(embed(1, name="before")(before), initial_state=starts)
    query = dense(2 * units, 13, use_bias=False, name="query")(written)
    context, _ = keras.layers.Attention(name="attention")([query, read], return_attention_scores=True)
    together = keras.layers.Concatenate(name="together")([context, written])
    hidden = dense(units, 14, activation="tanh", use_bias=False, name="attended")(together)
    logits = dense(symbols, 15, dtype="float32", name="outputs")(hidden)
    return keras.Model(inputs, logits, name="sequence_to_sequence")


def with_answers(sources: ArrayLike, answers: ArrayLike) -> np.ndarray:
    """Inputs of a `sequence_to_sequence` network in training, int32 `[B, S + T]`.

    At each step of an answer the network is told the right symbol of the step before, at the first
    step 0.

    Args:
        sources: integers `[B, S]`, padded with 0.
        answers: integers `[B, T]`.
    """
    source, told = _integers("sources", sources), _integers("answers", answers)
    if len(source) != len(told):
        raise ValueError(f"answers: expected {len(source)}, one for each source, received {len(told)}.")
    return np.concatenate([source, np.zeros_like(told[:, :1]), told[:, :-1]], axis=1)


def answer(network: keras.Model, sources: ArrayLike, steps: int) -> np.ndarray:
    """The answers of a `sequence_to_sequence` network, int32 `[B, steps]`.

    Each symbol is the most probable one after those that were written before it.

    Args:
        network: of `sequence_to_sequence`.
        sources: integers `[B, S]`, padded with 0.
        steps: of an answer.
    """
    read, taken = _known(network, "sources", sources), _source_steps(network)
    if read.shape[1] != taken:
        raise ValueError(f"sources: expected {taken} steps, those of the network, received {read.shape[1]}.")
    answers = np.zeros((len(read), validation.integer("steps", steps)), "int32")
    program = engine.compile(lambda x: network(x, training=False), network.variables)
    for start in range(0, len(read), TOGETHER):
        source, written = read[start : start + TOGETHER], answers[start : start + TOGETHER]
        for step in range(steps):
            written[:, step] = np.asarray(program(with_answers(source, written)))[:, step].argmax(axis=-1)
    return answers


def attention_weights(network: keras.Model, x: ArrayLike) -> np.ndarray:
    """How much each step of an answer attends to each step of the source, `[B, T, S]`.

    Args:
        network: of `sequence_to_sequence`.
        x: of `with_answers`.
    """
    symbols, taken = _known(network, "x", x), _source_steps(network)
    if symbols.shape[1] <= taken:
        raise ValueError(f"x: expected more than {taken} steps, a source and an answer, received {symbols.shape[1]}.")
    weights = keras.Model(network.inputs[0], network.get_layer("attention").output[1])
    return np.asarray(weights(symbols, training=False))


def _source_steps(network):
    return network.get_layer("source").output.shape[1]


def _integers(name, values):
    """The values as int32 `[B, T]`."""
    array = np.asarray(values)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected integers [B, T], at least one, received {array.dtype} {array.shape}.")
    return array.astype("int32")


def _known(network, name, values):
    """The same, of symbols that a network knows."""
    array, symbols = _integers(name, values), network.outputs[0].shape[-1]
    if array.min() < 0 or array.max() >= symbols:
        raise ValueError(f"{name}: expected symbols from 0 to {symbols - 1}, received {array.min()} to {array.max()}.")
    return array
