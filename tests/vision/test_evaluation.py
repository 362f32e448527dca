"""Average precision at the end of epochs, in Keras's `fit` and in `Training.fit`."""

import keras
import numpy as np
import pytest

from lab.data import scenes
from lab.metrics import Detections, Objects, average_precision
from lab.models import small_resnet
from lab.supervised import Recipe, Training
from lab.vision import AveragePrecisionCallback, CenterNet, Detector
from tests.contracts import as_array, raises

pytestmark = pytest.mark.usefixtures("module_graphs")

BOXES = np.float32([[[0, 0, 9, 9], [20, 0, 60, 40]], [[5, 5, 15, 25], [0, 0, 0, 0]]])
ROWS = np.concatenate([BOXES, np.float32([[[0.9], [0.8]], [[0.7], [0.1]]])], axis=-1)  # "pictures" [2, 2, 5]
TRUTHS = [Objects(BOXES[0], np.zeros(2, int)), Objects(BOXES[1, :1], np.zeros(1, int))]
AREAS = {"all": (0.0, 1e10), "small": (0.0, 100.0), "middle": (100.0, 1000.0), "huge": (1e6, 1e10)}


class Rows(Detector):
    """A detector whose inputs are boxes and scores already; its network has a factor of its own."""

    def __init__(self):
        inputs = keras.Input((2, 5))
        dense = keras.layers.Dense(5, use_bias=False, kernel_initializer=keras.initializers.Identity())
        self.network = keras.Model(inputs, dense(inputs))

    def configure(self):
        """It has no settings."""

    def assign(self, objects, outputs=None):
        """It is not trained."""

    loss = assign

    def decode(self, outputs):
        boxes = keras.ops.concatenate([outputs[..., :2], keras.ops.maximum(outputs[..., :2], outputs[..., 2:4])], axis=-1)
        return boxes, outputs[..., 4], keras.ops.zeros(outputs.shape[:2], "int32")


class Kept(keras.callbacks.Callback):
    """The average precision of each epoch, computed apart, and the numbers that it was given."""

    def __init__(self, detector):
        super().__init__()
        self.detector, self.logs, self.expected = detector, [], []

    def on_epoch_end(self, epoch, logs=None):
        self.logs.append(dict(logs))
        outputs = ROWS @ as_array(self.detector.network.trainable_variables[0].value)
        found = self.detector.detections(outputs)
        self.expected.append(average_precision(TRUTHS, found, areas=AREAS).summary)


def test_each_epoch_of_fit_has_its_own():
    detector = Rows()
    detector.network.compile(keras.optimizers.SGD(2e-4), "mse")
    evaluation, kept = AveragePrecisionCallback(detector, ROWS, TRUTHS, areas=AREAS), Kept(detector)
    history = detector.network.fit(ROWS, 0 * ROWS, epochs=3, batch_size=1, callbacks=[evaluation, kept], verbose=0).history
    assert history["val_ap"] == [each["AP"] for each in kept.expected]
    assert history["val_ap50"] == [each["AP50"] for each in kept.expected]
    assert history["val_ap_middle"] == [each["AP_middle"] for each in kept.expected]
    assert len(set(history["val_ap"])) > 1 and "val_ap_huge" not in history and "val_ap_all" not in history
    assert kept.logs[1]["val_ap"] == history["val_ap"][1]
    assert history["loss"][2] < history["loss"][0]  # it still learns after an evaluation


def test_perfect_answers_have_one():
    detector = Rows()
    detector.network.compile(keras.optimizers.SGD(0.0), "mse")
    evaluation = AveragePrecisionCallback(detector, ROWS, TRUTHS, every=2)
    history = detector.network.fit(ROWS, ROWS, epochs=3, callbacks=[evaluation], verbose=0).history
    assert history["val_ap"] == history["val_ap50"] == [1.0] and len(history["loss"]) == 3
    assert set(history) == {"loss", "val_ap", "val_ap50"}


def test_crowds_alone_have_none():
    detector = Rows()
    detector.network.compile(keras.optimizers.SGD(0.0), "mse")
    crowds = [truth._replace(crowd=np.ones(len(truth.labels), bool)) for truth in TRUTHS]
    history = detector.network.fit(ROWS, ROWS, callbacks=[AveragePrecisionCallback(detector, ROWS, crowds)], verbose=0).history
    assert set(history) == {"loss"}


@pytest.mark.slow
def test_training_evaluates_the_averaged_network():
    detector = Rows()
    recipe = Recipe(epochs=3, batch_size=1, learning_rate=2e-2, warm_up=0.0, ema=0.9)
    training = Training(detector.network, recipe, steps_per_epoch=2, loss=keras.losses.MeanSquaredError(), metrics=[], seed=0)
    evaluation, kept = AveragePrecisionCallback(detector, ROWS, TRUTHS), Kept(detector)
    history = training.fit(ROWS, 0 * ROWS, validation=(ROWS, ROWS), callbacks=[evaluation, kept]).history
    kept.on_epoch_end(3, {})  # `fit` leaves the averaged weights in the network
    *trained, averaged = (each["AP"] for each in kept.expected)
    assert history["val_ap"][0] > trained[0] and history["val_ap"][1] > trained[1]  # the average lags behind
    assert history["val_ap"][-1] == averaged > 0 and "val_loss" in history


@pytest.mark.long
def test_a_detector_is_evaluated_as_by_hand():
    some = scenes(4, size=32, sizes=(0.3, 0.6), objects=(1, 2), seed=3, cache=False)
    objects = np.concatenate([some.boxes, some.labels[..., None]], axis=-1)
    backbone = small_resnet((32, 32, 3), 2, depth=8, width=0.5, seed=0)
    detector = CenterNet(backbone, 10, strides=(1, 2, 4), channels=8, seed=1)
    training = Training(
        detector.network, Recipe(epochs=1, batch_size=4), steps_per_epoch=1, loss=detector.loss, metrics=[], seed=0
    )
    truths = [some.objects(index) for index in range(4)]
    evaluation = AveragePrecisionCallback(detector, some.images, truths)
    history = training.fit(some.images, objects, callbacks=[evaluation]).history
    answers = detector.decode(training.predict(some.images))
    found = [Detections(*parts) for parts in zip(*(as_array(part) for part in answers))]
    assert history["val_ap"] == [pytest.approx(average_precision(truths, found).summary["AP"], abs=1e-6)]


def test_bad_arguments():
    with raises("truths: expected 2 pictures, received 1"):
        AveragePrecisionCallback(Rows(), ROWS, TRUTHS[:1])
    with raises("truths: expected at least one object, received none in 2 pictures"):
        AveragePrecisionCallback(Rows(), ROWS, [Objects(np.zeros((0, 4)), np.zeros(0, int))] * 2)
    with raises("every: expected an integer >= 1, received 0"):
        AveragePrecisionCallback(Rows(), ROWS, TRUTHS, every=0)
