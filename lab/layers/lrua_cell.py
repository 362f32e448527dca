"""The memory-augmented network with least recently used access."""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab.engine.types import Tensor
from lab.layers import addressing
from lab.layers.memory_cell import MemoryCell
from lab.validation import Interval

START = 1e-6  # of every number in the memory


@keras.saving.register_keras_serializable(package="lab")
class LRUACell(MemoryCell):
    """A memory-augmented neural network (MANN), with least recently used access.

    It writes where it has just read, or where nobody has read for long:

        w_r = softmax_i(beta K(k, M_i))                  r = sum_i w_r,i M_i
        w_w = sigma(alpha) w_r_prev + (1 - sigma(alpha)) w_lu_prev
        M'  = M + w_w^T k,   in which the least used slots of M were set to zero
        w_u = gamma w_u_prev + sum_heads (w_r + w_w)

    Each head reads and writes with one key k, a tanh of what the controller sends. The heads' w_lu
    are one-hot: head h takes the slot that is used h-th least, so that no two heads overwrite each
    other. The paper gives all heads the same slots. The paper has no strength, which is beta = 1:
    then no slot of 128 gets more than 2.1 % of a read as long as the others are empty. At first
    every number in the memory is 1e-6, and all usage is 0.

    Source: Santoro et al. 2016, section 3.2.

    Args:
        units: size of the output.
        controller: as of `MemoryCell`.
        slots: number of slots of the memory, >= `read_heads`.
        width: numbers in a slot.
        read_heads: number of heads, each of which reads and writes.
        decay: gamma of the usage, 0..1.
        strength: beta, 0..1e6: how sharply heads read.
        seed: as of `MemoryCell`.
    """

    def __init__(
        self,
        units: int,
        controller: keras.layers.Layer | None = None,
        *,
        slots: int = 128,
        width: int = 40,
        read_heads: int = 4,
        decay: float = 0.95,
        strength: float = 1.0,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        Interval(0, 1).check("decay", decay)
        Interval(0, 1e6).check("strength", strength)
        self.decay = decay
        self.strength = strength
        super().__init__(units, controller, slots=slots, width=width, read_heads=read_heads, seed=seed, **options)
        if slots < read_heads:
            raise ValueError(f"slots: expected at least read_heads, {read_heads}, received {slots}.")

    def interface_sizes(self) -> dict[str, int]:
        """A key and a gate for each head."""
        return {"keys": self.read_heads * self.width, "gates": self.read_heads}

    def memory_sizes(self) -> dict[str, int]:
        """The memory, the usage and the read weights."""
        return {"memory": self.slots * self.width, "usage": self.slots, "weights": self.read_heads * self.slots}

    def starts(self) -> dict[str, np.ndarray]:
        """A memory of 1e-6."""
        return {"memory": np.full(self.slots * self.width, START, "float32")}

    def address(self, sent: dict[str, Tensor], states: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """One step of the memory."""
        memory = self.by_head(states["memory"], self.slots)  # M, [B, N, W]
        before = self.by_head(states["weights"], self.read_heads)  # w_r_prev, [B, H, N]
        keys = self.by_head(ops.tanh(sent["keys"]), self.read_heads)  # k, [B, H, W]
        unused = addressing.least_used(states["usage"], self.read_heads)  # w_lu_prev, [B, H, N]
        weights = ops.softmax(self.strength * addressing.cosine_similarity(memory, keys), axis=-1)  # w_r
        reads = addressing.read(memory, weights)  # r
        writing = addressing.interpolate(before, unused, ops.sigmoid(sent["gates"]))  # w_w, alpha
        kept = 1 - ops.sum(unused, axis=1)[..., None]  # [B, N, 1]
        memory = memory * kept + ops.matmul(ops.transpose(writing, (0, 2, 1)), keys)
        used = self.decay * states["usage"] + ops.sum(weights + writing, axis=1)  # w_u
        return reads, {"memory": memory, "usage": used, "weights": weights}

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"decay": self.decay, "strength": self.strength}
