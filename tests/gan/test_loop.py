"""`GAN.fit`: order, determinism, exact resume, callbacks and bad input."""

import keras
import numpy as np
import pytest

from lab.errors import NonFiniteError
from lab.gan import gradient_penalty, r1
from lab.gan.loop import batches
from lab.losses import adversarial
from lab.optimizers import Adam
from lab.runs import checkpoint
from tests.contracts import raises
from tests.gan.players import equal, gan, linear, samples, values

pytestmark = pytest.mark.usefixtures("graphs")


def test_the_order_is_a_function_of_seed_and_epoch():
    x = np.arange(23)

    def order(seed, epoch):
        return np.concatenate([batch[0].ravel() for _, batch in batches(x, None, 4, 5, 2, seed=seed, epoch=epoch)])

    assert set(order(0, 0)) != set(order(0, 1))  # nobody is left out for ever
    assert len(set(order(0, 0).tolist())) == 20
    np.testing.assert_array_equal(order(0, 3), order(0, 3))
    assert (order(0, 3) != order(0, 4)).any() and (order(0, 3) != order(1, 3)).any()
    shapes = [(first, batch[0].shape, batch[1].shape) for first, batch in batches(x, x, 4, 5, 2, seed=0, epoch=0)]
    assert shapes == [(0, (2, 4), (2, 4)), (2, (2, 4), (2, 4)), (4, (1, 4), (1, 4))]
    for _, (a, b) in batches(x, 10 * x, 4, 5, 2, seed=0, epoch=0):
        np.testing.assert_array_equal(10 * a, b)


def busy(seed=0, **options):
    """A GAN that draws random numbers wherever it can."""
    layers = [keras.Input((2,)), keras.layers.Dense(2), keras.layers.BatchNormalization()]
    generator = keras.Sequential(layers)
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.3, seed=4), keras.layers.Dense(1)])
    for model in (generator, discriminator):
        model.set_weights(
            [np.full(w.shape, 0.3, "float32") + 0.1 * np.arange(w.size).reshape(w.shape) for w in model.get_weights()]
        )

    def noisy(x, seed):
        return x + 0.1 * keras.random.normal(x.shape, seed=seed)

    return gan(
        adversarial.relativistic,
        generator=generator,
        discriminator=discriminator,
        seed=seed,
        optimizer=lambda: Adam(0.01),
        penalties=(gradient_penalty(1.0), r1(0.1)),
        augment=noisy,
        **options,
    )


@pytest.mark.slow
@pytest.mark.parametrize("execution", [1, 3])
def test_equal_seeds_equal_bits_and_resume(tmp_path, execution):
    x = samples(50)
    one, two, other = (
        busy(steps_per_execution=execution),
        busy(steps_per_execution=execution),
        busy(1, steps_per_execution=execution),
    )
    one.fit(x, batch_size=8, epochs=4, verbose=0)
    two.fit(x, batch_size=8, epochs=2, verbose=0)
    other.fit(x, batch_size=8, epochs=4, verbose=0)
    checkpoint.save(tmp_path, 2, two.state)
    third = busy(steps_per_execution=execution)
    checkpoint.restore(tmp_path, third.state)
    third.fit(x, batch_size=8, epochs=4, initial_epoch=2, verbose=0)
    assert equal(values(one.state), values(third.state))
    assert not equal(values(one.state), values(other.state))
    np.testing.assert_array_equal(one.generate(5, seed=1), third.generate(5, seed=1))


def test_keras_callbacks_work(tmp_path):
    subject = gan()
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(subject, "stop_training", epoch == 2))
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = subject.fit(samples(32), batch_size=8, epochs=9, callbacks=[stop, log], verbose=0)
    assert len(history.history["generator_loss"]) == 3
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
    history = subject.fit(samples(32), batch_size=8, epochs=2, verbose=0)  # stopping was yesterday
    assert len(history.history["generator_loss"]) == 2


def test_the_progress_bar_counts(capsys):
    gan().fit(samples(32), batch_size=8, epochs=1)
    assert "4/4" in capsys.readouterr().out


def test_epoch_means():
    class Logs(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.batch, self.epoch = [], []

        def on_train_batch_end(self, batch, logs):
            self.batch.append(dict(logs))

        def on_epoch_end(self, epoch, logs):
            self.epoch.append(dict(logs))

    logs = Logs()
    gan().fit(samples(40), batch_size=8, verbose=0, callbacks=[logs])
    assert len(logs.batch) == 5
    for key, value in logs.epoch[0].items():
        np.testing.assert_allclose(value, np.mean([batch[key] for batch in logs.batch]), rtol=1e-6)


def test_images_of_both_kinds_are_the_same():
    def image_gan():
        generator = keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(4, kernel_initializer="ones"), keras.layers.Reshape((2, 2, 1))]
        )
        discriminator = keras.Sequential(
            [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1, kernel_initializer="ones")]
        )
        return gan(generator=generator, discriminator=discriminator)

    integers = np.random.default_rng(0).integers(0, 256, (16, 2, 2, 1)).astype("uint8")
    one, two = image_gan(), image_gan()
    one.fit(integers, batch_size=8, verbose=0)
    two.fit((integers / 127.5 - 1).astype("float32"), batch_size=8, verbose=0)
    for a, b in zip(values(one.state), values(two.state)):
        np.testing.assert_allclose(a, b, atol=1e-6)
    with raises("x: expected images from -1 to 1 or, as uint8, from 0 to 255, received float32 from 0 to 255"):
        one.fit(np.linspace(0, 255, 64, dtype="float32").reshape(16, 2, 2, 1))
    with raises(["x: expected images from -1 to 1, or from 0 to 255 as uint8, received float32 from 0 to 1", r"2 \* x - 1"]):
        one.fit((integers / 255).astype("float32"))
    with raises([r"x: expected samples as the generator makes them, \(2, 2, 1\), received \(2, 2, 3\)"]):
        one.fit(np.zeros((16, 2, 2, 3), "float32"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_samples_of_another_precision(kind):
    x = samples(16).astype("float16")
    one, two = (gan(penalties=(r1(1.0), gradient_penalty())) for _ in range(2))
    one.fit(x.astype("float32"), batch_size=8, verbose=0)
    two.fit(x.astype(kind), batch_size=8, verbose=0)
    assert equal(values(one.state), values(two.state))
    one.update(x[:8].astype(kind))


def test_lists_are_arrays():
    one, two = (gan(generator=linear(2, 2, 0, labels=3), classes=3) for _ in range(2))
    x, y = samples(16), np.arange(16) % 3
    one.fit(x, y, batch_size=8, verbose=0)
    two.fit(x.tolist(), y.tolist(), batch_size=8, verbose=0)
    assert equal(values(one.state), values(two.state))


def test_bad_samples():
    subject = gan()
    with raises("x: expected finite numbers or integers from 0 to 255"):
        subject.fit(np.full((64, 2), np.nan, "float32"))
    with raises("x: expected finite numbers or integers from 0 to 255 .uint8., received int64 from 3 to 3"):
        subject.fit(np.full((64, 2), 3))
    for given in (keras.utils.PyDataset(), iter([samples(64)]), {"x": samples(64)}):
        with raises(f"x: expected an array with all samples, received {type(given).__name__}"):
            subject.fit(given)
    with raises("x: expected an array with all samples, received NoneType.$"):
        subject.fit(None)
    with raises("x: expected samples of one shape, received a list of several shapes"):
        subject.fit([[1.0, 2.0], [3.0]])
    with raises("x: expected numbers, received <U1"):
        subject.fit([["a", "b"]])
    with raises("x: expected at least 64 samples, for one update, received 63"):
        subject.fit(samples(63))
    with raises("x: expected at least 64 samples, for one update, received 0"):
        subject.fit(np.zeros((0, 2)))
    with raises("y: expected no labels, for no player takes them"):
        subject.fit(samples(64), np.zeros(64, int))
    with raises("batch_size: expected a multiple of pac, 2, received 7"):
        gan(pac=2).fit(samples(64), batch_size=7)
    with raises("batch_size: expected an integer >= 1, received 0"):
        subject.fit(samples(64), batch_size=0)
    with raises("penalty_interval: expected at most the 4 updates of an execution, received 8"):
        gan(penalty_interval=8, steps_per_execution=4).fit(samples(64), batch_size=8)
    labelled = gan(generator=linear(2, 2, 0, labels=3), classes=3)
    with raises("y: expected labels from 0 to 2, received 0 to 3"):
        labelled.fit(samples(64), np.arange(64) % 4)
    with raises([r"y: expected integers \[64\], a label for each sample, received float64 \[64\]"]):
        labelled.fit(samples(64), np.zeros(64))
    with raises("labels: expected one for each latent, received None"):
        labelled.generate(3)
    for labels in (3, -1, [0, 1, 3]):
        with raises("labels: expected labels from 0 to 2, received"):
            labelled.generate(3, labels=labels)
    for labels in (1.7, [0, 1]):
        with raises(r"labels: expected integers \[3\], a label for each sample, received"):
            labelled.generate(3, labels=labels)
    for latents, received in (([], "0"), ([1.0, 2.0], "2"), ([[1.0, 2.0, 3.0]], "1, 3")):
        with raises([r"latents: expected \[N, 2\], at least one", rf"\[{received}\]"]):
            subject.decode(latents)
    with raises("labels: expected none"):
        subject.generate(3, labels=1)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (lambda subject, path: subject.compile("adam"), ["compile", r"arguments of GAN\(\.\.\.\)"]),
        (lambda subject, path: subject.save(path), ["save", "average.save", "save_weights"]),
        (lambda subject, path: subject.to_json(), ["get_config", "average"]),
        (lambda subject, path: subject.export(path), ["export", "average.export"]),
        (lambda subject, path: subject.evaluate(samples()), ["evaluate", "lab.gan.Evaluation"]),
        (lambda subject, path: subject.train_on_batch(samples()), ["train_on_batch", "update"]),
    ],
)
def test_what_keras_offers_and_a_gan_has_not(tmp_path, method, words):
    with raises(words) as raised:
        method(gan(), tmp_path / "gan.keras")
    assert len(str(raised.value).splitlines()) == 1 and not list(tmp_path.iterdir())


def test_what_is_kept_of_a_gan(tmp_path):
    one, two = gan(), gan(generator=linear(2, 2, 7), discriminator=linear(2, 1, 8))
    one.save_weights(tmp_path / "gan.weights.h5")
    two.load_weights(tmp_path / "gan.weights.h5")
    assert equal(values(one.variables), values(two.variables))


def test_a_diverged_run_stops_and_names_the_tensor():
    subject = gan(adversarial.wasserstein, rate=1e30)
    words = r"_loss: expected a finite number, received .* at update \d+; first variable that is not finite: generator .*kernel"
    with pytest.raises(NonFiniteError, match=words):
        subject.fit(samples(64), batch_size=8, epochs=9, verbose=0)


def test_weights_that_diverge_in_the_last_update_are_not_saved():
    saved, subject = [], gan()

    def break_it(batch, logs):
        if batch == 1:
            subject.generator.layers[-1].bias.assign([np.nan, 0])

    breaks = keras.callbacks.LambdaCallback(on_train_batch_end=break_it, on_epoch_end=lambda *_: saved.append(1))
    with pytest.raises(NonFiniteError, match=r"^generator .*bias: expected finite numbers, received others at update 2"):
        subject.fit(samples(16), batch_size=8, verbose=0, callbacks=[breaks])
    assert not saved
