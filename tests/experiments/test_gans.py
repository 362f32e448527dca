"""Every GAN experiment on its code path, every setting alive, bad ones named."""

import importlib

import keras
import numpy as np
import pytest
from PIL import Image

from experiments import (
    classifier_glyphs,
    conditional_gan_glyphs,
    dcgan_glyphs,
    gan_ring,
    infogan_digits,
    r3gan_glyphs,
    sngan_glyphs,
    stacked_glyphs,
    wgan_gp_glyphs,
)
from experiments.common import mixture
from lab import metrics, models, optimizers
from lab.errors import NonFiniteError
from tests.contracts import raises
from tests.experiments import fields
from tests.experiments.fields import Alive
from tests.experiments.track import Memory

IMAGES = {"samples": 40, "epochs": 1, "filters": 2, "batch_size": 20, "evaluation_samples": 20, "evaluations": 1, "latent": 3}
MIXTURE = {
    "epochs": 1, "samples": 100, "batch_size": 20, "generator_units": 4, "discriminator_units": 3, "evaluation_samples": 60,
}  # fmt: skip
SHARED = {
    "characters": "01", "size": 32, "channels": 3, "samples": 80, "epochs": 2, "batch_size": 10, "latent": 4, "filters": 3,
    "generator_rate": 0.01, "discriminator_rate": 0.01, "beta_1": 0.7, "beta_2": 0.5, "decay": False, "ema": 0.05,
    "augment": ("cutout",), "precision": "mixed_bfloat16", "evaluation_samples": 30, "evaluations": 2,
}  # fmt: skip
GAMMAS = {"gamma": 50.0, "gamma_end": 50.0, "penalty_interval": 2}
# Fields that other tests check.
FILES = frozenset({"data", "unreadable", "inception"})
SHARED_ELSEWHERE = FILES | frozenset(SHARED)  # `dcgan_glyphs` stands for all of them
EXPERIMENTS = {
    "gan_ring": Alive(
        gan_ring,
        MIXTURE,
        {
            "family": "lsgan", "epochs": 2, "samples": 140, "batch_size": 10, "generator_units": 5, "discriminator_units": 4,
            "latent": 3, "precision": "mixed_bfloat16",
        },
        left_out=frozenset({"evaluation_samples"}),
    ),
    "dcgan_glyphs": Alive(dcgan_glyphs, IMAGES, SHARED, {"evaluations": {"epochs": 2}}, FILES),
    "wgan_gp_glyphs": Alive(
        wgan_gp_glyphs,
        IMAGES | {"discriminator_steps": 2, "batch_size": 10},
        {"discriminator_steps": 3, "penalty": 0.1},
        left_out=SHARED_ELSEWHERE,
    ),
    "sngan_glyphs": Alive(sngan_glyphs, IMAGES, {"discriminator_steps": 2, "attention": True}, left_out=SHARED_ELSEWHERE),
    "r3gan_glyphs": Alive(
        r3gan_glyphs,
        IMAGES | {"penalty_interval": 1},
        {"players": "residual", "attention": True} | GAMMAS,
        {"attention": {"players": "residual"}},
        SHARED_ELSEWHERE,
    ),
    "conditional_gan_glyphs": Alive(
        conditional_gan_glyphs,
        IMAGES | {"penalty_interval": 1},
        {"conditioning": "concatenation", "class_weight": 9.0} | GAMMAS,
        {"class_weight": {"conditioning": "acgan"}},
        SHARED_ELSEWHERE,
    ),
    "stacked_glyphs": Alive(
        stacked_glyphs,
        {key: value for key, value in IMAGES.items() if key != "evaluations"} | {"penalty_interval": 1},
        {
            "family": "dcgan", "samples": 80, "epochs": 2, "batch_size": 10, "latent": 4, "filters": 3, "learning_rate": 0.01,
            "precision": "mixed_bfloat16",
        } | GAMMAS,
        left_out=frozenset({"evaluation_samples"}),  # so brief a run has one mode in all its samples
    ),
    "infogan_digits": Alive(
        infogan_digits,
        {"epochs": 1, "filters": 2, "batch_size": 400, "noise": 3},
        {
            "epochs": 2, "batch_size": 300, "noise": 4, "categories": 3, "continuous": 1, "filters": 3,
            "generator_rate": 0.01, "discriminator_rate": 0.01, "weight": 9.0, "continuous_weight": 9.0,
            "precision": "mixed_bfloat16",
        },
    ),
    "classifier_glyphs": Alive(
        classifier_glyphs,
        {"samples": 60, "test_samples": 30, "epochs": 2, "batch_size": 20},
        {"samples": 80, "test_samples": 20, "epochs": 1, "batch_size": 10, "learning_rate": 0.1},
        left_out=frozenset({"keep"}),
    ),
}  # fmt: skip
STARTS = {name: table.start for name, table in EXPERIMENTS.items()} | {"gan_objectives_ring": MIXTURE}
pytestmark = pytest.mark.usefixtures("module_eager")


@pytest.fixture(scope="module")
def observe(tmp_path_factory):
    """A function (experiment, **settings) -> (what it logged, its result), which are kept."""
    return fields.remember_undrawn(observed, tmp_path_factory)


def observed(folder, name, **settings):
    module = importlib.import_module(f"experiments.{name}")
    folder.mkdir(exist_ok=True)
    track = Memory(folder)
    result = module.run(module.Config(**STARTS[name] | settings), track)
    assert len(track.models) == 1
    return track.logged, result, track


@pytest.mark.long
@pytest.mark.parametrize(("name", "field"), fields.cases(EXPERIMENTS))
def test_every_field_changes_something(observe, name, field):
    fields.check(observe, EXPERIMENTS, name, field)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gan_ring", "conditional_gan_glyphs"])
def test_the_same_settings_change_nothing(observe, tmp_path, name):
    assert observed(tmp_path, name)[:2] == observe(name)


@pytest.mark.slow
def test_as_many_samples_of_a_mixture_are_measured_as_asked(tmp_path, monkeypatch):
    counts = []
    measure = metrics.mode_coverage
    monkeypatch.setattr(
        metrics, "mode_coverage", lambda samples, mixture: counts.append(len(samples)) or measure(samples, mixture)
    )
    *_, track = observed(tmp_path, "gan_ring", evaluation_samples=50)
    assert len(track.tags["data"]) == 12  # what it was trained on
    assert set(counts) == {50}


@pytest.mark.slow
@pytest.mark.parametrize("family", mixture.RECIPES)
def test_every_family_moves_its_players(tmp_path, family):
    config = importlib.import_module("experiments.gan_grid").Config(**MIXTURE | {"family": family, "samples": 200})
    gan = mixture.make(config, 0, variance=1.0)
    before = [
        np.array(keras.ops.convert_to_numpy(v))
        for v in (*gan.generator.trainable_variables, *gan.discriminator.trainable_variables)
    ]
    x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
    gan.fit(x, batch_size=20, verbose=0)
    after = [
        keras.ops.convert_to_numpy(v) for v in (*gan.generator.trainable_variables, *gan.discriminator.trainable_variables)
    ]
    assert all((a != b).any() for a, b in zip(before[::2], after[::2]))


@pytest.mark.slow
def test_a_run_sees_as_many_samples_as_it_says(tmp_path):
    # R3GAN's updates come in fours. Four passes of a turn of 80 samples are two epochs of two.
    for family, seen in (("r3gan", 2 * 80), ("wgan", 2 * 100), ("pacgan2", 4 * 80), ("extragradient", 2 * 80)):
        settings = {"family": family, "epochs": 2}
        config = importlib.import_module("experiments.gan_ring").Config(**MIXTURE | settings)
        logged, *_ = observed(tmp_path / family, "gan_ring", **settings)
        assert logged[-1][0] == config.total_steps == seen


def test_what_falls_during_a_run_of_r3gan():
    config = importlib.import_module("experiments.gan_ring").Config
    assert config().total_steps <= 8_000_000  # a fifth of PacGAN's
    small = config(**MIXTURE | {"epochs": 10})
    gan = mixture.make(small, 0, variance=4.0)
    gammas = [[float(penalty.at(step)) for step in (0, small.updates)] for penalty in gan.penalties]
    np.testing.assert_allclose(gammas, 2 * [[4 * gamma for gamma in mixture.RECIPES["r3gan"].gammas]], rtol=1e-5)
    rates = [float(gan.generator_optimizer._learning_rate(step)) for step in (0, 0.7 * small.updates, small.updates)]
    rate = mixture.RECIPES["r3gan"].learning_rate
    np.testing.assert_allclose(rates, [rate, rate, rate / 100], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("family", mixture.RECIPES)
def test_an_epoch_is_whole_executions(family):
    config = importlib.import_module("experiments.gan_ring").Config(family=family, generator_units=1, discriminator_units=1)
    gan = mixture.make(config, 0, variance=1.0)
    assert gan.steps_per_execution % gan.penalty_interval == 0
    assert config.updates // config.epochs % gan.steps_per_execution == 0


@pytest.mark.parametrize(("name", "variance"), [("gan_ring", 0.5), ("gan_grid", 8.0)])
def test_penalties_are_as_heavy_as_the_mixture_is_wide(tmp_path, monkeypatch, name, variance):
    class Made(Exception):
        """Nothing is trained here."""

    def stop(config, seed, variance):
        raise Made(variance)

    monkeypatch.setattr(mixture, "make", stop)
    module = importlib.import_module(f"experiments.{name}")
    with pytest.raises(Made) as made:
        module.run(module.Config(samples=20_000), Memory(tmp_path))
    assert made.value.args[0] == pytest.approx(variance, rel=0.02)


@pytest.mark.slow
def test_pictures_of_a_mixture(tmp_path):
    observed(tmp_path, "gan_ring", epochs=2)
    assert {path.name for path in tmp_path.iterdir()} == {"training.gif", *(f"plane-{epoch:04d}.png" for epoch in range(3))}
    assert Image.open(tmp_path / "training.gif").n_frames == 3


@pytest.mark.slow
def test_pictures_of_images(tmp_path):
    _, result, track = observed(tmp_path, "conditional_gan_glyphs", epochs=2, generator_rate=0.05)
    assert set(track.tags) == {"data", "feature_network"}
    assert track.tags["feature_network"] == f"glyph_classifier {models.trained_glyph_classifier()[1]}"
    names = {path.name for path in tmp_path.iterdir()}
    samples = {f"samples-{epoch:04d}.png" for epoch in range(3)}
    assert names == {"training.gif", "interpolation.gif", "nearest.png", *samples}
    assert Image.open(tmp_path / "interpolation.gif").n_frames == 46
    assert {"frechet_distance", "precision", "recall", "density", "coverage", "as_asked", "nearest_ratio"} <= set(result)
    first, last = (np.asarray(Image.open(tmp_path / name)) for name in ("samples-0000.png", "samples-0002.png"))
    assert first.shape == last.shape and first.shape[1] == 2 * 289 < first.shape[0]  # a title above, or names of columns
    assert (first != last).any()


@pytest.mark.slow
def test_other_data(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for i in range(40):
        path = tmp_path / "pictures" / f"{i % 2}" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(path)
    _, result, track = observed(tmp_path, "dcgan_glyphs", data=str(tmp_path / "pictures"), channels=3, size=32, epochs=2)
    assert set(result) == {"discriminator_loss", "nearest_ratio"}  # no network at hand knows these pictures
    assert set(track.tags) == {"data"}
    assert track.logged[-1][0] == 2 * 20  # 36 to train on, in batches of 20
    x = rng.integers(0, 256, (50, 28, 28), dtype=np.uint8)
    monkeypatch.setattr(
        keras.datasets.mnist, "load_data", lambda: ((x, np.arange(50) % 10), (255 - x[:30], np.arange(30) % 10))
    )
    _, result, _ = observed(tmp_path, "dcgan_glyphs", data="mnist")
    assert set(result) == {"discriminator_loss", "nearest_ratio"}
    with raises(r"--size: expected mnist's size and channels, \(28, 28, 1\), received \(32, 32, 1\)"):
        observed(tmp_path, "dcgan_glyphs", data="mnist", size=32)
    with raises(
        "--data: expected glyphs, mnist, .* or a folder of pictures, received .*nowhere.*: .* expected a folder of pictures"
    ):
        observed(tmp_path, "dcgan_glyphs", data=str(tmp_path / "nowhere"))
    (tmp_path / "pictures" / "0" / "broken.png").write_bytes(b"?")
    with raises("--data: .* received a file that cannot be read"):
        observed(tmp_path, "dcgan_glyphs", data=str(tmp_path / "pictures"), channels=3, size=32)
    *_, track = observed(tmp_path, "dcgan_glyphs", data=str(tmp_path / "pictures"), channels=3, size=32, unreadable="skip")
    assert track.said == [f"{tmp_path / 'pictures' / '0' / 'broken.png'}: no picture, left out"]
    for path in sorted((tmp_path / "pictures").rglob("*.png"))[15:]:
        path.unlink()
    with raises("--data: expected at least 20 pictures, a tenth of which are held out, received 1"):
        observed(tmp_path, "dcgan_glyphs", data=str(tmp_path / "pictures"), batch_size=2, unreadable="skip")


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        (
            "gan_ring",
            {"family": "pacgan4", "batch_size": 30},
            "--samples: expected at least 120, pacgan4.s fewest, received 100",
        ),
        ("gan_ring", {"samples": 10}, "--samples: expected at least 80, r3gan.s fewest, received 10"),
        ("gan_objectives_ring", {"families": ()}, "--families: expected at least one, received"),
        ("gan_objectives_ring", {"families": ("gan", "gan")}, "--families: expected different ones, received"),
        ("gan_objectives_ring", {"families": ("gan", "vae")}, "--families: expected some of gan, .*, received 'vae'"),
        ("dcgan_glyphs", {"augment": ("flip",)}, "--augment: expected some of colour, translation, cutout, received 'flip'"),
        ("r3gan_glyphs", {"attention": True}, "--attention: expected False with --players dcgan, received True"),
        ("dcgan_glyphs", {"characters": "a漢"}, "--characters: expected ones that some of the 20 faces have, received '漢'"),
        ("dcgan_glyphs", {"inception": "/nowhere"}, "--inception: expected a file of weights .HDF5., received '/nowhere'"),
        ("dcgan_glyphs", {"inception": __file__}, "--inception: expected a file of weights .HDF5., received"),
        ("dcgan_glyphs", {"data": ""}, "--data: expected glyphs, mnist, .* or a folder of pictures, received ''"),
        ("dcgan_glyphs", {"generator_rate": np.inf}, "--generator-rate: expected a number > 0 and <= 1e.06, received inf"),
        (
            "dcgan_glyphs",
            {"data": "docs", "batch_size": 100_000},
            "--data: expected at least one update's pictures, 100000, received",
        ),
        ("dcgan_glyphs", {"characters": "00"}, "--characters: expected different ones, received '00'"),
        ("dcgan_glyphs", {"ema": 1.0}, "--ema: expected a number >= 0 and <= 0.999999, received 1.0"),
        (
            "stacked_glyphs",
            {"family": "pacgan2", "batch_size": 25},
            "--samples: expected at least one turn's, 50, received 40",
        ),
        ("classifier_glyphs", {"batch_size": 99}, "--batch-size: expected at most samples, 60, received 99"),
        ("infogan_digits", {"batch_size": 2000}, "--batch-size: expected a number >= 1 and <= 1,797, received 2000"),
    ],
)
def test_bad_settings(name, changes, words):
    with raises(words):
        importlib.import_module(f"experiments.{name}").Config(**STARTS[name] | changes)


@pytest.mark.slow
def test_a_poor_classifier_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.import_module("lab.models.glyph_classifier"), "WEIGHTS", tmp_path / "kept")
    *_, track = observed(tmp_path, "classifier_glyphs", keep=True)
    assert track.said[-1].startswith("the repository's weights stay: expected an accuracy of at least 0.99, received 0.")
    assert not (tmp_path / "kept").exists() and track.tags["feature_network"].startswith("glyph_classifier ")


@pytest.mark.slow
def test_a_classifier_that_diverges_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(optimizers, "Adam", lambda schedule: keras.optimizers.SGD(1e38))  # more than the settings allow
    with pytest.raises(NonFiniteError, match="epoch 1"):
        observed(tmp_path, "classifier_glyphs")


def test_matching_codes_with_labels():
    from experiments.infogan_digits import matched

    labels = np.array([0, 0, 0, 1, 1, 2])
    assert matched(np.array([5, 5, 5, 2, 2, 0]), labels) == 1
    assert matched(np.array([5, 5, 2, 2, 2, 2]), labels) == 4 / 6  # only one code may stand for a class
