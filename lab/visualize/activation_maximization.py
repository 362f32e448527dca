"""What a unit would like to see most."""

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.optimizers import Adam
from lab.visualize.units import output_of


def maximize(model, units, *, layer=None, steps=200, step_size=0.05, decay=1e-3, smoothness=0.02, jitter=2, seed=0):
    """Images `[len(units), H, W, C]` in -1..1 that units respond to most, by gradient ascent (Erhan et al. 2009; Simonyan et al. 2014, section 2).

    Ascends the unit's activation, of maps that in the middle, less `decay` |x|² and `smoothness` times the squared differences of neighbours (Mahendran
    and Vedaldi 2015), from noise, by Adam, with the image shifted by a few pixels at each step, so that no frequency is preferred.

    Args:
        model: a functional or sequential model of images of a known size.
        units: which channels of the layer.
        layer: a layer's name; None takes the model's output.
        jitter: greatest shift, pixels.
        seed: of noise and shifts.
    """
    outputs = output_of(model, layer)
    units = np.atleast_1d(units)
    if units.min() < 0 or units.max() >= outputs.shape[-1]:
        raise ValueError(f"units: expected 0 to {outputs.shape[-1] - 1}, received {units.min()} to {units.max()}.")
    steps, jitter = validation.integer("steps", steps), validation.integer("jitter", jitter, 0)
    part, shape = keras.Model(model.inputs[0], outputs), model.inputs[0].shape[1:]
    rng = np.random.default_rng(seed)
    x = keras.Variable(rng.normal(0, 0.1, (len(units), *shape)), dtype="float32", trainable=True)
    optimizer = Adam(step_size)
    optimizer.build([x])
    chosen = ops.one_hot(units, outputs.shape[-1])

    def loss(shift):
        image = ops.tanh(x.value)
        seen = ops.roll(image, (shift[0], shift[1]), axis=(1, 2)) if jitter else image
        activity = part(seen, training=False)
        if len(activity.shape) == 4:
            activity = activity[:, activity.shape[1] // 2, activity.shape[2] // 2]
        excited = ops.sum(activity * chosen)
        rough = ops.sum(ops.square(image[:, 1:] - image[:, :-1])) + ops.sum(ops.square(image[:, :, 1:] - image[:, :, :-1]))
        return decay * ops.sum(ops.square(image)) + smoothness * rough - excited, ()

    def ascend(shift):
        (value, _), gradients = engine.value_and_grad(loss, [x])(shift)
        optimizer.apply(gradients, [x])
        return value

    program = engine.compile(ascend, [x, *optimizer.variables, *part.variables])
    for _ in range(steps):
        program(rng.integers(-jitter, jitter + 1, 2).astype("int32"))
    return np.tanh(ops.convert_to_numpy(x.value))
