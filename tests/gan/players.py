"""Small players, and what is read from a GAN."""

import keras
import numpy as np

from lab.gan import GAN
from lab.losses import adversarial


def linear(inputs, outputs, seed, *, labels=0, extra=0, name="linear"):
    """A linear model. With labels it adds a row of each class; with extra it has two outputs."""
    start = keras.initializers.RandomNormal(stddev=0.5, seed=seed)
    x = arguments = keras.Input((inputs,))
    if labels:
        label = keras.Input((), dtype="int32")
        x = keras.ops.concatenate([x, keras.ops.one_hot(label, labels, dtype="float32")], axis=1)
        arguments = [arguments, label]
    made = keras.layers.Dense(outputs, kernel_initializer=start)(x)
    if extra:
        made = [made, keras.layers.Dense(extra, kernel_initializer=start)(x)]
    return keras.Model(arguments, made, name=name)


def gan(objective=adversarial.non_saturating, *, generator=None, discriminator=None, rate=0.1, optimizer=None, **options):
    """A GAN of linear players in the plane over two latents, with gradient descent."""
    new = optimizer or (lambda: keras.optimizers.SGD(rate))
    return GAN(
        generator or linear(2, 2, 0, name="generator"),
        discriminator or linear(2 * options.get("pac", 1), 1, 1, name="discriminator"),
        objective,
        generator_optimizer=new(),
        discriminator_optimizer=new(),
        **{"seed": 0} | options,
    )


def values(variables):
    """Copies as arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def equal(one, other):
    """Whether two lists of arrays are equal bit for bit."""
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other))


def samples(count=64, seed=5):
    """Points in the plane around (2, -1)."""
    return (np.random.default_rng(seed).normal(size=(count, 2)) + [2, -1]).astype("float32")


def recorded(subject, names=("latent",)):
    """Latents that the subject draws, as it draws them."""
    drawn = []
    original = subject.latent

    class Recorder:
        size = original.size

        def __call__(self, count, seed):
            drawn.append(original(count, seed))
            return drawn[-1]

    subject.latent = Recorder()
    return drawn


def affine(model):
    """The weights of a linear model, kernel and bias."""
    return values(model.trainable_variables)
