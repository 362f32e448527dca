"""Recurrence over sequences in which episodes end and begin."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="lab")
class ResettableRNN(keras.layers.Layer):
    """`keras.layers.RNN` whose state is zero again wherever an episode starts.

    Inputs: `[sequences [B, T, D], starts [B, T]]`, true at an episode's first step, which then sees no state of before. Gradients do not
    cross a start either. -> `[B, T, units]`, or the last step's `[B, units]`. The cell computes by its own dtype policy. Outputs and states
    that are returned have this layer's dtype.

    Args:
        cell: a cell of `keras.layers`, without dropout, or of this library.
        return_sequences: all outputs, or the last one.
        return_state: whether the last states follow the output in a tuple.
        unroll: one copy of the cell per step in place of a loop. A program of the engine that differentiates the layer on
            TensorFlow needs it, or xla=False: XLA cannot compile the gradient of Keras's loop.
    """

    def __init__(self, cell, return_sequences=True, return_state=False, unroll=False, **options):
        super().__init__(**options)
        self.cell = _without_dropout(cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.unroll = unroll
        self.rnn = keras.layers.RNN(
            _ResettingCell(cell, dtype=cell.dtype_policy), return_sequences=return_sequences, return_state=return_state,
            unroll=unroll, dtype=self.dtype_policy, name="rnn",
        )  # fmt: skip

    def build(self, input_shape):
        """Builds the cell."""
        sequences, starts = input_shape
        if len(sequences) != 3 or len(starts) != 2:
            raise ValueError(f"inputs: expected shapes [B, T, D] and [B, T], received {input_shape}.")
        self.rnn.build((*sequences[:-1], sequences[-1] + 1))

    def call(self, inputs, initial_state=None, mask=None, training=None):
        """Runs over the sequences from an initial state, or from zeros; masked steps change no state."""
        sequences, starts = inputs
        joined = ops.concatenate([sequences, ops.cast(starts, sequences.dtype)[:, :, None]], axis=-1)
        return self.rnn(joined, initial_state=initial_state, mask=_first(mask), training=training)

    def compute_mask(self, inputs, mask=None):
        """The sequences' mask, if sequences are returned."""
        return self.rnn.compute_mask(inputs[0], _first(mask))

    def compute_output_shape(self, input_shape):
        """Of outputs and, if they are returned, states."""
        sequences = input_shape[0]
        return self.rnn.compute_output_shape((*sequences[:-1], sequences[-1] + 1))

    def get_config(self):
        """All arguments."""
        cell = keras.saving.serialize_keras_object(self.cell)
        names = ("return_sequences", "return_state", "unroll")
        own = {"cell": cell} | {name: getattr(self, name) for name in names}
        return super().get_config() | own

    @classmethod
    def from_config(cls, config):
        """A new layer around a new cell."""
        return cls(**(config | {"cell": keras.saving.deserialize_keras_object(config["cell"])}))


def _without_dropout(cell):
    """The cell; ValueError where it, or one of its stack, has dropout: Keras renews the masks of its own layer's cell only."""
    for name in ("dropout", "recurrent_dropout"):
        if getattr(cell, name, 0):
            raise ValueError(f"cell: expected {name} 0, received {getattr(cell, name)}.")
    for part in getattr(cell, "cells", ()):
        _without_dropout(part)
    return cell


def _first(mask):
    """The sequences' mask of the pair's."""
    return mask[0] if isinstance(mask, list | tuple) else mask


class _ResettingCell(keras.layers.Layer):
    """A cell whose last input feature says where its states are zeroed first."""

    def __init__(self, cell, **options):
        super().__init__(**options)
        self.cell = cell
        self.state_size, self.output_size = cell.state_size, cell.output_size

    def build(self, input_shape):
        if not self.cell.built:  # by its own saved configuration
            self.cell.build((*input_shape[:-1], input_shape[-1] - 1))

    def call(self, inputs, states, training=None):
        start = inputs[:, -1:] > 0.5
        states = keras.tree.map_structure(lambda state: ops.where(start, ops.zeros_like(state), state), states)
        output, new = self.cell(inputs[:, :-1], states, training=training)
        kept = keras.tree.flatten(states)  # a stack's dtype need not be that of its cells, and a loop's states stay of one
        new = [ops.cast(state, old.dtype) for state, old in zip(keras.tree.flatten(new), kept, strict=True)]
        return output, keras.tree.pack_sequence_as(states, new)

    def get_initial_state(self, batch_size=None):
        return self.cell.get_initial_state(batch_size)
