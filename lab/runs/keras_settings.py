"""Keras as every run finds it: on the backend that was asked for, with none of the user's ambient settings.

~/.keras/keras.json and the environment decide shapes and dtypes of a whole process. A run that obeyed them could not be made again
from what it records.
"""

import os
import sys

BACKENDS = ("tensorflow", "jax")


def backend(usual="tensorflow"):
    """The backend that this process has or will have."""
    return sys.modules["keras"].config.backend() if "keras" in sys.modules else os.environ.get("KERAS_BACKEND") or usual


def choose_backend(wanted):
    """Makes `wanted` the backend of this process; a ValueError where it cannot be."""
    if wanted not in BACKENDS:
        raise ValueError(f"KERAS_BACKEND: expected 'tensorflow' or 'jax', received {wanted!r}")
    if backend(wanted) != wanted:
        raise ValueError(f"KERAS_BACKEND: expected {wanted!r}, on which the run was started, received {backend()!r}")
    os.environ["KERAS_BACKEND"] = wanted
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow leaves oneDNN off on processors without AVX-512's VNNI. On one of those DCGAN's update is 1.6 times as fast with it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def import_keras():
    """Imports Keras and takes the usual settings; a ValueError where it cannot be imported.

    What the backend says at its start, which the C++ side writes to the process's stderr, is kept away.
    """
    os.environ["KERAS_NNX_ENABLED"] = "false"  # decides what a variable is on JAX, when Keras is imported
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
