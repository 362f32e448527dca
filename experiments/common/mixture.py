"""What the experiments on mixtures of Gaussians share: families of GANs, and PacGAN's measures.

All families have one pair of players. Differences from PacGAN's code:

- There both players step at once from the same weights; here the discriminator steps first.
- There packs are drawn once, with replacement; here every pass packs anew.

Only R3GAN has a moving average and a step size that falls. The others are as in their papers.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from experiments.common import gan as shared
from lab import validation
from lab.engine.precision import Precision
from lab.runs import memory
from lab.validation import Interval

if TYPE_CHECKING:
    import keras
    import numpy as np

    from lab.data import GaussianMixture
    from lab.gan import GAN

Family = Literal[
    "minimax", "gan", "lsgan", "wgan", "wgan_gp", "hinge_sn", "r3gan", "pacgan2", "pacgan4", "optimistic", "extragradient"
]


class Recipe(NamedTuple):
    """What makes a family."""

    objective: str
    """Of `lab.losses.adversarial`."""
    learning_rate: float
    """At the start."""
    betas: tuple[float, ...]
    """Adam's; of RMSprop its decay."""
    gradient_penalty: float = 0.0
    """Weight of WGAN-GP's penalty."""
    gammas: tuple[float, float] | None = None
    """Weight of R1 and of R2 at the start and at the end, for samples of variance 1."""
    penalty_interval: int = 1
    """One update in so many has penalties."""
    clip: float | None = None
    """Bound of the critic's weights."""
    critic_steps: int = 1
    """Turns of the discriminator for each turn of the generator, each with its own samples."""
    spectral: bool = False
    """Spectral normalisation of the discriminator."""
    pac: int = 1
    """Samples that the discriminator sees at once."""
    optimizer: str = "adam"
    """A kind of `optimizer`."""
    ema: float = 0.0
    """Decay of the generator's average, whose samples are measured."""
    decay: bool = False
    """Let the learning rate fall to a hundredth in the last three tenths, along a cosine."""


# Lin et al. 2018, section 4.1 and their code
PACGAN = Recipe("non_saturating", 1e-4, (0.8, 0.999))
ADAM = Recipe("non_saturating", 1e-4, (0.5, 0.9))
RECIPES = {
    "gan": PACGAN,
    "pacgan2": PACGAN._replace(pac=2),
    "pacgan4": PACGAN._replace(pac=4),
    # Goodfellow et al. 2014, eq. 1
    "minimax": PACGAN._replace(objective="minimax"),
    # Mao et al. 2017
    "lsgan": PACGAN._replace(objective="least_squares"),
    # Miyato et al. 2018, section 4
    "hinge_sn": Recipe("hinge", 2e-4, (0.0, 0.9), spectral=True, critic_steps=5),
    # Arjovsky et al. 2017, Algorithm 1
    "wgan": Recipe("wasserstein", 5e-5, (0.99,), clip=0.01, critic_steps=5, optimizer="rmsprop"),
    # Gulrajani et al. 2017, Algorithm 1
    "wgan_gp": Recipe("wasserstein", 1e-4, (0.0, 0.9), gradient_penalty=10.0, critic_steps=5),
    # Daskalakis et al. 2018, Algorithm 1
    "optimistic": ADAM._replace(optimizer="optimistic"),
    # Gidel et al. 2019, Algorithm 4: a batch for each of its two gradients
    "extragradient": ADAM._replace(optimizer="extragradient", critic_steps=2),
    # Huang et al. 2024
    "r3gan": Recipe("relativistic", 1e-3, (0.0, 0.99), gammas=(0.025, 0.00025), penalty_interval=4, ema=0.999, decay=True),
}


@dataclass(frozen=True)
class Mixture:
    """Settings of a GAN on a mixture."""

    several_devices: ClassVar[bool] = True  # see `lab.runs.devices`
    together: ClassVar[bool] = True  # its seeds can be one program; see `lab.runs.together`

    family: Family = "r3gan"
    """Objective, penalties and optimizer; see RECIPES in experiments/common/mixture.py."""
    epochs: Annotated[int, Interval(1, 10**6)] = 80
    """Passes over the samples; with packing pac times as many, for as many updates."""
    samples: Annotated[int, Interval(1, 10**9)] = 100_000
    """Samples of the mixture to train on."""
    batch_size: Annotated[int, Interval(1, 10**6)] = 100
    """Samples, or packs of them, in one turn of a player."""
    generator_units: Annotated[int, Interval(1, 10**5)] = 400
    """Units of the generator's four hidden layers."""
    discriminator_units: Annotated[int, Interval(1, 10**5)] = 200
    """Maxout units, of five pieces, of the discriminator's three hidden layers."""
    latent: Annotated[int, Interval(1, 10**5)] = 2
    """Numbers in a latent."""
    evaluation_samples: Annotated[int, Interval(1, 10**8)] = 2_500
    """Samples that are measured."""
    precision: Precision = "float32"
    """Numbers that the players' convolutions and dense layers compute with; see `Recipe`."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        size = self.update_size * RECIPES[self.family].penalty_interval
        validation.require(size <= self.samples, "samples", f"at least {size}, {self.family}'s fewest", self.samples)

    @property
    def turn_size(self) -> int:
        """Real samples in one turn of the discriminator."""
        return self.batch_size * RECIPES[self.family].pac

    @property
    def update_size(self) -> int:
        """Real samples in one update."""
        return self.turn_size * RECIPES[self.family].critic_steps

    @property
    def passes(self) -> int:
        """Passes over the samples."""
        return self.epochs * RECIPES[self.family].pac

    @property
    def updates(self) -> int:
        """Updates of the generator in the whole run."""
        interval = RECIPES[self.family].penalty_interval
        return self.passes * (self.samples // (self.update_size * interval) * interval)

    @property
    def total_steps(self) -> int:
        """Samples seen in the whole run."""
        return self.updates * self.update_size

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        units = self.discriminator_units
        latents = memory.array(self.evaluation_samples, self.latent, item=12)
        return [
            memory.Need("samples", 24 * (self.samples + self.evaluation_samples), "--samples, --evaluation-samples"),
            memory.Need("generator", memory.dense(self.latent, *[self.generator_units] * 4, 2), "--generator-units, --latent"),
            # Each maxout unit has five pieces.
            memory.Need("discriminator", 2 * memory.dense(units, 5 * units), "--discriminator-units"),
            memory.Need("latents", latents, "--evaluation-samples, --latent"),
        ]


def run(config: Mixture, track: Any, mixture: "GaussianMixture") -> dict[str, float]:
    """Trains the family on samples of the mixture.

    Returns the modes covered, the share of samples of high quality and the reverse KL divergence.
    """
    from lab.gan.callbacks import Plane, Score, frames
    from lab.gan.pictures import animate

    gan, x, latents = prepare(config, track, mixture)

    def score(gan):
        return measure(gan, latents, mixture)

    callbacks = [Score(score, times=50), Plane(track.artifacts, x[:1000], latents[:1000])]
    shared.fit(track, gan, x, epochs=config.passes, batch_size=config.turn_size, callbacks=callbacks)
    animate(track.artifacts / "training.gif", frames(track.artifacts, "plane-*.png"))
    track.artifact("training.gif")
    track.model(gan.average)
    modes = len(mixture.means)
    track.curve(
        "modes",
        label=f"modes covered, of {modes}",
        x_label="samples seen",
        title=f"Modes that the generator covers: {config.family}",
        lines={f"all modes: {modes}": modes},
    )
    return score(gan)


def prepare(config: Mixture, track: Any, mixture: "GaussianMixture") -> tuple["GAN", "np.ndarray", "np.ndarray"]:
    """(the GAN, its training samples, the latents whose samples are measured) of a run."""
    import numpy as np

    players, drawn, looks = shared.seeds(track, 3)
    x = mixture.sample(config.samples, np.random.default_rng(drawn))
    # In a program of several seeds it must be the same number for all of them.
    variance = mixture.variance() if track.together else float(x.var(axis=0).mean())
    gan = make(config, players, variance)
    return gan, x, np.random.default_rng(looks).normal(size=(config.evaluation_samples, config.latent)).astype("float32")


def measure(gan: "GAN", latents: "np.ndarray", mixture: "GaussianMixture") -> dict[str, float]:
    """PacGAN's measures of the latents' samples."""
    from lab.metrics import mode_coverage

    return mode_coverage(gan.decode(latents), mixture)._asdict()


def make(config: Mixture, seed: int, variance: float) -> "GAN":
    """The GAN of a family.

    Args:
        variance: of the samples' coordinates. R1 and R2 are weighted by it, so that the mixture's
            scale does not matter.
    """
    import numpy as np

    from lab.gan import GAN, extragradient, gradient_penalty
    from lab.losses import adversarial
    from lab.models import mixture_discriminator, mixture_generator

    recipe = RECIPES[config.family]
    for_generator, for_discriminator, for_play = np.random.SeedSequence(seed).generate_state(3).tolist()
    updates = config.updates

    penalties = []
    if recipe.gradient_penalty:
        penalties.append(gradient_penalty(recipe.gradient_penalty))
    if recipe.gammas:
        start, end = recipe.gammas
        penalties += shared.zero_centred(variance * start, variance * end, updates)
    return GAN(
        mixture_generator(config.latent, (config.generator_units,) * 4, seed=for_generator),
        mixture_discriminator(
            2 * recipe.pac, (config.discriminator_units,) * 3, spectral=recipe.spectral, seed=for_discriminator
        ),
        getattr(adversarial, recipe.objective),
        generator_optimizer=optimizer(recipe, updates),
        discriminator_optimizer=optimizer(recipe, updates * recipe.critic_steps),
        penalties=tuple(penalties),
        penalty_interval=recipe.penalty_interval,
        discriminator_steps=recipe.critic_steps,
        clip=recipe.clip,
        pac=recipe.pac,
        ema=recipe.ema,
        precision=config.precision,
        update_rule=extragradient if recipe.optimizer == "extragradient" else None,
        # Divides the family's epoch, so that no second program is compiled for a rest.
        steps_per_execution=50 if recipe.penalty_interval == 1 else 40,
        seed=for_play,
    )


def optimizer(recipe: Recipe, steps: int) -> "keras.optimizers.Optimizer":
    """A player's optimizer, which makes `steps` steps in the whole run."""
    import keras

    from lab import optimizers

    rate = recipe.learning_rate
    if recipe.decay:
        held = round(0.7 * steps)  # a warm-up that starts and ends at the same rate holds it
        rate = keras.optimizers.schedules.CosineDecay(rate, steps - held, alpha=0.01, warmup_target=rate, warmup_steps=held)
    kinds = {
        "adam": lambda: optimizers.Adam(rate, recipe.betas[0], recipe.betas[1]),
        "rmsprop": lambda: optimizers.RMSprop(rate, recipe.betas[0], epsilon=1e-8, epsilon_inside=False),  # torch's form
        "optimistic": lambda: optimizers.OptimisticAdam(rate, *recipe.betas),
        "extragradient": lambda: optimizers.ExtraGradient(optimizers.Adam(rate, recipe.betas[0], recipe.betas[1])),
    }
    return kinds[recipe.optimizer]()


SMOKE = {
    "epochs": 2,
    "samples": 20_000,
    "generator_units": 16,
    "discriminator_units": 16,
    "evaluation_samples": 500,
}
