"""Which of a network's numbers is meant."""

import difflib

import keras
from keras import ops


def layer_and_unit(model, layer, unit, images, name="unit"):
    """(a layer's symbolic output, the unit of each image, int32 `[N]`); see `saliency`. `name` is what the caller calls units."""
    if len(model.inputs) != 1 or tuple(images.shape[1:]) != tuple(
        got if wanted is None else wanted for wanted, got in zip(model.inputs[0].shape[1:], images.shape[1:])
    ):
        raise ValueError(f"images: expected shape {model.inputs[0].shape[1:]}, received {tuple(images.shape[1:])}.")
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


def output_of(model, layer):
    """The symbolic output of a layer by name, or of the model."""
    if layer is None:
        return model.outputs[0]
    known = [each.name for each in model.layers]
    if layer not in known:
        near = difflib.get_close_matches(str(layer), known, n=3, cutoff=0.3)
        raise ValueError(f"layer: expected a layer of {model.name}, received {layer!r} (nearest: {', '.join(near) or 'none'}).")
    return model.get_layer(layer).output


def last_maps(model, side=2):
    """The name of the last layer with an output `[B, H, W, C]` of at least `side` pixels in each direction."""
    found = [layer.name for layer in model.layers if len(layer.output.shape) == 4 and min(layer.output.shape[1:3]) >= side]
    if not found:
        raise ValueError(f"layer: expected a layer of {model.name} with maps of {side} pixels or more, received none.")
    return found[-1]
