"""DCGAN's training step: milliseconds, beside torch and a plain Keras `train_step`.

python -m benchmarks.gan_throughput [--rounds 7] [--updates 20]

28 x 28 pixels, batches of 64. All have the same players (4 x 4 convolutions, 64 and 128 channels,
batch normalisation, 64 latents), the same objective, two Adams, float32, and two threads (or
torch's GPU, for `accelerator`). An update is a turn of the discriminator and a turn of the
generator, each with latents of its own. Contenders:

torch             the usual loop: a backward pass and a step of the discriminator, then of the
                  generator
torch, frozen     the same without gradients that nothing uses: of the discriminator in the
                  generator's turn, of the generator in the discriminator's
keras train_step  a `keras.Model` with `train_step`, two tapes, compiled by `fit`, as in the guides
                  of keras.io
lab, tensorflow   `GAN.fit` without a moving average, as the others have none; and with one
lab, jax          the same source

Each contender has a process of its own, and they take turns. Reported: the ratios of times to both
of torch's and to Keras's in each round, and their medians.
"""

import argparse

from benchmarks.contender import Contender, serve, take_turns
from benchmarks.machine import describe, keep

BATCH = 64
LATENT = 64
FILTERS = 64
CONTENDERS = {
    "torch": ("torch", "tensorflow"),
    "torch, frozen": ("torch-frozen", "tensorflow"),
    "keras train_step": ("keras", "tensorflow"),
    "lab, tensorflow": ("lab", "tensorflow"),
    "lab with average, tensorflow": ("lab-average", "tensorflow"),
    "lab, jax": ("lab", "jax"),
}


def images(count):
    """Noise in place of images. The values do not change the time."""
    import numpy as np

    return np.random.default_rng(0).uniform(-1, 1, (count, 28, 28, 1)).astype("float32")


def lab(average):
    """`GAN.fit`."""
    from lab.gan import GAN
    from lab.losses import adversarial
    from lab.models import dcgan_discriminator, dcgan_generator
    from lab.optimizers import Adam

    gan = GAN(
        dcgan_generator(latent=LATENT, filters=FILTERS, seed=0),
        dcgan_discriminator(filters=FILTERS, seed=1),
        adversarial.non_saturating,
        generator_optimizer=Adam(2e-4, 0.5),
        discriminator_optimizer=Adam(2e-4, 0.5),
        ema=0.999 if average else 0.0,
        seed=0,
    )

    def go(updates):
        gan.fit(images(BATCH * updates), batch_size=BATCH, verbose=0)
        return updates

    return go


def plain_keras():
    """A model with a `train_step` of its own, trained by `fit`."""
    import keras
    import tensorflow as tf

    from lab.models import dcgan_discriminator, dcgan_generator

    class Plain(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator = dcgan_generator(latent=LATENT, filters=FILTERS, seed=0)
            self.discriminator = dcgan_discriminator(filters=FILTERS, seed=1)
            self.generator_optimizer, self.discriminator_optimizer = (keras.optimizers.Adam(2e-4, 0.5) for _ in range(2))
            self.loss_function = keras.losses.BinaryCrossentropy(from_logits=True)

        def train_step(self, real):
            noise = tf.random.normal((BATCH, LATENT))
            with tf.GradientTape() as tape:
                on_real = self.discriminator(real, training=True)
                on_fake = self.discriminator(self.generator(noise, training=True), training=True)
                loss = self.loss_function(tf.ones_like(on_real), on_real) + self.loss_function(tf.zeros_like(on_fake), on_fake)
            variables = self.discriminator.trainable_variables
            self.discriminator_optimizer.apply(tape.gradient(loss, variables), variables)
            noise = tf.random.normal((BATCH, LATENT))
            with tf.GradientTape() as tape:
                on_fake = self.discriminator(self.generator(noise, training=True), training=True)
                generator_loss = self.loss_function(tf.ones_like(on_fake), on_fake)
            variables = self.generator.trainable_variables
            self.generator_optimizer.apply(tape.gradient(generator_loss, variables), variables)
            return {"discriminator_loss": loss, "generator_loss": generator_loss}

    model = Plain()
    model.compile()

    def go(updates):
        model.fit(images(BATCH * updates), batch_size=BATCH, epochs=1, verbose=0)
        return updates

    return go


def torch_players():
    """(generator, discriminator) in torch."""
    from torch import nn

    generator = nn.Sequential(
        nn.Linear(LATENT, 49 * 2 * FILTERS, bias=False),
        nn.Unflatten(1, (2 * FILTERS, 7, 7)),
        nn.BatchNorm2d(2 * FILTERS),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * FILTERS, FILTERS, 4, 2, 1, bias=False),
        nn.BatchNorm2d(FILTERS),
        nn.ReLU(),
        nn.ConvTranspose2d(FILTERS, 1, 4, 2, 1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, FILTERS, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(FILTERS, 2 * FILTERS, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * FILTERS),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(49 * 2 * FILTERS, 1),
    )
    return generator, discriminator


def in_torch(frozen):
    """The same in torch; `frozen` leaves out gradients that nothing uses."""
    import torch

    torch.set_num_threads(2)
    torch.manual_seed(0)
    torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")
    generator, discriminator = torch_players()
    ascent = torch.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))
    descent = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
    loss = torch.nn.BCEWithLogitsLoss()
    ones = torch.ones(BATCH, 1)
    zeros = torch.zeros(BATCH, 1)

    def update(real):
        ascent.zero_grad()
        discriminator.requires_grad_(True)
        with torch.set_grad_enabled(not frozen):
            fake = generator(torch.randn(BATCH, LATENT)).detach()
        (loss(discriminator(real), ones) + loss(discriminator(fake), zeros)).backward()
        ascent.step()
        descent.zero_grad()
        discriminator.requires_grad_(not frozen)
        loss(discriminator(generator(torch.randn(BATCH, LATENT))), ones).backward()
        descent.step()

    def go(updates):
        for batch in torch.tensor(images(BATCH * updates)).permute(0, 3, 1, 2).split(BATCH):
            update(batch)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return updates

    return go


def compare(rounds, updates):
    """The rows: milliseconds per update and ratios."""
    contenders = {
        name: Contender("benchmarks.gan_throughput", kind, backend=backend) for name, (kind, backend) in CONTENDERS.items()
    }
    return take_turns(contenders, rounds, updates, ("torch", "torch, frozen", "keras train_step"))


def main():
    """Runs the comparison and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contender")
    parser.add_argument("--updates", type=int, default=20, help="updates in a turn")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.serve:
        kinds = {
            "torch": lambda: in_torch(False),
            "torch-frozen": lambda: in_torch(True),
            "keras": plain_keras,
            "lab": lambda: lab(False),
            "lab-average": lambda: lab(True),
        }
        return serve(kinds[flags.serve](), 3, 3)
    settings = {"batch": BATCH, "latent": LATENT, "filters": FILTERS, "rounds": flags.rounds, "updates": flags.updates}
    rows = compare(flags.rounds, flags.updates)
    keep("gan_throughput", settings | {"rows": rows} | describe("tensorflow", "keras", "jax", "torch", "numpy"))
    return None


if __name__ == "__main__":
    main()
