"""Which unit of which layer is meant."""

import difflib
from collections.abc import Sequence

import keras
from keras import ops

from lab.engine.types import Tensor


def layer_and_unit(
    model: keras.Model,
    layer: str | None,
    unit: int | Sequence[int] | None,
    images: Tensor,
    name: str = "unit",
) -> tuple[keras.KerasTensor, Tensor]:
    """(the symbolic output of a layer, the unit of each image, int32 `[N]`); see `saliency`.

    Args:
        model, layer, unit, images: as of `saliency`.
        name: of the argument `unit` of the caller, for the message.
    """
    taken = model.inputs[0].shape[1:]
    received = tuple(images.shape[1:])
    filled = tuple(got if wanted is None else wanted for wanted, got in zip(taken, received))
    if len(model.inputs) != 1 or received != filled:
        raise ValueError(f"images: expected shape {taken}, received {received}.")
    outputs = output_of(model, layer)
    count = outputs.shape[-1]
    if unit is None:
        activity = keras.Model(model.inputs[0], outputs)(images, training=False)
        best = ops.max(ops.reshape(activity, (activity.shape[0], -1, count)), axis=1)
        return outputs, ops.cast(ops.argmax(best, axis=-1), "int32")
    units = ops.broadcast_to(ops.convert_to_tensor(unit, dtype="int32"), (images.shape[0],))
    values = ops.convert_to_numpy(units)
    if values.min() < 0 or values.max() >= count:
        raise ValueError(f"{name}: expected 0 to {count - 1}, received {values.min()} to {values.max()}.")
    return outputs, units


def output_of(model: keras.Model, layer: str | None) -> keras.KerasTensor:
    """The symbolic output of a layer by name, or of the model."""
    if layer is None:
        return model.outputs[0]
    known = [each.name for each in model.layers]
    if layer not in known:
        near = difflib.get_close_matches(str(layer), known, n=3, cutoff=0.3)
        raise ValueError(f"layer: expected a layer of {model.name}, received {layer!r} (nearest: {', '.join(near) or 'none'}).")
    return model.get_layer(layer).output


def last_maps(model: keras.Model, side: int = 2) -> str:
    """The name of the last layer with an output `[B, H, W, C]` of `side` pixels or more a side."""
    found = [layer.name for layer in model.layers if len(layer.output.shape) == 4 and min(layer.output.shape[1:3]) >= side]
    if not found:
        raise ValueError(f"layer: expected a layer of {model.name} with maps of {side} pixels or more, received none.")
    return found[-1]
