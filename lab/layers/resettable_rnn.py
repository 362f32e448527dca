"""A recurrent layer for sequences in which episodes end and begin."""

from typing import Any

import keras
from keras import ops

from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class ResettableRNN(keras.layers.Layer):
    """`keras.layers.RNN` that resets its state to zero wherever an episode starts.

    Inputs: `[sequences [B, T, D], starts [B, T]]`. A start is true at the first step of an episode.
    Neither states nor gradients cross a start.

    Output: `[B, T, units]`, or `[B, units]` of the last step.

    The cell computes with its own dtype policy. Outputs and returned states have the dtype of this
    layer.

    Args:
        cell: a cell of `keras.layers`, without dropout, or of this library.
        return_sequences: whether to return all outputs or only the last one.
        return_state: whether to return the last states too, after the output.
        unroll: one copy of the cell per step instead of a loop. An engine program that
            differentiates this layer on TensorFlow needs unroll=True or xla=False, because XLA
            cannot compile the gradient of Keras's loop.
    """

    def __init__(
        self,
        cell: keras.layers.Layer,
        return_sequences: bool = True,
        return_state: bool = False,
        unroll: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.cell = _without_dropout(cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.unroll = unroll
        self.rnn = keras.layers.RNN(
            _ResettingCell(cell, dtype=cell.dtype_policy),
            return_sequences=return_sequences,
            return_state=return_state,
            unroll=unroll,
            dtype=self.dtype_policy,
            name="rnn",
        )

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Builds the cell."""
        sequences, starts = input_shape
        if len(sequences) != 3 or len(starts) != 2:
            raise ValueError(f"inputs: expected shapes [B, T, D] and [B, T], received {input_shape}.")
        self.rnn.build((*sequences[:-1], sequences[-1] + 1))

    def call(
        self,
        inputs: Tensor,
        initial_state: Tensor | None = None,
        mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor:
        """Runs over the sequences from an initial state or zeros. Masked steps change no state."""
        sequences, starts = inputs
        joined = ops.concatenate([sequences, ops.cast(starts, sequences.dtype)[:, :, None]], axis=-1)
        return self.rnn(joined, initial_state=initial_state, mask=_first(mask), training=training)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The mask of the sequences, if sequences are returned."""
        return self.rnn.compute_mask(inputs[0], _first(mask))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shapes of the outputs and, if they are returned, of the states."""
        sequences = input_shape[0]
        return self.rnn.compute_output_shape((*sequences[:-1], sequences[-1] + 1))

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        cell = keras.saving.serialize_keras_object(self.cell)
        names = ("return_sequences", "return_state", "unroll")
        own = {"cell": cell} | {name: getattr(self, name) for name in names}
        return super().get_config() | own

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> keras.layers.Layer:
        """A new layer around a new cell."""
        return cls(**(config | {"cell": keras.saving.deserialize_keras_object(config["cell"])}))


def _without_dropout(cell):
    """The cell. ValueError if it or a cell of its stack has dropout.

    Keras renews dropout masks only for the cell of its own layer.
    """
    for name in ("dropout", "recurrent_dropout"):
        if getattr(cell, name, 0):
            raise ValueError(f"cell: expected {name} 0, received {getattr(cell, name)}.")
    for part in getattr(cell, "cells", ()):
        _without_dropout(part)
    return cell


def _first(mask):
    """The mask of the sequences, the first of the two inputs."""
    return mask[0] if isinstance(mask, list | tuple) else mask


class _ResettingCell(keras.layers.Layer):
    """A cell whose last input feature says where its states are first set to zero."""

    def __init__(self, cell: keras.layers.Layer, **options: Any) -> None:
        super().__init__(**options)
        self.cell = cell
        self.state_size = cell.state_size
        self.output_size = cell.output_size

    def build(self, input_shape: tuple[Any, ...]) -> None:
        if not self.cell.built:  # a loaded cell may be built already
            self.cell.build((*input_shape[:-1], input_shape[-1] - 1))

    def call(self, inputs: Tensor, states: list[Tensor], training: bool | None = None) -> tuple[Tensor, list[Tensor]]:
        start = inputs[:, -1:] > 0.5
        states = keras.tree.map_structure(lambda state: ops.where(start, ops.zeros_like(state), state), states)
        output, new = self.cell(inputs[:, :-1], states, training=training)
        # The states of a loop must keep their dtype, and a stack's need not be that of its cells.
        old = keras.tree.flatten(states)
        new = [ops.cast(state, before.dtype) for state, before in zip(keras.tree.flatten(new), old, strict=True)]
        return output, keras.tree.pack_sequence_as(states, new)

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        return self.cell.get_initial_state(batch_size)
