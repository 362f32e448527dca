"""Recurrent cells that Keras does not have, for `keras.layers.RNN`.

A cell maps (x `[B, D]`, states) to (h `[B, units]`, new states).
"""

from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


class _Cell(keras.layers.Layer):
    """A cell with `units` outputs.

    W and U hold the columns of all gates side by side. U starts orthogonal.
    """

    gates: int
    states: int

    def __init__(
        self,
        units: int,
        kernel_initializer: str | keras.initializers.Initializer | None = None,
        recurrent_initializer: str | keras.initializers.Initializer | None = None,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units = validation.integer("units", units)
        self.seed = seed
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.output_size = self.units
        self.state_size = [self.units] * self.states if self.states > 1 else self.units

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes W and U of all gates."""
        columns = self.gates * self.units
        kernel = self.kernel_initializer or keras.initializers.GlorotUniform(seed=self.seed)
        orthogonal = keras.initializers.Orthogonal(seed=None if self.seed is None else self.seed + 1)
        recurrent = self.recurrent_initializer or orthogonal

        def start(shape, dtype=None):
            return ops.cast(recurrent(shape, "float32"), dtype)  # Keras cannot decompose in bfloat16

        self.kernel = self.add_weight(shape=(input_shape[-1], columns), initializer=kernel, name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, columns), initializer=start, name="recurrent_kernel")

    def _bias(self, forget):
        """b of all gates: 1 for the forget gate, at position `forget` (Jozefowicz et al. 2015)."""

        def start(shape, dtype=None):
            return ops.cast(ops.repeat(ops.one_hot(forget, self.gates), self.units), dtype)

        return self.add_weight(shape=(self.gates * self.units,), initializer=start, name="bias")

    def _normalization(self, columns, name):
        layer = keras.layers.LayerNormalization(epsilon=1e-5, dtype=self.dtype_policy, name=name)
        layer.build((None, columns))
        return layer

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """States of zeros."""
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype) for _ in range(self.states)]

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("kernel_initializer", "recurrent_initializer")
        made = {name: getattr(self, name) and keras.initializers.serialize(getattr(self, name)) for name in names}
        return super().get_config() | {"units": self.units, "seed": self.seed} | made


@keras.saving.register_keras_serializable(package="lab")
class PeepholeLSTMCell(_Cell):
    """An LSTM whose gates see the cell state c through peepholes p.

        i = sigma(W_i x + U_i h + p_i c + b_i)
        f = sigma(W_f x + U_f h + p_f c + b_f)
        c' = f c + i tanh(W_g x + U_g h + b_g)
        o = sigma(W_o x + U_o h + p_o c' + b_o)
        h' = o tanh(c')

    States: [h, c]. Source: Gers and Schmidhuber 2000; Graves 2013, eq. 7-11.

    Args:
        units: size of h and c, >= 1.
        kernel_initializer: of W; Glorot uniform by default.
        recurrent_initializer: of U; orthogonal by default.
        seed: seeds the default initializers.
    """

    gates, states = 4, 2

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the weights. The columns are those of i, f, g, o."""
        super().build(input_shape)
        self.bias = self._bias(forget=1)
        self.peepholes = self.add_weight(shape=(3, self.units), initializer="zeros", name="peepholes")  # p_i, p_f, p_o

    def call(self, inputs: Tensor, states: list[Tensor], training: bool | None = None) -> tuple[Tensor, list[Tensor]]:
        """One step."""
        h, c = states
        total = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel) + self.bias
        i_and_f, g, o = ops.split(total, [2 * self.units, 3 * self.units], axis=-1)
        peeped = ops.reshape(self.peepholes[:2], (1, -1)) * ops.concatenate([c, c], axis=-1)  # p_i c, p_f c
        i, f = ops.split(ops.sigmoid(i_and_f + peeped), 2, axis=-1)  # one sigmoid: a third cheaper to differentiate
        c = f * c + i * ops.tanh(g)
        h = ops.sigmoid(o + self.peepholes[2] * c) * ops.tanh(c)
        return h, [h, c]


@keras.saving.register_keras_serializable(package="lab")
class LayerNormLSTMCell(_Cell):
    """An LSTM with layer normalisation LN.

        (f, i, o, g) = LN(U h) + LN(W x) + b
        c' = sigma(f) c + sigma(i) tanh(g)
        h' = sigma(o) tanh(LN(c'))

    States: [h, c]. Source: Ba et al. 2016, eq. 20-22.

    Sequences must not begin with zeros. As long as the inputs are exactly 0, the states are 0 too.
    A normalisation at 0 multiplies the gradient by 1 / sqrt(1e-5) = 316 at each step. After six
    zeros the norm of the gradient overflows float32. Scale inputs so that blanks are not 0.

    Args:
        units: size of h and c, >= 1.
        kernel_initializer: of W; Glorot uniform by default.
        recurrent_initializer: of U; orthogonal by default.
        seed: seeds the default initializers.
    """

    gates, states = 4, 2

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the weights. The columns are those of f, i, o, g."""
        super().build(input_shape)
        self.bias = self._bias(forget=0)
        self.input_norm = self._normalization(4 * self.units, "input_norm")
        self.recurrent_norm = self._normalization(4 * self.units, "recurrent_norm")
        self.cell_norm = self._normalization(self.units, "cell_norm")

    def call(self, inputs: Tensor, states: list[Tensor], training: bool | None = None) -> tuple[Tensor, list[Tensor]]:
        """One step."""
        h, c = states
        inner = self.recurrent_norm(ops.matmul(h, self.recurrent_kernel))
        f, i, o, g = ops.split(inner + self.input_norm(ops.matmul(inputs, self.kernel)) + self.bias, 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(self.cell_norm(c))
        return h, [h, c]


@keras.saving.register_keras_serializable(package="lab")
class LayerNormGRUCell(_Cell):
    """A GRU with layer normalisation LN.

        (z, r) = LN(U_zr h) + LN(W_zr x)
        g = tanh(LN(W_g x) + sigma(r) LN(U_g h))
        h' = (1 - sigma(z)) h + sigma(z) g

    The biases are those of the normalisations. State: h. Source: Ba et al. 2016, eq. 26-29.

    Args:
        units: size of h, >= 1.
        kernel_initializer: of W; Glorot uniform by default.
        recurrent_initializer: of U; orthogonal by default.
        seed: seeds the default initializers.
    """

    gates, states = 3, 1

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the weights. The columns are those of z, r, g."""
        super().build(input_shape)
        for name in ("input", "recurrent"):
            setattr(self, f"{name}_gate_norm", self._normalization(2 * self.units, f"{name}_gate_norm"))
            setattr(self, f"{name}_candidate_norm", self._normalization(self.units, f"{name}_candidate_norm"))

    def call(self, inputs: Tensor, states: list[Tensor], training: bool | None = None) -> tuple[Tensor, list[Tensor]]:
        """One step."""
        (h,) = states
        x_gates, x_candidate = ops.split(ops.matmul(inputs, self.kernel), [2 * self.units], axis=-1)
        h_gates, h_candidate = ops.split(ops.matmul(h, self.recurrent_kernel), [2 * self.units], axis=-1)
        z, r = ops.split(ops.sigmoid(self.recurrent_gate_norm(h_gates) + self.input_gate_norm(x_gates)), 2, axis=-1)
        g = ops.tanh(self.input_candidate_norm(x_candidate) + r * self.recurrent_candidate_norm(h_candidate))
        h = (1 - z) * h + z * g
        return h, [h]
