"""Keras as every run finds it: on the chosen backend, with the same settings on any machine.

~/.keras/keras.json and the environment decide the shapes and dtypes of a whole process. A run that
followed them could not be repeated from what it records.
"""

import os
import sys

BACKENDS = ("tensorflow", "jax")


def backend(usual: str = "tensorflow") -> str:
    """The backend that this process has or will have. `usual` is the one if nothing decides."""
    return sys.modules["keras"].config.backend() if "keras" in sys.modules else os.environ.get("KERAS_BACKEND") or usual


def choose_backend(wanted: str) -> None:
    """Makes `wanted` the backend of this process.

    Raises:
        ValueError: it is not a backend of runs, or the process has another one already.
    """
    if wanted not in BACKENDS:
        raise ValueError(f"KERAS_BACKEND: expected 'tensorflow' or 'jax', received {wanted!r}")
    if backend(wanted) != wanted:
        raise ValueError(f"KERAS_BACKEND: expected {wanted!r}, on which the run was started, received {backend()!r}")
    os.environ["KERAS_BACKEND"] = wanted
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow turns oneDNN off on processors without the VNNI instructions of AVX-512. On such a
    # processor, an update of DCGAN is 1.6 times as fast with oneDNN.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def import_keras() -> None:
    """Imports Keras and resets its settings to the defaults.

    The messages that the C++ code of a backend writes to stderr at its start are not shown.

    Raises:
        ValueError: Keras cannot be imported.
    """
    os.environ["KERAS_NNX_ENABLED"] = "false"  # read at the import: decides what a variable is on JAX
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            import keras
    except Exception as error:
        backend = os.environ.get("KERAS_BACKEND")
        raise ValueError(
            f"Keras: expected one that can be imported on {backend}, received {' '.join(str(error).split())}"
        ) from error
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
