"""The images to which a unit responds most."""

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from lab import engine, validation
from lab.optimizers import Adam
from lab.visualize.units import output_of


def maximize(
    model: keras.Model,
    units: ArrayLike,
    *,
    layer: str | None = None,
    steps: int = 200,
    step_size: float = 0.05,
    decay: float = 1e-3,
    smoothness: float = 0.02,
    jitter: int = 2,
    seed: int = 0,
) -> np.ndarray:
    """Images to which units respond most, found by gradient ascent from noise.

    Adam ascends

        activation - decay |x|² - smoothness Σ (differences of neighbouring pixels)²

    Of a map the activation in the middle is taken. At each step the image is shifted by a few
    pixels, so that no spatial frequency is preferred.

    Source: Erhan et al. 2009; Simonyan et al. 2014, section 2; the smoothness: Mahendran and
    Vedaldi 2015.

    Args:
        model: a functional or sequential model of images of a known size.
        units: channels of the layer, integers.
        layer: the name of a layer; None takes the output of the model.
        steps: of ascent.
        step_size: of Adam.
        decay, smoothness: see above.
        jitter: greatest shift, pixels.
        seed: of noise and shifts.

    Returns:
        `[len(units), H, W, C]` in -1..1.
    """
    outputs = output_of(model, layer)
    chosen = np.atleast_1d(units)
    if chosen.min() < 0 or chosen.max() >= outputs.shape[-1]:
        raise ValueError(f"units: expected 0 to {outputs.shape[-1] - 1}, received {chosen.min()} to {chosen.max()}.")
    steps = validation.integer("steps", steps)
    jitter = validation.integer("jitter", jitter, 0)
    part = keras.Model(model.inputs[0], outputs)
    shape = model.inputs[0].shape[1:]
    rng = np.random.default_rng(seed)
    x = keras.Variable(rng.normal(0, 0.1, (len(chosen), *shape)), dtype="float32", trainable=True)
    optimizer = Adam(step_size)
    optimizer.build([x])
    mask = ops.one_hot(chosen, outputs.shape[-1])

    def loss(shift):
        image = ops.tanh(x.value)
        seen = ops.roll(image, (shift[0], shift[1]), axis=(1, 2)) if jitter else image
        activation = part(seen, training=False)
        if len(activation.shape) == 4:
            activation = activation[:, activation.shape[1] // 2, activation.shape[2] // 2]
        response = ops.sum(activation * mask)
        rough = ops.sum(ops.square(image[:, 1:] - image[:, :-1])) + ops.sum(ops.square(image[:, :, 1:] - image[:, :, :-1]))
        return decay * ops.sum(ops.square(image)) + smoothness * rough - response, ()

    def ascend(shift):
        (value, _), gradients = engine.value_and_grad(loss, [x])(shift)
        optimizer.apply(gradients, [x])
        return value

    program = engine.compile(ascend, [x, *optimizer.variables, *part.variables])
    for _ in range(steps):
        program(rng.integers(-jitter, jitter + 1, 2).astype("int32"))
    return np.tanh(ops.convert_to_numpy(x.value))
