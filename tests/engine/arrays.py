import keras
import numpy as np
import optree
from keras import ops

from lab import engine


def variable(value, dtype="float32", name="v"):
    return keras.Variable(np.asarray(value), dtype=dtype, name=name)


def as_array(x):
    return ops.convert_to_numpy(x)


def machine_code(program, state, *args):
    """What XLA made of a program, as text."""
    compiled = engine.compile(program, state)
    args = keras.tree.map_structure(keras.ops.convert_to_tensor, args)
    if keras.backend.backend() == "tensorflow":
        leaves, structure = optree.tree_flatten(args)
        return compiled.function(structure, leaves).experimental_get_compiler_ir(*leaves)(stage="optimized_hlo")
    compiled(*args)
    return compiled._function.lower([variable.value for variable in compiled.state], args).compile().as_text()
