import json
import re
from pathlib import Path

import pytest

from benchmarks import gan_glyphs, gan_mixtures, rl_scores

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    re.findall(r"```python\n(.*?)```", README, re.DOTALL),
    ids=["agent", "engine", "tabular", "policy_gradient", "gan", "supervised"],
)
def test_its_code_runs(code):
    exec(code.replace("steps=5_000", "steps=1_500"), {})


def test_every_module_it_names_exists():
    for module in re.findall(r"python -m ([\w.]+)", README):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_every_file_it_names_exists():
    for name in re.findall(r"`((?:lab|experiments|benchmarks|envs|tests)/[\w/]+\.py)`|\]\((?!http)([^)]+)\)", README):
        assert (ROOT / (name[0] or name[1])).exists(), name


@pytest.mark.parametrize(
    ("name", "benchmark"), [("rl_scores", rl_scores), ("gan_glyphs", gan_glyphs), ("gan_mixtures", gan_mixtures)]
)
def test_its_scores_are_those_that_were_measured(name, benchmark):
    rows = json.loads((rl_scores.RESULTS / f"{name}.json").read_text())["rows"]
    assert benchmark.table(rows) in README
