"""Padding that continues a signal or picture as its mirror image."""

import keras
import numpy as np
from keras import ops

MODES = ("reflect", "symmetric")


class _MirrorPadding(keras.layers.Layer):
    """Mirror padding of the spatial axes of `[B, *spatial, C]` (or `[B, C, *spatial]`)."""

    axes: int

    def __init__(self, padding=1, mode="reflect", data_format=None, **options):
        super().__init__(**options)
        self.padding = _pairs(padding, self.axes)
        if mode not in MODES:
            raise ValueError(f"mode: expected one of {', '.join(MODES)}, received {mode!r}.")
        self.mode = mode
        self.data_format = data_format or keras.config.image_data_format()
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(f"data_format: expected channels_last or channels_first, received {data_format!r}.")
        self.input_spec = keras.layers.InputSpec(ndim=self.axes + 2)

    def call(self, inputs):
        """Pads the inputs."""
        for size, (before, after) in zip(self._spatial(inputs.shape), self.padding, strict=True):
            most = None if size is None else size - (self.mode == "reflect")
            if most is not None and max(before, after) > most:
                raise ValueError(f"padding: expected at most {most} for an axis of {size}, received {(before, after)}.")
        if keras.backend.backend() != "torch":
            return ops.pad(inputs, self._widths(), mode=self.mode)
        for axis, width in enumerate(self._widths()):  # torch mirrors at most some axes, and only by reflection
            if any(width):
                inputs = ops.take(inputs, np.pad(np.arange(inputs.shape[axis]), width, mode=self.mode), axis=axis)
        return inputs

    def compute_output_shape(self, input_shape):
        """The shape after padding."""
        widths = zip(input_shape, self._widths(), strict=True)
        return tuple(None if size is None else size + before + after for size, (before, after) in widths)

    def _spatial(self, shape):
        return shape[1:-1] if self.data_format == "channels_last" else shape[2:]

    def _widths(self):
        none = (0, 0)
        return [none, *self.padding, none] if self.data_format == "channels_last" else [none, none, *self.padding]

    def get_config(self):
        """All arguments."""
        return super().get_config() | {"padding": self.padding, "mode": self.mode, "data_format": self.data_format}


def _pairs(padding, axes):
    """((before, after), ...) of each axis."""
    values = (padding,) * axes if isinstance(padding, int) else tuple(padding)
    if len(values) == axes:
        values = tuple((value, value) if isinstance(value, int) else tuple(value) for value in values)
        if all(len(value) == 2 and all(isinstance(width, int) and width >= 0 for width in value) for value in values):
            return values
    raise ValueError(f"padding: expected an integer >= 0, or {axes} integers or pairs of them, received {padding!r}.")


@keras.saving.register_keras_serializable(package="lab")
class MirrorPadding1D(_MirrorPadding):
    """Continues sequences beyond their ends: `[B, T, C]` -> `[B, before + T + after, C]`.

    "reflect" mirrors at the last element (`c b | a b c | b a`), "symmetric" behind it (`b a | a b c | c b`).

    Args:
        padding: elements at both ends, or one (before, after) in a tuple.
        mode: "reflect" or "symmetric".
        data_format: "channels_last" or "channels_first"; None takes Keras's.
    """

    axes = 1


@keras.saving.register_keras_serializable(package="lab")
class MirrorPadding2D(_MirrorPadding):
    """Continues pictures beyond their edges: `[B, H, W, C]` -> `[B, H + ..., W + ..., C]`; see `MirrorPadding1D`.

    Args:
        padding: a number, one per axis, or a pair (before, after) per axis.
        mode: "reflect" or "symmetric".
        data_format: "channels_last" or "channels_first"; None takes Keras's.
    """

    axes = 2


@keras.saving.register_keras_serializable(package="lab")
class MirrorPadding3D(_MirrorPadding):
    """Continues volumes beyond their faces: `[B, D, H, W, C]` -> `[B, D + ..., H + ..., W + ..., C]`; see `MirrorPadding1D`.

    Args:
        padding: a number, one per axis, or a pair (before, after) per axis.
        mode: "reflect" or "symmetric".
        data_format: "channels_last" or "channels_first"; None takes Keras's.
    """

    axes = 3
