"""MaskCenterNet: masks in NumPy, exact answers read back, ten pictures learnt by heart."""

import keras
import numpy as np
import pytest

from lab import engine
from lab.data import scenes
from lab.metrics import Detections, average_precision
from lab.models import resnet, small_resnet
from lab.supervised import Recipe, Training
from lab.vision import CenterNet, MaskCenterNet, paste_masks, roi_align
from tests.contracts import as_array, raises, save_and_load, uniform
from tests.vision.test_centernet import perfect

NOTHING = np.full((1, 3, 5), -1, "float32")

BOXES = np.array([[[4, 4, 20, 12], [28, 16, 32, 30], [0, 0, 0, 0]]], "float32")
LABELS = np.array([[1, 0, -1]])
INSTANCES = np.zeros((1, 32, 32), "uint8")
INSTANCES[0, 4:12, 4:12] = INSTANCES[0, 4:8, 12:20] = 1  # all but a corner
INSTANCES[0, 16:30, 28:32] = 2
FIRST = 2 + 4  # numbers of CenterNet


def detector(strides=(1, 2, 4), seed=1, **options):
    backbone = small_resnet((32, 32, 3), 2, depth=8, width=0.5, seed=0)
    return MaskCenterNet(backbone, 2, strides=strides, channels=8, seed=seed, **{"prototypes": 3, "size": 7} | options)


@pytest.fixture(scope="module")
def ours():
    return detector()


def test_targets(ours):
    y = ours.with_masks(BOXES, LABELS, INSTANCES)
    assert y.shape == (1, 3, 5 + 49) and y.dtype == "float32"
    np.testing.assert_array_equal(y[0, :, :5], [[4, 4, 20, 12, 1], [28, 16, 32, 30, 0], [0, 0, 0, 0, -1]])
    masks = y[0, :, 5:].reshape(3, 7, 7)
    assert masks[1].all() and not masks[2].any()
    assert masks[0, :3].all() and masks[0, :, :3].all() and not masks[0, 4:, 4:].any()


def test_many_pictures_are_many_single_ones(ours):
    boxes, labels, instances = (np.concatenate([part, part[::-1]] * 33) for part in (BOXES, LABELS, INSTANCES))
    instances[40] = 0
    y = ours.with_masks(boxes, labels, instances)
    assert y.shape == (66, 3, 54)
    np.testing.assert_array_equal(y[65], ours.with_masks(BOXES, LABELS, INSTANCES)[0])
    assert not y[40, :, 5:].any()


def test_masks_are_sums_of_prototypes():
    ours = detector(strides=(2, 4))
    assert ours.network.output.shape == (None, 16, 16, FIRST + 3 + 3 * 4)
    outputs = uniform(0, 2, 16, 16, FIRST + 3 + 3 * 4)
    cells, boxes = np.array([[5, 200], [17, 255]], "int32"), uniform(1, 2, 2, 4) * 4 + [8, 8, 20, 24]
    maps = np.zeros((2, 32, 32, 3), "float32")
    for row in range(32):
        for column in range(32):
            start = FIRST + 3 + 3 * (2 * (row % 2) + column % 2)
            maps[:, row, column] = outputs[:, row // 2, column // 2, start : start + 3]
    said = np.stack([outputs[i].reshape(256, -1)[cells[i], FIRST : FIRST + 3] for i in range(2)])
    expected = np.einsum("bkp,bkyxp->bkyx", said, as_array(roi_align(maps, boxes.astype("float32"), 7, 1)))
    np.testing.assert_allclose(as_array(ours.mask_logits(outputs, cells, boxes)), expected, atol=1e-4)


def exact(ours):
    """Outputs that say what is there. Prototypes: where each object is, and where nothing is."""
    objects = np.concatenate([BOXES, LABELS[..., None]], axis=-1).astype("float32")
    outputs = np.concatenate([perfect(ours.centernet, objects), np.zeros((1, 32, 32, 6), "float32")], axis=-1)
    for number in (0, 1, 2):
        outputs[..., FIRST + 3 + number] = np.equal(INSTANCES, (number + 1) % 3)
    for number, (x, y) in enumerate(((12, 8), (30, 23))):
        outputs[0, y, x, FIRST : FIRST + 3] = -40
        outputs[0, y, x, FIRST + number] = 40
    return objects, outputs


def test_what_is_said_exactly_is_read_back(ours):
    objects, outputs = exact(ours)
    y = ours.with_masks(BOXES, LABELS, INSTANCES)
    assert as_array(ours.centernet.loss(objects, outputs[..., :FIRST])) < 1e-5
    exactly = as_array(ours.loss(y, outputs))
    assert as_array(ours.loss(y[:, :2], outputs)) == pytest.approx(exactly)  # the third is no object
    boxes, _, labels, masks = (as_array(part)[0] for part in ours.decode(outputs))
    assert masks.shape == (100, 7, 7)
    found = paste_masks(masks[:2], boxes[:2], 32, 32)
    for mask, label in zip(found, labels[:2]):
        truth = INSTANCES[0] == {1: 1, 0: 2}[int(label)]
        assert (mask & truth).sum() / (mask | truth).sum() > 0.9
    wrong = outputs.copy()
    wrong[0, 23, 30, FIRST : FIRST + 3] = 0  # one of two objects says a half everywhere
    assert as_array(ours.loss(y, wrong)) - exactly == pytest.approx(np.log(2) / 2, abs=1e-3)


def test_gradients_are_finite_and_reach_all_weights():
    ours, images = detector(), uniform(0, 2, 32, 32, 3)
    weights = ours.network.trainable_variables

    def gradients(y):
        def loss(x):
            return ours.loss(y, ours.network(x, training=True)), ()

        (value, _), found = engine.value_and_grad(loss, weights)(images)
        assert np.isfinite(as_array(value))
        return [as_array(gradient) for gradient in found]

    something = ours.with_masks(BOXES, LABELS, INSTANCES)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients(np.repeat(something, 2, axis=0)))
    nothing = ours.with_masks(NOTHING[..., :4], NOTHING[..., 4].astype(int), INSTANCES)
    empty = ours.with_masks(BOXES * 0 + 5, LABELS * 0, INSTANCES)
    assert all(np.isfinite(gradient).all() for gradient in gradients(np.concatenate([nothing, empty])))


@pytest.mark.slow
def test_seeds_and_saving(ours):
    again, other = detector(), detector(seed=2)
    x = uniform(0, 1, 32, 32, 3)
    outputs = as_array(ours.network(x))
    np.testing.assert_array_equal(outputs, as_array(again.network(x)))
    assert np.abs(outputs - as_array(other.network(x)))[..., FIRST:].max() > 1e-3
    np.testing.assert_allclose(as_array(save_and_load(ours.network)(x)), outputs, atol=1e-5)
    alone = CenterNet(small_resnet((32, 32, 3), 2, depth=8, width=0.5, seed=0), 2, strides=(1, 2, 4), channels=8, seed=0)
    # Two heads of 3 x 3 and 1 x 1: 8 x 8 x 9 + norm 32, then 8 x 3 + 3
    assert ours.network.count_params() - alone.network.count_params() == 2 * (576 + 32 + 27)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prototypes": 0}, "prototypes: expected an integer >= 1, received 0"),
        ({"size": 0}, "size: expected an integer >= 1, received 0"),
        ({"strides": (1, 8)}, "strides: expected some of 1, 2, 4"),
    ],
)
def test_bad_input_is_named(options, words):
    with raises(words):
        detector(**options)


@pytest.mark.long
def test_ten_pictures_are_learnt_by_heart():
    keras.utils.clear_session()
    some = scenes(10, size=64, sizes=(0.25, 0.5), objects=(1, 4), seed=3, cache=False)
    ours = MaskCenterNet(resnet((64, 64, 3), 10, depth=18, width=0.25, stem="large", seed=0), 10, channels=32, seed=1)
    y = ours.with_masks(some.boxes, some.labels, some.instances)
    recipe = Recipe(epochs=60, batch_size=10, learning_rate=3e-3, clip_norm=1.0, warm_up=0.0)
    training = Training(ours.network, recipe, steps_per_epoch=4, loss=ours.loss, metrics=[], seed=0)
    training.fit(np.repeat(some.images, 4, axis=0), np.repeat(y, 4, axis=0))
    parts = [as_array(part) for part in ours.decode(training.predict(some.images))]
    found = [
        Detections(boxes, scores, labels, paste_masks(masks, boxes, 64, 64)) for boxes, scores, labels, masks in zip(*parts)
    ]
    result = average_precision([some.objects(index) for index in range(10)], found, of_masks=True).summary
    assert result["AP50"] > 0.95 and result["AP"] > 0.7
