"""The differentiable neural computer."""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab.engine.types import Tensor
from lab.layers import addressing
from lab.layers.memory_cell import MemoryCell


@keras.saving.register_keras_serializable(package="lab")
class DNCCell(MemoryCell):
    """A differentiable neural computer: a memory that knows what is free and what was written next.

    One head writes, where there is room or by content:

        w_w = g_w (g_a a + (1 - g_a) c_w)
        M_i' = M_i (1 - w_w,i e) + w_w,i v

    Heads read the new memory, one write back, by content, or one write further:

        w_r = pi_1 L^T w_r + pi_2 c_r + pi_3 L w_r
        r = sum_i w_r,i M_i'

    a are the slots that are used least (`addressing.allocation`), L the links between slots
    written one after the other (`addressing.link`), c the weights by content. Gates and e =
    sigmoid, strengths = 1 + softplus, pi = softmax. All states start at zero. No gradient flows
    through the write weights into the usage, as in the authors' code.

    Source: Graves et al. 2016, Methods. The three corrections, each an argument: Csordas and
    Schmidhuber 2019, section 3.

    Args:
        units: size of the output.
        controller: as of `MemoryCell`.
        slots: number of slots of the memory.
        width: numbers in a slot.
        read_heads: number of heads that read.
        masked: whether each look-up by content has a mask, so that it compares parts of a slot.
        erasing: whether freeing a slot also erases it: M <- psi M.
        sharpened: whether L w_r and L^T w_r are sharpened by a power of their own.
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
        masked: bool = False,
        erasing: bool = False,
        sharpened: bool = False,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        self.masked = bool(masked)
        self.erasing = bool(erasing)
        self.sharpened = bool(sharpened)
        super().__init__(units, controller, slots=slots, width=width, read_heads=read_heads, seed=seed, **options)

    def interface_sizes(self) -> dict[str, int]:
        """What the heads send. The write head's key, strength and mask are the last."""
        reads = self.read_heads
        sizes = {"keys": (reads + 1) * self.width, "strengths": reads + 1, "erase": self.width, "add": self.width}
        sizes |= {"free": reads, "allocation": 1, "writing": 1, "modes": 3 * reads}
        sizes |= {"masks": (reads + 1) * self.width} if self.masked else {}
        return sizes | ({"powers": 2 * reads} if self.sharpened else {})

    def memory_sizes(self) -> dict[str, int]:
        """Memory, usage, write weights, precedence, links and read weights."""
        slots = self.slots
        sizes = {"memory": slots * self.width, "usage": slots, "written": slots, "precedence": slots, "links": slots * slots}
        return sizes | {"weights": self.read_heads * slots}

    def starts(self) -> dict[str, np.ndarray]:
        """All states start at zero."""
        return {}

    def address(self, sent: dict[str, Tensor], states: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """One step of the memory."""
        weights = self.by_head(states["weights"], self.read_heads)  # w_r, [B, R, N]
        retained = addressing.retention(ops.sigmoid(sent["free"]), weights)  # psi
        written = ops.stop_gradient(states["written"])
        used = addressing.usage(states["usage"], written, retained)  # u, [B, N]
        memory = self.by_head(states["memory"], self.slots)  # M, [B, N, W]
        lookup = self._lookup(sent)
        key = {name: value[:, self.read_heads :] for name, value in lookup.items()}
        by_content = addressing.content_weights(memory, **key)  # c_w, [B, 1, N]
        allocated = addressing.allocation(used)[:, None]  # a
        where = addressing.interpolate(allocated, by_content, ops.sigmoid(sent["allocation"]))  # g_a
        written = ops.sigmoid(sent["writing"]) * where[:, 0]  # w_w, [B, N]
        if self.erasing:
            memory = memory * retained[..., None]
        erase, add = ops.sigmoid(sent["erase"])[:, None], sent["add"][:, None]  # e, v
        memory = addressing.write(memory, written[:, None], erase, add)
        links = self.by_head(states["links"], self.slots)
        links = addressing.link(links, states["precedence"], written)  # L
        keys = {name: value[:, : self.read_heads] for name, value in lookup.items()}
        weights = self._read_weights(sent, links, weights, addressing.content_weights(memory, **keys))
        new = {"memory": memory, "usage": used, "written": written}
        new |= {"precedence": addressing.precede(states["precedence"], written), "links": links, "weights": weights}
        return addressing.read(memory, weights), new

    def _lookup(self, sent):
        """Arguments of `content_weights` for all heads: k, beta and m."""
        heads = self.read_heads + 1
        lookup = {"keys": self.by_head(sent["keys"], heads), "strengths": 1 + ops.softplus(sent["strengths"])}
        return lookup | ({"masks": self.by_head(ops.sigmoid(sent["masks"]), heads)} if self.masked else {})

    def _read_weights(self, sent, links, weights, by_content):
        """w_r of the next step, `[B, R, N]`."""
        forward, backward = addressing.follow(links, weights)  # f, b
        if self.sharpened:
            powers = 1 + ops.softplus(self.by_head(sent["powers"], self.read_heads))  # [B, R, 2]
            forward = addressing.sharpen(forward, powers[..., 0])
            backward = addressing.sharpen(backward, powers[..., 1])
        modes = ops.softmax(self.by_head(sent["modes"], self.read_heads), axis=-1)[..., None]  # pi, [B, R, 3, 1]
        return modes[:, :, 0] * backward + modes[:, :, 1] * by_content + modes[:, :, 2] * forward

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("masked", "erasing", "sharpened")
        return super().get_config() | {name: getattr(self, name) for name in names}
