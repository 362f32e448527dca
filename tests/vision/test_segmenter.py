"""The loss of segmenters against its parts, and names that a saved model keeps."""

import keras
import numpy as np
import pytest

from lab import engine, losses
from lab.vision import segmentation_loss, with_names
from tests.contracts import as_array, raises

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, (2, 6, 5)).astype("uint8")
LABELS[0, :2] = 255
LOGITS = RNG.normal(0, 2, (2, 6, 5, 3)).astype("float32")


def test_the_loss_is_the_sum_of_its_parts():
    z = LOGITS.astype(float) - np.log(np.exp(LOGITS.astype(float)).sum(-1, keepdims=True))
    counts = LABELS != 255
    crossed = -np.take_along_axis(z, np.where(counts, LABELS, 0)[..., None].astype(int), -1)[..., 0][counts].mean()
    assert as_array(segmentation_loss(of_dice=0)(LABELS, LOGITS)) == pytest.approx(crossed, rel=1e-5)
    of_dice = as_array(losses.dice(LABELS, LOGITS, ignored=255, over_batch=True)).mean()
    maps = losses.distance_maps(LABELS, 3, ignored=255)
    of_boundary = (np.exp(z) * maps).sum((1, 2, 3)) / (3 * (maps != 0).any(-1).sum((1, 2)))
    expected = crossed + 2 * of_dice + 0.1 * of_boundary.mean()
    assert as_array(segmentation_loss(of_dice=2.0, of_boundary=0.1)(LABELS, LOGITS)) == pytest.approx(expected, rel=1e-5)
    nothing = np.full_like(LABELS, 255)
    assert np.isfinite(as_array(segmentation_loss(of_boundary=0.1)(nothing, LOGITS)))


def test_it_is_learnt_with_distances_from_the_host():
    weights = keras.Variable(np.zeros((2, 6, 5, 3), "float32"))
    loss = segmentation_loss(of_boundary=0.01)
    differentiate = engine.value_and_grad(lambda labels: (loss(labels, weights.value), ()), [weights])

    def program(labels):
        (value, _), (gradient,) = differentiate(labels)
        weights.assign(weights - 20 * gradient)
        return value

    step = engine.compile(program, [weights]) if keras.backend.backend() != "torch" else program
    values = [float(as_array(step(LABELS))) for _ in range(20)]
    assert values[-1] < 0.3 * values[0]
    assert (engine.read(weights).argmax(-1) == LABELS)[LABELS != 255].all()


def test_a_saved_model_keeps_names(tmp_path):
    network = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 1)])
    with_names(network, ["background", "cat"]).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].names == ["background", "cat"]
    x = RNG.normal(size=(1, 4, 4, 3)).astype("float32")
    np.testing.assert_allclose(as_array(loaded(x)), as_array(network(x)), atol=1e-6)
    with raises("names: expected 2, one for each class, received 1"):
        with_names(network, ["background"])
