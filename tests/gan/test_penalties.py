"""Penalties in the discriminator's loss: by hand, what they cost, and when they are taken."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.gan import Penalty, gradient_penalty, r1, r2
from lab.gan.update import discriminator_gradients
from lab.losses import adversarial, penalties
from tests.gan.players import affine, gan, recorded, samples, values

pytestmark = pytest.mark.usefixtures("graphs")


def hidden(counter=None, inputs=2):
    """A discriminator D(x) = tanh(x W + b) v + c. `counter` counts its calls."""

    class Counted(keras.layers.Layer):
        def call(self, x):
            if counter is not None:
                counter.append(1)
            return x

    start = [keras.initializers.RandomNormal(stddev=0.7, seed=seed) for seed in (3, 4)]
    layers = [keras.layers.Dense(3, "tanh", kernel_initializer=start[0]), keras.layers.Dense(1, kernel_initializer=start[1])]
    return keras.Sequential([keras.Input((inputs,)), Counted(), *layers])


def test_zero_centred_penalties_by_hand():
    subject = gan(adversarial.relativistic, discriminator=hidden(), penalties=(r1(0.6), r2(0.2)), penalty_interval=2)
    drawn = recorded(subject)
    real = samples(8).astype("float64")
    metrics, gradients = discriminator_gradients(subject, ops.convert_to_tensor(real, "float32"), None, True)
    (w, b), parameters = affine(subject.generator), [p.astype("float64") for p in affine(subject.discriminator)]
    fake = ops.convert_to_numpy(drawn[0]).astype("float64") @ w + b

    def critic(x, parameters):  # logits and E |grad D|^2 / 2
        kernel, bias, v, c = parameters
        t = np.tanh(x @ kernel + bias)
        return t @ v + c, 0.5 * np.mean(np.sum(((1 - t**2) * v[:, 0] @ kernel.T) ** 2, axis=1))

    def loss(parameters):
        (r, at_real), (f, at_fake) = critic(real, parameters), critic(fake, parameters)
        return np.mean(np.log1p(np.exp(f - r))) + 2 * (0.6 * at_real + 0.2 * at_fake)

    np.testing.assert_allclose([metrics["r1"], metrics["r2"]], [critic(x, parameters)[1] for x in (real, fake)], rtol=1e-5)
    for i, gradient in enumerate(gradients):
        expected = np.zeros(parameters[i].shape)
        for place in np.ndindex(*expected.shape):
            sides = []
            for step in (1e-5, -1e-5):
                moved = [p.copy() for p in parameters]
                moved[i][place] += step
                sides.append(loss(moved))
            expected[place] = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose(ops.convert_to_numpy(gradient), expected, atol=1e-5)


@pytest.mark.parametrize("pac", [1, 2])
def test_zero_centred_penalties_are_those_with_passes_of_their_own(pac):
    alone = (
        Penalty("r1", 0.6, lambda critic, real, fake, seed: penalties.r1(critic, real)),
        Penalty("r2", 0.2, lambda critic, real, fake, seed: penalties.r2(critic, fake)),
    )
    found = []
    for given in ((r1(0.6), r2(0.2)), alone):
        subject = gan(discriminator=hidden(inputs=2 * pac), penalties=given, pac=pac)
        metrics, gradients = discriminator_gradients(subject, ops.convert_to_tensor(samples(8)), None, True)
        found.append([*metrics.values(), *gradients])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(one), ops.convert_to_numpy(other), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("given", "regularize", "calls", "gradients"),
    [((r1(), r2()), True, 2, 3), ((r1(), r2()), False, 2, 1), ((r1(), gradient_penalty()), True, 3, 3), ((), True, 2, 1)],
)
def test_how_often_the_discriminator_is_called(monkeypatch, given, regularize, calls, gradients):
    counter, augmented, differentiated = [], [], []
    subject = gan(discriminator=hidden(counter), penalties=given, augment=lambda x, seed: augmented.append(1) or x)
    original = engine.value_and_grad

    def counting(*arguments):
        differentiated.append(1)
        return original(*arguments)

    monkeypatch.setattr(engine, "value_and_grad", counting)
    counter.clear()
    discriminator_gradients(subject, ops.convert_to_tensor(samples(8)), None, regularize)
    assert (len(counter), len(augmented), len(differentiated)) == (calls, calls, gradients)


def test_lazy_penalties():
    calls = []

    def function(critic, real, fake, seed):
        calls.append(1)
        return ops.mean(ops.square(critic(real)))

    once = gan(penalties=(Penalty("size", 3.0, function),), penalty_interval=4)
    heavy = gan(penalties=(Penalty("size", 12.0, function),))
    real = samples(8)
    assert "size" in once.update(real, regularize=True)
    heavy.update(real)
    for a, b in zip(values(once.state), values(heavy.state)):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert "size" not in once.update(real, regularize=False)
    assert len(calls) == 2


def test_a_penalty_whose_weight_is_a_schedule():
    falling = gan(penalties=(r1(keras.optimizers.schedules.PiecewiseConstantDecay([0], [3.0, 0.5])),))
    constant = gan(penalties=(r1(3.0),))
    for weight in (3.0, 0.5):
        constant.penalties = (r1(weight),)
        for subject in (falling, constant):
            subject.update(samples(8))
        for a, b in zip(values(falling.state), values(constant.state)):
            np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.slow
def test_lazy_updates_in_one_call_are_those_one_by_one():
    each, together = (gan(penalties=(r1(1.0),), penalty_interval=4, steps_per_execution=count) for count in (1, 8))
    histories = [subject.fit(samples(64), batch_size=8, verbose=0).history for subject in (each, together)]
    for a, b in zip(values(each.state), values(together.state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert histories[0].keys() == histories[1].keys() > {"r1", "discriminator_loss"}
    for key in histories[0]:
        np.testing.assert_allclose(*(history[key] for history in histories), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("execution", [1, 4])
def test_the_interval_of_penalties_counts_updates(execution):
    class Logs(keras.callbacks.Callback):
        seen = []

        def on_train_batch_end(self, batch, logs):
            self.seen.append((batch, "r1" in logs))

    Logs.seen = []
    subject = gan(penalties=(r1(1.0),), penalty_interval=2, steps_per_execution=execution)
    subject.fit(samples(8 * 9), batch_size=8, epochs=2, verbose=0, callbacks=[Logs()])
    if execution == 1:
        assert [found for _, found in Logs.seen] == [i % 2 == 0 for i in range(18)]
    else:
        assert Logs.seen == [(3, True), (7, True)] * 2
