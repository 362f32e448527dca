"""How far back in time an error reaches."""

import keras
import numpy as np
from keras import ops

from lab import engine


def hidden_gradients(cell, inputs, *, target=None):
    """|dL / dh_t| of a recurrent cell, the mean over the batch of the norm: an array `[T]`, t = 1..T.

    L is a half of |h_T - target|² (target 0 by default), so that at the end the norm is |h_T - target|. Where norms fall exponentially with
    T - t, what came early is not learnt; where they grow, learning breaks (Bengio et al. 1994; Pascanu et al. 2013, section 2). Of a cell with
    more states than the output, such as an LSTM's, the norm is of all of them together.

    Args:
        cell: a Keras recurrent cell.
        inputs: `[B, T, D]`.
        target: `[B, units]` that h_T should be.
    """
    inputs = ops.convert_to_tensor(inputs, dtype="float32")
    if len(inputs.shape) != 3 or inputs.shape[1] < 1:
        raise ValueError(f"inputs: expected [B, T, D] with T >= 1, received {tuple(inputs.shape)}.")
    batch, length, _ = inputs.shape
    if not cell.built:
        cell.build((batch, inputs.shape[-1]))
    sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    nudges = keras.Variable(
        np.zeros((length, batch, sum(sizes))), dtype="float32", trainable=True
    )  # added to the states after each step
    places = np.cumsum(sizes)[:-1].tolist()

    def loss():
        states = [ops.zeros((batch, size)) for size in sizes]
        for t in range(length):
            _, states = cell(inputs[:, t], states)
            states = states if isinstance(states, (list, tuple)) else [states]
            shifts = ops.split(nudges.value[t], places, axis=-1) if places else [nudges.value[t]]
            states = [state + shift for state, shift in zip(states, shifts, strict=True)]
        wanted = 0.0 if target is None else target
        return 0.5 * ops.sum(
            ops.square(states[0] - wanted)
        ), ()  # the first state is the output, of all cells here and in Keras

    _, (gradient,) = engine.value_and_grad(loss, [nudges])()
    return np.linalg.norm(ops.convert_to_numpy(gradient), axis=-1).mean(axis=-1)
