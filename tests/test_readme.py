import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import scores

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
# Tables of scores that README has not: it gives their numbers in the table of all experiments.
IN_THE_FIRST_TABLE = ("| environment |", "| text_classifier_stdlib |", "| look_inside_cnn |")


def last_of_each_line(text):
    """The last number of each printed line."""
    return [float(re.findall(r"-?[\d.]+", line)[-1]) for line in text.splitlines()]


def rises(text):
    """The returns at the end are far above those at the beginning."""
    returns = last_of_each_line(text)
    assert returns[0] < 50
    assert np.mean(returns[-3:]) > 100


def descends(text):
    # (2 - 1)^2, then (1.8 * 2 - 1)^2, then (0.76 * 3 - 1)^2; the weight ends at 0.76 - 0.768
    np.testing.assert_allclose([float(word) for word in re.findall(r"-?[\d.]+", text)], [1, 6.76, 1.6384, -0.008], rtol=1e-4)


def agrees(text):
    optimum, learnt, values = float(text.split()[0]), float(text.split()[1]), text.split("[")[1].strip("]\n").split(",")
    assert (optimum, learnt, max(map(float, values))) == (-13, -13, -13)


def covers(text):
    assert int(re.findall(r"modes=(\d+)", text)[0]) >= 7


def classifies(text):
    assert float(text.splitlines()[-1]) > 0.5


CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHOWN = {
    "agent": rises,
    "engine": descends,
    "tabular": agrees,
    "policy_gradient": rises,
    "gan": covers,
    "supervised": classifies,
}


@pytest.mark.slow
@pytest.mark.parametrize(("code", "check"), zip(CODE, SHOWN.values(), strict=True), ids=SHOWN)
def test_its_code_shows_what_it_claims(code, check, capsys):
    exec(code, {})
    check(capsys.readouterr().out)


def test_every_module_it_names_exists():
    for module in re.findall(r"python -m ([\w.]+)", README):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_every_file_it_names_exists():
    for name in re.findall(r"`((?:lab|experiments|benchmarks|envs|tests)/[\w/]+\.py)`|\]\((?!http)([^)]+)\)", README):
        assert (ROOT / (name[0] or name[1])).exists(), name


@pytest.mark.parametrize("family", scores.FAMILIES)
def test_its_scores_are_those_that_were_measured(family):
    tables = scores.texts(family)
    assert tables
    for table in tables:
        assert table in README or table.startswith(IN_THE_FIRST_TABLE)
