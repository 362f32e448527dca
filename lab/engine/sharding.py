"""Data-parallel training: each device has all variables, and its part of every batch.

Keras's own `keras.distribution` says which devices there are. Keras marks it "do not use" on
TensorFlow, so it is for JAX alone.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from lab.engine.scope import narrow


def devices() -> int:
    """See `lab.engine`."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return 1
    if keras.backend.backend() != "jax":
        raise ValueError(
            f"keras.distribution: expected none on {keras.backend.backend()}, for which Keras marks it 'do not use', "
            "received one; KERAS_BACKEND=jax has it."
        )
    return int(np.prod(distribution.device_mesh.shape))


def require_batch(name: str, size: int) -> None:
    """Checks that a batch has the same number of examples for each device."""
    if size % devices():
        raise ValueError(f"{name}: expected a multiple of the {devices()} devices, received {size}.")


def shard(values: Any, axis: int = 0) -> Any:
    """See `lab.engine`."""
    if devices() == 1:
        return values
    distribution = keras.distribution.distribution()

    def place(x):
        axes: list[str | None] = [None] * len(x.shape)
        axes[axis] = distribution.batch_dim_name
        x = narrow("batch", x) if isinstance(x, np.ndarray) else x
        return keras.distribution.distribute_tensor(x, keras.distribution.TensorLayout(axes, distribution.device_mesh))

    return keras.tree.map_structure(place, values)


@contextlib.contextmanager
def unsharded() -> Iterator[None]:
    """See `lab.engine`."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)
