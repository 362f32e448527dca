"""What `--smoke` sets and does, of every experiment."""

import builtins
import math
import runpy
import signal
import sys

import numpy as np
import pytest
from PIL import Image

from lab.runs import experiment
from tests.processes import ROOT, TINY, folders

# Flags where a run takes long. `dcgan_glyphs` and `infogan_digits` train until they draw something.
BRIEF = ["--epochs", "1"]
CHEAPER = {
    "cnn_families_glyphs": ["--models", "lenet5", "vgg11"],
    "detectors_glyphs": ["--models", "centernet", "detr"],
    "segmenters_scenes": ["--models", "unet", "fcn-8"],
    "resnet_depth": ["--depths", "8"],
    "gan_objectives_ring": ["--families", "gan", "lsgan"],
    "classifier_glyphs": BRIEF,
    "conditional_gan_glyphs": BRIEF,
    "r3gan_glyphs": BRIEF,
    "sngan_glyphs": BRIEF,
    "stacked_glyphs": BRIEF,
    "wgan_gp_glyphs": BRIEF,
}
PATHS = sorted(path for path in (ROOT / "experiments").glob("[!_]*.py"))
# One of each kind, for `make test`. `make test-long` runs all.
ONE_OF_EACH = {"q_learning_taxi", "dqn_cartpole", "gan_ring", "classifier_digits", "ntm_copy", "segment_scenes"}
RUNS = [pytest.param(path, marks=() if path.stem in ONE_OF_EACH else pytest.mark.long, id=path.stem) for path in PATHS]
NETWORK = {"model.keras"}
WITH_A_MEMORY = NETWORK | {"attention.png", "memory.gif"}
SCENES = NETWORK | {"worst.png", "epoch-1.png", "training.gif"}
TRANSLATED = NETWORK | {"training.gif", "translated-0001.png"}
STYLED = NETWORK | {"training.gif", "stylized.png", "content.png", "style.png"}
LEFT = {  # files that an experiment leaves, among others
    "adain_style": STYLED | {"half.png"},
    "cyclegan_fonts": TRANSLATED | {"back-0001.png"},
    "fast_style": STYLED | {"lbfgs.png"},
    "pix2pix_fonts": TRANSLATED,
    "pix2pix_scenes": TRANSLATED,
    "style_transfer": STYLED - NETWORK,
    "texture_synthesis": {"textures.png", "textures.csv"},
    "translate": TRANSLATED,
    "adding_problem": NETWORK,
    "char_rnn_stdlib": NETWORK,
    "classifier_digits": NETWORK,
    "cnn_families_glyphs": NETWORK,
    "copy_memory": NETWORK,
    "detect_glyphs": SCENES | {"found_photographs.png", "heat.png", "precision_recall.png"},
    "dnc_repeat_copy": WITH_A_MEMORY,
    "dnc_stories": WITH_A_MEMORY,
    "forecast_mackey_glass": NETWORK,
    "instances_scenes": SCENES | {"masks_photographs.png"},
    "length_generalisation": NETWORK,
    "look_inside_cnn": NETWORK,
    "mann_few_shot_glyphs": NETWORK,
    "ntm_associative_recall": WITH_A_MEMORY,
    "ntm_copy": WITH_A_MEMORY,
    "ntm_dynamic_ngrams": WITH_A_MEMORY,
    "ntm_priority_sort": WITH_A_MEMORY,
    "ntm_repeat_copy": WITH_A_MEMORY,
    "resnet_depth": NETWORK,
    "segment_scenes": SCENES | {"found_photographs.png"},
    "seq2seq_dates": NETWORK | {"attention.png"},
    "sequential_digits": NETWORK,
    "text_classifier_stdlib": NETWORK,
}
RESULTS = {"detect_glyphs": "ap_known", "segment_scenes": "mean_iou_known", "instances_scenes": "ap_masks"}


def given(monkeypatch, path):
    """[(config, smoke)], which an experiment gives to `experiment.main`."""
    found = []
    monkeypatch.setattr(experiment, "main", lambda config, run, *, smoke, **options: found.append((config, smoke)))
    runpy.run_path(str(path), run_name="__main__")
    return found


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_smoke_settings_are_settings_and_change_something(monkeypatch, path):
    [(config, smoke)] = given(monkeypatch, path)
    assert config(**smoke) != config()


@pytest.fixture
def command_line(monkeypatch):
    """A command line of this process, whose handlers of signals come back after the test."""
    monkeypatch.delattr(builtins, "__IPYTHON__", raising=False)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield lambda path, *flags: monkeypatch.setattr(sys, "argv", [str(path), *flags])
    for number, handler in before.items():
        signal.signal(number, handler)


def noise(name, split="train"):
    """In place of a download."""
    return np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3)).astype("uint8"), np.arange(300, dtype="int32") % 10


@pytest.mark.slow
@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("path", RUNS)
def test_a_smoke_run_finishes(command_line, own_home, monkeypatch, path):
    monkeypatch.setattr("lab.data.downloaded", noise)
    command_line(path, *TINY, *CHEAPER.get(path.stem, ()))
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(path), run_name="__main__")
    assert stop.value.code == 0
    runs = folders(own_home)
    assert any(run.results() for run in runs)
    for run in runs:
        results = run.results() or {}  # those of variants are their children's
        assert run.status() == "FINISHED"
        assert all(map(math.isfinite, results.values())), results
        for name, points in run.metrics().items():
            assert all(math.isfinite(value) for _, value in points), name
        named = {event["artifact"] for event, _ in run.read(key="artifact")}
        assert all((run.artifacts / name).stat().st_size for name in named)
        for picture in run.artifacts.glob("*.png"):
            with Image.open(picture) as image:
                assert np.asarray(image.convert("L")).std() > 1, picture.name
    assert any(run.metrics() for run in runs)
    assert LEFT.get(path.stem, set()) <= {file.name for run in runs for file in run.artifacts.iterdir()}
    assert path.stem not in RESULTS or RESULTS[path.stem] in runs[0].results()
    if path.stem in ("dcgan_glyphs", "infogan_digits"):  # whose samples stayed grey longest
        sheet = np.asarray(Image.open(sorted(runs[0].artifacts.glob("samples-*.png"))[-1]), float)
        first = sheet[:56, :56]  # a sample of 28 pixels, twice as large
        assert np.ptp(first) > 40  # of 255; before training it is 1
