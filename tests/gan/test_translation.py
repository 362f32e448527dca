"""pix2pix and CycleGAN: an update by hand, what is learnt, exact state, bad input."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.gan import GAN, Normal, cyclegan, pix2pix, r1, translate
from lab.gan.loop import batches
from lab.losses import adversarial
from lab.models import patch_discriminator, residual_generator, side_by_side, unet_generator
from lab.optimizers import Adam
from tests.contracts import raises_text, uniform
from tests.gan.players import equal, values

pytestmark = pytest.mark.usefixtures("graphs")


X, Y = uniform(0, 6, 2, 2, 1), uniform(1, 6, 2, 2, 1)


def pointwise(channels, start, name, *, condition=0):
    """A linear map of each pixel: weights that count up from `start`, bias 0.1."""
    inputs = [keras.Input((2, 2, 1))] + [keras.Input((2, 2, condition))] * bool(condition)
    x = keras.layers.Concatenate()(inputs) if condition else inputs[0]
    layer = keras.layers.Conv2D(channels, 1)
    model = keras.Model(inputs if condition else inputs[0], layer(x), name=name)
    kernel = start + 0.2 * np.arange(int(np.prod(layer.kernel.shape)))
    layer.set_weights([kernel.reshape(layer.kernel.shape), np.full(channels, 0.1)])
    return model


def both(starts, name):
    return side_by_side(pointwise(1, starts[0], f"{name}_one"), pointwise(1, starts[1], f"{name}_other"), name=name)


def gan(rule, generator, discriminator, **options):
    sgd = [keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)]
    options = {"generator_optimizer": sgd[0], "discriminator_optimizer": sgd[1], "ema": 0, "seed": 0} | options
    return GAN(generator, discriminator, adversarial.least_squares, update_rule=rule, **options)


def small(rule_of=pix2pix, **options):
    if rule_of is pix2pix:
        return gan(pix2pix(**options), pointwise(1, 0.5, "g"), pointwise(1, 0.3, "d", condition=1))
    return gan(cyclegan(**options), both((0.5, -0.4), "g"), both((0.3, 0.6), "d"))


def weights(model):
    """(kernel, bias) of each map, float64."""
    return [each.astype("float64").ravel() for each in values(model.trainable_variables)]


def slope_of_error(made, target):
    """d/dmade of mean |target - made|."""
    return np.sign(made - target) / made.size


def test_an_update_of_pix2pix_by_hand():
    subject = small(weight=2.0)
    (w, b), (v, c) = weights(subject.generator), weights(subject.discriminator)
    found = subject.update(X, Y)
    x, y = X.astype("float64"), Y.astype("float64")
    fake = w * x + b
    real_logit, fake_logit = (v[0] * picture + v[1] * x + c for picture in (y, fake))
    # Half of E (r - 1)^2 / 2 + E f^2 / 2.
    loss = 0.25 * np.mean((real_logit - 1) ** 2) + 0.25 * np.mean(fake_logit**2)
    np.testing.assert_allclose(found["discriminator_loss"], loss, rtol=1e-5)
    of_real, of_fake = 0.5 * (real_logit - 1) / x.size, 0.5 * fake_logit / x.size
    v_new = v - 0.1 * np.array([np.sum(of_real * y + of_fake * fake), np.sum((of_real + of_fake) * x)])
    c_new = c - 0.1 * np.sum(of_real + of_fake)
    # The generator plays against the new discriminator.
    logit = v_new[0] * fake + v_new[1] * x + c_new
    np.testing.assert_allclose(found["generator_loss"], 0.5 * np.mean((logit - 1) ** 2), rtol=1e-5)
    np.testing.assert_allclose(found["absolute_error"], np.mean(np.abs(y - fake)), rtol=1e-5)
    slope = (logit - 1) * v_new[0] / x.size + 2.0 * slope_of_error(fake, y)
    expected = [w - 0.1 * np.sum(slope * x), b - 0.1 * np.sum(slope), v_new, c_new]
    for got, number in zip(weights(subject.generator) + weights(subject.discriminator), expected, strict=True):
        np.testing.assert_allclose(got, number, rtol=1e-4, atol=1e-6)


def test_an_update_of_cyclegan_by_hand():
    subject = small(cyclegan, cycle=2.0, identity=0.25, pool=0)
    w, b, u, a = weights(subject.generator)  # G(x) = w x + b, F(y) = u y + a
    p, c, q, d = weights(subject.discriminator)  # D_X = p x + c, D_Y = q y + d
    found = subject.update(X, Y)
    x, y = X.astype("float64"), Y.astype("float64")
    fake_y, fake_x = w * x + b, u * y + a
    again_x, again_y, same_y, same_x = u * fake_y + a, w * fake_x + b, w * y + b, u * x + a
    logit_x, logit_y = p * fake_x + c, q * fake_y + d
    np.testing.assert_allclose(found["generator_loss"], 0.5 * np.mean((logit_x - 1) ** 2 + (logit_y - 1) ** 2), rtol=1e-5)
    np.testing.assert_allclose(found["cycle_error"], np.mean(np.abs(again_x - x) + np.abs(again_y - y)), rtol=1e-5)
    np.testing.assert_allclose(found["identity_error"], np.mean(np.abs(same_x - x) + np.abs(same_y - y)), rtol=1e-5)
    of_again_x, of_again_y = 2 * slope_of_error(again_x, x), 2 * slope_of_error(again_y, y)
    of_fake_y = (logit_y - 1) * q / x.size + of_again_x * u
    of_fake_x = (logit_x - 1) * p / x.size + of_again_y * w
    of_same_y, of_same_x = 0.5 * slope_of_error(same_y, y), 0.5 * slope_of_error(same_x, x)
    of_w = np.sum(of_fake_y * x + of_again_y * fake_x + of_same_y * y)
    of_b = np.sum(of_fake_y + of_again_y + of_same_y)
    of_u = np.sum(of_fake_x * y + of_again_x * fake_y + of_same_x * x)
    of_a = np.sum(of_fake_x + of_again_x + of_same_x)
    expected = [w - 0.1 * of_w, b - 0.1 * of_b, u - 0.1 * of_u, a - 0.1 * of_a]
    # The discriminators see what the generators made before their step.
    for slope, start, real, fake, logit in ((p, c, x, fake_x, logit_x), (q, d, y, fake_y, logit_y)):
        of_real, of_fake = 0.5 * (slope * real + start - 1) / x.size, 0.5 * logit / x.size
        expected += [slope - 0.1 * np.sum(of_real * real + of_fake * fake), start - 0.1 * np.sum(of_real + of_fake)]
    for got, number in zip(weights(subject.generator) + weights(subject.discriminator), expected, strict=True):
        np.testing.assert_allclose(got, number, rtol=1e-4, atol=1e-6)


def test_the_discriminators_are_shown_the_pools():
    subject = small(cyclegan, pool=2)
    first, second = uniform(2, 2, 2, 2, 1), uniform(3, 2, 2, 2, 1)
    subject.update(first, second)
    for pool, network, pictures in zip(subject.memory.pools, ((2, 3), (0, 1)), (second, first)):
        assert ops.convert_to_numpy(pool.count) == 2
        w, b = (np.float32(each) for each in ((-0.4, 0.1) if network == (2, 3) else (0.5, 0.1)))
        np.testing.assert_allclose(ops.convert_to_numpy(pool.pictures), w * pictures + b, rtol=1e-5)
    assert {id(variable) for variable in subject.memory.variables} <= {id(variable) for variable in subject.state}


@pytest.mark.slow
def test_pools_stay_float32_under_another_policy():
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        subject = small(cyclegan, pool=2)
        for each in (subject, small(pix2pix)):
            each.fit(X, Y, 3, epochs=1, verbose=0)
        shown = small(cyclegan, pool=2).memory((X[:2], Y[:2]))  # an empty pool shows what it is given
    finally:
        keras.config.set_dtype_policy(before)
    for given, got in zip((X[:2], Y[:2]), shown):
        np.testing.assert_array_equal(ops.convert_to_numpy(got), given)  # not rounded to bfloat16
    for pool in subject.memory.pools:
        assert pool.pictures.dtype == "float32" and int(pool.count.numpy()) == 2


@pytest.mark.parametrize("rule", [pix2pix, cyclegan])
def test_one_seed_gives_the_same_bits_twice(rule):
    one, two = small(rule), small(rule)
    for subject in (one, two):
        subject.fit(X, Y, 2, epochs=3, verbose=0)
    assert equal(values(one.state), values(two.state))


def test_sets_of_unequal_size_are_used_whole():
    for first, second in ((5, 3), (3, 5)):
        numbers, others = np.arange(first), 10 + np.arange(second)
        ((_, (x, y)),) = batches(numbers, others, 5, 1, 1, seed=0, epoch=0, unpaired=True)
        for got, known in ((x[0], numbers), (y[0], others)):
            assert set(got) == set(known) and len(got) == 5  # each once, then some again
    subject = small(cyclegan)
    subject.fit(X[:5], Y[:2], 5, epochs=1, verbose=0)
    assert int(subject.generator_optimizer.iterations.numpy()) == 1


def squares(seed, paper, ink):
    """Pictures of 8 x 8 pixels, each with a square of 3 x 3 somewhere."""
    rng = np.random.default_rng(seed)
    x = np.full((64, 8, 8, 1), paper, "float32")
    for picture, (row, column) in zip(x, rng.integers(0, 5, (64, 2))):
        picture[row : row + 3, column : column + 3] = ink
    return x


@pytest.mark.slow
def test_pix2pix_learns_from_pairs():
    players = (
        unet_generator((8, 8, 1), 1, widths=(8, 8), seed=0),
        patch_discriminator((8, 8, 1), condition=1, receptive_field=16, filters=4, seed=1),
    )
    adam = {"generator_optimizer": Adam(2e-3, 0.5), "discriminator_optimizer": Adam(2e-3, 0.5)}
    subject = gan(pix2pix(), *players, **adam)
    x = squares(0, -1, 1)
    subject.fit(x, -x, 8, epochs=30, verbose=0)
    new = squares(1, -1, 1)
    error = np.abs(translate(subject.average, new) + new).mean()
    assert error < 0.15, error  # doing nothing: 2; a white picture: 0.28


@pytest.mark.slow
def test_cyclegan_learns_without_pairs():
    generators = [residual_generator((8, 8, 1), 1, filters=8, blocks=0, seed=seed, name=f"g{seed}") for seed in (0, 1)]
    discriminators = [
        patch_discriminator((8, 8, 1), receptive_field=16, filters=8, seed=seed, name=f"d{seed}") for seed in (2, 3)
    ]
    players = side_by_side(*generators, name="g"), side_by_side(*discriminators, name="d")
    adam = {"generator_optimizer": Adam(2e-3, 0.5), "discriminator_optimizer": Adam(1e-3, 0.5)}
    subject = gan(cyclegan(), *players, **adam)
    x, y = squares(0, -1, 0.8), squares(1, -0.4, 0)  # other places: no pairs
    subject.fit(x, y, 8, epochs=50, verbose=0)
    made = translate(subject.average, x)
    assert np.abs(made - np.where(x > 0, 0, -0.4)).mean() < 0.2  # doing nothing: 0.63
    assert made[x > 0].mean() - made[x < 0].mean() > 0.2  # each square is where it was; truth: 0.4


def test_bad_input():
    networks = pointwise(1, 0.5, "g"), pointwise(1, 0.3, "d", condition=1)
    with raises_text("weight: expected a number >= 0, received -1"):
        pix2pix(-1)
    with raises_text("discriminator: expected [target, source] of shapes [(2, 2, 1), (2, 2, 1)], received [(2, 2, 1)]."):
        gan(pix2pix(), networks[0], pointwise(1, 0.3, "d"))
    with raises_text("penalties: expected none in a translation of pictures, received "):
        gan(pix2pix(), *networks, penalties=(r1(1.0),))
    with raises_text("latent: expected none in a translation of pictures, received "):
        gan(pix2pix(), *networks, latent=Normal(2))
    with raises_text("penalty_interval: expected none in a translation of pictures, received 4"):
        gan(pix2pix(), *networks, penalty_interval=4)
    with raises_text(
        "generator: expected [x, y] -> [G(x), F(y)], of y's and of x's shape, received [(2, 2, 1)] -> [(2, 2, 1)]."
    ):
        gan(cyclegan(), *networks)
    subject = small()
    with raises_text("y: expected target pictures, received None."):
        subject.fit(X)
    with raises_text("y: expected a target for each of the 6 sources, received 5."):
        subject.fit(X, Y[:5])
    with raises_text("x: expected pictures [N, 2, 2, 1], received [6, 2, 1, 1]."):
        subject.fit(X[:, :, :1], Y)
    for call in (lambda: subject.generate(3), lambda: subject.decode(np.zeros((3, 2)))):
        with raises_text("latents: expected a generator of latents, received one of pictures; lab.gan.translate("):
            call()
    with raises_text("back: expected a pair of generators, as CycleGAN has, received one generator."):
        translate(subject.average, X, back=True)
    pair = small(cyclegan)
    np.testing.assert_allclose(translate(pair.average, Y, back=True), -0.4 * Y + 0.1, rtol=1e-5)
    assert engine.read(pair.memory.pools[0].count) == 0
