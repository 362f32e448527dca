import keras
import numpy as np
from keras import ops


def variable(value, dtype="float32", name="v"):
    return keras.Variable(np.asarray(value), dtype=dtype, name=name)


def as_array(x):
    return ops.convert_to_numpy(x)
