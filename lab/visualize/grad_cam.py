"""Where in an image a class is seen."""

import keras
from keras import ops

from lab import engine
from lab.visualize.backpropagation import rewired
from lab.visualize.units import last_maps, layer_and_unit, output_of


def grad_cam(model, images, *, classes=None, layer=None):
    """Grad-CAM: `[N, H, W]` in 0..1, relu(Σ_k a_k A^k) with a_k the mean over positions of dy_c / dA^k (Selvaraju et al. 2017, eqs. 1 and 2).

    Each map is divided by its greatest value, where there is one above 0, and resized bilinearly to the images.

    Args:
        model: a functional or sequential model from images to logits.
        images: `[N, H, W, C]` as the model takes them.
        classes: an integer, or one for each image; None takes the class that the model does.
        layer: name of the layer whose maps A are weighed; None takes the last one with maps of more than a pixel.
    """
    images = ops.convert_to_tensor(images, dtype="float32")
    _, unit = layer_and_unit(model, None, classes, images, "classes")
    name = layer or last_maps(model)
    outputs = output_of(model, name)
    if len(outputs.shape) != 4:
        raise ValueError(f"layer: expected one with maps [B, H, W, C], received an output of shape {tuple(outputs.shape)}.")
    maps = keras.Model(model.inputs[0], outputs)(images, training=False)
    nudge = _Nudge(maps.shape)
    nudged = rewired(
        model, lambda each, *args, **options: nudge(each(*args, **options)) if each.name == name else each(*args, **options)
    )

    def score():
        logits = nudged(images, training=False)
        return ops.sum(ops.take_along_axis(logits, unit[:, None], axis=1)), ()

    _, (slope,) = engine.value_and_grad(score, [nudge.nudge])()  # dy / dA, also where a path leads around A
    weights = ops.mean(slope, axis=(1, 2), keepdims=True)
    heat = ops.relu(ops.sum(weights * maps, axis=-1, keepdims=True))
    heat = ops.image.resize(heat, images.shape[1:3], interpolation="bilinear", data_format="channels_last")[..., 0]
    most = ops.max(heat, axis=(1, 2), keepdims=True)
    return ops.convert_to_numpy(ops.where(most > 0, heat / ops.maximum(most, 1e-12), 0.0))


class _Nudge(keras.layers.Layer):
    """Maps plus zeros, whose gradient is that of the maps."""

    def __init__(self, shape, **options):
        super().__init__(**options)
        self.nudge = self.add_weight(shape=tuple(shape), initializer="zeros", name="nudge")

    def call(self, inputs):
        """The maps."""
        return inputs + self.nudge

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape
