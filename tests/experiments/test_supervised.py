"""Every supervised experiment on its code path, and its own settings alive."""

import importlib
import itertools
import types

import numpy as np
import pytest

from experiments import (
    adding_problem,
    char_rnn_stdlib,
    classifier_digits,
    cnn_families_glyphs,
    copy_memory,
    forecast_mackey_glass,
    gradient_flow,
    look_inside_cnn,
    resnet_depth,
    sequential_digits,
    text_classifier_stdlib,
)
from experiments.common import supervised
from lab.runs import children
from lab.supervised.recipe import Recipe
from tests.contracts import raises
from tests.experiments import fields
from tests.experiments.fields import Alive
from tests.experiments.track import Memory, undrawn, untimed
from tests.graphs import eagerly

# The recipe's fields are those of tests/supervised. `models`, `cells`, `forms` and `depths` are the
# runs that a comparison starts. `chrono` matters only to gates. `data` and `corpus` are downloads
# and a folder.
ELSEWHERE = frozenset(fields.names(Recipe)) | {"models", "cells", "forms", "depths", "chrono", "data", "corpus"}
EXPERIMENTS = {
    "classifier_digits": Alive(
        classifier_digits,
        {"model": "lenet5", "epochs": 1, "folds": 2, "batch_size": 400, "size": 8, "shift": 1, "width": 0.25},
        {"model": "vgg11", "width": 0.5, "size": 9, "folds": 3},
        left_out=ELSEWHERE,
    ),
    "cnn_families_glyphs": Alive(
        cnn_families_glyphs,
        {
            "models": ("lenet5",),
            "model": "lenet5",
            "samples": 64,
            "test_samples": 62,
            "epochs": 1,
            "size": 12,
            "batch_size": 32,
        },
        {"model": "mobilenet_v2", "width": 0.5, "samples": 96, "test_samples": 63, "size": 13},
        left_out=ELSEWHERE,
    ),
    "resnet_depth": Alive(
        resnet_depth,
        {
            "form": "residual",
            "depth": 8,
            "width": 0.125,
            "samples": 64,
            "test_samples": 62,
            "epochs": 1,
            "size": 10,
            "batch_size": 32,
        },
        {"form": "plain", "depth": 14, "width": 0.25, "samples": 96, "test_samples": 63, "size": 11},
        left_out=ELSEWHERE,
    ),
    "look_inside_cnn": Alive(
        look_inside_cnn,
        {"model": "lenet5", "samples": 64, "test_samples": 16, "epochs": 1, "width": 0.25, "ascent_steps": 2, "batch_size": 32},
        {"model": "vgg11", "width": 0.5, "samples": 96, "test_samples": 17, "ascent_steps": 3},
        left_out=ELSEWHERE,
    ),
    "adding_problem": Alive(
        adding_problem,
        {"cell": "simple", "units": 4, "samples": 64, "test_samples": 16, "length": 6, "epochs": 2, "batch_size": 32},
        {
            "cell": "gru",
            "units": 5,
            "layers": 2,
            "samples": 96,
            "test_samples": 17,
            "length": 7,
            "good_enough": 1000000.0,
            "clip_norm": 0.001,
        },
        left_out=ELSEWHERE,
    ),
    "copy_memory": Alive(
        copy_memory,
        {"cell": "simple", "units": 4, "samples": 64, "test_samples": 16, "delay": 3, "epochs": 1, "batch_size": 32},
        {"cell": "lstm", "units": 5, "delay": 4, "layers": 2, "samples": 96, "test_samples": 17},
        left_out=ELSEWHERE,
    ),
    "sequential_digits": Alive(
        sequential_digits,
        {"cell": "simple", "units": 4, "samples": 64, "test_samples": 32, "epochs": 1, "batch_size": 32},
        {"cell": "irnn", "permuted": True, "samples": 96, "test_samples": 33, "units": 5, "layers": 2},
        left_out=ELSEWHERE,
    ),
    "forecast_mackey_glass": Alive(
        forecast_mackey_glass,
        {
            "cell": "simple",
            "units": 4,
            "window": 6,
            "horizon": 3,
            "samples": 100,
            "test_samples": 40,
            "epochs": 1,
            "batch_size": 32,
        },
        {"cell": "gru", "units": 5, "window": 7, "horizon": 4, "delay": 15.0, "samples": 130, "test_samples": 41},
        left_out=ELSEWHERE,
    ),
    "gradient_flow": Alive(
        gradient_flow,
        {"length": 5, "units": 3, "batch_size": 2, "updates": 2, "training_length": 4},
        {
            "length": 6,
            "units": 4,
            "batch_size": 3,
            "updates": 3,
            "training_length": 5,
            "clip_norm": 0.0001,
            "learning_rate": 0.5,
        },
        left_out=ELSEWHERE,
    ),
    "char_rnn_stdlib": Alive(
        char_rnn_stdlib,
        {
            "characters": 3000,
            "test_characters": 600,
            "cell": "simple",
            "units": 6,
            "window": 16,
            "batch_size": 32,
            "epochs": 1,
            "sample_characters": 10,
            "learning_rate": 0.05,
        },
        {
            "characters": 3600,
            "test_characters": 700,
            "cell": "gru",
            "units": 7,
            "layers": 2,
            "window": 15,
            "order": 3,
            "discount": 0.4,
            "prompt": "class ",
            "temperature": 0.0,
            "sample_characters": 11,
        },
        left_out=ELSEWHERE,
    ),
    "text_classifier_stdlib": Alive(
        text_classifier_stdlib,
        {
            "packages": 2,
            "most_pieces": 20,
            "words": 100,
            "units": 4,
            "embedding": 4,
            "length": 8,
            "epochs": 1,
            "batch_size": 16,
            "cell": "simple",
            "learning_rate": 0.05,
        },
        {
            "packages": 3,
            "lines": 2,
            "most_pieces": 30,
            "words": 50,
            "length": 4,
            "tokenizer": "whitespace",
            "stemmer": "porter",
            "cell": "gru",
            "units": 5,
            "embedding": 5,
            "dropout": 0.0,
            "test_share": 0.4,
        },
        left_out=ELSEWHERE,
    ),
}


@pytest.fixture(scope="module")
def observe(tmp_path_factory):
    """A function (experiment, **settings) -> (what it logged, its result, what it wrote)."""
    return fields.remember_undrawn(observed, tmp_path_factory, 3)


def observed(folder, name, **settings):
    module, start, *_ = EXPERIMENTS[name]
    track = Memory(folder)
    start = start | ({"warm_up": 0.0} if "epochs" in start else {})
    with eagerly():
        result = module.run(module.Config(**start | settings), track)
    written = [path.read_bytes() for path in (folder / "sample.txt", folder / "units.png") if path.exists()]
    return track.logged, untimed(result), written, track


@pytest.mark.long
@pytest.mark.parametrize(("name", "field"), fields.cases(EXPERIMENTS))
def test_every_field_changes_something(observe, name, field):
    fields.check(observe, EXPERIMENTS, name, field)


@pytest.mark.long
@pytest.mark.parametrize("name", ["adding_problem", "copy_memory", "sequential_digits"])
def test_time_scales_are_of_gates(observe, name):
    with_gates, without = ([observe(name, cell=cell, chrono=chrono) for chrono in (True, False)] for cell in ("gru", "simple"))
    assert with_gates[0] != with_gates[1]
    assert without[0] == without[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"),
    [("cifar10_resnet", {"width": 0.125}), ("sequential_digits", {"data": "mnist", "units": 4, "cell": "simple"})],
)
def test_downloads_are_trained_on_where_they_are_to_be_had(tmp_path, monkeypatch, name, settings):
    from lab import data

    rng = np.random.default_rng(0)
    shape = (6, 6, 1) if "data" in settings else (32, 32, 3)

    def downloaded(name, split="train"):
        return rng.integers(0, 256, (40, *shape)).astype("uint8"), rng.integers(0, 10, 40)

    monkeypatch.setattr(data, "downloaded", downloaded)
    module = importlib.import_module(f"experiments.{name}")
    track = Memory(tmp_path)
    with eagerly():
        result = module.run(module.Config(**settings, samples=40, epochs=1, batch_size=20, warm_up=0.0), track)
    assert 0 <= result["accuracy"] <= 1 and [step for step, _ in track.logged] == [40]


def test_losses_after_the_checkpoint_do_not_stop_training(tmp_path):
    class Asked:
        steps_per_epoch, state = 2, ()
        recipe = type("Recipe", (), {"batch_size": 5})
        went = None

        def finish(self):
            self.went = "finished"

    for restored, expected in ((20, "finished"), (10, 1)):
        track, training = Memory(tmp_path), Asked()
        for step, loss in ((10, 0.5), (20, 0.01)):
            track.log({"validation_loss": loss}, step)
        track.restore = lambda variables, restored=restored: restored
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                supervised,
                "continue_training",
                lambda track, training, x, y, start, **options: setattr(training, "went", start),
            )
            supervised.fit(track, training, np.zeros(4), np.zeros(4), stop_below=0.1)
        assert training.went == expected


@pytest.mark.long
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_same_settings_change_nothing(observe, tmp_path, name):
    with undrawn():
        assert observed(tmp_path, name)[:3] == observe(name)


@pytest.mark.slow
def test_the_rate_is_that_of_training_alone(tmp_path, monkeypatch):
    from lab.models import mlp
    from lab.supervised import Recipe, Training

    seconds = itertools.count(100)
    monkeypatch.setattr(supervised, "time", types.SimpleNamespace(perf_counter=lambda: float(next(seconds))))
    x, y = np.random.default_rng(0).normal(size=(48, 4)).astype("float32"), np.arange(48) % 2
    recipe, track = Recipe(epochs=2, batch_size=16), Memory(tmp_path)
    training = Training(mlp((4,), (3,), 2, seed=0), recipe, steps_per_epoch=3, classes=2, seed=0)
    supervised.fit(track, training, x, y, validation=(x, y))
    assert track.metrics()["examples_per_second"] == [(48, 48.0), (96, 48.0)]
    assert {"loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate"} <= set(track.metrics())
    assert track.saving is False


@pytest.mark.slow
def test_checkpoints_are_to_come_until_the_last_fold_ends(tmp_path, monkeypatch):
    seen, train, track = [], supervised.continue_training, Memory(tmp_path)
    track.saving = True
    monkeypatch.setattr(supervised, "continue_training", lambda *a, **k: seen.append((train(*a, **k), track.saving)[1]))
    with eagerly():
        classifier_digits.run(classifier_digits.Config(**EXPERIMENTS["classifier_digits"].start), track)
    assert seen == [True, True] and track.saving is False


def test_samples_are_of_the_prompt_and_of_the_temperature(tmp_path):
    from lab.models import generate, sequence_network

    network = sequence_network("lstm", 6, symbols=6, units=4, embedding=3, every_step=True, seed=0)
    prompt = np.array([2, 3])
    first, again = (generate(network, prompt, 12, seed=1, banned=(0, 1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.min() >= 2
    assert (generate(network, prompt, 12, seed=2) != first).any()
    greedy = generate(network, prompt, 3, temperature=0)
    sequence = list(prompt)
    for symbol in greedy:
        logits = np.asarray(network(np.array([sequence])))[0, -1]
        assert symbol == logits.argmax()
        sequence.append(symbol)
    with raises(["prompt: expected at least one symbol"]):
        generate(network, [], 3)


def test_updates_are_counted_until_a_number_is_none():
    from experiments.gradient_flow import finite_updates

    assert finite_updates([1.0, np.nan, 2.0], [1.0, 1.0, 1.0]) == finite_updates([1.0, 1.0, 1.0], [1.0, np.inf, 1.0]) == 1
    assert finite_updates([1.0, 2.0]) == 2


def test_forecasts_are_made_from_forecasts():
    from experiments.forecast_mackey_glass import iterated

    ahead = iterated(lambda x: x[:, -1, 0] + x[:, 0, 0], np.array([1.0, 1, 2, 3, 5, 8, 13, 21]), 2, 3)
    np.testing.assert_array_equal(ahead, [[2, 3, 5], [3, 5, 8], [5, 8, 13], [8, 13, 21]])


def test_every_character_but_the_first_is_asked_about_once():
    from experiments.char_rnn_stdlib import perplexity

    logits = np.linspace(-2, 1, 12, dtype="float32")

    class Indifferent:
        def predict(self, x):
            assert x.shape[1] == 8
            return np.broadcast_to(logits, (*x.shape, 12))

    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, 12, size) for size in (1, 2, 7, 40, 41)]
    asked = np.concatenate([sequence[1:] for sequence in sequences])
    expected = np.exp(np.mean(np.log(np.exp(logits).sum()) - logits[asked]))
    assert perplexity(Indifferent(), sequences, 8) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["cnn_families_glyphs", "resnet_depth", "adding_problem", "copy_memory", "sequential_digits"])
def test_comparisons_have_a_table_and_a_picture(tmp_path, name):
    module = importlib.import_module(f"experiments.{name}")
    keys = {
        "cnn_families_glyphs": (
            "accuracy",
            "log_loss",
            "calibration_error",
            "parameters",
            "multiplications",
            "milliseconds_per_step",
        ),
        "resnet_depth": ("training_loss", "training_accuracy", "accuracy"),
        "adding_problem": ("error", "sequences"),
        "copy_memory": ("accuracy", "cross_entropy", "cross_entropy_of_forgetting"),
        "sequential_digits": ("accuracy", "training_loss"),
    }[name]
    labels = ["plain_20", "plain_56", "residual_20", "residual_56"] if name == "resnet_depth" else ["gru", "lstm"]
    rows = {label: [dict.fromkeys(keys, 0.5), dict.fromkeys(keys, 0.7)] for label in labels}
    track = Memory(tmp_path)
    module.summary(track, rows)
    table = (tmp_path / "table.md").read_text().splitlines()
    assert len(table) == 2 + len(labels) and "0.6 ± 1.3" in table[2]
    assert children.summarize(rows[labels[0]])[keys[0]] == pytest.approx(0.6)
    assert len(list(tmp_path.glob("*.png"))) == 1
