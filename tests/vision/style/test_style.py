"""Style: Gram matrices and losses by hand, gradients to pixels, features, both optimizers."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.models import small_resnet, vgg
from lab.vision import style
from lab.vision.style.optimize import _lbfgs
from tests.contracts import as_array, raises_text, uniform

pytestmark = pytest.mark.usefixtures("graphs")
SMALL = {"levels": 2, "filters": 6, "size": 3, "seed": 0}
CONTENT, STYLE = uniform(0, 16, 12, 3), uniform(1, 10, 14, 3) * np.float32([1, 0.5, 0.2])


def test_losses_by_hand():
    maps = np.array([[[[1.0, 2.0], [3.0, 0.0]]]], "float32")  # two positions of two features
    gram = as_array(style.gram_matrix(maps))
    np.testing.assert_allclose(gram, [[[5.0, 1.0], [1.0, 2.0]]])
    # |G - A|² = 5² + 1² + 1² + 2² = 31 for A = 2 G, |A|² = 124; for A = G none.
    np.testing.assert_allclose(style.style_loss([gram, gram], [2 * gram, gram]), (31 / 124 + 0) / 2, rtol=1e-6)
    # The channels of the target have means 2 and 1: |C - m|² is 4. |F - C|² is 4, too.
    np.testing.assert_allclose(style.content_loss([maps + 1], [maps]), 1.0, rtol=1e-6)
    picture = np.array([[0.0, 1.0], [0.5, 1.0]], "float32").reshape(1, 2, 2, 1)
    np.testing.assert_allclose(style.total_variation(picture), 0.25 + 0.75, rtol=1e-6)  # down 0.5 and 0; across 1 and 0.5


def test_style_does_not_depend_on_places():
    maps = uniform(0, 1, 4, 5, 3)
    shuffled = np.random.default_rng(0).permutation(maps.reshape(20, 3)).reshape(1, 5, 4, 3)
    np.testing.assert_allclose(as_array(style.gram_matrix(shuffled)), as_array(style.gram_matrix(maps)), rtol=1e-5, atol=1e-6)
    features = style.random_pyramid(**SMALL).calibrated(STYLE)
    assert style.style_of(features, STYLE, STYLE) == 0
    assert style.style_of(features, CONTENT, STYLE) > 0.1
    turned = STYLE[::-1, ::-1]
    assert 0 < style.style_of(features, turned, STYLE) < style.style_of(features, CONTENT, STYLE)


def test_gradients_to_pixels_are_finite_differences():
    features = style.random_pyramid(**SMALL).calibrated(CONTENT, STYLE)
    grams = [as_array(style.gram_matrix(each)) for each in features.network(STYLE[None])]
    wanted = [as_array(features.network(CONTENT[None])[1])]

    def loss(picture):
        maps = features.network(picture)
        of_style = style.style_loss([style.gram_matrix(each) for each in maps], grams)
        return style.content_loss([maps[1]], wanted) + of_style + style.total_variation(picture), ()

    start = uniform(2, 1, 16, 12, 3)
    _, gradient = engine.value_and_grad(loss)(ops.convert_to_tensor(start))
    direction = uniform(3, *start.shape)
    step = 1e-3  # small: ReLU and absolute values have kinks
    ends = [float(loss(ops.convert_to_tensor(start + sign * step * direction))[0]) for sign in (1, -1)]
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * step), np.sum(as_array(gradient) * direction), rtol=0.02)


@pytest.mark.parametrize("make", [style.random_pyramid, style.random_vgg])
def test_calibrated_features(make):
    options = SMALL if make is style.random_pyramid else {"widths": (4, 5), "depths": (1, 2), "seed": 0}
    one, two, other = make(**options), make(**options), make(**options | {"seed": 1})
    before = [as_array(each) for each in one.network(CONTENT[None])]
    for a, b, c in zip(before, two.network(CONTENT[None]), other.network(CONTENT[None])):
        np.testing.assert_array_equal(a, as_array(b))
        assert (a != as_array(c)).any()
    ready = one.calibrated(CONTENT, STYLE)
    for layer in ready.network.layers:
        if type(layer) is keras.layers.Conv2D:
            maps = keras.Model(ready.network.inputs[0], layer.output)
            flat = np.concatenate([as_array(maps(each[None])).reshape(-1, layer.filters) for each in (CONTENT, STYLE)])
            np.testing.assert_allclose(flat.mean(axis=0), 0, atol=1e-3)
            np.testing.assert_allclose(flat.std(axis=0), 1, atol=1e-2)
    for a, b in zip(before, one.network(CONTENT[None])):  # the features themselves stay as they were
        np.testing.assert_array_equal(a, as_array(b))


def test_a_pyramid_halves_pictures_and_does_not_see_their_edges():
    features = style.random_pyramid(levels=3, filters=2, size=7, seed=0)
    assert features.least == 12 and features.content == (2,)
    flat = np.full((1, 20, 12, 3), 0.3, "float32")
    for maps, shape in zip(features.network(flat), ((20, 12), (10, 6), (5, 3))):
        assert maps.shape[1:3] == shape
        np.testing.assert_allclose(as_array(maps), np.broadcast_to(as_array(maps)[:, 2:3, 1:2], maps.shape), atol=1e-4)


def randomized(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.1, 0.5, weight.shape) for weight in model.weights])
    return model


def test_features_of_a_trained_vgg():
    model = randomized(vgg((32, 32, 3), 4, depth=11, width=0.05, normalize=True, stem="small", seed=0))
    found = style.plain_features(model)
    assert len(found.style) == 5 and found.content == (3,)
    x = uniform(4, 2, 32, 32, 3)
    first = keras.Model(model.inputs[0], model.get_layer("stage1_relu1").output)
    maps = found.network(x)
    np.testing.assert_allclose(as_array(maps[0]), as_array(first(x, training=False)), rtol=1e-4, atol=1e-4)
    assert [each.shape[1] for each in maps] == [32, 16, 8, 4, 2]
    with raises_text("model: expected a chain of convolutions, ReLUs and poolings, received "):
        style.plain_features(small_resnet((32, 32, 3), 2, depth=8, seed=0))


def test_colours_of_the_content():
    made = np.full((2, 2, 3), 0.4, "float32")
    content = np.broadcast_to(np.float32([0.2, -0.1, -0.3]), (2, 2, 3))
    again = style.with_colours(content, content)
    np.testing.assert_allclose(again, content, atol=1e-5)
    weights = np.array([0.299, 0.587, 0.114])
    kept = style.with_colours(made, content)
    np.testing.assert_allclose(kept @ weights, 0.4, atol=1e-5)
    np.testing.assert_allclose(kept - kept @ weights[:, None], content - content @ weights[:, None], atol=1e-2)
    grey_style, grey_content = style.grey_like(STYLE, CONTENT)
    np.testing.assert_allclose(grey_content[..., 1], CONTENT @ weights, atol=1e-5)
    np.testing.assert_allclose([grey_style.mean(), grey_style.std()], [grey_content.mean(), grey_content.std()], atol=0.05)


def test_optimizers_lower_the_losses():
    features = style.random_pyramid(**SMALL)
    before = style.style_of(features.calibrated(CONTENT, STYLE), CONTENT, STYLE)
    for optimizer in ("lbfgs", "adam"):
        seen = []
        made = style.stylize(
            CONTENT, STYLE, features=features, steps=30, optimizer=optimizer, learning_rate=0.05,
            report=lambda step, losses, picture, seen=seen: seen.append((step, losses["style"], picture.shape)),
        )  # fmt: skip
        assert made.picture.shape == CONTENT.shape and abs(made.picture).max() <= 1
        assert made.losses["style"] < 0.3 * before
        assert [step for step, *_ in seen] == list(range(1, len(seen) + 1)) and seen[0][2] == CONTENT.shape
        again = style.stylize(CONTENT, STYLE, features=features, steps=30, optimizer=optimizer, learning_rate=0.05)
        np.testing.assert_array_equal(made.picture, again.picture)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_reported_losses_are_those_of_the_reported_picture(optimizer):
    features = style.random_pyramid(**SMALL).calibrated(CONTENT, STYLE)
    seen = []
    made = style.stylize(
        CONTENT, STYLE, features=features, calibrate=False, steps=6, optimizer=optimizer,
        report=lambda step, losses, picture: seen.append((losses["style"], picture.copy())),
    )  # fmt: skip
    for loss, picture in seen:
        np.testing.assert_allclose(style.style_of(features, picture, STYLE), loss, rtol=2e-3)
    np.testing.assert_array_equal(seen[-1][1], made.picture)


def test_every_argument_of_stylize_counts():
    def made(**options):
        return style.stylize(CONTENT, STYLE, features=style.random_pyramid(**SMALL), **{"steps": 3} | options)

    usual = made()
    for options in (
        {"ratio": 1.0},
        {"variation": 5.0},
        {"steps": 4},
        {"start": "style"},
        {"start": "noise"},
        {"optimizer": "adam"},
    ):
        assert (made(**options).picture != usual.picture).any(), options
    assert made(ratio=1000.0, steps=20).losses["style"] < made(ratio=0.1, steps=20).losses["style"]
    one, other = (made(start="noise", seed=seed).picture for seed in (0, 1))
    assert (one != other).any()


def test_synthesis_of_another_size():
    made = style.synthesize(STYLE, (20, 24), features=style.random_pyramid(**SMALL), steps=40)
    assert made.picture.shape == (20, 24, 3) and set(made.losses) == {"style"}
    assert made.losses["style"] < 0.02
    np.testing.assert_allclose(made.picture.std(axis=(0, 1)), STYLE.std(axis=(0, 1)), atol=0.08)
    assert style.synthesize(STYLE, steps=1).picture.shape == STYLE.shape  # small pictures have fewer levels


def test_lbfgs_finds_a_minimum_inside_the_bounds():
    network = keras.Sequential([keras.Input((None, None, 3))])
    target = np.full((1, 2, 2, 3), 0.5, "float32")
    target[0, 0, 0] = 3.0  # beyond the bound

    def loss(picture):
        distance = ops.mean(ops.square(picture - target))
        return distance, {"style": distance}

    made = _lbfgs(loss, network, np.zeros((2, 2, 3), "float32"), 50, 0.1, lambda *found: None)
    np.testing.assert_allclose(made.picture, np.clip(target[0], -1, 1), atol=1e-3)


def test_bad_input():
    for options, words in (
        ({"ratio": 0}, "ratio: expected a number > 0 and <= 1e+09, received 0"),
        ({"ratio": np.inf}, "ratio: expected a number > 0 and <= 1e+09, received inf"),
        ({"steps": 0}, "steps: expected an integer >= 1, received 0"),
        ({"start": "style "}, "start: expected one of content, style, noise, received 'style '"),
        ({"optimizer": "sgd"}, "optimizer: expected one of lbfgs, adam, received 'sgd'"),
    ):
        with raises_text(words):
            style.stylize(CONTENT, STYLE, **options)
    with raises_text("content: expected [H, W, 3], H and W >= 3, received [16, 12, 1]"):
        style.stylize(CONTENT[..., :1], STYLE)
    with raises_text("style: expected [H, W, 3], H and W >= 16, received [10, 14, 3]"):
        style.stylize(
            np.resize(CONTENT, (16, 16, 3)), STYLE, features=style.random_pyramid(levels=3, size=9, filters=2, seed=0)
        )
    with raises_text("texture: expected numbers from -1 to 1, received float32 of another range"):
        style.synthesize(2 * CONTENT)
    with raises_text("depths: expected one for each of 2 widths, received (1,)"):
        style.random_vgg(widths=(2, 2), depths=(1,), seed=0)
