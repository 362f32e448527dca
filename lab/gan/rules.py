"""An update rule with what it asks of the players and of the samples."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np

from lab.gan.latent import Latent, Normal
from lab.gan.loop import check_samples
from lab.gan.players import check_players
from lab.gan.update import Metrics

if TYPE_CHECKING:
    from lab.gan.gan import GAN


class UpdateRule(NamedTuple):
    """The turns of one update. The other functions are those of a game of latents and samples."""

    update: Callable[..., Metrics]
    """(gan, real, labels, regularize) -> metrics, a program; see `lab.gan.update`."""
    check_players: Callable[["GAN"], None] = check_players
    """Raises a ValueError unless the players fit each other and the rule."""
    check_samples: Callable[["GAN", Any, Any], tuple[np.ndarray, np.ndarray | None]] = check_samples
    """(gan, x, y of `fit`) -> both as arrays; raises a ValueError unless the players take them."""
    latent: Callable[[keras.Model], Latent] = lambda generator: Normal(generator.inputs[0].shape[-1])
    """The generator -> what latents are drawn from, if the caller of `GAN` does not say."""
    memory: Callable[["GAN"], Any] = lambda gan: None
    """A layer with state of the rule's own, such as a pool of pictures: `gan.memory`."""
    unpaired: bool = False
    """Whether x and y of `fit` are two sets, each in an order of its own."""
