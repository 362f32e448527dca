"""Bad settings of the supervised experiments are named in one line."""

import importlib

import pytest

from tests.contracts import raises

BAD = [
    ("classifier_digits", {"model": "resnet21"}, ["--model: expected one of", "nearest: resnet"]),
    ("classifier_digits", {"batch_size": 1500}, ["--batch-size: expected"]),
    ("cnn_families_glyphs", {"models": ()}, ["--models: expected at least one"]),
    ("cnn_families_glyphs", {"model": "vgg", "models": ("vgg11",)}, ["--model: expected one of", "'vgg'"]),
    ("cnn_families_glyphs", {"size": 64}, ["--size: expected at most 48 for lenet5"]),
    ("cnn_families_glyphs", {"models": ("vgg",)}, ["--models: expected one of", "'vgg'"]),
    ("resnet_depth", {"depths": (20, 21)}, ["--depths: expected 6 n", "21"]),
    ("resnet_depth", {"form": "plain"}, ["--depth: expected one together with form"]),
    ("resnet_depth", {"forms": ("round",)}, ["--forms: expected some of"]),
    ("adding_problem", {"cells": ("gro",)}, ["--cells: expected one of", "nearest: gru"]),
    ("adding_problem", {"cells": ("gru", "gru")}, ["--cells: expected different ones"]),
    ("adding_problem", {"label_smoothing": 0.1}, ["--label-smoothing: expected 0.0, for it does nothing here", "0.1"]),
    ("adding_problem", {"length": 1}, ["--length: expected", "1"]),
    ("copy_memory", {"precision": "auto"}, ["--precision: expected float32, for it does nothing here", "auto"]),
    ("copy_memory", {"flip": True}, ["--flip: expected False, for it does nothing here"]),
    ("copy_memory", {"patience": 2}, ["--patience: expected 0, for"]),
    ("sequential_digits", {"test_samples": 5}, ["--test-samples: expected at least 10", "5"]),
    ("sequential_digits", {"data": "mnist", "samples": 70_000}, ["--samples: expected at most 60000"]),
    ("sequential_digits", {"samples": 1797}, ["--samples: expected at most 1797", "2157"]),
    ("forecast_mackey_glass", {"samples": 50}, ["--samples: expected at least", "50"]),
    ("forecast_mackey_glass", {"delay": 17.03}, ["--delay: expected a multiple"]),
    ("forecast_mackey_glass", {"delay": 2.0}, ["--delay: expected a number >= 5", "2.0"]),
    ("char_rnn_stdlib", {"prompt": "défi 字"}, ["--prompt: expected characters of the corpus", "字"]),
    ("char_rnn_stdlib", {"prompt": ""}, ["--prompt: expected at least one"]),
    ("char_rnn_stdlib", {"corpus": "/nowhere"}, ["/nowhere: expected a folder"]),
    ("char_rnn_stdlib", {"characters": 10**9}, ["--characters: expected at most"]),
    ("text_classifier_stdlib", {"packages": 50}, ["--packages: expected at most .., those with four modules", "50"]),
    ("cifar10_resnet", {"model": "lenet6"}, ["--model: expected one of", "nearest: lenet5"]),
    ("cifar10_resnet", {"batch_size": 60_000}, ["--batch-size: expected at most"]),
]


@pytest.mark.parametrize(("name", "settings", "words"), BAD)
def test_bad_settings_are_named(name, settings, words):
    with raises(words):
        importlib.import_module(f"experiments.{name}").Config(**settings)
