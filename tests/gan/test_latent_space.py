"""Samples from latents, ways between latents, and latents from samples."""

import keras
import numpy as np
import pytest

from lab.engine.seeds import generator
from lab.gan import Normal
from lab.gan.latent_space import slerp
from tests.contracts import raises
from tests.gan.players import gan, linear, samples, values

pytestmark = pytest.mark.usefixtures("graphs")


def test_generate_is_the_average_on_seeded_latents():
    subject = gan(ema=0.9)
    subject.fit(samples(64), batch_size=8, verbose=0)
    w, b = values(subject.average.variables)
    z = generator("gan.generate", 7).normal(size=(10, 2)).astype("float32")
    np.testing.assert_allclose(subject.generate(10, seed=7, batch_size=4), z @ w + b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(subject(z)), z @ w + b, rtol=1e-5, atol=1e-6)
    before = subject.generate(10, seed=7)
    subject.fit(samples(64), batch_size=8, verbose=0)
    assert (before != subject.generate(10, seed=7)).any()  # it follows, though it was compiled before


def test_truncation():
    z = Normal(4).sample(5000, np.random.default_rng(0), truncation=0.7)
    assert np.abs(z).max() <= 0.7 and np.abs(z).max() > 0.69
    assert abs(z.std() - 0.389) < 0.01  # of a normal cut at 0.7
    with raises("truncation: expected a number > 0, received 0"):
        gan().generate(3, truncation=0)


def test_slerp():
    path = slerp([1, 0], [0, 2], 3)
    np.testing.assert_allclose(path, [[1, 0], [np.sqrt(0.5), np.sqrt(2)], [0, 2]], atol=1e-6)
    norms = np.linalg.norm(slerp([1, 0, 0], [0, 0.6, 0.8], 9), axis=1)
    np.testing.assert_allclose(norms, 1, rtol=1e-6)
    np.testing.assert_allclose(slerp([1, 1], [2, 2], 3), [[1, 1], [1.5, 1.5], [2, 2]])
    np.testing.assert_allclose(slerp([0, 0], [2, 2], 3), [[0, 0], [1, 1], [2, 2]])
    subject = gan()
    between = subject.interpolate([1, 0], [0, 2], 3)
    np.testing.assert_allclose(between, subject.decode(path), rtol=1e-6)


def test_labels_of_what_is_made():
    subject = gan(generator=linear(2, 2, 0, labels=3), classes=3)
    w, b = values(subject.average.variables)
    z = generator("gan.generate", 0).normal(size=(3, 2)).astype("float32")
    for labels in (2, [0, 1, 2]):
        rows = np.eye(3)[np.broadcast_to(labels, 3)]
        np.testing.assert_allclose(subject.generate(3, labels=labels, seed=0), np.concatenate([z, rows], 1) @ w + b, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("labels", [None, [2, 0, 1, 1]])
def test_inversion_finds_the_latent(labels):
    start = keras.initializers.Orthogonal(1.0, seed=0)
    point, label = keras.Input((2,)), keras.Input((), dtype="int32")
    shift = keras.layers.Embedding(3, 2, embeddings_initializer=keras.initializers.RandomNormal(seed=1, stddev=0.2))(label)
    x = keras.layers.Dense(2, "tanh", kernel_initializer=start)(point)
    generator = keras.Model(point, x) if labels is None else keras.Model([point, label], keras.ops.tanh(x + shift))
    subject = gan(generator=generator, classes=None if labels is None else 3)
    z = np.random.default_rng(3).normal(scale=0.4, size=(4, 2)).astype("float32")
    found, distances = subject.invert(subject.decode(z, labels), labels=labels, starts=6, steps=400)
    np.testing.assert_allclose(found, z, atol=0.02)
    assert distances.max() < 1e-5
    far = subject.invert(np.full((1, 2), 3.0), labels=None if labels is None else [0], starts=2, steps=10)[1]
    assert far > 1  # tanh cannot reach 3
    with raises("images: expected finite numbers or integers from 0 to 255 .uint8., received int64"):
        subject.invert(np.ones((1, 2), int), labels=None if labels is None else [0])
    if labels is None:
        with raises("labels: expected none, for no player takes them, received some"):
            subject.invert(np.zeros((1, 2)), labels=[0])
    with raises([r"images: expected shape \(1, 2\), received \(1, 3\)"]):
        subject.invert(np.zeros((1, 3)), labels=None if labels is None else [0])


def test_inversion_takes_images_as_fit_does():
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, "tanh"), keras.layers.Reshape((2, 2, 1))])
    subject = gan(
        generator=generator,
        discriminator=keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]),
    )
    integers = np.arange(0, 256, 32, dtype="uint8").reshape(2, 2, 2, 1)
    options = {"starts": 2, "steps": 3}
    found, same = subject.invert(integers, **options), subject.invert(integers / 127.5 - 1, **options)
    np.testing.assert_allclose(found[0], same[0], rtol=1e-5)
    with raises("images: expected images from -1 to 1 or, as uint8, from 0 to 255, received float64 from 0 to 224"):
        subject.invert(integers.astype(float))
