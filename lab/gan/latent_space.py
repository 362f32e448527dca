"""Paths between two latents, and the way back from an image to its latent."""

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.optimizers import Adam


def slerp(start: np.typing.ArrayLike, end: np.typing.ArrayLike, steps: int) -> np.ndarray:
    """Latents `[steps, Z]` from one to the other along the great circle (White 2016, section 2.1).

        sin((1 - t) angle) / sin(angle) start + sin(t angle) / sin(angle) end,  t from 0 to 1

    The path is a straight line where both point the same way or opposite ways, or one is 0.
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    t = np.linspace(0.0, 1.0, validation.integer("steps", steps, 2))[:, None]
    length = np.linalg.norm(start) * np.linalg.norm(end)
    angle = np.arccos(np.clip(np.dot(start, end) / length, -1.0, 1.0)) if length else 0.0
    if np.sin(angle) < 1e-6:
        return ((1 - t) * start + t * end).astype("float32")
    return ((np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)).astype("float32")


def invert(
    generator: keras.Model,
    images: np.typing.ArrayLike,
    latents: np.typing.ArrayLike,
    *,
    labels: np.typing.ArrayLike | None = None,
    steps: int = 300,
    learning_rate: float = 0.05,
) -> tuple[np.ndarray, np.ndarray]:
    """Latents whose samples come closest to images (Zhu et al. 2016, section 3.1: optimisation).

        min over z of mean (G(z) - x)²

    Adam descends from given latents; its step size falls to 0.

    Args:
        generator: latents (and labels) -> images.
        images: x, `[N, ...]`, in the generator's range.
        latents: R starts for each image, `[N, R, Z]`; the best one counts.
        labels: integers `[N]` for a generator with labels.

    Returns:
        (latents `[N, Z]`, mean squared distances `[N]`).
    """
    images = np.asarray(images, "float32")
    latents = np.asarray(latents, "float32")
    count, starts = latents.shape[:2]
    if images.shape != (count, *generator.outputs[0].shape[1:]):
        expected = (count, *generator.outputs[0].shape[1:])
        raise ValueError(f"images: expected shape {expected}, received {images.shape}.")
    wanted = np.repeat(images, starts, axis=0)
    classes = None if labels is None else np.repeat(np.asarray(labels, "int32"), starts)
    z = keras.Variable(latents.reshape(count * starts, -1), name="latent")
    optimizer = Adam(keras.optimizers.schedules.CosineDecay(learning_rate, validation.integer("steps", steps)))
    optimizer.build([z])
    state = [z, *optimizer.variables, *generator.variables]

    def distances(wanted, classes):
        point = ops.convert_to_tensor(z)
        made = generator([point, classes] if classes is not None else point, training=False)
        return ops.mean(ops.square(made - wanted), axis=tuple(range(1, wanted.ndim)))

    def program(wanted, classes):
        def step(_):
            gradient = engine.value_and_grad(lambda: (ops.sum(distances(wanted, classes)), ()), [z])
            optimizer.apply(gradient()[1], [z])
            return ()

        engine.scan(step, state, length=steps)
        return distances(wanted, classes)

    found = engine.compile(program, state)(wanted, classes)
    found = np.asarray(found).reshape(count, starts)
    best = found.argmin(axis=1)
    return engine.read(z).reshape(count, starts, -1)[np.arange(count), best], found.min(axis=1)
