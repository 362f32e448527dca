"""The objectives of generative adversarial networks: pairs of losses on the discriminator's logits for real and for fake samples.

Each is an `Objective` of two functions (real, fake) -> scalar, to be minimised by its player. sigma is the logistic function.
"""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops


class Objective(NamedTuple):
    """The losses of both players, each a function of the logits `[B, ...]` of real and of fake samples."""

    discriminator: Callable
    generator: Callable
    paired: bool = False  # whether the generator's loss looks at real samples too


def _logistic(real, fake):
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))


minimax = Objective(_logistic, lambda real, fake: -ops.mean(ops.softplus(fake)))
"""D: -E log sigma(r) - E log(1 - sigma(f));  G: E log(1 - sigma(f)) (Goodfellow et al. 2014, eq. 1)."""

non_saturating = Objective(_logistic, lambda real, fake: ops.mean(ops.softplus(-fake)))
"""D: as minimax;  G: -E log sigma(f) (Goodfellow et al. 2014, section 3)."""

least_squares = Objective(
    lambda real, fake: 0.5 * ops.mean(ops.square(real - 1.0)) + 0.5 * ops.mean(ops.square(fake)),
    lambda real, fake: 0.5 * ops.mean(ops.square(fake - 1.0)),
)
"""D: E (r-1)^2/2 + E f^2/2;  G: E (f-1)^2/2 (Mao et al. 2017, eq. 9)."""

wasserstein = Objective(lambda real, fake: ops.mean(fake) - ops.mean(real), lambda real, fake: -ops.mean(fake))
"""D: E f - E r;  G: -E f (Arjovsky et al. 2017, eq. 2 and Algorithm 1)."""

hinge = Objective(
    lambda real, fake: ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake)),
    lambda real, fake: -ops.mean(fake),
)
"""D: E max(0, 1-r) + E max(0, 1+f);  G: -E f (Lim and Ye 2017; Miyato et al. 2018, eq. 16-17)."""

relativistic = Objective(
    lambda real, fake: ops.mean(ops.softplus(fake - real)),
    lambda real, fake: ops.mean(ops.softplus(real - fake)),
    paired=True,
)
"""D: -E log sigma(r - f);  G: -E log sigma(f - r), over pairs (Jolicoeur-Martineau 2019, eq. 3; Huang et al. 2024, R3GAN)."""
