"""How far back in time an error reaches."""

import keras
import numpy as np
from keras import ops

from lab import engine
from lab.engine.types import Tensor


def hidden_gradients(cell: keras.layers.Layer, inputs: Tensor, *, target: Tensor = None) -> np.ndarray:
    """|dL / dh_t| of a recurrent cell, averaged over the batch: an array `[T]`, t = 1..T.

        L = |h_T - target|² / 2

    So the norm at the end is |h_T - target|. Where norms fall exponentially with T - t, early
    inputs are not learnt. Where they grow, learning diverges. If a cell has more states than the
    output, as an LSTM has, the norm is that of all states together.

    Source: Bengio et al. 1994; Pascanu et al. 2013, section 2.

    Args:
        cell: a Keras recurrent cell.
        inputs: `[B, T, D]`.
        target: `[B, units]` that h_T should be; None is 0.
    """
    inputs = ops.convert_to_tensor(inputs, dtype="float32")
    if len(inputs.shape) != 3 or inputs.shape[1] < 1:
        raise ValueError(f"inputs: expected [B, T, D] with T >= 1, received {tuple(inputs.shape)}.")
    batch, length, _ = inputs.shape
    if not cell.built:
        cell.build((batch, inputs.shape[-1]))
    sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    # added to the states after each step
    perturbations = keras.Variable(np.zeros((length, batch, sum(sizes))), dtype="float32", trainable=True)
    places = np.cumsum(sizes)[:-1].tolist()

    def loss():
        states = [ops.zeros((batch, size)) for size in sizes]
        for t in range(length):
            _, states = cell(inputs[:, t], states)
            states = states if isinstance(states, (list, tuple)) else [states]
            shift = perturbations.value[t]
            shifts = ops.split(shift, places, axis=-1) if places else [shift]
            states = [state + shift for state, shift in zip(states, shifts, strict=True)]
        output = states[0]  # the first state is the output, of all cells here and in Keras
        return 0.5 * ops.sum(ops.square(output - (0.0 if target is None else target))), ()

    _, (gradient,) = engine.value_and_grad(loss, [perturbations])()
    return np.linalg.norm(ops.convert_to_numpy(gradient), axis=-1).mean(axis=-1)
