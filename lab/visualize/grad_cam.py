"""Where in an image a class is seen."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from lab import engine
from lab.engine.types import Tensor
from lab.visualize.backpropagation import rewired
from lab.visualize.units import last_maps, layer_and_unit, output_of


def grad_cam(
    model: keras.Model,
    images: Tensor,
    *,
    classes: int | Sequence[int] | None = None,
    layer: str | None = None,
) -> np.ndarray:
    """Grad-CAM: where in an image a layer sees a class, `[N, H, W]` in 0..1.

        heat = relu(Σ_k a_k A^k),   a_k = mean over positions of dy_c / dA^k

    (Selvaraju et al. 2017, eqs. 1 and 2.) The heat of each image is divided by its greatest
    value, unless that is 0, and resized bilinearly to the image.

    Args:
        model: a functional or sequential model from images to logits.
        images: `[N, H, W, C]` as the model takes them.
        classes: an integer, or one for each image. None takes the class that the model predicts.
        layer: the name of the layer with the maps A. None takes the last one with maps of more
            than a pixel.
    """
    images = ops.convert_to_tensor(images, dtype="float32")
    _, unit = layer_and_unit(model, None, classes, images, "classes")
    name = layer or last_maps(model)
    outputs = output_of(model, name)
    if len(outputs.shape) != 4:
        raise ValueError(f"layer: expected one with maps [B, H, W, C], received an output of shape {tuple(outputs.shape)}.")
    maps = keras.Model(model.inputs[0], outputs)(images, training=False)
    perturb = _Perturbation(maps.shape)

    def call(layer, *arguments, **options):
        outputs = layer(*arguments, **options)
        return perturb(outputs) if layer.name == name else outputs

    perturbed = rewired(model, call)

    def score():
        logits = perturbed(images, training=False)
        return ops.sum(ops.take_along_axis(logits, unit[:, None], axis=1)), ()

    # dy / dA, also where a path leads around A
    _, (gradient,) = engine.value_and_grad(score, [perturb.perturbation])()
    weights = ops.mean(gradient, axis=(1, 2), keepdims=True)
    heat = ops.relu(ops.sum(weights * maps, axis=-1, keepdims=True))
    heat = ops.image.resize(heat, images.shape[1:3], interpolation="bilinear", data_format="channels_last")[..., 0]
    most = ops.max(heat, axis=(1, 2), keepdims=True)
    return ops.convert_to_numpy(ops.where(most > 0, heat / ops.maximum(most, 1e-12), 0.0))


class _Perturbation(keras.layers.Layer):
    """Maps plus zeros. The gradient of the zeros is that of the maps."""

    def __init__(self, shape, **options):
        super().__init__(**options)
        self.perturbation = self.add_weight(shape=tuple(shape), initializer="zeros", name="perturbation")

    def call(self, inputs):
        """The maps."""
        return inputs + self.perturbation

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape
