"""The devices of a run, and what precision they are fast with.

`--devices N` trains on N of them, by `keras.distribution` on JAX.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

from lab import validation
from lab.engine.precision import chosen
from lab.runs import keras_settings


def require(count: int, backend: str, configs: Iterable[Any]) -> None:
    """Checks that runs with these configurations can train on so many devices.

    Raises:
        ValueError: the experiment does not train by batches, the backend has no data-parallel
            training, or the batches cannot be divided.
    """
    if count == 1:
        return
    for config in configs:
        able = getattr(config, "several_devices", False)
        validation.require(able, "devices", "1: only supervised networks and GANs train on several", count)
        on_jax = "1 on TensorFlow, where Keras marks keras.distribution 'do not use'; KERAS_BACKEND=jax has several"
        validation.require(backend == "jax", "devices", on_jax, count)
        size = config.batch_size
        validation.require(size % count == 0, "batch_size", f"a multiple of the {count} devices", size)


def use(count: int) -> None:
    """Lets Keras put all variables on the first devices, and a part of each batch. For 1: none.

    Call it before networks are made.

    Raises:
        ValueError: this machine has fewer.
    """
    import keras

    if count == 1:
        keras.distribution.set_distribution(None)
        return
    found = keras.distribution.list_devices()
    validation.require(count <= len(found), "devices", f"at most {len(found)}, which JAX finds here", count)
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=found[:count], auto_shard_dataset=False))


def with_precision(config: Any, backend: str) -> tuple[Any, str]:
    """(the configuration with a precision in place of "auto", a sentence that says which).

    The choice is made once, before run.json is written: a resumed run has the same precision on
    each machine. If there is no "auto", the configuration is returned as it is, and "".

    Raises:
        ValueError: Keras cannot be imported.
    """
    if getattr(config, "precision", None) != "auto":
        return config, ""
    keras_settings.choose_backend(backend)
    keras_settings.import_keras()  # may be asked for GPUs
    found = chosen("auto", backend)
    return dataclasses.replace(config, precision=found), f"precision: {found}, chosen for {backend} on this machine"
