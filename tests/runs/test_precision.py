"""A run with --precision auto: what is chosen is kept, and is never chosen again."""

import dataclasses
import json
from dataclasses import dataclass

import pytest

from lab.engine import precision as machine
from lab.engine.precision import Precision
from lab.runs import experiment, keras_settings, old_names, space
from lab.runs.run_folder import RunFolder


@dataclass(frozen=True)
class Config:
    precision: Precision = "float32"
    steps: int = 1


def work(config, track):
    return {"mixed": float(config.precision == "mixed_bfloat16")}


@pytest.fixture
def processor(monkeypatch, tmp_path):
    """A function that gives this machine a processor with or without AMX, and no GPU."""
    monkeypatch.setattr(keras_settings, "backend", lambda usual="tensorflow": "tensorflow")
    monkeypatch.setattr(keras_settings, "import_keras", lambda: None)
    monkeypatch.setattr(machine, "has_gpu", lambda: False)
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    return lambda flags: (tmp_path / "cpuinfo").write_text(f"flags : fpu {flags}\n")


def plan(*words):
    return experiment.plan(experiment.Experiment.of(Config, work, {}, None, None), [*words, "--tracking-uri", "none"])


@pytest.mark.parametrize(
    ("flags", "chosen", "other"), [("amx_bf16", "mixed_bfloat16", "avx2"), ("avx2", "float32", "amx_bf16")]
)
def test_the_choice_is_the_setting_and_a_resumed_run_keeps_it(processor, flags, chosen, other):
    processor(flags)
    asked = plan("--precision", "auto")
    assert asked.config == Config(chosen) and asked.header["config"] == {"precision": chosen, "steps": 1}
    assert asked.header["digest"] == plan("--precision", chosen).header["digest"]
    assert "auto" not in asked.header["command"]
    assert asked.notes == [f"precision: {chosen}, chosen for tensorflow on this machine"]
    folder = RunFolder.create(asked.header)
    processor(other)
    for words in ((), ("--precision", "auto"), ("--precision", chosen)):
        again = plan("--resume", folder.name, *words)
        assert again.config == Config(chosen) and again.header["digest"] == asked.header["digest"]
        assert not again.notes
    wrong = {"float32": "mixed_bfloat16", "mixed_bfloat16": "float32"}[chosen]
    with pytest.raises(ValueError, match=f"--resume: expected precision='{chosen}', with which the run was started"):
        plan("--resume", folder.name, "--precision", wrong)


def test_a_precision_that_is_given_is_not_chosen(processor):
    processor("amx_bf16")
    assert plan().config == Config("float32") and not plan().notes
    processor("avx2")
    assert plan("--precision", "mixed_bfloat16").config == Config("mixed_bfloat16")


def test_a_run_of_a_script_keeps_the_choice_too(processor, capsys, own_home):
    processor("amx_bf16")
    assert experiment.run(Config("auto"), work, tracking_uri="none") == {"mixed": 1.0}
    assert "precision: mixed_bfloat16, chosen for tensorflow on this machine" in capsys.readouterr().out.splitlines()
    (path,) = own_home.glob("mlruns/runs/*/run.json")
    assert json.loads(path.read_text())["config"]["precision"] == "mixed_bfloat16"


def test_a_sweep_does_not_try_auto():
    assert space.parse(["precision=float32,mixed_bfloat16"], Config()).grid()[1] == {"precision": "mixed_bfloat16"}
    for word in ("precision=auto", "precision=float32,auto"):
        with pytest.raises(ValueError, match="precision: expected float32 or mixed_bfloat16 in a sweep"):
            space.parse([word, "steps=1,2"], Config())


def test_older_runs_have_float32_and_their_digest():
    old = {"experiment": "ntm_copy", "config": {"steps": 1}}
    now = old_names.renamed(old)["config"]
    assert now == {"precision": "float32", "steps": 1}
    assert old_names.original("ntm_copy", now) == old["config"]
    assert old_names.original("ntm_copy", now | {"precision": "mixed_bfloat16"})["precision"] == "mixed_bfloat16"
    assert "precision" not in old_names.renamed({"experiment": "dqn_cartpole", "config": {}})["config"]
    images = {"precision": "float32"}  # GANs of images had it before
    assert old_names.original("dcgan_glyphs", images) == images


def test_all_experiments_that_had_none_are_listed():
    import importlib

    from experiments.common.images import Images
    from tests.runs.test_experiment import EXPERIMENTS

    found = set()
    for path in EXPERIMENTS:
        kind = getattr(importlib.import_module(f"experiments.{path.stem}"), "Config", None)
        if kind and not issubclass(kind, Images) and "precision" in {field.name for field in dataclasses.fields(kind)}:
            found.add(path.stem)
    with_it_from_the_beginning = {"detect", "detectors_glyphs", "instances_scenes"}
    with_it_from_the_beginning |= {"segment", "segment_scenes", "segmenters_scenes"}
    with_it_from_the_beginning |= {"pix2pix_fonts", "cyclegan_fonts", "pix2pix_scenes", "translate"}
    with_it_from_the_beginning |= {"style_transfer", "texture_synthesis", "fast_style", "adain_style"}
    with_it_from_the_beginning |= {"classifier_textures"}
    assert found - with_it_from_the_beginning == set(old_names.WITHOUT_PRECISION)
