"""Experiments on scenes on their code paths, and their own settings alive."""

import numpy as np
import pytest
from PIL import Image

from experiments import detect_glyphs
from experiments.common import scenes
from lab.data import scenes as drawn
from lab.metrics import Detections
from lab.supervised.recipe import Recipe
from tests.contracts import raises
from tests.experiments import fields
from tests.experiments.fields import Alive
from tests.experiments.track import Memory

START = {"size": 32, "samples": 8, "test_samples": 4, "most": 2, "epochs": 1, "batch_size": 4, "channels": 4, "width": 0.1}
EXPERIMENTS = {
    "detect_glyphs": Alive(
        detect_glyphs,
        START,
        {"size": 64, "samples": 12, "test_samples": 5, "most": 3, "channels": 5, "width": 0.2},
        left_out=frozenset(fields.names(Recipe)),
    ),
}


@pytest.fixture(scope="module")
def observe(tmp_path_factory):
    """A function (experiment, **settings) -> (what it logged, its result)."""
    return fields.remember_undrawn(observed, tmp_path_factory)


def observed(folder, name, **settings):
    module, start, *_ = EXPERIMENTS[name]
    track = Memory(folder)
    result = module.run(module.Config(**start | settings), track)
    return track.logged, result, track


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_runs_and_draws(tmp_path, name):
    logged, result, track = observed(tmp_path, name, test_samples=12)
    assert logged and all(np.isfinite(value) for value in result.values()) and {"ap", "ap50", "ap_known"} <= result.keys()
    assert len(track.models) == 1
    pictures = list(track.artifacts.glob("*.png"))
    assert {"found.png", "found_photographs.png"} <= {path.name for path in pictures}
    for picture in pictures:
        with Image.open(picture) as image:
            assert np.asarray(image.convert("L")).std() > 1, picture.name


@pytest.mark.long
@pytest.mark.parametrize(("name", "field"), fields.cases(EXPERIMENTS))
def test_every_field_changes_something(observe, name, field):
    fields.check(observe, EXPERIMENTS, name, field)


def test_scores_of_what_is_right_and_of_what_is_too_much():
    some = drawn(12, size=32, objects=(0, 1), seed=0, cache=False)
    truths = [some.objects(index) for index in range(12)]
    empty = sum(not len(truth.boxes) for truth in truths)
    assert 0 < empty < 12
    right = [Detections(truth.boxes, np.ones(len(truth.boxes)), truth.labels) for truth in truths]
    result = scenes.scores(some, right, "_known")
    assert result["ap_known"] == result["ar_100_known"] == 1 and result["false_positives_known"] == 0
    box = np.array([[0, 0, 5, 5.0]])
    more = [
        part if len(part.boxes) else Detections(np.repeat(box, 2, 0), np.array([0.5, 0.4]), np.zeros(2, int)) for part in right
    ]
    assert scenes.scores(some, more)["false_positives"] == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": 100}, "--size: expected a multiple of 32, the backbone's greatest stride, received 100"),
        ({"mixup": 0.1}, "--mixup: expected 0.0, for it does nothing here"),
        ({"batch_size": 9_000}, "--batch-size: expected at most samples, 8000"),
    ],
)
def test_bad_input_is_one_line(settings, words):
    with raises(words):
        detect_glyphs.Config(**settings)
