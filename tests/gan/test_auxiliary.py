"""Labels and codes: conditional players, ACGAN and InfoGAN by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from lab.gan import GAN, Codes, acgan, infogan, r1, r2
from lab.gan.update import discriminate, generate_fake
from lab.losses import adversarial
from lab.optimizers import Adam
from tests.gan.players import gan, linear, samples

pytestmark = pytest.mark.usefixtures("graphs")


@pytest.mark.long
def test_labels_reach_both_players():
    # each class is a point of its own; the generator's class rows must find them
    centres = np.array([[2.0, 0.0], [-2.0, 1.0], [0.0, -2.0]])
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 6000)
    x = (centres[y] + 0.1 * rng.normal(size=(6000, 2))).astype("float32")
    start = keras.initializers.RandomNormal(stddev=0.3, seed=2)
    point, label = keras.Input((2,)), keras.Input((), dtype="int32")
    hidden = keras.ops.concatenate([point, keras.ops.one_hot(label, 3, dtype="float32")], axis=1)
    for _ in range(2):
        hidden = keras.layers.Dense(32, "leaky_relu", kernel_initializer="he_normal")(hidden)
    discriminator = keras.Model([point, label], keras.layers.Dense(1, kernel_initializer=start)(hidden))
    subject = GAN(
        linear(2, 2, 0, labels=3),
        discriminator,
        adversarial.relativistic,
        penalties=(r1(0.1), r2(0.1)),
        classes=3,
        seed=0,
        generator_optimizer=Adam(5e-3, beta_1=0.0),
        discriminator_optimizer=Adam(5e-3, beta_1=0.0),
        steps_per_execution=50,
        ema=0.99,
    )
    subject.fit(x, y, batch_size=64, epochs=12, verbose=0)
    for label, centre in enumerate(centres):
        made = subject.generate(200, labels=label)
        np.testing.assert_allclose(made.mean(0), centre, atol=0.25)


def test_acgan_by_hand():
    generator, discriminator = linear(2, 2, 0, labels=3), linear(2, 1, 1, extra=3)
    subject = gan(generator=generator, discriminator=discriminator, auxiliary=acgan(2.0), classes=3)
    real, labels = ops.convert_to_tensor(samples(6)), ops.convert_to_tensor(np.array([0, 1, 2, 2, 1, 0], "int32"))
    latents = subject.latent(6, keras.random.SeedGenerator(3))
    seen = discriminate(subject, real, latents, labels)
    fake = discriminate(subject, generate_fake(subject, latents, labels), latents, labels)

    def wrong(view):
        logits = ops.convert_to_numpy(view.others[0])
        return np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(6), [0, 1, 2, 2, 1, 0]])

    loss, metrics = subject.auxiliary.discriminator(seen, fake)
    np.testing.assert_allclose(loss, 2 * (wrong(seen) + wrong(fake)), rtol=1e-5)
    np.testing.assert_allclose(metrics["class_loss"], wrong(seen), rtol=1e-5)
    np.testing.assert_allclose(subject.auxiliary.generator(fake)[0], 2 * wrong(fake), rtol=1e-5)
    assert {"class_loss", "fake_class_loss"} <= set(subject.update(real, labels))


def test_infogan_by_hand():
    codes = Codes(noise=2, categories=(3, 2), continuous=2)
    generator, discriminator = linear(codes.size, 2, 0), linear(2, 1, 1, extra=7)
    auxiliary = infogan(codes, weight=2.0, continuous_weight=0.5)
    subject = gan(generator=generator, discriminator=discriminator, auxiliary=auxiliary, latent=codes)
    latents = codes(5, keras.random.SeedGenerator(3))
    view = discriminate(subject, generate_fake(subject, latents, None), latents, None)
    z, read = ops.convert_to_numpy(latents), ops.convert_to_numpy(view.others[0])

    def crossentropy(code, logits):
        return np.mean(np.log(np.exp(logits).sum(1)) - (logits * code).sum(1))

    categories = crossentropy(z[:, 2:5], read[:, :3]) + crossentropy(z[:, 5:7], read[:, 3:5])
    numbers = np.mean(0.5 * np.square(read[:, 5:] - z[:, 7:]).sum(1))
    loss, _ = auxiliary.generator(view)
    np.testing.assert_allclose(loss, 2 * categories + 0.5 * numbers, rtol=1e-5)
    np.testing.assert_allclose(auxiliary.discriminator(None, view)[0], loss)
    np.testing.assert_allclose(auxiliary.discriminator(None, view)[1]["category_loss"], categories, rtol=1e-5)
    assert {"category_loss", "continuous_loss"} <= set(subject.update(samples(5)))


def test_codes():
    codes = Codes(noise=3, categories=(4,), continuous=2)
    for z in (ops.convert_to_numpy(codes(500, keras.random.SeedGenerator(0))), codes.sample(500, np.random.default_rng(0))):
        assert z.shape == (500, 9)
        (category,), numbers = codes.split(z)
        assert set(np.unique(category)) == {0, 1}
        np.testing.assert_array_equal(category.sum(1), 1)
        assert category.mean(0).min() > 0.18
        assert -1 <= numbers.min() < -0.95 and 0.95 < numbers.max() <= 1
        assert abs(z[:, :3].std() - 1) < 0.1
