"""Penalties of the discriminator, with their weights and names.

A weight is a number or a schedule of Keras's (`keras.optimizers.schedules`), of the discriminator's steps.
"""

from collections.abc import Callable
from typing import NamedTuple

from lab.losses import penalties


class Penalty(NamedTuple):
    """weight · function(critic, real, fake, seed), in the discriminator's loss; critic: samples -> logits."""

    name: str  # of the metric, which is without the weight
    weight: float | Callable
    function: Callable

    def at(self, step):
        """The weight at a step of the discriminator."""
        return self.weight(step) if callable(self.weight) else self.weight


def gradient_penalty(weight=10.0):
    """WGAN-GP's: the critic's gradient has norm 1 between real and fake samples (Gulrajani et al. 2017; `lab.losses.penalties`)."""
    return Penalty(
        "gradient_penalty", weight, lambda critic, real, fake, seed: penalties.gradient_penalty(critic, real, fake, seed=seed)
    )


def r1(gamma=1.0):
    """gamma/2 · E |grad D|² over real samples (Mescheder et al. 2018, eq. 9)."""
    return Penalty("r1", gamma, lambda critic, real, fake, seed: penalties.r1(critic, real))


def r2(gamma=1.0):
    """gamma/2 · E |grad D|² over fake samples (Mescheder et al. 2018, eq. 10)."""
    return Penalty("r2", gamma, lambda critic, real, fake, seed: penalties.r2(critic, fake))


def drift(weight=1e-3):
    """weight · E D(real)² (Karras et al. 2018, appendix A.1)."""
    return Penalty("drift", weight, lambda critic, real, fake, seed: penalties.drift(critic(real)))
