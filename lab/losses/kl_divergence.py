"""Kullback and Leibler's divergence."""

import keras
from keras import ops

from lab.distributions import Distribution
from lab.losses.elementwise import together


def kl_divergence(p, q):
    """D(p || q) = sum p log(p/q) (Kullback and Leibler 1951).

    Args:
        p, q: two of `lab.distributions` of one family, whose closed form it is; or probabilities `[..., K]` -> `[...]`, kept
            1e-7 from 0 as in Keras, so that the loss stays finite (`lab.information.kl_divergence` is infinite where it is).
    """
    if isinstance(p, Distribution):
        return p.kl_divergence(q)
    p, q = together(p, q)
    p, q = (ops.clip(x, keras.config.epsilon(), 1.0) for x in (p, q))
    return ops.sum(p * ops.log(p / q), axis=-1)


@keras.saving.register_keras_serializable(package="lab")
class KLDivergence(keras.losses.Loss):
    """The mean of `kl_divergence` over all pairs of probabilities."""

    def call(self, y_true, y_pred):
        """The divergence of each pair."""
        return kl_divergence(y_true, y_pred)
