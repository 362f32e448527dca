"""The moving average of a model, as a model of its own."""

import keras
from keras import ops

from lab.engine import private
from lab.layers import RunningNormalization


def averaged(model: keras.Model) -> keras.Model:
    """A copy of a model, without trainable variables, from which its average starts.

    Raises:
        ValueError: Keras cannot copy the model.
    """
    try:
        copy = keras.models.clone_model(model)
    except Exception as error:  # Keras raises many kinds
        raise ValueError(
            f"average: expected a model that Keras can clone, with layers that have a configuration, received {model.name}: "
            f"{(str(error).strip() or type(error).__name__).splitlines()[0]}"
        ) from error
    copy.set_weights(model.get_weights())
    for mine, theirs in zip(private.flatten_layers(copy), private.flatten_layers(model), strict=True):
        if mine.dtype_policy.name != theirs.dtype_policy.name:
            mine.dtype_policy = theirs.dtype_policy  # of a layer within another, see `set_precision`
    # Not the layers: they are saved with the model, and whoever loads it may train it.
    for variable in copy.trainable_variables:
        variable.trainable = False
    return copy


def update_average(average: keras.Model, model: keras.Model, decay: float, updates: keras.Variable) -> None:
    """Moves the average towards the model, after an update of the model. A program.

        d = min(decay, (1 + t) / (10 + t))
        average <- d average + (1 - d) model

    t is the number of updates of the average before this one. With a constant decay of 0.999,
    half of the initial weights would be left after 700 updates. With this d the first updates
    forget them. The form of d is that of TensorFlow 1's `ExponentialMovingAverage`.

    Statistics, such as a batch normalisation's, are averaged too, for they belong to the weights
    of their time. Those of `RunningNormalization` belong to the observations alone. They are
    copied, and so are random states and integers.

    Args:
        average: what `averaged` returned.
        model: the model that is averaged.
        decay: the greatest decay, in [0, 1).
        updates: t, a Keras variable. It is part of the state: `model`, `average` and `updates`
            make a checkpoint.
    """
    t = ops.cast(updates, "float32")
    _move(average, model, ops.maximum(1 - decay, 9 / (10 + t)), updates)  # 1 - d


def update_recent_average(average: keras.Model, model: keras.Model, share: float, updates: keras.Variable) -> None:
    """Moves the average towards the model, after an update of the model. A program.

        average <- average + (model - average) k / (k + t),  k = 1 / share

    t is the number of updates of the average before this one. The weights after update u count in
    proportion to about u^(k-1). So the newest `share` of all updates makes about two thirds of
    the average or more, however many updates there have been.

    This is polynomial-decay averaging with eta = k - 1 (Shamir and Zhang 2013, "Stochastic
    Gradient Descent for Non-smooth Optimization"). With a share of 1 it is the mean of all
    (Polyak and Juditsky 1992).

    Statistics, random states and integers are as in `update_average`.

    Args:
        average: what `averaged` returned.
        model: the model that is averaged.
        share: in (0, 1]; 1 is the mean of all.
        updates: t, a Keras variable. It is part of the state: `model`, `average` and `updates`
            make a checkpoint.
    """
    _move(average, model, 1 / (1 + share * ops.cast(updates, "float32")), updates)


def _move(average, model, share, updates):
    observers = [layer for layer in private.flatten_layers(model) if isinstance(layer, RunningNormalization)]
    copied = {id(variable) for layer in observers for variable in layer.variables}
    for mean, variable in zip(average.variables, model.variables, strict=True):
        if keras.backend.is_float_dtype(variable.dtype) and id(variable) not in copied:
            mean.assign(mean + ops.cast(share, mean.dtype) * (variable - mean))
        else:
            mean.assign(variable)
    updates.assign(updates + 1)


def update_counter() -> keras.Variable:
    """The variable `updates` of a new average, 0."""
    return keras.Variable(0, dtype="int", trainable=False, name="updates")
