"""The GAN's update by hand, by its identities and by the optimum of its game."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.gan import GAN, extragradient, gradient_penalty, r1, r2
from lab.gan.update import differentiate, discriminator_gradients, generator_gradients, pack, unpack
from lab.layers import SpectralNormalization
from lab.losses import adversarial
from lab.optimizers import SGD, Adam, ExtraGradient
from tests.gan.players import affine, equal, gan, recorded, samples, values

pytestmark = pytest.mark.usefixtures("graphs")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_one_update_by_hand():
    subject = gan(ema=0.75)
    drawn = recorded(subject)
    (w, b), (v, c) = affine(subject.generator), affine(subject.discriminator)
    real = samples(8)
    metrics = subject.update(real)
    z, y = (ops.convert_to_numpy(latents) for latents in drawn)
    # the discriminator: d/dlogit softplus(-r) = -sigmoid(-r), d/dlogit softplus(f) = sigmoid(f)
    fake = z @ w + b
    r, f = real @ v + c, fake @ v + c
    np.testing.assert_allclose(
        metrics["discriminator_loss"], np.mean(np.log1p(np.exp(-r))) + np.mean(np.log1p(np.exp(f))), rtol=1e-5
    )
    v = v - 0.1 * (real.T @ -sigmoid(-r) + fake.T @ sigmoid(f)) / 8
    c = c - 0.1 * (np.sum(-sigmoid(-r)) + np.sum(sigmoid(f))) / 8
    for got, expected in zip(affine(subject.discriminator), (v, c)):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
    # the generator, against the new discriminator
    f = (y @ w + b) @ v + c
    slope = -sigmoid(-f) @ v.T / 8  # dloss/dx
    w_new, b_new = w - 0.1 * y.T @ slope, b - 0.1 * slope.sum(0)
    for got, expected in zip(affine(subject.generator), (w_new, b_new)):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(values(subject.average.variables)[0], 0.1 * w + 0.9 * w_new, rtol=1e-5)  # its first update


def test_a_relativistic_generator_is_compared_with_real_samples():
    subject = gan(adversarial.relativistic)
    drawn = recorded(subject)
    real = samples(8)
    metrics, _ = generator_gradients(subject, ops.convert_to_tensor(real), None)
    (w, b), (v, c) = affine(subject.generator), affine(subject.discriminator)
    r, f = real @ v + c, (ops.convert_to_numpy(drawn[0]) @ w + b) @ v + c
    np.testing.assert_allclose(metrics["generator_loss"], np.mean(np.log1p(np.exp(r - f))), rtol=1e-5)


def test_the_old_name_of_the_update_rule():
    seen = []

    def rule(gan, real, labels, regularize):
        seen.append(real)
        return {}

    with pytest.warns(DeprecationWarning, match="play: expected its new name, update_rule"):
        subject = gan(play=rule)
    subject.update(samples(8))
    assert len(seen) == 1


@pytest.mark.slow
@pytest.mark.parametrize("normalization", ["batch", "spectral"])
def test_each_player_leaves_the_other_alone(normalization):
    # Both run in training mode in either's turn, so batch statistics and power iterations move.
    # Weights must not.
    first = keras.layers.Dense(3)
    layers = [SpectralNormalization(first)] if normalization == "spectral" else [first, keras.layers.BatchNormalization()]
    discriminator = keras.Sequential([keras.Input((2,)), *layers, keras.layers.LeakyReLU(), keras.layers.Dense(1)])
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    subject = gan(adversarial.relativistic, generator=generator, discriminator=discriminator, penalties=(r1(1.0), r2(1.0)))

    def turn(gradients, optimizer, player):
        optimizer.apply(gradients()[1], player.trainable_variables)
        return ()

    real = samples(8)
    trained = generator.trainable_variables, discriminator.trainable_variables
    before = [values(variables) for variables in trained]
    turn_of_one = engine.compile(
        lambda x: turn(lambda: discriminator_gradients(subject, x, None, True), subject.discriminator_optimizer, discriminator),
        subject.state,
    )
    turn_of_one(real)
    after = [values(variables) for variables in trained]
    assert equal(before[0], after[0]) and not equal(before[1], after[1])
    turn_of_the_other = engine.compile(
        lambda x: turn(lambda: generator_gradients(subject, x, None), subject.generator_optimizer, generator), subject.state
    )
    turn_of_the_other(real)
    assert equal(after[1], values(discriminator.trainable_variables))
    assert not equal(after[0], values(generator.trainable_variables))


@pytest.mark.slow
def test_the_best_discriminator_of_two_known_densities():
    # p = (N(-2, 1) + N(1, 1)) / 2, and the generator makes q = N(0, 1):
    # D*(x) = p / (p + q) (Goodfellow et al. 2014, proposition 1)
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    start = iter(range(9))
    hidden = [keras.layers.Dense(64, "tanh", kernel_initializer=keras.initializers.GlorotNormal(next(start))) for _ in range(2)]
    discriminator = keras.Sequential([keras.Input((1,)), *hidden, keras.layers.Dense(1)])
    subject = GAN(
        generator,
        discriminator,
        adversarial.minimax,
        generator_optimizer=keras.optimizers.SGD(0.0),
        seed=0,
        discriminator_optimizer=Adam(keras.optimizers.schedules.CosineDecay(3e-3, 3000)),
        steps_per_execution=100,
    )
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(3_000_000, 1)) + rng.choice([-2.0, 1.0], size=(3_000_000, 1))).astype("float32")
    subject.fit(x, batch_size=1000, verbose=0)
    x = np.linspace(-3, 2.5, 50)[:, None]

    def normal(x, mean):
        return np.exp(-0.5 * (x - mean) ** 2)

    p, q = (normal(x, -2) + normal(x, 1)) / 2, normal(x, 0)
    np.testing.assert_allclose(sigmoid(ops.convert_to_numpy(discriminator(x))), p / (p + q), atol=1e-2)


def test_the_average_follows_its_recursion():
    subject = gan(ema=0.25)
    mean = values(subject.generator.variables)
    for decay in (1 / 10, 2 / 11, 3 / 12, 0.25):
        subject.update(samples(8))
        mean = [decay * a + (1 - decay) * v for a, v in zip(mean, values(subject.generator.variables))]
    for got, expected in zip(values(subject.average.variables), mean):
        np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert not equal(values(subject.average.variables), values(subject.generator.variables))


def test_the_average_has_averaged_statistics_and_the_same_random_state():
    layers = [keras.Input((2,)), keras.layers.Dense(2), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5, seed=3)]
    subject = gan(generator=keras.Sequential(layers), ema=0.9)
    subject.update(samples(8))
    now = {v.path.split("/")[-1]: np.asarray(v) for v in subject.generator.variables}
    mean = {v.path.split("/")[-1]: np.asarray(v) for v in subject.average.variables}
    np.testing.assert_allclose(mean["moving_mean"], 0.9 * now["moving_mean"], rtol=1e-6)  # from 0
    np.testing.assert_allclose(mean["moving_variance"], 0.1 + 0.9 * now["moving_variance"], rtol=1e-6)  # from 1
    assert np.abs(now["moving_mean"]).max() > 0
    np.testing.assert_array_equal(mean["seed_generator_state"], now["seed_generator_state"])


def test_a_gan_of_no_average_is_the_generator_itself():
    subject = gan(ema=0.0)
    assert subject.average is subject.generator
    assert len(subject.state) == len(gan(ema=0.9).state) - len(subject.generator.variables) - 1  # nor does it count


def test_packing():
    x = np.arange(12.0).reshape(6, 2)
    np.testing.assert_array_equal(pack(x, 3)[0], [0, 1, 4, 5, 8, 9])
    np.testing.assert_array_equal(unpack(pack(x, 3), 3), x)
    images = samples(4 * 9).reshape(4, 3, 3, 2)
    np.testing.assert_array_equal(unpack(pack(images, 2), 2), images)
    np.testing.assert_array_equal(pack(x, 1), x)  # what else there is of pac=1 is `test_one_update_by_hand`
    two = gan(pac=2)
    drawn = recorded(two)
    (w, b), (v, c) = affine(two.generator), affine(two.discriminator)
    real = samples(8)
    metrics = two.update(real)
    fake = ops.convert_to_numpy(drawn[0]) @ w + b
    r = np.concatenate([real[:4], real[4:]], axis=1) @ v + c
    f = np.concatenate([fake[:4], fake[4:]], axis=1) @ v + c
    np.testing.assert_allclose(metrics["real_logit"], r.mean(), rtol=1e-5)
    np.testing.assert_allclose(metrics["fake_logit"], f.mean(), rtol=1e-5)


def test_clipping_and_many_turns():
    subject = gan(adversarial.wasserstein, clip=0.05, discriminator_steps=3)
    drawn = recorded(subject)
    subject.update(samples(24))
    assert [len(z) for z in drawn] == [8, 8, 8, 8]
    weights = np.concatenate([w.ravel() for w in affine(subject.discriminator)])
    assert np.abs(weights).max() <= 0.05
    assert (np.abs(weights) == np.float32(0.05)).any()


def test_every_turn_has_real_samples_of_its_own():
    # with a rate of 1 the Wasserstein critic moves by mean real - mean fake at each turn
    subject = gan(adversarial.wasserstein, discriminator_steps=2, rate=1.0)
    drawn = recorded(subject)
    (w, b), (v, _) = affine(subject.generator), affine(subject.discriminator)
    real = samples(16)
    subject.update(real)
    for part, z in zip((real[:8], real[8:]), drawn):
        v = v + (part.mean(0) - (ops.convert_to_numpy(z) @ w + b).mean(0))[:, None]
    np.testing.assert_allclose(affine(subject.discriminator)[0], v, rtol=1e-4)


@pytest.mark.slow
def test_many_updates_in_one_call_are_the_same_updates():
    one, many = gan(penalties=(gradient_penalty(1.0),)), gan(penalties=(gradient_penalty(1.0),), steps_per_execution=5)
    histories = [subject.fit(samples(8 * 7), batch_size=8, epochs=2, verbose=0).history for subject in (one, many)]
    for a, b in zip(values(one.state), values(many.state)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    for key, history in histories[0].items():
        np.testing.assert_allclose(history, histories[1][key], rtol=1e-4)


@pytest.mark.parametrize("clip", [None, 0.3])
def test_extragradient_by_hand(clip):
    # min over b, max over v of v (real - b): both look ahead with the gradient there, then
    # step from where they were
    options = {
        "optimizer": lambda: ExtraGradient(SGD(0.1)),
        "update_rule": extragradient,
        "discriminator_steps": 2,
        "clip": clip,
    }
    subject = gan(adversarial.wasserstein, **options)
    drawn = recorded(subject)
    (w, b), (v, _) = affine(subject.generator), affine(subject.discriminator)
    both = samples(16)
    subject.update(both)
    z = [ops.convert_to_numpy(latents) for latents in drawn]

    def slope(real, b, v, w, z):  # of the critic's kernel; of the generator's bias and kernel
        return -(real.mean(0) - (z[0] @ w + b).mean(0))[:, None], -v[:, 0], -np.outer(z[1].mean(0), v[:, 0])

    dv, db, dw = slope(both[:8], b, v, w, z[:2])
    bound = clip or np.inf
    ahead = np.clip(v - 0.1 * dv, -bound, bound)
    assert clip is None or (ahead != v - 0.1 * dv).any()
    dv, db, dw = slope(both[8:], b - 0.1 * db, ahead, w - 0.1 * dw, z[2:])
    np.testing.assert_allclose(affine(subject.discriminator)[0], np.clip(v - 0.1 * dv, -bound, bound), rtol=1e-4)
    np.testing.assert_allclose(affine(subject.generator)[1], b - 0.1 * db, rtol=1e-4)
    np.testing.assert_allclose(affine(subject.generator)[0], w - 0.1 * dw, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    if policy == "mixed_float16" and keras.backend.backend() == "jax":
        pytest.skip("Keras's LossScaleOptimizer works in programs on TensorFlow alone")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        scaled = policy == "mixed_float16"
        subject = gan(
            optimizer=(lambda: keras.optimizers.LossScaleOptimizer(SGD(0.1), initial_scale=256.0)) if scaled else None
        )
        plain_start = values(subject.generator.trainable_variables)
    finally:
        keras.config.set_dtype_policy(before)
    plain = gan()
    assert equal(plain_start, values(plain.generator.trainable_variables))
    real = samples(8)
    metrics, expected = subject.update(real), plain.update(real)
    assert subject.discriminator.layers[-1].compute_dtype == policy.removeprefix("mixed_")
    np.testing.assert_allclose(metrics["discriminator_loss"], expected["discriminator_loss"], rtol=0.02)
    for a, b in zip(
        affine(subject.generator) + affine(subject.discriminator), affine(plain.generator) + affine(plain.discriminator)
    ):
        np.testing.assert_allclose(a, b, atol=0.01)


def deep(inputs, outputs, seed, name):
    starts = [keras.initializers.RandomNormal(stddev=0.5, seed=seed + i) for i in range(2)]
    hidden = keras.layers.Dense(8, "softplus", kernel_initializer=starts[0])
    return keras.Sequential(
        [keras.Input((inputs,)), hidden, keras.layers.Dense(outputs, kernel_initializer=starts[1])], name=name
    )


def precise(precision):
    """A GAN of two layers each, with every penalty."""
    players = {"generator": deep(2, 2, 0, "generator"), "discriminator": deep(2, 1, 2, "discriminator")}
    return gan(penalties=(r1(), r2(), gradient_penalty()), precision=precision, ema=0.9, **players)


def test_a_precision_is_that_of_both_players_and_penalties_stay_float32():
    plain, subject = precise("float32"), precise("mixed_bfloat16")
    for player in (subject.generator, subject.discriminator, subject.average):
        assert [layer.compute_dtype for layer in player.layers] == ["bfloat16", "float32"]
    assert {layer.compute_dtype for layer in plain.discriminator.layers} == {"float32"}
    real = samples(8)
    x = ops.convert_to_tensor(real)
    view, gradient = differentiate(subject, x, x, None, True)
    assert {keras.backend.standardize_dtype(each.dtype) for each in (view.logits, gradient)} == {"float32"}
    metrics, expected = subject.update(real), plain.update(real)
    assert {keras.backend.standardize_dtype(each.dtype) for each in metrics.values()} == {"float32"}
    for name in expected:
        np.testing.assert_allclose(metrics[name], expected[name], rtol=0.03, atol=0.01)
    assert any(float(metrics[name]) != float(expected[name]) for name in expected)


@pytest.mark.slow
def test_mixed_precision_has_the_same_bits_twice_and_goes_on_exactly():
    one, two, resumed = (precise("mixed_bfloat16") for _ in range(3))
    real = [samples(8), samples(8) + 1]
    for batch in real:
        one.update(batch)
    two.update(real[0])
    for variable, value in zip(resumed.state, values(two.state), strict=True):
        variable.assign(value)
    two.update(real[1])
    resumed.update(real[1])
    assert equal(values(one.state), values(two.state)) and equal(values(one.state), values(resumed.state))
    assert {each.dtype for each in values(one.state) if each.dtype.kind == "f"} == {np.dtype("float32")}
    assert one.generate(3).dtype == "float32"


def test_auto_is_chosen_once_for_both_players(monkeypatch):
    monkeypatch.setattr("lab.engine.precision.chosen", lambda precision, backend: precision.replace("auto", "mixed_bfloat16"))
    subject = precise("auto")
    assert subject.precision == "mixed_bfloat16"
    assert subject.discriminator.layers[0].compute_dtype == "bfloat16"
