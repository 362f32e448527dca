"""Images measured in a classifier's features."""

import keras
import numpy as np
import pytest

from lab import metrics, models
from lab.data import glyphs
from lab.gan import Evaluation
from lab.gan.evaluation import nearest
from lab.models.glyph_classifier import save_glyph_classifier
from tests.contracts import raises, uniform


def classifier():
    images = keras.Input((2, 2, 1))
    x = keras.layers.Flatten()(images)
    return keras.Model(images, [keras.layers.Dense(3, kernel_initializer=keras.initializers.GlorotNormal(0))(x), x])


def test_numbers_are_those_of_the_metrics():
    model = classifier()
    real, fake = uniform(0, 40, 2, 2, 1), 0.5 * uniform(1, 30, 2, 2, 1)
    found = Evaluation(model, real)(fake, labels=np.arange(30) % 3)
    a, b = real.reshape(40, 4), fake.reshape(30, 4)
    assert found["frechet_distance"] == pytest.approx(metrics.frechet_distance(a, b))
    assert found["kernel_distance"] == pytest.approx(metrics.kernel_distance(a, b).value)
    assert found["precision"] == metrics.precision_recall(a, b).precision
    assert found["coverage"] == metrics.precision_recall(a, b).coverage
    logits = keras.ops.convert_to_numpy(model(fake)[0])
    assert found["classifier_score"] == pytest.approx(metrics.classifier_score(logits), rel=1e-5)
    assert found["as_asked"] == np.mean(logits.argmax(1) == np.arange(30) % 3)


def test_integers_and_batches():
    model = classifier()
    images = np.random.default_rng(0).integers(0, 256, (7, 2, 2, 1)).astype("uint8")
    logits, features = models.describe_images(model, images, batch_size=3)
    np.testing.assert_allclose(features, images.reshape(7, 4) / 127.5 - 1, atol=1e-6)
    assert logits.shape == (7, 3)
    alone = keras.Model(model.input, model.outputs[1])
    logits, same = models.describe_images(alone, images)
    assert logits is None
    np.testing.assert_allclose(same, features, atol=1e-6)
    assert "classifier_score" not in Evaluation(alone, images)(images)
    with raises("images: expected numbers from -1 to 1 or integers from 0 to 255 .uint8., received int64"):
        models.describe_images(model, images.astype("int64"))


def test_bad_images():
    model, images = classifier(), uniform(0, 9, 2, 2, 1)
    for name in ("real", "training"):
        with raises(f"{name}: expected images from -1 to 1 or, as uint8, from 0 to 255, received float32"):
            Evaluation(model, **{"real": images, name: 100 * images})
    for bad in (images[..., [0, 0, 0]], images[:0], images[0]):
        with raises(r"images: expected at least one of the size that functional.* takes, \(2, 2, 1\), received"):
            Evaluation(model, images)(bad)
    assert (nearest(images, images + 1, images)[1] == np.inf).all()  # nothing unseen says how far is usual


def test_a_progress_bar_on_request(capsys):
    images = uniform(0, 40, 2, 2, 1)
    Evaluation(classifier(), images)(images)
    assert capsys.readouterr().out == ""
    Evaluation(classifier(), images, verbose=1)(images)
    assert "160/160" in capsys.readouterr().out


def test_what_is_nearest_in_training_in_the_features():
    training, unseen = np.random.default_rng(0).integers(0, 256, (2, 20, 2, 2, 1)).astype("uint8")
    halves = keras.Input((2, 2, 1))
    features = keras.layers.Flatten()(halves[:, :1])  # the lower half does not count
    evaluation = Evaluation(keras.Model(halves, features), unseen, training=training)
    fake = models.as_floats(training[[3, 11]])
    fake[:, 0] += 0.01
    fake[:, 1] = 7
    indices, distances = evaluation.nearest(fake)
    np.testing.assert_array_equal(indices, [3, 11])
    seen, new = (models.as_floats(x)[:, 0].reshape(20, 2) for x in (training, unseen))
    usual = np.mean([np.linalg.norm(seen - point, axis=1).min() for point in new[:2]])
    np.testing.assert_allclose(distances, 0.01 * np.sqrt(2) / usual, rtol=1e-3)


def test_the_kept_classifier_reads_glyphs():
    model, digest = models.trained_glyph_classifier()
    assert len(digest) == 12
    images, labels = glyphs(1_000, seed=12345)
    logits, features = models.describe_images(model, images)
    assert (logits.argmax(1) == labels).mean() > 0.99
    assert features.shape == (1_000, 64)


def test_a_classifier_is_kept_in_half_precision(tmp_path):
    model = models.glyph_classifier(seed=3)
    path = tmp_path / "c.safetensors"
    digest = save_glyph_classifier(model, path)
    again, same = models.trained_glyph_classifier(path)
    assert digest == same and path.stat().st_size < 350_000
    images = uniform(0, 4, 28, 28, 1)
    for a, b in zip(models.describe_images(model, images), models.describe_images(again, images)):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.get_weights(), models.glyph_classifier(seed=3).get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_inception_takes_small_and_grey_images():
    model = models.inception(None, channels=1)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 28, 28, 1)).astype("float32")
    logits, features = models.describe_images(model, images)
    assert logits is None and features.shape == (2, 2048) and np.isfinite(features).all()
