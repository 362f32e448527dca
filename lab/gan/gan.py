"""A generative adversarial network as a Keras model: what it is made of, and what users call."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.data.conventions import as_array, as_floats, check_numbers
from lab.engine import seeds
from lab.engine.precision import Precision
from lab.engine.types import Tensor
from lab.gan.auxiliary import Auxiliary
from lab.gan.latent import Latent
from lab.gan.latent_space import invert, slerp
from lab.gan.loop import fit
from lab.gan.penalty import Penalty
from lab.gan.players import check_labels, check_parts
from lab.gan.rules import UpdateRule
from lab.gan.update import Metrics, alternate, update
from lab.losses.adversarial import Objective
from lab.models.average import averaged, update_counter
from lab.models.precision import set_precision


def refused(name: str, instead: str) -> Callable:
    """A method of `keras.Model` that a GAN cannot have, and what there is instead."""

    def method(self, *arguments, **options):
        raise ValueError(f"{name}: expected no call of it on a GAN, received one; {instead}.")

    method.__doc__ = f"Not for a GAN: {instead}."
    return method


class GAN(keras.Model):
    """Two players over one objective (Goodfellow et al. 2014; step sizes as Heusel et al. 2017).

    The generator maps latents `[B, Z]` to samples, the discriminator samples to logits `[B, 1]`. A
    player with two inputs gets labels as the second. A discriminator with more outputs gives its
    logits first, and the others to `auxiliary`. Fake samples have the labels of the real ones.

    Losses and penalties are float32. Layers made under another dtype policy compute in it. With
    float16 both optimizers must be `keras.optimizers.LossScaleOptimizer`s, which Keras has on
    TensorFlow only; bfloat16 needs none.

    Keras's `save` cannot keep a GAN, which contains functions. `average.save` keeps what makes
    samples, `save_weights` all networks, and `lab.runs.checkpoint` of `state` everything: networks,
    optimizers and random states, to the bit.

    Args:
        objective: the losses of both players; see `lab.losses.adversarial`.
        generator_optimizer, discriminator_optimizer: Keras optimizers, one each.
        latent: what latents are drawn from; see `lab.gan.latent`. Standard normal by default.
        penalties: `lab.gan.Penalty`s, added to the discriminator's loss.
        penalty_interval: one update in so many has penalties, with so many times their weight
            (lazy: Karras et al. 2020, section 3.1, who also change the optimizer's settings).
        auxiliary: a `lab.gan.Auxiliary`, losses of the discriminator's other outputs.
        augment: function (images, seed) -> images before the discriminator, real and fake ones, in
            penalties too (Zhao et al. 2020); see `lab.gan.diff_augment`.
        discriminator_steps: its turns for each turn of the generator, each with its own samples.
        clip: the discriminator's weights stay within ±clip (Arjovsky et al. 2017, Algorithm 1).
        pac: how many samples the discriminator sees at once, side by side along the last axis
            (Lin et al. 2018). It divides the batch.
        ema: decay of the moving average of the generator that `generate` uses (Karras et al. 2018;
            `lab.models.average` says how it starts). 0 uses the generator itself.
        classes: number of labels, if the players see labels.
        update_rule: function (gan, real, labels, regularize) -> metrics, the turns of one update:
            `lab.gan.alternate` by default, or `lab.gan.extragradient`; see `lab.gan.update`.
            `lab.gan.pix2pix` and `lab.gan.cyclegan` make rules whose generator takes pictures.
        precision: "float32", "mixed_bfloat16" or "auto", of the players' convolutions and dense
            layers; see `lab.models.set_precision`.
        steps_per_execution: updates in one compiled call. Small networks gain from many.
        seed: of latents, penalties, augmentation and the order of the examples.
        play: the old name of `update_rule`.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        objective: Objective,
        *,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        latent: Latent | None = None,
        penalties: Sequence[Penalty] = (),
        penalty_interval: int = 1,
        auxiliary: Auxiliary | None = None,
        augment: Callable[[Tensor, keras.random.SeedGenerator], Tensor] | None = None,
        discriminator_steps: int = 1,
        clip: float | None = None,
        pac: int = 1,
        ema: float = 0.999,
        classes: int | None = None,
        update_rule: Callable[..., Metrics] | UpdateRule | None = None,
        precision: Precision = "float32",
        steps_per_execution: int = 1,
        seed: int,
        play: Callable[..., Metrics] | None = None,
    ) -> None:
        """Checks that the parts fit each other, and builds the optimizers and the average."""
        super().__init__(name="gan")
        if play is not None:
            warnings.warn("play: expected its new name, update_rule.", DeprecationWarning, stacklevel=2)
        self.generator = generator
        self.discriminator = discriminator
        self.objective = objective
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.penalties = penalties
        self.auxiliary = auxiliary
        self.augment = augment
        self.classes = classes
        check_parts(self)
        rule = update_rule or play or alternate
        self.rule = rule if isinstance(rule, UpdateRule) else UpdateRule(rule)
        self.update_rule = self.rule.update
        self.latent = latent or self.rule.latent(generator)
        self.clip = None if clip is None else validation.POSITIVE.check("clip", clip)
        self.discriminator_steps = validation.integer("discriminator_steps", discriminator_steps)
        self.penalty_interval = validation.integer("penalty_interval", penalty_interval)
        self.steps_per_execution = validation.integer("steps_per_execution", steps_per_execution)
        self.pac = validation.integer("pac", pac)
        self.ema = validation.FRACTION.check("ema", ema)
        self.precision = set_precision(generator, precision)
        set_precision(discriminator, self.precision)
        self.seed = seed
        self.seeds = keras.random.SeedGenerator(seed)
        self.average = generator
        if self.ema:
            self.average = averaged(generator)
            self.average_updates = update_counter()
        self.rule.check_players(self)
        self.memory: Any = self.rule.memory(self)
        generator_optimizer.build(generator.trainable_variables)
        discriminator_optimizer.build(discriminator.trainable_variables)
        self.programs: dict[Any, Callable] = {}  # compiled so far; see lab.gan.loop
        self.built = True

    @property
    def state(self) -> list[keras.Variable]:
        """Every variable that training reads or assigns. A checkpoint of these is exact."""
        return [*self.variables, *self.generator_optimizer.variables, *self.discriminator_optimizer.variables]

    def call(self, latents: Tensor) -> Tensor:
        """The averaged generator's samples of latents (and labels), as `generate` makes them."""
        return self.average(latents, training=False)

    update = update  # one update, a program: lab/gan/update.py
    fit = fit  # many updates, with Keras's callbacks: lab/gan/loop.py
    compile = refused("compile", "the optimizers and the objective are arguments of GAN(...)")
    train_on_batch = refused("train_on_batch", "`update` is one update, `fit` are many")
    evaluate = refused("evaluate", "lab.gan.Evaluation measures samples of `generate`")
    save = refused("save", "`average.save` keeps what makes samples, `save_weights` all networks")
    get_config = refused("get_config", "what it is made of are functions; `average` has one")
    export = refused("export", "`average.export` exports what makes samples")

    def generate(
        self, count: int, *, truncation: float | None = None, labels: Any = None, seed: int = 0, batch_size: int = 256
    ) -> np.ndarray:
        """`count` samples of the averaged generator.

        Args:
            truncation: numbers of latents beyond it are drawn again, for less variety and better
                samples (Brock et al. 2019, section 3.1).
            labels: integers `[count]`, for a generator with labels.
            seed: of the latents.
        """
        latents = self.latent.sample(count, seeds.generator("gan.generate", seed), truncation)
        return self.decode(latents, labels, batch_size=batch_size)

    def decode(self, latents: Any, labels: Any = None, *, batch_size: int = 256) -> np.ndarray:
        """The averaged generator's samples of latents `[N, Z]` (and labels `[N]`)."""
        latents = as_array("latents", latents).astype("float32")
        if latents.ndim != 2 or not len(latents) or latents.shape[1] != self.latent.size:
            raise ValueError(f"latents: expected [N, {self.latent.size}], at least one, received {list(latents.shape)}.")
        conditional = len(self.average.inputs) > 1
        if conditional != (labels is not None):
            raise ValueError(f"labels: expected {'one for each latent' if conditional else 'none'}, received {labels!r}.")
        arrays = [latents]
        if conditional:
            labels = np.full(len(latents), labels) if np.ndim(labels) == 0 else labels
            arrays.append(check_labels("labels", labels, len(latents), self.classes))
        if "decode" not in self.programs:
            self.programs["decode"] = engine.compile(
                lambda *inputs: self.average(list(inputs) if conditional else inputs[0], training=False), self.average.variables
            )
        parts = [[array[i : i + batch_size] for array in arrays] for i in range(0, len(latents), batch_size)]
        return np.concatenate([ops.convert_to_numpy(self.programs["decode"](*part)) for part in parts])

    def interpolate(self, start: Any, end: Any, steps: int, *, labels: Any = None) -> np.ndarray:
        """Samples on the way from one latent `[Z]` to another; see `lab.gan.latent_space.slerp`."""
        return self.decode(slerp(start, end, steps), labels)

    def invert(
        self, images: Any, *, labels: Any = None, starts: int = 8, steps: int = 300, learning_rate: float = 0.05, seed: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """(latents, distances) closest to images as `fit` takes them; see `latent_space.invert`.

        Args:
            starts: latents to start from, for each image.
            seed: of the latents to start from.
        """
        images = as_array("images", images)
        check_numbers("images", images)
        labels = None if labels is None else check_labels("labels", labels, len(images), self.classes)
        latents = self.latent.sample(len(images) * starts, seeds.generator("gan.invert", seed)).reshape(len(images), starts, -1)
        return invert(self.average, as_floats(images), latents, labels=labels, steps=steps, learning_rate=learning_rate)
