"""Causal self-attention, with rotary positions."""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor


@keras.saving.register_keras_serializable(package="lab")
class CausalSelfAttention(keras.layers.Layer):
    """Each step attends to itself and to earlier steps: `[B, T, D]` -> the same.

        q, k, v = x W_q, x W_k, x W_v          in heads of D / heads numbers
        y = softmax(q k^T / sqrt(D / heads)) v W_o,    later steps have no weight

    With rotary positions, q and k of step t are turned by angles that grow with t, so that q k^T
    depends on the distance of two steps. Pairs of numbers (2i, 2i + 1) of a head are turned by

        t 10000^(-2i heads / D)

    Steps that a mask leaves out get no weight. Sources: Vaswani et al. 2017, section 3.2; Su et al.
    2021, eq. 34.

    Args:
        heads: number of heads. It divides D; with rotary positions, D / heads is even.
        rotary: whether positions are rotary. Otherwise the layer knows no positions.
        seed: seeds the kernels, which start Glorot uniform.
    """

    def __init__(self, heads: int = 4, rotary: bool = True, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.heads = validation.integer("heads", heads)
        self.rotary = bool(rotary)
        self.seed = seed
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the four kernels."""
        size = input_shape[-1]
        if size % self.heads or (self.rotary and size // self.heads % 2):
            kind = "an even multiple" if self.rotary else "a multiple"
            raise ValueError(f"inputs: expected {kind} of {self.heads} heads in the last axis, received {size}.")
        seeds = [None] * 4 if self.seed is None else np.random.SeedSequence(self.seed).generate_state(4).tolist()
        for name, seed in zip(("query", "key", "value", "output"), seeds):
            start = keras.initializers.GlorotUniform(seed)
            setattr(self, f"{name}_kernel", self.add_weight(shape=(size, size), initializer=start, name=name))

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The attended values of each step."""
        query, key, value = (
            self._by_head(ops.matmul(inputs, kernel)) for kernel in (self.query_kernel, self.key_kernel, self.value_kernel)
        )  # [B, H, T, D / H]
        if self.rotary:
            query, key = _turned(query), _turned(key)
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) / np.sqrt(query.shape[-1])
        steps = ops.arange(ops.shape(inputs)[1])
        seen = steps[:, None] >= steps[None, :]
        if mask is not None:
            seen = ops.logical_and(seen, ops.cast(mask, "bool")[:, None, None, :])
        scores = ops.where(seen, ops.cast(scores, "float32"), -1e9)
        attended = ops.matmul(ops.cast(ops.softmax(scores, axis=-1), value.dtype), value)
        flat = ops.reshape(ops.transpose(attended, (0, 2, 1, 3)), ops.shape(inputs))
        return ops.matmul(flat, self.output_kernel)

    def _by_head(self, x):
        batch, steps = ops.shape(x)[:2]
        return ops.transpose(ops.reshape(x, (batch, steps, self.heads, x.shape[-1] // self.heads)), (0, 2, 1, 3))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"heads": self.heads, "rotary": self.rotary, "seed": self.seed}


def _turned(x):
    """`[B, H, T, S]` with each pair of numbers turned by its step's angle."""
    size = x.shape[-1]
    rates = np.float32(10_000.0) ** (-np.arange(0, size, 2, dtype="float32") / size)
    angles = ops.cast(ops.arange(ops.shape(x)[2]), "float32")[:, None] * rates  # [T, S / 2]
    cosine, sine = ops.cast(ops.cos(angles), x.dtype), ops.cast(ops.sin(angles), x.dtype)
    even, odd = x[..., ::2], x[..., 1::2]
    turned = ops.stack([even * cosine - odd * sine, even * sine + odd * cosine], axis=-1)
    return ops.reshape(turned, ops.shape(x))
