"""The moving average of a model, as a model of its own."""

import keras
from keras import ops


def averaged(model):
    """A copy of a model that does not learn: where its average starts from."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.trainable = False
    return copy


def update_average(average, model, decay, updates):
    """Moves the average towards the model, after an update of the model. A program.

        d = min(decay, (1 + t) / (10 + t))
        average <- d average + (1 - d) model

    t counts the updates of the average before this one. The first ones forget where it started: with a decay alone,
    half of the initial weights would be left after 700 updates at 0.999. The form of d is that of TensorFlow 1's
    `ExponentialMovingAverage`.

    Statistics, such as a batch normalisation's, are averaged too: those of a single moment would belong to other weights.
    Random states and other integers are copied.

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

    t counts the updates of the average before this one. The weights of update number t then stand in the average in
    proportion to about t^(k-1): it is over the newest `share` of all updates, however many there have been (Shamir and
    Zhang 2013, "Stochastic Gradient Descent for Non-smooth Optimization", polynomial-decay averaging with eta = k - 1).
    A step size that stays, with such an average, is Polyak and Juditsky's (1992).

    Statistics, random states and integers are as in `update_average`.

    Args:
        average: what `averaged` gave.
        share: in (0, 1]; 1 is the mean of all.
        updates: t, a Keras variable. It is part of the state: `model`, `average` and it make a checkpoint.
    """
    _move(average, model, 1 / (1 + share * ops.cast(updates, "float32")), updates)


def _move(average, model, share, updates):
    for mean, variable in zip(average.variables, model.variables, strict=True):
        if keras.backend.is_float_dtype(variable.dtype):
            mean.assign(mean + ops.cast(share, mean.dtype) * (variable - mean))
        else:
            mean.assign(variable)
    updates.assign(updates + 1)


def update_counter():
    """The variable `updates` of an average that has not begun."""
    return keras.Variable(0, dtype="int", trainable=False, name="updates")
