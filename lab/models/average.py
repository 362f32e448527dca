"""The moving average of a model, as a model of its own."""

import keras
from keras import ops

from lab.engine import private
from lab.layers import RunningNormalization


def averaged(model):
    """A copy of a model, without trainable variables: where its average starts from. ValueError where Keras cannot copy it."""
    try:
        copy = keras.models.clone_model(model)
    except Exception as error:  # Keras raises many kinds
        raise ValueError(
            f"average: expected a model that Keras can clone, with layers that have a configuration, received {model.name}: "
            f"{(str(error).strip() or type(error).__name__).splitlines()[0]}"
        ) from error
    copy.set_weights(model.get_weights())
    for variable in copy.trainable_variables:  # not the layers: they are saved with the model, for those who go on with it
        variable.trainable = False
    return copy


def update_average(average, model, decay, updates):
    """Moves the average towards the model, after an update of the model. A program.

        d = min(decay, (1 + t) / (10 + t))
        average <- d average + (1 - d) model

    t counts the updates of the average before this one. The first ones forget where it started: with a decay alone,
    half of the initial weights would be left after 700 updates at 0.999. The form of d is that of TensorFlow 1's
    `ExponentialMovingAverage`.

    Statistics, such as a batch normalisation's, are averaged too: those of a single moment would belong to other weights.
    Those of `RunningNormalization`, which are of the observations alone, are copied, and so are random states and integers.

    Args:
        average: what `averaged` gave.
        decay: the greatest decay, in [0, 1).
        updates: t, a Keras variable. It is part of the state: `model`, `average` and it make a checkpoint.
    """
    t = ops.cast(updates, "float32")
    _move(average, model, ops.maximum(1 - decay, 9 / (10 + t)), updates)  # 1 - d


def update_recent_average(average, model, share, updates):
    """Moves the average towards the model, after an update of the model. A program.

        average <- average + (model - average) k / (k + t),  k = 1 / share

    t counts the updates of the average before this one. The weights after update u count in proportion to about u^(k-1). So
    the newest `share` of all updates makes about two thirds of the average or more, however many updates there have been.
    This is polynomial-decay averaging with eta = k - 1 (Shamir and Zhang 2013, "Stochastic Gradient Descent for Non-smooth
    Optimization"); with a share of 1 it is the mean of all (Polyak and Juditsky 1992).

    Statistics, random states and integers are as in `update_average`.

    Args:
        average: what `averaged` gave.
        share: in (0, 1]; 1 is the mean of all.
        updates: t, a Keras variable. It is part of the state: `model`, `average` and it make a checkpoint.
    """
    _move(average, model, 1 / (1 + share * ops.cast(updates, "float32")), updates)


def _move(average, model, share, updates):
    copied = {
        id(v) for layer in private.flatten_layers(model) if isinstance(layer, RunningNormalization) for v in layer.variables
    }
    for mean, variable in zip(average.variables, model.variables, strict=True):
        if keras.backend.is_float_dtype(variable.dtype) and id(variable) not in copied:
            mean.assign(mean + ops.cast(share, mean.dtype) * (variable - mean))
        else:
            mean.assign(variable)
    updates.assign(updates + 1)


def update_counter():
    """The variable `updates` of an average that has not begun."""
    return keras.Variable(0, dtype="int", trainable=False, name="updates")
