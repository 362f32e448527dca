"""Padding with the mirror image of a signal or an image."""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab.engine.types import Tensor

MODES = ("reflect", "symmetric")


class _MirrorPadding(keras.layers.Layer):
    """Mirror padding of the spatial axes of `[B, *spatial, C]` (or `[B, C, *spatial]`)."""

    axes: int

    def __init__(
        self, padding: int | tuple[Any, ...] = 1, mode: str = "reflect", data_format: str | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.padding = _pairs(padding, self.axes)
        if mode not in MODES:
            raise ValueError(f"mode: expected one of {', '.join(MODES)}, received {mode!r}.")
        self.mode: Any = mode  # NumPy's annotation expects a literal
        self.data_format = data_format or keras.config.image_data_format()
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(f"data_format: expected channels_last or channels_first, received {data_format!r}.")
        self.input_spec = keras.layers.InputSpec(ndim=self.axes + 2)

    def call(self, inputs: Tensor) -> Tensor:
        """Pads the inputs."""
        for size, (before, after) in zip(self._spatial(inputs.shape), self.padding, strict=True):
            most = None if size is None else size - (self.mode == "reflect")
            if most is not None and max(before, after) > most:
                raise ValueError(f"padding: expected at most {most} for an axis of {size}, received {(before, after)}.")
        if keras.backend.backend() != "torch":
            return ops.pad(inputs, self._widths(), mode=self.mode)
        for axis, width in enumerate(self._widths()):  # torch pads few axes, and cannot do "symmetric"
            if any(width):
                inputs = ops.take(inputs, np.pad(np.arange(inputs.shape[axis]), width, mode=self.mode), axis=axis)
        return inputs

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shape after padding."""
        widths = zip(input_shape, self._widths(), strict=True)
        return tuple(None if size is None else size + before + after for size, (before, after) in widths)

    def _spatial(self, shape):
        return shape[1:-1] if self.data_format == "channels_last" else shape[2:]

    def _widths(self):
        none = (0, 0)
        return [none, *self.padding, none] if self.data_format == "channels_last" else [none, none, *self.padding]

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"padding": self.padding, "mode": self.mode, "data_format": self.data_format}


def _pairs(padding, axes):
    """A pair (before, after) for each axis."""
    values = (padding,) * axes if isinstance(padding, int) else tuple(padding)
    if len(values) == axes:
        values = tuple((value, value) if isinstance(value, int) else tuple(value) for value in values)
        if all(len(value) == 2 and all(isinstance(width, int) and width >= 0 for width in value) for value in values):
            return values
    raise ValueError(f"padding: expected an integer >= 0, or {axes} integers or pairs of them, received {padding!r}.")


@keras.saving.register_keras_serializable(package="lab")
class MirrorPadding1D(_MirrorPadding):
    """Mirrors sequences at their ends: `[B, T, C]` -> `[B, before + T + after, C]`.

    "reflect" does not repeat the last element: `c b | a b c | b a`.
    "symmetric" repeats it: `b a | a b c | c b`.

    Args:
        padding: number of elements at both ends, or a pair (before, after) in a tuple.
        mode: "reflect" or "symmetric".
        data_format: "channels_last" or "channels_first". None means Keras's default.
    """

    axes = 1


@keras.saving.register_keras_serializable(package="lab")
class MirrorPadding2D(_MirrorPadding):
    """Mirrors images at their edges: `[B, H, W, C]` -> `[B, H + ..., W + ..., C]`.

    The modes are those of `MirrorPadding1D`.

    Args:
        padding: a number, one per axis, or a pair (before, after) per axis.
        mode: "reflect" or "symmetric".
        data_format: "channels_last" or "channels_first". None means Keras's default.
    """

    axes = 2


@keras.saving.register_keras_serializable(package="lab")
class MirrorPadding3D(_MirrorPadding):
    """Mirrors volumes at their faces: `[B, D, H, W, C]` -> `[B, D + ..., H + ..., W + ..., C]`.

    The modes are those of `MirrorPadding1D`.

    Args:
        padding: a number, one per axis, or a pair (before, after) per axis.
        mode: "reflect" or "symmetric".
        data_format: "channels_last" or "channels_first". None means Keras's default.
    """

    axes = 3
