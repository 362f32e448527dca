"""The Neural Turing Machine."""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.layers import addressing
from lab.layers.memory_cell import MemoryCell

START = 1e-6  # of every number in the memory (Collier and Beel 2018)


@keras.saving.register_keras_serializable(package="lab")
class NTMCell(MemoryCell):
    """A Neural Turing Machine: a controller whose heads move along a memory.

    Each head sends a key k, a strength beta, a gate g, shifts s and a power gamma:

        w_c = softmax_i(beta K(k, M_i))          by content
        w_g = g w_c + (1 - g) w                  or as before
        w'  = sharpen(shift(w_g, s), gamma)      moved

    A write head also sends e and a. All heads read and write the memory M of the step before:

        r  = sum_i w_i' M_i
        M_i' = M_i prod_h (1 - w_hi e_h) + sum_h w_hi a_h

    beta = softplus, g and e = sigmoid, s = softmax, gamma = 1 + softplus, k and a = tanh.
    At first every number in the memory is 1e-6, and every head is at slot 0.

    Source: Graves et al. 2014; the start of the memory: Collier and Beel 2018.

    Args:
        units: size of the output.
        controller: as of `MemoryCell`.
        slots, width: of the memory. `slots` is at least 2 `reach` + 1.
        read_heads, write_heads: numbers of heads.
        reach: the longest move of a head in a step.
        seed: as of `MemoryCell`.
    """

    def __init__(
        self,
        units: int,
        controller: keras.layers.Layer | None = None,
        *,
        slots: int = 32,
        width: int = 16,
        read_heads: int = 1,
        write_heads: int = 1,
        reach: int = 1,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        self.write_heads = validation.integer("write_heads", write_heads)
        self.reach = validation.integer("reach", reach, 0)
        super().__init__(units, controller, slots=slots, width=width, read_heads=read_heads, seed=seed, **options)
        if slots < 2 * reach + 1:
            raise ValueError(f"slots: expected at least 2 reach + 1 = {2 * reach + 1}, received {slots}.")

    def interface_sizes(self) -> dict[str, int]:
        """What all heads send; those that read come first."""
        heads, written = self.read_heads + self.write_heads, self.write_heads * self.width
        moves = heads * (2 * self.reach + 1)
        sizes = {"keys": heads * self.width, "strengths": heads, "gates": heads, "shifts": moves, "powers": heads}
        return sizes | {"erase": written, "add": written}

    def memory_sizes(self) -> dict[str, int]:
        """The memory and the heads' weights."""
        return {"memory": self.slots * self.width, "weights": (self.read_heads + self.write_heads) * self.slots}

    def starts(self) -> dict[str, np.ndarray]:
        """A memory of 1e-6, and heads at slot 0."""
        heads = self.read_heads + self.write_heads
        first = np.tile(np.eye(self.slots, dtype="float32")[0], heads)
        return {"memory": np.full(self.slots * self.width, START, "float32"), "weights": first}

    def address(self, sent: dict[str, Tensor], states: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """One step of the memory."""
        heads = self.read_heads + self.write_heads
        memory = self.by_head(states["memory"], self.slots)  # M, [B, N, W]
        weights = self._move(sent, memory, self.by_head(states["weights"], heads))  # w', [B, H, N]
        reading, writing = ops.split(weights, [self.read_heads], axis=1)
        reads = addressing.read(memory, reading)  # r
        erase = self.by_head(ops.sigmoid(sent["erase"]), self.write_heads)  # e
        add = self.by_head(ops.tanh(sent["add"]), self.write_heads)  # a
        memory = addressing.write(memory, writing, erase, add)
        return reads, {"memory": memory, "weights": weights}

    def _move(self, sent, memory, weights):
        """The heads' new weights."""
        heads = self.read_heads + self.write_heads
        keys = self.by_head(ops.tanh(sent["keys"]), heads)  # k, [B, H, W]
        by_content = addressing.content_weights(memory, keys, ops.softplus(sent["strengths"]))  # w_c, beta
        gated = addressing.interpolate(by_content, weights, ops.sigmoid(sent["gates"]))  # w_g, g
        shifts = ops.softmax(self.by_head(sent["shifts"], heads), axis=-1)  # s, [B, H, S]
        return addressing.sharpen(addressing.shift(gated, shifts), 1 + ops.softplus(sent["powers"]))  # gamma

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"write_heads": self.write_heads, "reach": self.reach}
