"""Receptive fields of layers, and the feature maps of an input."""

from collections.abc import Iterable
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from lab.engine.types import Tensor
from lab.layers.mirror_padding import MirrorPadding1D, MirrorPadding2D, MirrorPadding3D

ELEMENTWISE = (
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Dropout", "SpatialDropout1D", "SpatialDropout2D",
    "SpatialDropout3D", "BatchNormalization", "Identity", "GaussianNoise", "Rescaling", "PixelNormalization", "InputLayer",
    "InstanceNormalization", "GroupNormalization", "LocalResponseNormalization", "ZeroChannels",
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate",
)  # fmt: skip


class ReceptiveField(NamedTuple):
    """The input positions on which an output position depends.

    Output position p depends on the input positions

        p * stride + start + k  for all k where mask[k] is true.
    """

    stride: tuple[int, ...]  # input positions between two neighbouring outputs, per spatial axis
    start: tuple[int, ...]  # first input position of output 0; negative inside the padding
    mask: np.ndarray  # boolean, one axis per spatial axis

    @property
    def size(self) -> tuple[int, ...]:
        """Input positions from the first to the last, per axis."""
        return self.mask.shape

    def inputs(self, position: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
        """The input positions on which an output position depends.

        Args:
            position: the output position, one index per spatial axis.
            shape: the spatial shape of the input.

        Returns:
            A boolean array of that shape.
        """
        result = np.zeros(shape, bool)
        offsets = np.argwhere(self.mask) + np.array(position) * self.stride + self.start
        inside = ((offsets >= 0) & (offsets < shape)).all(axis=1)
        result[tuple(offsets[inside].T)] = True
        return result


def receptive_field(model: keras.Model) -> dict[str, ReceptiveField]:
    """The receptive field of each layer of a convolutional model, by convolution arithmetic.

    A layer has a window of k positions, dilation d and stride t. Its input has a receptive field of
    stride s. Then its output has stride s t, and its field is the union of k fields that are d s
    apart. A merge of branches has the union of their fields.

    Padding counts as positions outside of the input. Mirrored values are not traced back, nor are
    the means and variances of normalisations, which depend on the whole input.

    After upsampling by u, stride s becomes s / u. Neighbouring outputs then depend on other
    parts of a window. The field is the union of these u parts.

    Source: Dumoulin and Visin 2016; Araujo et al. 2019.

    Args:
        model: a built Sequential or functional model with one input `[B, *spatial, C]`. It may
            contain convolutions, pooling, padding, cropping, elementwise layers, and merges of
            branches of one stride. Flatten, global pooling and all layers after them depend on
            the whole input.

    Returns:
        {layer name: ReceptiveField}, in the model's order.
    """
    axes = len(model.inputs[0].shape) - 2
    if len(model.inputs) != 1 or axes < 1:
        raise ValueError(f"model: expected one input [B, *spatial, C], received shapes {[x.shape for x in model.inputs]}.")
    whole = ReceptiveField((1,) * axes, (0,) * axes, np.ones((1,) * axes, bool))
    fields: dict[str, ReceptiveField] = {}
    _walk(model, whole, fields)
    return fields


def _walk(model, field, fields):
    """The field of a model's output from that of its input. Adds its layers' to `fields`."""
    if isinstance(model, keras.Sequential):
        shape = model.inputs[0].shape
        for layer in model.layers:
            field = _through(layer, [field], shape, fields)
            shape = layer.compute_output_shape(shape)
        return field
    known: dict[int, ReceptiveField] = {}

    def call(layer, *args, **kwargs):
        output = layer(*args, **kwargs)
        arguments = args[0] if isinstance(args[0], list | tuple) else [args[0]]
        inputs = [known.get(id(argument), field) for argument in arguments]
        known[id(output)] = _through(layer, inputs, arguments[0].shape, fields)
        kept.append(output)
        return output

    kept: list = []  # keeps the tensors alive, so that no `id` is used twice
    clone = keras.models.clone_model(model, call_function=call)
    return known[id(clone.outputs[0])]


def _through(layer, inputs, shape, fields):
    """The field of a layer's output from those of its inputs."""
    field = _united(inputs, layer)
    if type(layer).__name__ == "SpectralNormalization":
        return fields.setdefault(layer.name, _through(layer.layer, inputs, shape, {}))
    if isinstance(layer, keras.Model):
        field = _walk(layer, field, fields)
    elif type(layer).__name__.startswith("UpSampling"):
        field = _enlarged(field, layer)
    elif type(layer).__name__ not in ELEMENTWISE and len(shape) > 2:  # after Flatten the field is the whole input
        field = _windowed(field, *_window(layer, shape))
    fields[layer.name] = field
    return field


def _window(layer, shape):
    """(size, dilation, stride, padding at the start) of a layer's window, per axis."""
    axes = len(shape) - 2
    ones, none = (1,) * axes, (0,) * axes
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise ValueError(f"{layer.name}: expected channels_last, received {layer.data_format}.")
    spatial = shape[1:-1]
    kind = type(layer).__name__
    if kind.startswith(("Global", "Flatten")):
        return tuple(spatial), ones, tuple(spatial), none
    if kind == "Dense":
        return ones, ones, ones, none  # acts on the channels of each position
    if isinstance(layer, MirrorPadding1D | MirrorPadding2D | MirrorPadding3D) or kind.startswith("ZeroPadding"):
        return ones, ones, ones, tuple(_before(layer.padding, axes))
    if kind.startswith("Cropping"):
        return ones, ones, ones, tuple(-width for width in _before(layer.cropping, axes))
    transposed = "Transpose" in kind
    if not transposed and hasattr(layer, "kernel_size"):
        size = layer.kernel_size
        dilation = layer.dilation_rate
        stride = layer.strides
    elif hasattr(layer, "pool_size"):
        size = layer.pool_size
        dilation = ones
        stride = layer.strides
    else:
        raise ValueError(f"{layer.name}: expected a layer with a window, an elementwise one or a merge, received {kind}.")
    size = _tuple(size, axes)
    dilation = _tuple(dilation, axes)
    stride = _tuple(stride, axes)
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    before = none
    if layer.padding == "same":
        if None in spatial:
            raise ValueError(f"{layer.name}: expected known spatial axes with padding='same', received {shape}.")
        before = tuple(max((-(-n // t) - 1) * t + r - n, 0) // 2 for n, t, r in zip(spatial, stride, reach, strict=True))
    elif layer.padding == "causal":
        before = (reach[0] - 1,)
    return size, dilation, stride, before


def _windowed(field, size, dilation, stride, before):
    """The field after a window: the union of the fields of its positions."""
    steps = np.array(dilation) * field.stride
    mask = np.zeros(tuple((np.array(size) - 1) * steps + field.mask.shape), bool)
    for position in np.ndindex(*size):
        corner = position * steps
        mask[tuple(slice(c, c + n) for c, n in zip(corner, field.mask.shape, strict=True))] |= field.mask
    start = np.array(field.start) - np.array(before) * field.stride
    return ReceptiveField(tuple((np.array(stride) * field.stride).tolist()), tuple(start.tolist()), mask)


def _enlarged(field, layer):
    """The field after upsampling by u: output p repeats input p // u."""
    factor = _tuple(layer.size, len(field.stride))
    if getattr(layer, "interpolation", "nearest") != "nearest":
        raise ValueError(f"{layer.name}: expected nearest interpolation, received {layer.interpolation}.")
    if any(stride % times for stride, times in zip(field.stride, factor, strict=True)):
        raise ValueError(f"{layer.name}: expected to enlarge a map of a stride divisible by {factor}, received {field.stride}.")
    stride = tuple(stride // times for stride, times in zip(field.stride, factor, strict=True))
    fine = field._replace(stride=stride)
    return _windowed(fine, factor, (1,) * len(factor), (1,) * len(factor), tuple(times - 1 for times in factor))


def _united(fields, layer):
    """The union of the fields of several branches."""
    strides = {field.stride for field in fields}
    if len(strides) != 1:
        raise ValueError(f"{layer.name}: expected branches of one stride, received {sorted(strides)}.")
    start = np.min([field.start for field in fields], axis=0)
    end = np.max([np.array(field.start) + field.mask.shape for field in fields], axis=0)
    mask = np.zeros(tuple(end - start), bool)
    for field in fields:
        corner = np.array(field.start) - start
        mask[tuple(slice(c, c + n) for c, n in zip(corner, field.mask.shape, strict=True))] |= field.mask
    return ReceptiveField(fields[0].stride, tuple(start.tolist()), mask)


def _before(pairs, axes):
    pairs = (pairs,) if axes == 1 and isinstance(pairs[0], int) else pairs
    return [pair[0] for pair in pairs]


def _tuple(value, axes):
    return (value,) * axes if isinstance(value, int) else tuple(value)


def feature_maps(model: keras.Model, x: Tensor, layers: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The outputs of layers in inference mode: {layer name: array}.

    Args:
        model: a built Sequential or functional model.
        x: the model's inputs.
        layers: names of layers. None means all.
    """
    known = [layer.name for layer in model.layers]
    names = known if layers is None else list(layers)
    for name in names:
        if name not in known:
            raise ValueError(f"layers: expected names of {', '.join(known)}, received {name!r}.")
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    outputs = keras.Model(inputs, [model.get_layer(name).output for name in names])(x, training=False)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return {name: ops.convert_to_numpy(output) for name, output in zip(names, outputs, strict=True)}
