"""Styles in one pass: moments by hand, losses by their identities, networks that learn."""

import keras
import numpy as np
import pytest
from PIL import Image

from lab.data import picture_crops
from lab.optimizers import Adam
from lab.vision import style
from tests.contracts import as_array, raises_text, save_and_load, uniform

pytestmark = pytest.mark.usefixtures("graphs")
CONTENTS, STYLES = uniform(0, 2, 16, 16, 3), uniform(1, 2, 16, 16, 3) * np.float32([1, 0.5, 0.2])
FEATURES = {"widths": (6, 8), "depths": (1, 1), "seed": 0}


def test_moments_by_hand():
    content = np.array([1.0, 3.0], "float32").reshape(1, 2, 1, 1)  # mean 2, standard deviation 1
    other = np.array([10.0, 10.0, 14.0, 14.0], "float32").reshape(1, 2, 2, 1)  # mean 12, standard deviation 2
    layer = style.MomentMatching()
    for strength, expected in ((1.0, [10, 14]), (0.5, [5.5, 8.5]), (0.0, [1, 3])):
        got = as_array(layer([content, other, np.array([[strength]], "float32")]))
        np.testing.assert_allclose(got.ravel(), expected, rtol=1e-4)


def test_the_perceptual_loss_is_that_of_the_optimisation():
    features = style.random_pyramid(levels=2, filters=5, size=3, seed=0).calibrated(CONTENTS[0], STYLES[0])
    loss = style.PerceptualLoss(features, STYLES[0], ratio=3.0, variation=2.0)
    found = {name: float(value) for name, value in loss.parts(CONTENTS[:1], CONTENTS[:1]).items()}
    assert found["content"] == 0
    np.testing.assert_allclose(found["style"], style.style_of(features, CONTENTS[0], STYLES[0]), rtol=1e-5)
    made = style.stylize(CONTENTS[0], STYLES[0], features=features, calibrate=False, ratio=3.0, steps=5)
    for name, value in loss.parts(CONTENTS[:1], made.picture[None]).items():
        np.testing.assert_allclose(float(value), made.losses[name], rtol=1e-3)
    whole = 3.0 * found["style"] + 2.0 * float(style.total_variation(CONTENTS[:1]))
    np.testing.assert_allclose(float(loss(CONTENTS[:1], CONTENTS[:1])), whole, rtol=1e-5)
    with raises_text("ratio: expected a number > 0 and <= 1e+09, received 0"):
        style.PerceptualLoss(features, STYLES[0], ratio=0)


def test_the_loss_of_adain_by_its_parts():
    features = style.random_vgg(**FEATURES).calibrated(*CONTENTS, *STYLES)
    loss = style.AdaINLoss(features, ratio=2.0)
    same = np.concatenate([CONTENTS, CONTENTS], axis=-1)
    parts = loss.parts(same, CONTENTS)  # its own style: nothing is to do
    np.testing.assert_allclose([float(parts["content"]), float(parts["style"])], [0, 0], atol=1e-5)
    pairs = np.concatenate([CONTENTS, STYLES], axis=-1)
    parts = {name: float(value) for name, value in loss.parts(pairs, STYLES).items()}
    assert parts["style"] == pytest.approx(0, abs=1e-6) and parts["content"] > 0.1  # the style's picture is no answer
    maps = [as_array(each) for each in features.maps(CONTENTS)]
    others = [as_array(each) for each in features.maps(STYLES)]
    shares = []
    for one, other in zip(maps, others):
        statistics = [(each.mean((1, 2)), np.sqrt(each.var((1, 2)) + 1e-5)) for each in (one, other)]
        apart = sum(((a - b) ** 2).sum(-1) for a, b in zip(*statistics))
        shares.append(np.mean(apart / sum((b**2).sum(-1) for b in statistics[1])))
    np.testing.assert_allclose(float(loss.parts(pairs, CONTENTS)["style"]), np.mean(shares), rtol=1e-4)


def test_a_network_for_every_style():
    features = style.random_vgg(**FEATURES).calibrated(*CONTENTS, *STYLES)
    network = style.adain_network(features, filters=(8, 6), seed=0)
    trained = {variable.path for variable in network.trainable_variables}
    assert trained and not any("encoder" in path for path in trained)
    inputs = [CONTENTS, STYLES, np.ones((2, 1), "float32")]
    made = as_array(network(inputs))
    assert made.shape == CONTENTS.shape and abs(made).max() <= 1
    np.testing.assert_allclose(as_array(save_and_load(network)(inputs)), made, atol=1e-5)
    odd = style.apply_adain(network, CONTENTS[0][:13, :11], STYLES[0], strength=0.5)
    assert odd.shape == (13, 11, 3)
    small = style.apply_adain(network, CONTENTS[0][:3, :1], STYLES[0][:5, :2])
    assert small.shape == (3, 1, 3)
    deep = style.random_vgg(widths=(3, 3, 3, 3), depths=(1, 1, 1, 1), seed=0)._replace(content=(3,))
    deeper = style.adain_network(deep, filters=(3, 3, 3, 3), seed=0)
    assert style.apply_adain(deeper, CONTENTS[0][:13, :10], STYLES[0]).shape == (13, 10, 3)
    with raises_text("style: expected [H, W, 3], H and W >= 2, received [1, 16, 3]"):
        style.apply_adain(network, CONTENTS[0], STYLES[0][:1])
    with raises_text("strength: expected a number >= 0 and <= 1, received 2"):
        style.apply_adain(network, CONTENTS[0], STYLES[0], strength=2)


@pytest.mark.slow
def test_networks_learn():
    features = style.random_pyramid(levels=2, filters=8, size=3, seed=0).calibrated(*CONTENTS, STYLES[0])
    loss = style.PerceptualLoss(features, STYLES[0])
    convolutions = [keras.layers.Conv2D(count, 3, padding="same", activation=how) for count, how in ((8, "relu"), (3, "tanh"))]
    network = keras.Sequential([keras.Input((None, None, 3)), *convolutions])
    before = float(loss(CONTENTS, network(CONTENTS)))
    network.compile(Adam(5e-3), loss)
    network.fit(CONTENTS, CONTENTS, epochs=25, verbose=0)
    assert float(loss(CONTENTS, network(CONTENTS))) < 0.7 * before
    encoder = style.random_vgg(**FEATURES).calibrated(*CONTENTS, *STYLES)
    decoder = style.adain_network(encoder, filters=(8, 6), seed=0)
    of_both = style.AdaINLoss(encoder)
    inputs = [CONTENTS, STYLES, np.ones((2, 1), "float32")]
    pairs = np.concatenate([CONTENTS, STYLES], axis=-1)
    before = float(of_both(pairs, decoder(inputs)))
    decoder.compile(Adam(5e-3), of_both)
    decoder.fit(inputs, pairs, epochs=25, verbose=0)
    assert float(of_both(pairs, decoder(inputs))) < 0.7 * before


def test_crops():
    (one, labels), (two, _), (other, _) = (picture_crops(["china", "cells"], 6, 24, seed=seed) for seed in (0, 0, 1))
    assert set(labels) == {0, 1}
    np.testing.assert_array_equal(one, two)
    assert one.shape == (6, 24, 24, 3) and one.dtype == np.uint8 and (one != other).any()
    assert len({crop.tobytes() for crop in one}) == 6
    with raises_text("names: expected at least one picture, received none"):
        picture_crops([], 1, 8)
    with raises_text("columns: expected (first, last) with 0 <= first < last <= 1, received (0.5, 0.5)"):
        picture_crops(["china"], 1, 8, columns=(0.5, 0.5))


def test_crops_are_shares_of_the_whole_picture(tmp_path):
    path = tmp_path / "ramp.png"  # from 0 to 200 in steps of 2 a column
    Image.fromarray(np.repeat(np.tile(np.arange(0, 200, 2, dtype="uint8"), (50, 1))[..., None], 3, axis=-1)).save(path)
    for columns in ((0.0, 1.0), (0.0, 0.2), (0.9, 1.0)):
        crops, _ = picture_crops([str(path)], 30, 10, sides=(0.2, 0.2), columns=columns)  # 10 of 50 pixels: not scaled
        across = crops[:, 0, :, 0].astype(int)
        assert (np.abs(np.diff(across, axis=1)) == 2).all()
        assert across.min() >= 200 * columns[0] and across.max() < 200 * columns[1]
    with raises_text("sides: expected (least, greatest) with 0 < least <= greatest <= 1, received (0, 1)"):
        picture_crops([str(path)], 1, 8, sides=(0, 1))


def test_crops_of_some_columns(tmp_path):
    path = tmp_path / "halves.png"
    half = np.zeros((20, 20, 3), "uint8")
    Image.fromarray(np.concatenate([half, half + 255], axis=1)).save(path)
    for columns, value in (((0.0, 0.5), 0), ((0.5, 1.0), 255)):
        crops, _ = picture_crops([str(path)], 5, 8, columns=columns)
        assert (crops == value).all()


def test_keras_can_load_the_layers():
    layer = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(style.MomentMatching(name="match")))
    assert layer.name == "match"
