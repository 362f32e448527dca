"""The image players of GANs: shapes, labels, norms and starts."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import models
from lab.layers import SpectralNormalization
from lab.models.r3gan import residual
from tests.contracts import raises, save_and_load, uniform

GENERATORS = {"dcgan": models.dcgan_generator, "sngan": models.sngan_generator, "r3gan": models.r3gan_generator}
DISCRIMINATORS = {"dcgan": models.dcgan_discriminator, "sngan": models.sngan_discriminator, "r3gan": models.r3gan_discriminator}
Z = uniform(0, 3, 8)


def array(x):
    return ops.convert_to_numpy(x)


@pytest.mark.slow
@pytest.mark.parametrize("size", [28, 32, 64])
@pytest.mark.parametrize("family", GENERATORS)
def test_shapes(family, size):
    generator = GENERATORS[family](size, 3, latent=8, filters=8, seed=0)
    images = array(generator(Z))
    assert images.shape == (3, size, size, 3) and np.isfinite(images).all() and images.std() > 0
    if family != "r3gan":
        assert np.abs(images).max() <= 1
    discriminator = DISCRIMINATORS[family](size, 3, filters=8, outputs=5, seed=0)
    logits, others = discriminator(images)
    assert logits.shape == (3, 1) and others.shape == (3, 5)
    assert DISCRIMINATORS[family](size, 1, filters=8, pac=2, seed=0).input_shape == (None, size, size, 2)


@pytest.mark.slow
@pytest.mark.parametrize("family", GENERATORS)
def test_seeds_labels_and_saving(family):
    make = GENERATORS[family]
    one, two, other = (make(28, 1, latent=8, filters=4, classes=3, seed=seed) for seed in (0, 0, 1))
    labels = np.array([0, 1, 2], "int32")
    for a, b in zip(one.get_weights(), two.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert any((a != c).any() for a, c in zip(one.get_weights(), other.get_weights()))
    starts = [w for w in one.get_weights() if w.size > 20 and w.std() > 0]
    assert len({w.ravel()[:10].tobytes() for w in starts}) == len(starts)  # no two kernels share their seed
    for weight in one.trainable_variables:  # zeros at the start hide the label
        weight.assign(weight + 0.05 * np.random.default_rng(0).normal(size=weight.shape))
    images = array(one([Z, labels]))
    assert (images != array(one([Z, labels[::-1]]))).any()
    np.testing.assert_allclose(array(save_and_load(one)([Z, labels])), images, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("family", GENERATORS)
def test_no_weight_starts_without_a_seed(family):
    options = {"filters": 8, "classes": 3, **({} if family == "dcgan" else {"attention": True})}
    players = ((GENERATORS[family], {"latent": 8}), (DISCRIMINATORS[family], {"outputs": 2}))
    for make, more in players:
        one, two = (make(28, 1, seed=0, **options, **more) for _ in range(2))
        for a, b in zip(one.variables, two.variables, strict=True):
            np.testing.assert_array_equal(array(a), array(b), err_msg=a.path)


@pytest.mark.slow
@pytest.mark.parametrize("conditioning", ["projection", "concatenation"])
@pytest.mark.parametrize("family", DISCRIMINATORS)
def test_discriminators_see_labels(family, conditioning):
    model = DISCRIMINATORS[family](28, 1, filters=4, classes=3, conditioning=conditioning, seed=0)
    images, labels = uniform(1, 3, 28, 28, 1), np.array([0, 1, 2], "int32")
    assert (array(model([images, labels])) != array(model([images, labels[::-1]]))).any()
    with raises("conditioning: expected one of projection, concatenation, received 'film'"):
        DISCRIMINATORS[family](28, 1, filters=4, classes=3, conditioning="film", seed=0)


def kernels(model):
    """(layers that are spectrally normalised, other layers that have a kernel) of a model."""
    normalized = [layer for layer in model.layers if isinstance(layer, SpectralNormalization)]
    plain = [layer for layer in model.layers if getattr(layer, "kernel", None) is not None and layer not in normalized]
    return normalized, plain


@pytest.mark.slow
@pytest.mark.parametrize("family", ["dcgan", "sngan"])
def test_every_kernel_is_spectrally_normalised(family):
    options = {"normalization": "spectral"} if family == "dcgan" else {"attention": True}
    model, shrunk = (DISCRIMINATORS[family](28, 1, filters=8, classes=3, outputs=2, seed=0, **options) for _ in range(2))
    normalized, plain = kernels(model)
    assert len(normalized) >= 6 and not plain
    for one in (model, shrunk):
        for variable in one.trainable_variables:
            if variable.path.endswith("gamma"):  # of self-attention, which starts at 0
                variable.assign(0.5)
    for variable in shrunk.trainable_variables:
        if variable.path.endswith(("kernel", "embeddings")):
            variable.assign(7.0 * variable)
    x = [uniform(2, 2, 28, 28, 1), np.array([0, 2], "int32")]
    model(x, training=True), shrunk(x, training=True)
    for a, b in zip(model(x), shrunk(x)):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_where_dcgan_normalises(normalization):
    model = models.dcgan_discriminator(64, 3, filters=4, normalization=normalization, seed=0)
    found = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(found) == (3 if normalization == "batch" else 0)  # four convolutions, the first without
    assert all(
        layer.kernel_size == (4, 4) and layer.strides == (2, 2)
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    )


def test_dcgan_by_its_sizes():
    generator = models.dcgan_generator(28, 1, latent=64, filters=64, seed=0)
    # dense 64 x 49 x 128; its normalisation; 4 x 4 x 128 x 64; normalisation; 4 x 4 x 64 + 1
    assert generator.count_params() == 64 * 49 * 128 + 4 * 128 + 16 * 128 * 64 + 4 * 64 + 16 * 64 + 1
    widths = [
        layer.output.shape[1:]
        for layer in models.dcgan_generator(64, 3, latent=8, filters=4, seed=0).layers
        if "transpose" in layer.name
    ]
    assert widths == [(8, 8, 16), (16, 16, 8), (32, 32, 4), (64, 64, 3)]
    kernel = generator.layers[1].kernel
    assert abs(float(np.std(array(kernel))) - 0.02) < 1e-3


def test_a_fixup_block_starts_as_the_identity():
    inputs = keras.Input((6, 6, 8))
    model = keras.Model(inputs, residual(inputs, 2, 4, iter(range(9))))
    x = uniform(0, 2, 6, 6, 8)
    np.testing.assert_array_equal(array(model(x)), x)
    last = model.layers[-2]
    last.kernel.assign(np.ones(last.kernel.shape))
    assert np.abs(array(model(x)) - x).max() > 0.1


@pytest.mark.parametrize("family", ["sngan", "r3gan"])
def test_attention(family):
    for make in (GENERATORS[family], DISCRIMINATORS[family]):
        names = [layer.name for layer in make(28, 1, filters=8, attention=True, seed=0).layers]
        assert sum("self_attention" in name for name in names) == 1


@pytest.mark.slow
def test_mixture_players():
    generator, discriminator = models.mixture_generator(seed=0), models.mixture_discriminator(seed=0)
    assert generator.count_params() == 2 * 400 + 3 * 400**2 + 4 * 4 * 400 + 400 * 2 + 2
    assert discriminator.count_params() == (2 + 1) * 1000 + 2 * 201 * 1000 + 201
    x = uniform(0, 5, 2)
    first, second = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Dense)][:2]
    weights, bias = (array(v) for v in first.weights)
    expected = (x @ weights + bias).reshape(5, 200, 5).max(-1)
    hidden = keras.Model(discriminator.input, second.input)
    np.testing.assert_allclose(array(hidden(x)), expected, rtol=1e-5, atol=1e-6)
    normalized, plain = kernels(models.mixture_discriminator(spectral=True, seed=0))
    assert len(normalized) == 4 and not plain


def test_unknown_sizes_and_norms():
    with raises("size: expected one of 28, 32, 64 pixels, received 30"):
        models.dcgan_generator(30, seed=0)
    with raises("normalization: expected 'batch', 'spectral' or 'none', received 'layer'"):
        models.dcgan_discriminator(normalization="layer", seed=0)
