"""The objectives of generative adversarial networks.

An `Objective` is a pair of losses, one for the discriminator D and one for the generator G. Each is
a function (real, fake) -> scalar that its network minimises. real and fake are the discriminator's
logits of real and of fake samples, written r and f below. sigma is the logistic function.
"""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from lab.engine.types import Tensor


class Objective(NamedTuple):
    """The losses of both networks, functions of the logits `[B, ...]` of real and fake samples."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    paired: bool = False  # whether the generator's loss uses the real samples too


def _logistic(real, fake):
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))


minimax = Objective(_logistic, lambda real, fake: -ops.mean(ops.softplus(fake)))
"""The game of the first paper (Goodfellow et al. 2014, eq. 1).

    D: -E log sigma(r) - E log(1 - sigma(f))
    G: E log(1 - sigma(f))
"""

non_saturating = Objective(_logistic, lambda real, fake: ops.mean(ops.softplus(-fake)))
"""`minimax` with a generator's loss that does not saturate (Goodfellow et al. 2014, section 3).

    D: -E log sigma(r) - E log(1 - sigma(f))
    G: -E log sigma(f)
"""

least_squares = Objective(
    lambda real, fake: 0.5 * ops.mean(ops.square(real - 1.0)) + 0.5 * ops.mean(ops.square(fake)),
    lambda real, fake: 0.5 * ops.mean(ops.square(fake - 1.0)),
)
"""Least squares (Mao et al. 2017, eq. 9).

    D: E (r - 1)^2 / 2 + E f^2 / 2
    G: E (f - 1)^2 / 2
"""

wasserstein = Objective(lambda real, fake: ops.mean(fake) - ops.mean(real), lambda real, fake: -ops.mean(fake))
"""The Wasserstein distance, for a Lipschitz critic (Arjovsky et al. 2017, eq. 2, Algorithm 1).

    D: E f - E r
    G: -E f
"""

hinge = Objective(
    lambda real, fake: ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake)),
    lambda real, fake: -ops.mean(fake),
)
"""The hinge loss (Lim and Ye 2017; Miyato et al. 2018, eq. 16-17).

    D: E max(0, 1 - r) + E max(0, 1 + f)
    G: -E f
"""

relativistic = Objective(
    lambda real, fake: ops.mean(ops.softplus(fake - real)),
    lambda real, fake: ops.mean(ops.softplus(real - fake)),
    paired=True,
)
"""The relativistic pairing loss (Jolicoeur-Martineau 2019, eq. 3; R3GAN, Huang et al. 2024).

    D: -E log sigma(r - f)
    G: -E log sigma(f - r)
"""
