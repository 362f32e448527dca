import json
import re
from pathlib import Path

import pytest

from benchmarks import scores

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_it_is_short():
    assert len(README.encode()) <= 8_000
    (code,) = CODE
    assert len(code.strip().splitlines()) <= 12


@pytest.mark.long
def test_its_script_plays_an_episode(capsys):
    exec(CODE[0], {})
    assert float(capsys.readouterr().out.splitlines()[-1]) > 150  # 500 was seen; a random policy gets about 22


def test_every_module_it_names_exists():
    for module in re.findall(r"python -m ([\w.]+)", README.replace("experiments.NAME", "experiments")):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_every_file_it_names_exists():
    for name in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize(("family", "row", "form"), [
    ("dqn_scores", "default", "**{}**"),
    ("rl_scores", "ppo_acrobot", "**{}**"),
    ("rl_scores", "sac_pendulum", "**{}**"),
    ("gan_mixtures", "grid r3gan", "**{}**"),
])  # fmt: skip
def test_its_scores_are_those_that_were_measured(family, row, form):
    table = next(line for text in scores.texts(family) for line in text.splitlines() if _is_row(line, row))
    numbers = re.findall(r"-?[\d.]+ ± [\d.]+", table)
    assert form.format(numbers[0]) in README, numbers


def _is_row(line, row):
    cells = line.replace("`", "").replace("grid of 25", "grid").strip("| ").split(" | ")
    return row in (cells[0], " ".join(cells[:2])) and "±" in line


def test_its_speeds_are_those_that_were_measured():
    rows = json.loads((ROOT / "benchmarks/results/rl_throughput_ppo.json").read_text())["rows"]
    speeds = {row["contender"]: sorted(row["steps_per_second"])[len(row["steps_per_second"]) // 2] for row in rows}
    assert f"{speeds['stable-baselines3']:,} (Stable-Baselines3)" in README
    assert f"**{speeds['lab device, tensorflow']:,}** on the device" in README
