"""What all cells with an external memory share: the controller, the state, the output."""

import inspect
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from lab import validation
from lab.engine.types import Tensor

CLIP = 20.0  # of the controller's outputs and of what it sends to the memory


class MemoryCell(keras.layers.Layer):
    """A controller beside a memory of `slots` x `width`.

        h, states = controller([x, reads of the step before], states)
        interface = W_xi h + b_xi
        reads = what a subclass does with the memory and the interface
        output = W_y [h, reads] + b_y

    h and the interface are clipped to -20..20. The memory and its addresses are float32 within a
    step, whatever the policy.

    All states are flat and start at zero, as Keras's `reset_state` and zero initial states expect.
    What zero stands for, `starts` says. The first state is the output: where a step is masked,
    Keras repeats it.

    Args:
        units: size of the output.
        controller: a Keras cell, or a layer without a state such as `Dense`. By default an LSTM
            cell of 64 units.
        slots: number of slots of the memory.
        width: numbers in a slot.
        read_heads: number of heads that read.
        seed: seeds the kernels, which start Glorot uniform, and the default controller.
    """

    def __init__(
        self,
        units: int,
        controller: keras.layers.Layer | None = None,
        *,
        slots: int = 32,
        width: int = 16,
        read_heads: int = 1,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units = validation.integer("units", units)
        self.slots = validation.integer("slots", slots)
        self.width = validation.integer("width", width)
        self.read_heads = validation.integer("read_heads", read_heads)
        self.seed = seed
        seeds = [None] * 4 if seed is None else np.random.SeedSequence(seed).generate_state(4).tolist()
        if isinstance(controller, keras.layers.RNN):
            raise ValueError(f"controller: expected a cell such as LSTMCell, received the layer {type(controller).__name__}.")
        self.controller = _default(seeds[:2], self.dtype_policy) if controller is None else controller
        self._controller_knows_training = "training" in inspect.signature(self.controller.call).parameters
        self.interface = self._dense(sum(self.interface_sizes().values()), seeds[2], "interface")
        self.readout = self._dense(self.units, seeds[3], "readout")
        self.output_size = self.units
        sizes = self.memory_sizes() | {"reads": self.read_heads * self.width}
        self.state_names = list(sizes)
        self.state_size = [self.units, *tree.flatten(getattr(self.controller, "state_size", [])), *sizes.values()]

    def _dense(self, units, seed, name):
        start = keras.initializers.GlorotUniform(seed)
        return keras.layers.Dense(units, kernel_initializer=start, dtype=self.dtype_policy, name=name)

    def interface_sizes(self) -> dict[str, int]:
        """The numbers that the controller sends to the memory in a step, by name, in order."""
        raise NotImplementedError

    def memory_sizes(self) -> dict[str, int]:
        """The sizes of the memory's states, by name, in order."""
        raise NotImplementedError

    def starts(self) -> dict[str, np.ndarray]:
        """What a state of zeros stands for, by name, float32 `[size]`; else it stands for zeros."""
        raise NotImplementedError

    def address(self, sent: dict[str, Tensor], states: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """One step of the memory.

        Args:
            sent: of the interface, `[B, size]` each, float32.
            states: of the memory, `[B, size]` each, float32, with their starts.

        Returns:
            (what is read, `[B, read_heads, width]`; the new states, in any shape).
        """
        raise NotImplementedError

    def by_head(self, values: Tensor, heads: int) -> Tensor:
        """`[B, heads * size]` as `[B, heads, size]`."""
        return ops.reshape(values, (-1, heads, values.shape[-1] // heads))

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the weights of the controller, the interface and the output."""
        reads = self.read_heads * self.width
        if not self.controller.built:  # a loaded one is
            self.controller.build((None, input_shape[-1] + reads))
        hidden = self._hidden_size(input_shape[-1] + reads)
        self.interface.build((None, hidden))
        self.readout.build((None, hidden + reads))

    def _hidden_size(self, inputs):
        size = getattr(self.controller, "output_size", None)
        return size if size is not None else self.controller.compute_output_shape((None, inputs))[-1]

    def call(self, inputs: Tensor, states: Sequence[Tensor], training: bool | None = None) -> tuple[Tensor, list[Tensor]]:
        """One step: x `[B, D]` and the states -> the output `[B, units]` and the new states."""
        count = len(self.state_names)
        memory = {name: ops.cast(state, "float32") for name, state in zip(self.state_names, states[-count:])}
        starts = {name: ops.convert_to_tensor(start) for name, start in self.starts().items()}
        memory |= {name: start + memory[name] for name, start in starts.items()}
        inner = ops.concatenate([inputs, ops.cast(memory["reads"], inputs.dtype)], axis=-1)
        h, own = self._control(inner, states[1:-count], training)
        h = ops.clip(h, -CLIP, CLIP)
        sent = ops.clip(ops.cast(self.interface(h), "float32"), -CLIP, CLIP)  # xi
        sizes = self.interface_sizes()
        parts = ops.split(sent, np.cumsum(list(sizes.values()))[:-1].tolist(), axis=-1)
        reads, memory = self.address(dict(zip(sizes, parts)), memory)
        flat = [ops.reshape(memory[name], (-1, size)) for name, size in self.memory_sizes().items()]
        flat = [state - starts[name] if name in starts else state for name, state in zip(self.state_names, flat)]
        reads = ops.cast(ops.reshape(reads, (-1, self.read_heads * self.width)), h.dtype)
        output = self.readout(ops.concatenate([h, reads], axis=-1))
        return output, [output, *own, *(ops.cast(state, self.compute_dtype) for state in [*flat, reads])]

    def _control(self, inputs, states, training):
        """The controller's output and its new flat states."""
        options = {"training": training} if self._controller_knows_training else {}
        sizes = getattr(self.controller, "state_size", None)
        if sizes is None:
            return self.controller(inputs, **options), []
        shaped = tree.pack_sequence_as(sizes, list(states)) if isinstance(sizes, list | tuple) else [states[0]]
        h, shaped = self.controller(inputs, shaped, **options)
        return h, tree.flatten(shaped)

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """States of zeros."""
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_size]

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        controller = keras.saving.serialize_keras_object(self.controller)
        names = ("units", "slots", "width", "read_heads", "seed")
        return super().get_config() | {"controller": controller} | {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "MemoryCell":
        """A new cell around a new controller."""
        return cls(**config | {"controller": keras.saving.deserialize_keras_object(config["controller"])})


def _default(seeds, policy):
    starts = {
        "kernel_initializer": keras.initializers.GlorotUniform(seeds[0]),
        "recurrent_initializer": keras.initializers.Orthogonal(seed=seeds[1]),
        "seed": seeds[0],
    }
    return keras.layers.LSTMCell(64, dtype=policy, name="controller", **starts)
