"""A generative adversarial network: two players and the update in which both take a turn."""

import keras
import numpy as np
from keras import ops

from lab import engine, validation
from lab.data.conventions import as_array, as_floats, check_numbers
from lab.engine import seeds
from lab.gan.auxiliary import View
from lab.gan.latent import Normal
from lab.gan.latent_space import invert, slerp
from lab.gan.loop import fit
from lab.gan.play import alternate
from lab.gan.players import check_labels, check_parts, check_players
from lab.models.average import averaged, update_average, update_counter


def refused(name, instead):
    """A method of `keras.Model` that a GAN cannot have, and what is there instead."""

    def method(self, *arguments, **options):
        raise ValueError(f"{name}: expected no call of it on a GAN, received one; {instead}.")

    method.__doc__ = f"Not for a GAN: {instead}."
    return method


class GAN(keras.Model):
    """Two players over one objective (Goodfellow et al. 2014, Algorithm 1; two time-scales as Heusel et al. 2017).

    The generator maps latents `[B, Z]` to samples, the discriminator samples to logits `[B, 1]`. A generator with two inputs gets latents and
    labels, a discriminator with two inputs samples and labels, and a discriminator with more outputs gives its logits first and the rest to
    `auxiliary`. Fake samples have the labels of the real ones beside them.

    Mixed precision is the players' own: layers made under a policy compute in it, losses and penalties are float32. With float16 both
    optimizers are to be `keras.optimizers.LossScaleOptimizer`s, which Keras has on TensorFlow alone; bfloat16 needs nothing.
    What was learnt is kept by `average.save` (what makes samples), `save_weights` (all networks) or, with the optimizers, the random states
    and every bit, by `lab.runs.checkpoint` of `state`; the whole object is functions, which Keras's `save` cannot keep.

    Args:
        objective: a `lab.losses.adversarial.Objective`.
        generator_optimizer, discriminator_optimizer: Keras optimizers, one each.
        latent: what latents are drawn from, as those of `lab.gan.latent`; standard normal by default.
        penalties: `lab.gan.Penalty`s, added to the discriminator's loss.
        penalty_interval: penalties are taken at each so-many-th update, as many times as heavy (Karras et al. 2020, section 3.1: lazy;
            there the optimizer's settings change too, here they are the caller's).
        auxiliary: a `lab.gan.Auxiliary`, losses of the discriminator's other outputs.
        augment: function (images, seed) -> images before the discriminator, real and fake (Zhao et al. 2020), in penalties too; see `lab.gan.diff_augment`.
        discriminator_steps: turns of the discriminator for each of the generator, each with samples of its own.
        clip: the discriminator's weights stay within ±clip (Arjovsky et al. 2017, Algorithm 1).
        pac: samples that the discriminator sees at once, side by side along the last axis (Lin et al. 2018); divides the batch.
        ema: decay of the moving average of the generator that `generate` uses (Karras et al. 2018; `lab.models.average` says how it
            starts); 0 is the generator itself.
        classes: number of labels, where the players see them.
        play: function (gan, real, labels, regularize) -> metrics, an update; `lab.gan.extragradient` is another than `alternate`.
        steps_per_execution: updates in one compiled call: many for small networks, whose calls cost more than their arithmetic.
        seed: of latents, penalties, augmentation and the order of the examples.
    """

    def __init__(
        self, generator, discriminator, objective, *, generator_optimizer, discriminator_optimizer, latent=None, penalties=(),
        penalty_interval=1, auxiliary=None, augment=None, discriminator_steps=1, clip=None, pac=1, ema=0.999, classes=None,
        play=None, steps_per_execution=1, seed,
    ):  # fmt: skip
        super().__init__(name="gan")
        self.generator = generator
        self.discriminator = discriminator
        self.objective = objective
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer
        self.penalties = penalties
        self.auxiliary = auxiliary
        self.augment = augment
        self.classes = classes
        check_parts(self)
        self.latent = latent or Normal(generator.inputs[0].shape[-1])
        self.clip = None if clip is None else validation.POSITIVE.check("clip", clip)
        self.discriminator_steps = validation.integer("discriminator_steps", discriminator_steps)
        self.penalty_interval = validation.integer("penalty_interval", penalty_interval)
        self.steps_per_execution = validation.integer("steps_per_execution", steps_per_execution)
        self.pac = validation.integer("pac", pac)
        self.ema = validation.FRACTION.check("ema", ema)
        self.play = play or alternate
        self.seed, self.seeds = seed, keras.random.SeedGenerator(seed)
        self.average = generator
        if self.ema:
            self.average, self.average_updates = averaged(generator), update_counter()
        check_players(self)
        generator_optimizer.build(generator.trainable_variables)
        discriminator_optimizer.build(discriminator.trainable_variables)
        self.programs = {}  # see lab.gan.loop
        self.built = True

    @property
    def state(self):
        """Every variable that training reads or assigns: a checkpoint of these is exact."""
        return [*self.variables, *self.generator_optimizer.variables, *self.discriminator_optimizer.variables]

    def call(self, latents):
        """What `generate` makes of latents (and labels): the averaged generator's samples."""
        return self.average(latents, training=False)

    def update(self, real, labels=None, regularize=True):
        """One turn of the generator, `discriminator_steps` of the discriminator. A program.

        Args:
            real: `[discriminator_steps * B, ...]` samples; integers from 0 to 255 become -1 to 1.
            labels: integers `[discriminator_steps * B]`, or None.
            regularize: whether this update has penalties.

        Returns:
            dict of scalars.
        """
        labels = None if labels is None else ops.convert_to_tensor(labels)
        metrics = self.play(self, scale(ops.convert_to_tensor(real)), labels, regularize)
        if self.ema:
            update_average(self.average, self.generator, self.ema, self.average_updates)
        return metrics

    def discriminator_gradients(self, real, labels, regularize):
        """(metrics, gradients) of the discriminator's loss, on a batch of real samples and as many fake ones."""
        latents = self.latent(ops.shape(real)[0], self.seeds)
        fake = ops.stop_gradient(self.make(latents, labels))

        def loss():
            seen_real, seen_fake = self.look(real, latents, labels), self.look(fake, latents, labels)
            loss = self.objective.discriminator(seen_real.logits, seen_fake.logits)
            metrics = {
                "discriminator_loss": loss,
                "real_logit": ops.mean(seen_real.logits),
                "fake_logit": ops.mean(seen_fake.logits),
            }
            if regularize:
                for penalty in self.penalties:
                    value = penalty.function(
                        lambda x: self.judge(x, latents, labels).logits, pack(real, self.pac), pack(fake, self.pac), self.seeds
                    )
                    loss += self.penalty_interval * penalty.at(self.discriminator_optimizer.iterations) * value
                    metrics[penalty.name] = value
            if self.auxiliary:
                extra, more = self.auxiliary.discriminator(seen_real, seen_fake)
                loss, metrics = loss + extra, metrics | more
            return self.discriminator_optimizer.scale_loss(loss), metrics

        (_, metrics), gradients = engine.value_and_grad(loss, self.discriminator.trainable_variables)()
        return metrics, gradients

    def generator_gradients(self, real, labels):
        """(metrics, gradients) of the generator's loss, on as many new samples as there are real ones."""
        latents = self.latent(ops.shape(real)[0], self.seeds)

        def loss():
            seen = self.look(self.make(latents, labels), latents, labels)
            compared = self.look(real, latents, labels).logits if self.objective.paired else None
            loss = self.objective.generator(compared, seen.logits)
            metrics = {"generator_loss": loss}
            if self.auxiliary:
                extra, more = self.auxiliary.generator(seen)
                loss, metrics = loss + extra, metrics | more
            return self.generator_optimizer.scale_loss(loss), metrics

        (_, metrics), gradients = engine.value_and_grad(loss, self.generator.trainable_variables)()
        return metrics, gradients

    def make(self, latents, labels):
        """Fake samples, while training."""
        return self.generator([latents, labels] if len(self.generator.inputs) > 1 else latents, training=True)

    def look(self, x, latents, labels):
        """What the discriminator says of samples, `pac` of them at once."""
        return self.judge(pack(x, self.pac), latents, labels)

    def judge(self, packed, latents, labels):
        """What the discriminator says of packs, after augmentation, while training."""
        if self.augment:
            packed = pack(self.augment(unpack(packed, self.pac), self.seeds), self.pac)
        outputs = self.discriminator([packed, labels] if len(self.discriminator.inputs) > 1 else packed, training=True)
        logits, *others = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return View(ops.cast(logits, "float32"), others, latents, labels)

    def clip_weights(self):
        """Brings the discriminator's weights back between -clip and clip."""
        if self.clip is not None:
            for variable in self.discriminator.trainable_variables:
                variable.assign(ops.clip(variable, -self.clip, self.clip))

    def fit(self, x, y=None, batch_size=64, epochs=1, verbose="auto", callbacks=None, initial_epoch=0):
        """Trains on samples `x` (and labels `y`), as `keras.Model.fit` does; see `lab.gan.loop`. Returns Keras's `History`."""
        return fit(self, x, y, batch_size, epochs, verbose, callbacks, initial_epoch)

    compile = refused("compile", "the optimizers and the objective are arguments of GAN(...)")
    train_on_batch = refused("train_on_batch", "`update` is one update, `fit` are many")
    evaluate = refused("evaluate", "lab.gan.Evaluation measures samples of `generate`")
    save = refused("save", "`average.save` keeps what makes samples, `save_weights` all networks")
    get_config = refused("get_config", "what it is made of are functions; `average` has one")
    export = refused("export", "`average.export` exports what makes samples")

    def generate(self, count, *, truncation=None, labels=None, seed=0, batch_size=256):
        """`count` samples of the averaged generator, as an array.

        Args:
            truncation: latents' numbers beyond it are drawn again: less variety, better samples (Brock et al. 2019, section 3.1).
            labels: integers `[count]`, for a generator with labels.
            seed: of the latents.
        """
        return self.decode(
            self.latent.sample(count, seeds.generator("gan.generate", seed), truncation), labels, batch_size=batch_size
        )

    def decode(self, latents, labels=None, *, batch_size=256):
        """The averaged generator's samples of latents `[N, Z]` (and labels `[N]`), as an array."""
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

    def interpolate(self, start, end, steps, *, labels=None):
        """Samples on the way from one latent `[Z]` to another; see `lab.gan.latent_space.slerp`."""
        return self.decode(slerp(start, end, steps), labels)

    def invert(self, images, *, labels=None, starts=8, steps=300, learning_rate=0.05, seed=0):
        """(latents, distances) that come closest to images, as `fit` takes them; see `lab.gan.latent_space.invert`."""
        images = as_array("images", images)
        check_numbers("images", images)
        labels = None if labels is None else check_labels("labels", labels, len(images), self.classes)
        latents = self.latent.sample(len(images) * starts, seeds.generator("gan.invert", seed)).reshape(len(images), starts, -1)
        return invert(self.average, as_floats(images), latents, labels=labels, steps=steps, learning_rate=learning_rate)


def pack(x, count):
    """`[B, ..., C]` -> `[B / count, ..., count * C]`: samples side by side along the last axis."""
    return x if count == 1 else ops.concatenate(ops.split(x, count), axis=-1)


def unpack(x, count):
    """The inverse of `pack`."""
    return x if count == 1 else ops.concatenate(ops.split(x, count, axis=-1))


def scale(x):
    """Float32: integers from 0 to 255 as numbers from -1 to 1; others as they are."""
    scaled = ops.cast(x, "float32")
    return scaled / 127.5 - 1.0 if keras.backend.standardize_dtype(x.dtype) == "uint8" else scaled
