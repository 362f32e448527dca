"""The families of classifiers: what they weigh, what they compute, where they start."""

import keras
import numpy as np
import pytest

from lab import models, validation
from lab.models import classifier, multiplications, stages, summary
from lab.models.families import FAMILIES
from tests.contracts import as_array, raises, save_and_load, uniform


def built(make, *arguments, **options):
    """A model whose weights are never made: only their shapes are asked for."""
    with keras.StatelessScope():
        return make(*arguments, seed=0, **options)


# With 224 x 224 pixels (299 for Inception and Xception) and 1,000 classes. The numbers are those
# of keras.applications; of googlenet and resnet18, those of the papers' layers.
PARAMETERS = {
    "vgg16": (lambda: built(models.vgg, (224, 224, 3), 1000), 138_357_544),
    "vgg19": (lambda: built(models.vgg, (224, 224, 3), 1000, depth=19), 143_667_240),
    "resnet50": (lambda: built(models.resnet, (224, 224, 3), 1000, bias=True), 25_636_712),
    "resnet50 without biases": (lambda: built(models.resnet, (224, 224, 3), 1000), 25_610_152),
    "resnet18": (lambda: built(models.resnet, (224, 224, 3), 1000, depth=18), 11_699_112),
    "resnet50v2": (lambda: built(models.resnet, (224, 224, 3), 1000, form="preactivation", bias=True), 25_613_800),
    "densenet121": (lambda: built(models.densenet, (224, 224, 3), 1000), 8_062_504),
    "xception": (lambda: built(models.xception, (299, 299, 3), 1000), 22_910_480),
    "mobilenet": (lambda: built(models.mobilenet, (224, 224, 3), 1000), 4_253_864),
    "mobilenet_v2": (lambda: built(models.mobilenet_v2, (224, 224, 3), 1000), 3_538_984),
    "inception_v3": (lambda: built(models.inception_v3, (299, 299, 3), 1000), 23_851_784),
    "googlenet": (lambda: built(models.googlenet, (224, 224, 3), 1000), 6_998_552),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name != "mobilenet" else ()) for name in PARAMETERS]
)
def test_parameters_are_those_of_the_papers(name):
    make, expected = PARAMETERS[name]
    assert make().count_params() == expected


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_small_resnets_weigh_what_table_6_says(depth, millions):
    model = built(models.small_resnet, (32, 32, 3), 10, depth=depth)
    digits = 1 if depth == 110 else 2
    assert round(trainable(model) / 1e6, digits) == millions
    assert sum(stage.layers for stage in stages(model)) == depth


@pytest.mark.slow
def test_densenets_weigh_what_table_2_says():
    assert round(trainable(built(models.densenet, (32, 32, 3), 10, depth=100, stem="small")) / 1e6, 1) == 0.8


def test_lenet_5_has_60_000_weights_before_its_output():
    model = built(models.lenet, (32, 32, 1), 10)
    counts = {stage.name: stage.parameters for stage in stages(model)}
    assert counts == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48_120, "f6": 10_164, "head": 850}


@pytest.mark.slow
def test_googlenet_weighs_what_table_1_says():
    counts = {stage.name: stage.parameters / 1024 for stage in stages(built(models.googlenet, (224, 224, 3), 1000))}
    published = {"3a": 160, "3b": 380, "4a": 364, "4b": 437, "4e": 840}
    # For 4c, 4d, 5a and 5b the table says 463, 580, 1072 and 1388. The filters that it lists have
    # 498, 591, 1019 and 1410.
    for module, thousands in published.items():
        assert counts[f"inception{module}"] == pytest.approx(thousands, rel=0.01), module


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "billions"), [(18, 1.8), (34, 3.6), (50, 3.8)])
def test_multiplications_are_those_of_table_1(depth, billions):
    assert multiplications(built(models.resnet, (224, 224, 3), 1000, depth=depth)) / 1e9 == pytest.approx(billions, abs=0.07)


def test_the_summary_names_stages_shapes_and_sums():
    text = summary(built(models.small_resnet, (32, 32, 3), 10))
    lines = [line.split() for line in text.splitlines()]
    assert [line[0] for line in lines] == ["stage", "stem", "stage1", "stage2", "stage3", "head", "total"]
    assert lines[3][1:6] == ["16", "x", "16", "x", "32"]
    assert lines[1][-1] == f"{32 * 32 * 27 * 16:,}"
    assert lines[-1][2] == f"{built(models.small_resnet, (32, 32, 3), 10).count_params():,}"


TWINS = {
    "VGG16": (models.vgg, {}, (33, 47, 3)),
    "ResNet50": (models.resnet, {"bias": True}, (33, 47, 3)),
    "ResNet50V2": (models.resnet, {"bias": True, "form": "preactivation"}, (33, 47, 3)),
    "DenseNet121": (models.densenet, {}, (33, 47, 3)),
    "Xception": (models.xception, {}, (71, 82, 3)),
    "MobileNet": (models.mobilenet, {}, (33, 47, 3)),  # of maps 17 x 24, 8 x 12, 4 x 6, 2 x 3, 1 x 1
    "MobileNet even": (models.mobilenet, {}, (64, 96, 3)),
    "MobileNet 96 x 80": (models.mobilenet, {}, (96, 80, 3)),
    "MobileNetV2": (models.mobilenet_v2, {}, (33, 47, 3)),
    "InceptionV3": (models.inception_v3, {}, (75, 98, 3)),
}  # odd sizes, at which rules of padding differ
LARGE = {"ResNet50V2", "DenseNet121", "Xception", "InceptionV3"}


def test_a_deep_stem_has_three_small_convolutions_in_place_of_a_large_one():
    deep, large = (models.resnet((64, 64, 3), 10, depth=18, stem=stem, seed=0) for stem in ("deep", "large"))
    weights = 9 * (3 * 32 + 32 * 32 + 32 * 64) - 49 * 3 * 64
    assert trainable(deep) - trainable(large) == weights + 2 * (32 + 32)
    shapes = [[layer.output.shape for layer in model.layers if layer.name == "stage1_relu1"] for model in (deep, large)]
    assert shapes[0] == shapes[1] == [(None, 16, 16, 64)]
    with raises("stem: expected one of None, large, deep, small, received 'tiny'"):
        models.resnet((64, 64, 3), 10, stem="tiny", seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.long if name in LARGE else ()) for name in TWINS])
def test_with_its_weights_it_computes_what_keras_applications_does(name):
    make, options, shape = TWINS[name]
    options = {"stem": "large"} | options
    theirs = getattr(keras.applications, name.split()[0])(
        weights=None, input_shape=shape, classes=7, classifier_activation=None
    )
    ours = make(shape, 7, seed=0, **options)
    rng = np.random.default_rng(0)
    weights = [weight + rng.normal(0, 0.01, weight.shape) for weight in theirs.get_weights()]  # biases and statistics too
    weights = [np.abs(weight) + 0.5 if weight.ndim == 1 and weight.mean() > 0.5 else weight for weight in weights]
    theirs.set_weights(weights)
    ours.set_weights([np.reshape(weight, mine.shape) for weight, mine in zip(weights, ours.weights, strict=True)])
    x = rng.normal(size=(3, *shape)).astype("float32")
    expected = as_array(theirs(x, training=False))
    assert expected.std() > 0
    np.testing.assert_allclose(as_array(ours(x, training=False)), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_a_mobilenet_of_few_pixels_ends_at_one():
    model = built(models.mobilenet, (9, 3, 1), 2, stem="large", width=0.25)
    assert tuple(model.get_layer("head_mean1").input.shape[1:3]) == (1, 1)


SLOW = ["vgg11", "resnet20", "preresnet20", "plain20", "resnet18"]
LONG = ["googlenet", "densenet_bc40", "mobilenet_v2"]
BY_TIME = ["lenet5", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
BY_TIME += [pytest.param(name, marks=pytest.mark.long) for name in LONG]


@pytest.mark.parametrize("name", BY_TIME)
def test_it_learns_saves_and_starts_from_its_seed(name):
    shape = (28, 28, 1)
    model, again, other = (classifier(name, shape, 5, width=0.25, seed=seed) for seed in (1, 1, 2))
    x = uniform(0, 4, *shape)
    for mine, theirs in zip(model.variables, again.variables, strict=True):  # random states too
        np.testing.assert_array_equal(as_array(mine), as_array(theirs))
    assert np.any(as_array(model(x)) != as_array(other(x)))
    kernels = [weight for weight in model.trainable_weights if len(weight.shape) > 1]
    drawn = [as_array(kernel).ravel()[:3].tolist() for kernel in kernels]
    assert len({tuple(numbers) for numbers in drawn}) == len(drawn), "two kernels start from the same numbers"
    np.testing.assert_allclose(as_array(save_and_load(model)(x)), as_array(model(x)), atol=1e-6)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=keras.backend.backend() == "tensorflow")
    before = [as_array(weight).copy() for weight in model.trainable_weights]
    model.fit(x, np.arange(4), verbose=0, shuffle=False)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert np.any(as_array(weight) != old), weight.path


OTHER_DEPTHS = {
    "vgg19",
    *(f"{form}{depth}" for form in ("resnet", "preresnet", "plain") for depth in (101, 110, 152)),
    "densenet169",
    "densenet201",
}


def test_command_lines_know_the_families():
    assert set(validation.FAMILIES) == set(FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in OTHER_DEPTHS])
def test_every_family_takes_small_images(name):
    shape = (28, 28, 1) if name == "lenet5" else (32, 40, 3)
    model = built(classifier, name, shape, 62, width=0.5)
    assert model.output.shape == (None, 62)
    assert model.name.startswith(name.rstrip("0123456789_v"))
    smallest = min((stage.shape[:2] for stage in stages(model) if len(stage.shape) == 3), default=None)
    assert min(smallest) >= 1


def test_a_shortcut_without_weights_skips_pixels_and_appends_zeros():
    model = classifier("resnet20", (8, 8, 1), 3, width=0.125, seed=0)
    before, after = model.get_layer("stage1_relu6").output, model.get_layer("stage2_zeros1").output
    x = uniform(0, 1, 8, 8, 1)
    x, padded = (as_array(maps) for maps in keras.Model(model.input, [before, after])(x))
    np.testing.assert_array_equal(padded[..., :2], x[:, ::2, ::2])
    assert padded.shape == (1, 4, 4, 4)
    assert not padded[..., 2:].any()


def test_a_residual_block_of_zero_kernels_is_the_identity():
    model = classifier("preresnet20", (8, 8, 2), 3, width=0.25, seed=0)
    x = uniform(3, 2, 8, 8, 2)
    first = keras.Model(model.input, model.get_layer("stage1_relu1").output)  # before the branches part
    last = keras.Model(model.input, model.get_layer("stage1_add3").output)
    for layer in model.layers:
        if layer.name.startswith("stage1_conv"):
            layer.set_weights([np.zeros(layer.kernel.shape)])
    np.testing.assert_array_equal(as_array(first(x)), as_array(last(x)))


def test_googlenet_has_two_auxiliary_classifiers():
    model = built(models.googlenet, (28, 28, 1), 4, width=0.25, auxiliary=True)
    assert [tuple(output.shape) for output in model.outputs] == [(None, 4)] * 3


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: classifier("resnet51", (32, 32, 3), 10, seed=0), ["model: expected one of", "'resnet51'", "nearest: resnet"]),
        (lambda: classifier("resnet20", (32, 32), 10, seed=0), ["shape: expected", r"\(32, 32\)"]),
        (lambda: classifier("resnet20", (32, 32, 3), 1, seed=0), ["classes: expected an integer >= 2", "1"]),
        (lambda: classifier("lenet5", (64, 64, 3), 10, seed=0), ["at most 48 pixels", "64"]),
        (lambda: classifier("vgg16", (32, 32, 3), 10, width=0, seed=0), ["width: expected a number > 0", "0"]),
        (lambda: models.small_resnet((32, 32, 3), 10, depth=21, seed=0), ["depth: expected 6 n", "21"]),
        (lambda: models.resnet((32, 32, 3), 10, depth=20, seed=0), ["depth: expected one of 18", "20"]),
        (lambda: models.resnet((32, 32, 3), 10, form="dense", seed=0), ["form: expected one of", "'dense'"]),
        (lambda: models.densenet((32, 32, 3), 10, depth=41, seed=0), ["depth: expected", "41"]),
        (lambda: models.vgg((32, 32, 3), 10, stem="tiny", seed=0), ["stem: expected", "'tiny'"]),
    ],
)
def test_bad_input_is_named(make, words):
    with raises(words):
        make()
