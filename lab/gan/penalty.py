"""Penalties of the discriminator, with their weights and names.

A weight is a number or one of Keras's schedules (`keras.optimizers.schedules`), a function of the
discriminator's steps.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from lab.engine.types import Tensor
from lab.losses import penalties

Weight = float | Callable[[Tensor], Tensor]


class Penalty(NamedTuple):
    """A term of the discriminator's loss: weight · function(...), a scalar.

    Without `gradient_at` the call is function(critic, real, fake, seed). `critic` maps samples to
    logits, at points that the function chooses, and each call of it runs the discriminator again.

    With `gradient_at` the call is function(gradient), of the gradient `[B, ...]` of the logits at
    the real or at the fake samples. The logits are those of the loss: the discriminator is not run
    again.
    """

    name: str  # of the metric, which is without the weight
    weight: Weight
    function: Callable[..., Tensor]
    gradient_at: Literal["real", "fake"] | None = None

    def at(self, step: Tensor) -> Tensor:
        """The weight at a step of the discriminator."""
        return self.weight(step) if callable(self.weight) else self.weight


def gradient_penalty(weight: Weight = 10.0) -> Penalty:
    """weight · E (|grad D(x^)| - 1)² at points x^ between real and fake samples.

    It is WGAN-GP's (Gulrajani et al. 2017, Algorithm 1; see `lab.losses.penalties`).
    """

    def function(critic, real, fake, seed):
        return penalties.gradient_penalty(critic, real, fake, seed=seed)

    return Penalty("gradient_penalty", weight, function)


def r1(gamma: Weight = 1.0) -> Penalty:
    """gamma/2 · E |grad D|² over real samples (Mescheder et al. 2018, eq. 9).

    The gradient is of the logits in the loss, so layer noise and augmentation are drawn once for
    both, and batch statistics and spectral norms move once.
    """
    return Penalty("r1", gamma, penalties.zero_centred, "real")


def r2(gamma: Weight = 1.0) -> Penalty:
    """gamma/2 · E |grad D|² over fake samples (Mescheder et al. 2018, eq. 10); as `r1`."""
    return Penalty("r2", gamma, penalties.zero_centred, "fake")


def drift(weight: Weight = 1e-3) -> Penalty:
    """weight · E D(real)² (Karras et al. 2018, appendix A.1)."""
    return Penalty("drift", weight, lambda critic, real, fake, seed: penalties.drift(critic(real)))
