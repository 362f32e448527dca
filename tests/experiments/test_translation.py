"""Experiments on translation on their code paths, and their settings alive."""

import importlib

import numpy as np
import pytest
from PIL import Image

from experiments import cyclegan_fonts, pix2pix_fonts, pix2pix_scenes, translate
from experiments.common import typefaces
from experiments.translate import held_out
from tests.contracts import raises
from tests.experiments import fields
from tests.experiments.fields import Alive
from tests.experiments.track import Memory

BRIEF = {"size": 16, "epochs": 1, "batch_size": 10, "filters": 2, "blocks": 0}
FONTS = BRIEF | {"letters": "latin", "samples": 20, "test_samples": 10}
SHARED = {
    "size": 24, "epochs": 2, "batch_size": 5, "filters": 3, "blocks": 1, "receptive_field": 1, "learning_rate": 0.1,
    "flat": 0.0,
    "beta_1": 0.9, "ema": 0.5, "precision": "mixed_bfloat16", "evaluations": 1,
}  # fmt: skip
OF_FONTS = {"source": "DejaVuSerif", "target": "DejaVuSansMono", "letters": "all", "samples": 30, "test_samples": 12}
PAIRED = {"generator": "unet", "weight": 1.0}
UNPAIRED = {"cycle": 1.0, "identity": 0.0, "pool": 5}
IN_EPOCHS = {"flat": {"epochs": 4}, "evaluations": {"epochs": 2}, "beta_1": {"epochs": 2}}
FOLDERS = frozenset({"sources", "targets", "unreadable"})
EXPERIMENTS = {
    "pix2pix_fonts": Alive(pix2pix_fonts, FONTS, SHARED | OF_FONTS | PAIRED, IN_EPOCHS),
    "cyclegan_fonts": Alive(
        cyclegan_fonts, FONTS, SHARED | OF_FONTS | UNPAIRED, IN_EPOCHS | {"pool": {"epochs": 2}}, frozenset(SHARED | OF_FONTS)
    ),
    "pix2pix_scenes": Alive(
        pix2pix_scenes,
        BRIEF | {"samples": 20, "test_samples": 10},
        SHARED | PAIRED | {"task": "colour", "generator": "residual", "samples": 30, "test_samples": 12, "most": 2},
        IN_EPOCHS,
        frozenset(SHARED) | {"weight"},
    ),
    "translate": Alive(
        translate,
        BRIEF | {"batch_size": 200},
        {"unpaired": True, "source_channels": 1, "target_channels": 1, "share": 0.5, "mirror": True}
        | {"cycle": 1.0, "identity": 0.0},
        {"cycle": {"unpaired": True, "epochs": 2}, "identity": {"unpaired": True, "epochs": 2}},
        frozenset(SHARED) | FOLDERS | {"weight", "generator", "pool"},
    ),
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("module_eager")


@pytest.fixture(scope="module")
def observe(tmp_path_factory):
    """A function (experiment, **settings) -> (what it logged, its result), which are kept."""
    return fields.remember_undrawn(observed, tmp_path_factory)


def observed(folder, name, **settings):
    module = importlib.import_module(f"experiments.{name}")
    folder.mkdir(exist_ok=True)
    track = Memory(folder)
    config = module.Config(**EXPERIMENTS[name].start | settings)
    result = module.run(config, track)
    assert len(track.models) == 1 and track.logged[-1][0] == config.total_steps
    return track.logged, result, track


@pytest.mark.long
@pytest.mark.parametrize(("name", "field"), fields.cases(EXPERIMENTS))
def test_every_field_changes_something(observe, name, field):
    fields.check(observe, EXPERIMENTS, name, field)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pix2pix_fonts", "translate"])
def test_the_same_settings_change_nothing(observe, tmp_path, name):
    assert observed(tmp_path, name)[:2] == observe(name)


@pytest.mark.slow
def test_measures_of_typefaces(tmp_path):
    _, result, _ = observed(tmp_path, "cyclegan_fonts")
    config = cyclegan_fonts.Config(**FONTS)
    _, y, labels = typefaces.drawn(config, 10, typefaces.DIGITS, 0)
    again = typefaces.measures(y, y, labels)
    assert (again["error"], again["similarity"]) == (0.0, pytest.approx(1.0))
    black = np.zeros_like(y)
    assert typefaces.measures(black, y, labels)["error"] == pytest.approx(y.mean() / 255, rel=1e-5)  # a share of white
    assert result["error_ratio"] == result["error"] / result["error_source"]
    assert {"error_back", "digit_kept_mean", "similarity_nearest", "digit_kept_target"} <= result.keys()
    assert {path.name for path in tmp_path.iterdir()} == {
        "training.gif", *(f"{way}-{epoch:04d}.png" for way in ("translated", "back") for epoch in (0, 1)),
    }  # fmt: skip


def test_pairs_have_one_distortion_and_letters_are_no_digits():
    config = pix2pix_fonts.Config(**FONTS | {"source": "DejaVuSans", "target": "DejaVuSans-Bold", "size": 32})
    x, y, labels = typefaces.drawn(config, 30, typefaces.DIGITS, 0)
    _, _, others = typefaces.drawn(config, 30, typefaces.DIGITS, 1)
    assert (labels != others).any()
    for thin, bold in zip(x.astype(int), y.astype(int)):  # a bold digit covers the thin one and is heavier
        assert (thin[thin > 200] <= bold[thin > 200] + 120).mean() > 0.9 and bold.sum() > thin.sum()
    for letters in ("latin", "all"):
        alphabet = typefaces.alphabet(pix2pix_fonts.Config(letters=letters))
        assert not set(alphabet) & set(typefaces.DIGITS) and len(alphabet) == (52 if letters == "latin" else len(set(alphabet)))


def picture(path, value, size=(20, 20)):
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.new("RGB", size, (value,) * 3).save(path)


@pytest.mark.slow
def test_two_folders_of_ones_own(tmp_path):
    for number in range(6):
        picture(tmp_path / "dark" / f"{number}.png", 10 * number)
        picture(tmp_path / "light" / f"{number}.png", 200 + 5 * number)
    (tmp_path / "dark" / "broken.png").write_text("no picture")
    (tmp_path / "light" / "broken.png").write_text("no picture")
    own = {"sources": str(tmp_path / "dark"), "targets": str(tmp_path / "light"), "batch_size": 2}
    with raises("broken.png: expected a picture, received a file that cannot be read as one"):
        translate.Config(**BRIEF | own)
    for unpaired in (False, True):
        settings = own | {"unreadable": "skip", "unpaired": unpaired}
        config = translate.Config(**BRIEF | settings)
        assert config.counts() == (5, 5) and held_out(6, 0.1) == 1
        _, result, track = observed(tmp_path / "run", "translate", **settings)
        assert len([line for line in track.said if "broken.png: no picture, left out" in line]) == 2
        assert ("cycle_error" if unpaired else "error_ratio") in result


def test_bad_input(tmp_path):
    for name in "ab":
        picture(tmp_path / "one" / f"{name}.png", 0)
        picture(tmp_path / "two" / f"{name}.png", 0)
    one, two, empty = (str(tmp_path / name) for name in ("one", "two", "empty"))
    (tmp_path / "empty").mkdir()
    own = {"batch_size": 1, "sources": one}
    with raises("--targets: expected a folder with --sources and none without, received ''"):
        translate.Config(**own)
    with raises("--sources, --targets: targets: expected another folder than that of the sources, not inside it, received "):
        translate.Config(**own, targets=one)
    with raises("empty: expected pictures .*, received none"):
        translate.Config(**own, targets=empty)
    with raises("--batch-size: expected at most the 1 pictures to train on, received 2"):
        translate.Config(**own | {"batch_size": 2}, targets=two)
    picture(tmp_path / "one" / "c.png", 0)
    with raises(r"two: expected a picture of the same name for each, received none for .*c.png"):
        translate.Config(**own, targets=two, size=32)
    picture(tmp_path / "two" / "c.png", 0, (40, 20))
    with raises(r"two/c.png: expected the proportions of .*one/c.png, received 20 x 20 and 40 x 20"):
        translate.Config(**own, targets=two, size=40)
    translate.Config(**own, targets=two, size=40, unpaired=True)
    for settings, words in (
        ({"unpaired": True, "generator": "unet"}, "--generator: expected residual with --unpaired, received 'unet'"),
        ({"unpaired": True, "weight": 7.0}, "--weight: expected 100.0 with --unpaired, received 7.0"),
        ({"pool": 7}, "--pool: expected 50 without --unpaired, received 7"),
        ({"unpaired": True, "source_channels": 1}, "--identity: expected 0 where sources and targets have different channels"),
        ({"size": 32, "receptive_field": 142}, "--receptive-field: expected at most four times the size, 128, received 142"),
    ):
        with raises(words):
            translate.Config(**settings)
    picture(tmp_path / "single" / "a.png", 0)
    picture(tmp_path / "other" / "a.png", 0)
    with raises("--sources: expected two pictures or more in each folder, received 1"):
        translate.Config(sources=str(tmp_path / "single"), targets=str(tmp_path / "other"), batch_size=1)
    picture(tmp_path / "two" / "inside" / "a.png", 0)
    with raises("targets: expected another folder than that of the sources, not inside it, received .*inside"):
        translate.Config(**own | {"sources": two}, targets=f"{two}/inside", unpaired=True)
    with raises("--target: expected another typeface than the source, received 'DejaVuSans'"):
        pix2pix_fonts.Config(target="DejaVuSans")
    with raises("--source: expected names of matplotlib's fonts, such as DejaVuSans, received 'Comic'"):
        pix2pix_fonts.Config(source="Comic")
    with raises("--size: expected a multiple of 8, received 20"):
        pix2pix_fonts.Config(size=20)
