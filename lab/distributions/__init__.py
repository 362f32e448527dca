"""Probability distributions over tensors: samples, densities, moments, entropies and divergences.

Parameters may have any batch shape. Every measure is elementwise over that shape, in nats. `sample`
draws with a `keras.random.SeedGenerator`, so it works inside compiled programs. Samples of a
continuous distribution are differentiable in its parameters. Outside of the support `log_prob` is
-inf. A distribution is a plain object: make it where you need it.
"""

from lab.distributions.bernoulli import Bernoulli
from lab.distributions.binomial import Binomial
from lab.distributions.categorical import Categorical
from lab.distributions.diagonal_normal import DiagonalNormal
from lab.distributions.distribution import Distribution
from lab.distributions.multi_categorical import MultiCategorical
from lab.distributions.normal import Normal
from lab.distributions.tanh_normal import TanhNormal
from lab.distributions.uniform import Uniform

__all__ = [
    "Bernoulli",
    "Binomial",
    "Categorical",
    "DiagonalNormal",
    "Distribution",
    "MultiCategorical",
    "Normal",
    "TanhNormal",
    "Uniform",
]
