"""The Kullback-Leibler divergence."""

import keras
from keras import ops

from lab.distributions import Distribution
from lab.engine.types import Tensor
from lab.losses.elementwise import convert_pair


def kl_divergence(p: Distribution | Tensor, q: Distribution | Tensor) -> Tensor:
    """D(p || q) = sum p log(p / q) (Kullback and Leibler 1951).

    Two distributions of one family of `lab.distributions` have a closed form. Probabilities are
    summed over the last axis: `[..., K]` -> `[...]`. They are at least 1e-7, as in Keras, so that
    the loss is finite. `lab.information.kl_divergence` has no such bound.

    Args:
        p, q: both distributions, or both probabilities.
    """
    if isinstance(p, Distribution):
        return p.kl_divergence(q)
    p, q = convert_pair(p, q)
    p, q = (ops.clip(x, keras.config.epsilon(), 1.0) for x in (p, q))
    return ops.sum(p * ops.log(p / q), axis=-1)


@keras.saving.register_keras_serializable(package="lab")
class KLDivergence(keras.losses.Loss):
    """The mean of `kl_divergence` over all pairs of probabilities."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The divergence of each pair."""
        return kl_divergence(y_true, y_pred)
