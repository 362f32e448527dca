"""Pictures of what a network looks at.

A network with a planted detector must light up where the pattern is.
"""

import keras
import numpy as np
import pytest
from keras import ops

from lab.models import classifier
from lab.visualize import grad_cam, hidden_gradients, maximize, occlusion, saliency
from tests.contracts import as_array, raises, uniform

PATTERN = np.array([[1, -1, 1], [-1, 1, -1], [1, -1, 1]], "float32")
PLACES = [(2, 3), (9, 10), (5, 1)]


def planted(activation="layer"):
    """A network that says class 1 where the pattern is anywhere.

    It has the pattern's filter and one for brightness, then ReLU, pooling and the greatest value.
    """
    fused = activation == "fused"
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            keras.layers.Conv2D(2, 3, activation="relu" if fused else None, name="detector"),
            keras.layers.Activation("linear") if fused else keras.layers.ReLU(name="relu"),
            keras.layers.MaxPooling2D(2, name="pool"),
            keras.layers.GlobalMaxPooling2D(),
            keras.layers.Dense(2, name="logits"),
        ]
    )
    kernel = np.stack([PATTERN, np.full((3, 3), 0.05)], axis=-1)[:, :, None]
    model.get_layer("detector").set_weights([kernel, np.array([-7.0, 0.0])])  # 9 where it is, at most 7 beside it
    model.get_layer("logits").set_weights([np.array([[-5.0, 50.0], [0.1, 0.0]]), np.array([0.5, 0.0])])
    return model


def scenes():
    images = uniform(0, len(PLACES), 16, 16, 1) * 0.2
    for image, (row, column) in zip(images, PLACES):
        image[row : row + 3, column : column + 3, 0] = PATTERN
    return images


def share_inside(picture, place, margin):
    """How much of a picture lies in the square around a place."""
    row, column = place
    energy = np.abs(picture).reshape(16, 16, -1).sum(-1)
    inside = energy[max(row - margin, 0) : row + 3 + margin, max(column - margin, 0) : column + 3 + margin]
    return inside.sum() / energy.sum()


@pytest.mark.parametrize("rule", ["gradient", "deconvnet", "guided"])
def test_what_flows_back_lies_on_the_pattern(rule):
    for picture, place in zip(saliency(planted(), scenes(), unit=1, rule=rule), PLACES):
        assert share_inside(picture, place, 0) > 0.99
        row, column = place
        np.testing.assert_allclose(np.sign(picture[row : row + 3, column : column + 3, 0]), PATTERN)


def test_rules_differ_in_what_a_relu_lets_through():
    model = keras.Sequential([keras.Input((1, 1, 3)), keras.layers.ReLU(), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.layers[-1].set_weights([np.array([[2.0], [-3.0], [5.0]]), np.zeros(1)])
    x = np.array([1.0, 1.0, -1.0]).reshape(1, 1, 1, 3)
    flows = {rule: saliency(model, x, unit=0, rule=rule).ravel().tolist() for rule in ("gradient", "deconvnet", "guided")}
    assert flows == {"gradient": [2, -3, 0], "deconvnet": [2, 0, 5], "guided": [2, 0, 0]}


def test_rules_keep_what_the_network_computes_and_reach_into_nested_ones():
    weights = [np.array([[2.0], [-3.0], [5.0]]), np.zeros(1)]

    def flow(activation, x, rule, nested=False):
        inner = [keras.layers.ReLU() if activation == "relu" else keras.layers.Activation(activation)]
        inner = [keras.Sequential([keras.Input((1, 1, 3)), *inner])] if nested else inner
        model = keras.Sequential([keras.Input((1, 1, 3)), *inner, keras.layers.Flatten(), keras.layers.Dense(1)])
        model.layers[-1].set_weights(weights)
        return saliency(model, np.array(x, "float32").reshape(1, 1, 1, 3), unit=0, rule=rule).ravel().tolist()

    assert flow("relu6", [7.0, 1.0, 1.0], "guided") == [0, 0, 5]  # closed beyond 6
    assert flow("relu", [1.0, 1.0, -1.0], "guided", nested=True) == [2, 0, 0]
    leaky = keras.Sequential(
        [keras.Input((1, 1, 3)), keras.layers.ReLU(negative_slope=0.5), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    with raises(["expected a ReLU without slope and threshold", "'guided'"]):
        saliency(leaky, np.ones((1, 1, 1, 3)), rule="guided")


def test_fused_activations_are_relus_too():
    for rule in ("deconvnet", "guided"):
        np.testing.assert_allclose(
            saliency(planted("fused"), scenes(), unit=1, rule=rule), saliency(planted(), scenes(), unit=1, rule=rule), atol=1e-6
        )


def test_before_the_first_relu_the_rules_are_one():
    model = classifier("resnet20", (16, 16, 1), 2, width=0.25, seed=0)
    first = next(layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    plain, guided = (saliency(model, scenes(), layer=first, unit=1, rule=rule) for rule in ("gradient", "guided"))
    np.testing.assert_array_equal(plain, guided)


def test_a_layers_strongest_unit_is_followed():
    pictures = saliency(planted(), scenes(), layer="pool", unit=0)
    for picture, place in zip(pictures, PLACES):
        row, column = place
        np.testing.assert_allclose(picture[row : row + 3, column : column + 3, 0], PATTERN, atol=1e-6)
        assert np.count_nonzero(picture) == 9


def test_saliency_leaves_the_network_as_it_was():
    model = planted()
    before = [weight.copy() for weight in model.get_weights()]
    saliency(model, scenes(), rule="guided")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(as_array(model(scenes())).argmax(1), 1)


def test_grad_cam_lights_up_where_the_pattern_is():
    heat = grad_cam(planted(), scenes(), classes=1, layer="pool")
    assert heat.shape == (3, 16, 16) and heat.min() >= 0 and heat.max() == pytest.approx(1, abs=0.3)
    for picture, place in zip(heat, PLACES):
        assert share_inside(picture, place, 2) > 0.95
    other = grad_cam(planted(), scenes(), classes=0, layer="pool")
    assert share_inside(other[0], PLACES[0], 2) < 0.5


def test_grad_cam_of_a_layer_with_a_path_around_it():
    inputs = keras.Input((2, 2, 1))
    maps = keras.layers.Conv2D(1, 1, use_bias=False, name="maps")(inputs)
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()([maps, inputs]))
    model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False)(mean))
    model.set_weights([np.full((1, 1, 1, 1), 2.0), np.array([[3.0, -1.0]])])
    x = np.array([[1.0, 2.0], [-4.0, 0.0]]).reshape(1, 2, 2, 1)
    # a = 3 / 4, whatever goes around: relu(0.75 * 2 x) over its greatest value 3
    np.testing.assert_allclose(grad_cam(model, x, classes=0, layer="maps")[0], [[0.5, 1.0], [0.0, 0.0]], atol=1e-6)


def test_grad_cam_by_hand():
    inputs = keras.Input((2, 2, 1))
    maps = keras.layers.Conv2D(2, 1, use_bias=False, name="maps")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False)(keras.layers.GlobalAveragePooling2D()(maps)))
    model.set_weights([np.array([1.0, -1.0]).reshape(1, 1, 1, 2), np.array([[3.0, 0.0], [1.0, 0.0]])])
    x = np.array([[1.0, 2.0], [-4.0, 0.0]]).reshape(1, 2, 2, 1)
    # a = (3, 1) / 4: relu(0.75 x - 0.25 x) = relu(x / 2), over its greatest value 1
    np.testing.assert_allclose(grad_cam(model, x, classes=0)[0], [[0.5, 1.0], [0.0, 0.0]], atol=1e-6)


@pytest.mark.slow
def test_covering_the_pattern_costs_the_class():
    for picture, place in zip(occlusion(planted(), scenes(), classes=1, size=3), PLACES):
        row, column = place
        assert picture[row : row + 3, column : column + 3].min() > 0.8 * picture.max()
        assert picture.max() > 0.1
        assert share_inside(picture, place, 2) > 0.9
    coarse = occlusion(planted(), scenes(), classes=1, size=4, stride=5)
    assert coarse.shape == (3, 16, 16)


def test_what_the_detector_likes_most_is_its_pattern():
    images = maximize(planted(), [0, 1], layer="detector", steps=100, seed=1)
    assert images.shape == (2, 16, 16, 1) and np.abs(images).max() <= 1
    middle = images[:, 5:12, 5:12, 0]
    likeness = [
        [np.corrcoef(m[i : i + 3, j : j + 3].ravel(), PATTERN.ravel())[0, 1] for i in range(5) for j in range(5)]
        for m in middle
    ]
    assert max(likeness[0]) > 0.85 > 0.7 > max(likeness[1])  # the other unit likes brightness


def test_the_network_sees_the_picture_that_is_returned():
    """A unit that likes pixels of 0.5 best. Without decay and smoothness they come back."""
    image = keras.Input((4, 4, 1))
    model = keras.Model(image, -keras.ops.sum(keras.ops.square(image - 0.5), axis=(1, 2)))
    (found,) = maximize(model, [0], steps=300, decay=0.0, smoothness=0.0, jitter=0)
    np.testing.assert_allclose(found, 0.5, atol=0.01)


@pytest.mark.long
@pytest.mark.parametrize("name", ["resnet20", "mobilenet_v2"])
def test_real_families_are_looked_into(name):
    model = classifier(name, (28, 28, 1), 5, width=0.25, seed=0)
    x = uniform(0, 2, 28, 28, 1)
    for rule in ("gradient", "deconvnet", "guided"):
        picture = saliency(model, x, rule=rule)
        assert picture.shape == x.shape and np.isfinite(picture).all() and picture.any()
    assert grad_cam(model, x).shape == (2, 28, 28)
    assert occlusion(model, x, size=7, stride=7).shape == (2, 28, 28)


CELLS = {"simple": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}


@pytest.mark.parametrize("kind", CELLS)
def test_hidden_gradients_are_finite_differences(kind):
    x = uniform(1, 1, 4, 3)
    cell = CELLS[kind](
        2, recurrent_initializer=keras.initializers.Orthogonal(seed=1), kernel_initializer=keras.initializers.GlorotNormal(2)
    )
    norms = hidden_gradients(cell, x)
    states = 2 if kind == "lstm" else 1

    def loss(nudge_at, axis, which, size):
        state = [np.zeros((1, 2), "float32")] * states
        for t in range(4):
            _, state = cell(ops.convert_to_tensor(x[:, t]), state)
            state = [as_array(s).astype("float64") for s in (state if isinstance(state, list | tuple) else [state])]
            if t == nudge_at:
                state[which][0, axis] += size
            state = [s.astype("float32") for s in state]
        return 0.5 * np.square(state[0]).sum()

    for t in range(4):
        slopes = [
            (loss(t, axis, which, 1e-2) - loss(t, axis, which, -1e-2)) / 2e-2 for which in range(states) for axis in range(2)
        ]
        assert norms[t] == pytest.approx(np.linalg.norm(slopes), rel=2e-2, abs=1e-4)


def test_an_orthogonal_linear_recurrence_neither_fades_nor_explodes():
    for gain, expected in ((1.0, 1.0), (0.5, 0.5), (2.0, 2.0)):
        cell = keras.layers.SimpleRNNCell(
            8, activation="linear", recurrent_initializer=keras.initializers.Orthogonal(gain, seed=0)
        )
        norms = hidden_gradients(cell, uniform(2, 3, 10, 4))
        np.testing.assert_allclose(norms[:-1] / norms[1:], expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: saliency(planted(), scenes(), rule="magic"), ["rule: expected one of gradient", "'magic'"]),
        (lambda: saliency(planted(), scenes(), layer="detektor"), ["layer: expected a layer", "nearest: detector"]),
        (
            lambda: saliency(classifier("lenet5", (16, 16, 1), 2, seed=0), scenes(), rule="guided"),
            ["rule: expected 'gradient' for a model without ReLUs", "'guided'"],
        ),
        (lambda: saliency(planted(), scenes(), unit=2), ["unit: expected 0 to 1", "2"]),
        (lambda: saliency(planted(), scenes()[:, :15]), ["images: expected shape", r"\(15, 16, 1\)"]),
        (lambda: grad_cam(planted(), scenes(), layer="logits"), ["layer: expected one with maps"]),
        (lambda: occlusion(planted(), scenes(), size=17), ["size: expected at most 16", "17"]),
        (lambda: maximize(planted(), [2]), ["units: expected 0 to 1", "2"]),
        (lambda: hidden_gradients(keras.layers.GRUCell(2), np.zeros((1, 0, 2))), ["inputs: expected", r"\(1, 0, 2\)"]),
    ],
)
def test_bad_input_is_named(act, words):
    with raises(words):
        act()
