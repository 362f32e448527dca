"""Whether a network ends in logits or in probabilities."""

import keras

PROBABILITIES = {"sigmoid", "hard_sigmoid", "softmax", "sparsemax", "log_sigmoid", "log_softmax"}
SHAPING = (keras.layers.Reshape, keras.layers.Flatten, keras.layers.Identity)


def check_logits(name: str, output: keras.KerasTensor) -> None:
    """Raises where an output is a probability. Losses take logits and would squash it again."""
    found = last_activation(output)
    if found in PROBABILITIES:
        raise ValueError(f"{name}: expected logits, received probabilities; leave out the {found} at its end.")


def last_activation(output: keras.KerasTensor) -> str:
    """The name of the function that a network ends in, or "" where it is not known."""
    operation, _, place = output._keras_history
    if isinstance(operation, keras.Model):
        return last_activation(operation.outputs[place])
    if isinstance(operation, SHAPING):
        return last_activation(operation.input)
    layer = getattr(operation, "layer", operation)  # inside a wrapper
    function = getattr(layer, "activation", None)
    return _underscored(getattr(function, "__name__", type(function or layer).__name__))


def _underscored(name):
    """`LogSoftmax` -> `log_softmax`: operations and layers are named after their functions."""
    return "".join(f"_{letter.lower()}" if letter.isupper() and place else letter.lower() for place, letter in enumerate(name))
