"""What holds for every detector: no NaN at the edges, seeds, ten pictures learnt by heart."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from lab import engine
from lab.data import scenes
from lab.metrics import Detections, average_precision
from lab.models import resnet, small_resnet
from lab.supervised import Recipe, Training
from lab.vision import DETR, FCOS, CenterNet, MaskRCNN, RetinaNet, fcn, with_names
from tests.contracts import as_array

SMALL = {
    "centernet": lambda net, seed: CenterNet(net, 2, strides=(1, 2, 4), channels=8, seed=seed),
    "fcos": lambda net, seed: FCOS(net, 2, strides=(2, 4), channels=8, depth=1, seed=seed),
    "retinanet": lambda net, seed: RetinaNet(net, 2, strides=(2, 4), channels=8, depth=1, seed=seed),
    "detr": lambda net, seed: DETR(net, 2, stride=4, queries=4, size=8, heads=2, layers=1, seed=seed),
}


def detector(name, seed=1):
    return SMALL[name](small_resnet((32, 32, 3), 2, depth=8, width=0.5, seed=0), seed)


def test_a_score_of_0_is_no_detection():
    ours = FCOS.of_settings({"size": [32, 32], "classes": 2, "strides": [4, 8]})
    outputs = np.full((2, 80, 7), -9.0, "float32")
    outputs[0, 3, 1] = outputs[0, 3, 6] = 9.0
    first, second = ours.detections(outputs)
    assert first.labels.tolist() == [1] and first.boxes.shape == (1, 4) and first.scores[0] > 0.99
    assert len(second.scores) == 0


NOTHING = [[-1, -1, -1, -1, -1]]
# An empty box, one beyond the picture, the last corner, one outside.
EDGES = [[[5, 5, 5, 5, 0]], [[-20, -20, 90, 90, 1]], [[31, 31, 32, 32, 0]], [[40, 40, 50, 50, 0]], NOTHING]


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_no_nan_at_the_edge_seeds_and_files(name, tmp_path):
    ours, again, other = detector(name), detector(name), detector(name, seed=5)
    assert ours.network.outputs[0].dtype == "float32"
    x = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(as_array(ours.network(x)), as_array(again.network(x)))
    assert np.abs(as_array(ours.network(x)) - as_array(other.network(x))).max() > 1e-6
    weights = ours.network.trainable_variables

    def loss(objects):
        images = np.zeros((len(objects), 32, 32, 3), "float32")
        return ours.loss(objects, ours.network(images, training=True)), ()

    for objects in ([NOTHING], EDGES):
        (value, _), gradients = engine.value_and_grad(loss, weights)(np.array(objects, "float32"))
        assert np.isfinite(as_array(value)) and as_array(value).shape == ()
        assert all(np.isfinite(as_array(gradient)).all() for gradient in gradients)
    boxes, scores, labels = (as_array(part) for part in ours.decode(ours.network(x)))
    assert boxes.shape == (*scores.shape, 4) and labels.shape == scores.shape
    assert np.isfinite(boxes).all() and (np.diff(scores) <= 0).all() and np.issubdtype(labels.dtype, np.integer)
    ours.predictor().save(tmp_path / "predictor.keras")
    loaded = keras.saving.load_model(tmp_path / "predictor.keras")(x)
    for part, name in zip((boxes, scores, labels), ("boxes", "scores", "labels")):
        np.testing.assert_allclose(as_array(loaded[name]), part, atol=1e-4)


LOAD = """
import sys, keras, lab.vision
print([keras.saving.load_model(path, compile=False).name for path in sys.argv[1:]])
"""


@pytest.mark.long
def test_a_new_process_reads_saved_models_with_lab_vision_alone(tmp_path):
    backbone = small_resnet((32, 32, 3), 2, depth=8, width=0.5, seed=0)
    masks = MaskRCNN(backbone, 2, strides=(2, 4), channels=8, units=8, proposals=6, most=4, seed=0)
    models = [masks.predictor(), detector("detr").predictor(), with_names(fcn(backbone, 2, stride=2, seed=0), ["a", "b"])]
    paths = [tmp_path / f"{number}.keras" for number in range(len(models))]
    for model, path in zip(models, paths):
        model.save(path)
    done = subprocess.run([sys.executable, "-c", LOAD, *map(str, paths)], capture_output=True, text=True)
    assert done.stdout.split("\n")[-2] == str([model.name for model in models]), done.stderr[-2000:]


LARGE = {
    "centernet": (lambda net: CenterNet(net, 10, channels=32, seed=1), 3e-3, 100),
    "fcos": (lambda net: FCOS(net, 10, channels=32, depth=2, seed=1), 3e-3, 60),
    "retinanet": (lambda net: RetinaNet(net, 10, channels=32, depth=2, seed=1), 3e-3, 60),
    "detr": (lambda net: DETR(net, 10, stride=8, queries=10, size=64, layers=2, seed=1), 1e-3, 300),
}


@pytest.mark.long
@pytest.mark.parametrize("name", LARGE)
def test_ten_pictures_are_learnt_by_heart(name):
    keras.utils.clear_session()
    make, rate, epochs = LARGE[name]
    some = scenes(10, size=64, sizes=(0.25, 0.5), objects=(1, 4), seed=3, cache=False)
    objects = np.concatenate([some.boxes, some.labels[..., None]], axis=-1)
    ours = make(resnet((64, 64, 3), 10, depth=18, width=0.25, stem="large", seed=0))
    recipe = Recipe(epochs=epochs, batch_size=10, learning_rate=rate, clip_norm=1.0, warm_up=0.0)
    training = Training(ours.network, recipe, steps_per_epoch=4, loss=ours.loss, metrics=[], seed=0)
    training.fit(np.repeat(some.images, 4, axis=0), np.repeat(objects, 4, axis=0))
    answers = ours.decode(training.predict(some.images))
    found = [Detections(*parts) for parts in zip(*(as_array(part) for part in answers))]
    result = average_precision([some.objects(index) for index in range(10)], found).summary
    print(name, result["AP50"], result["AP"])
    assert result["AP50"] == 1 and result["AP"] >= 0.9
