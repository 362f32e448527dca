"""The pages of docs/: their code runs, their numbers are measured, ours is never longer."""

import ast
import re
import sys
import tomllib

import numpy as np
import pytest

from benchmarks import scores
from docs import docstrings, generate, measurements
from lab.agents import fitting, for_env  # noqa: F401  the module lab.agents.for_env is loaded with it
from tests.agents.toys import SMALL

DOCS = generate.DOCS
PAGES = {path.relative_to(DOCS).as_posix(): path.read_text() for path in (*DOCS.glob("*.md"), *DOCS.glob("results/*.md"))}
EXAMPLES = {
    f"{name}:{i}": code
    for name, text in PAGES.items()
    for i, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
}
SIDES = DOCS / "from_stable_baselines3"
TASKS = sorted(path.stem.removesuffix("_lab") for path in SIDES.glob("*_lab.py"))


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


def drives(text):
    assert float(text.split()[0]) > 7  # the best policy reaches 7.93, a random one -771


def covers(text):
    assert int(re.findall(r"modes=(\d+)", text)[0]) >= 7


def classifies(text):
    assert float(text.splitlines()[-1]) > 0.5


def builds(text):
    assert not text


def copies(text):
    wrong = eval(text.split(":")[1])
    assert wrong[0] > 10 and wrong[-1] < 6  # 0 on most machines, 5 where it goes the way of an LSTM


def tells(text):
    told, answers = text.splitlines()
    assert f"{told}\n{answers}\n" in PAGES["memory.md"] and answers == "anna chen dora"


def turns(text):
    assert eval(re.sub(r"(?<=\d) ", ", ", text)) == [[6, 5, 4, 3, 2, 1]]


def moves(text):
    assert text.splitlines()[0] == "(20, 64, 64, 3) (20, 8, 4) (20, 64, 64) 3"
    assert eval(text.splitlines()[1]) == {"AP": 0.7, "AP50": 1.0, "AP75": 1.0}


def detects(text):
    assert text == "(4, 100, 4) (4, 100) (4, 100)\n"


def segments(text):
    background, digits = map(float, re.findall(r"\d\.\d*", text))
    assert background > 0.85 and digits > 0.5  # what is background everywhere has 0 for digits


def styles(text):
    shape, losses = text.split(") ")
    assert shape == "(64, 96, 3" and eval(losses)["style"] < 0.1


def inverts(text):
    assert float(text) < 0.1  # doing nothing: 1.9


def goes_back(text):
    assert text == "(4, 16, 16, 1)\n"


SHOWN = {
    "pieces.md:0": rises,
    "pieces.md:1": rises,
    "pieces.md:2": descends,
    "tabular.md:0": drives,
    "tabular.md:1": agrees,
    "gans.md:0": covers,
    "supervised.md:0": classifies,
    "memory.md:0": builds,
    "memory.md:1": copies,
    "memory.md:2": tells,
    "memory.md:3": turns,
    "vision.md:0": moves,
    "vision.md:1": detects,
    "vision.md:2": segments,
    "translation.md:0": styles,
    "translation.md:1": inverts,
    "translation.md:2": goes_back,
}


def test_every_example_of_a_page_is_checked():
    assert EXAMPLES.keys() == SHOWN.keys()


@pytest.mark.long
@pytest.mark.parametrize("name", SHOWN)
def test_an_example_shows_what_it_claims(name, capsys):
    exec(EXAMPLES[name], {})
    SHOWN[name](capsys.readouterr().out)


def small(path):
    """The code of a file, with few steps in place of thousands."""
    return re.sub(r"\b\d+_000\b", "64", path.read_text())


@pytest.fixture
def _tiny(tmp_path, monkeypatch):
    """Agents with tiny networks and rollouts, in an empty folder."""
    make = sys.modules["lab.agents.for_env"].for_env  # type: ignore[attr-defined]
    learn = fitting.fit
    monkeypatch.setattr(
        sys.modules["lab.agents.for_env"], "for_env", lambda kind, *rest, **more: make(kind, *rest, **SMALL[kind][0] | more)
    )
    monkeypatch.setattr(fitting, "fit", lambda *rest, **more: learn(*rest, **more | {"report_every": 32, "verbose": 0}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(SIDES)


@pytest.mark.slow
@pytest.mark.usefixtures("eager", "_tiny")
@pytest.mark.parametrize("task", [*(task for task in TASKS if task not in ("load", "go_on", "save")), "save load go_on"])
def test_the_lab_side_of_a_task_runs(task):
    for part in task.split():
        exec(small(SIDES / f"{part}_lab.py"), {})


@pytest.mark.long
@pytest.mark.usefixtures("eager", "_tiny")
@pytest.mark.parametrize("name", sorted(path.stem for path in (DOCS / "examples").glob("*.py")))
def test_an_example_in_a_file_runs(name):
    for algorithm in ("SAC", "TD3", "DDPG") if name.endswith("box") else ("DQN", "A2C", "PPO", "RecurrentPPO", "REINFORCE"):
        code = small(DOCS / "examples" / f"{name}.py").replace("episodes=100", "episodes=2")
        exec(code.replace("ALGORITHM", algorithm), {})
        if "ALGORITHM" not in code:
            return


def size(path):
    """(lines of code, arguments of all calls)."""
    code = path.read_text()
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return len([line for line in code.splitlines() if line.strip()]), sum(len(call.args) + len(call.keywords) for call in calls)


@pytest.mark.parametrize("task", TASKS)
def test_ours_is_not_longer(task):
    (lines, arguments), (their_lines, their_arguments) = (size(SIDES / f"{task}_{side}.py") for side in ("lab", "sb3"))
    assert lines <= their_lines, f"{task}: the lab needs {lines} lines, Stable-Baselines3 {their_lines}"
    assert arguments <= their_arguments, f"{task}: the lab needs {arguments} arguments, Stable-Baselines3 {their_arguments}"


def test_every_task_has_both_sides_and_is_on_the_page():
    shown = re.findall(r"from_stable_baselines3/(\w+)\.py", PAGES["from_stable_baselines3.md"])
    assert sorted({*shown} - {"corridor"}) == sorted(f"{task}_{side}" for task in TASKS for side in ("lab", "sb3"))
    assert len(TASKS) == 10


def test_every_setting_that_a_page_names_exists():
    names = re.findall(r"^\| [^|]* \| (.*) \|$", PAGES["from_stable_baselines3.md"], re.MULTILINE)
    known = {field for name in generate.DEEP for field in generate.field_texts(getattr(generate.settings, name))}
    known |= {
        "environment_options",
        "wrappers",
        "vectorization",
        "network",
        "optimizer",
        "epsilon",
        "validation_episodes",
        "history",
        "fit",
    }
    used = {word for cell in names for word in re.findall(r"`([a-z_]+)(?:=[^`]*)?`", cell)}
    assert used <= known, used - known


@pytest.mark.parametrize("family", scores.FAMILIES)
def test_tables_have_what_was_measured(family):
    page = next(text for text in PAGES.values() if f"<!-- table: {family} " in text)
    shown = generate.expand(page)
    for text in scores.texts(family):
        cells = [generate.unbroken(cell) for row in generate.rows_of(text) for cell in row[3:]]
        assert all(f" {cell} |" in shown for cell in cells), family
    assert "<!-- table" not in shown


def test_no_table_is_wide():
    for text in PAGES.values():
        for line in generate.expand(text).splitlines():
            if line.startswith("|--"):
                assert line.count("|") <= generate.COLUMNS + 1


@pytest.mark.parametrize("name", measurements.SPEED)
def test_tables_of_speed_are_on_a_page(name):
    rows = measurements.SPEED[name]()
    assert len({len(row) for row in rows}) == 1 and len(rows) > 2
    assert any(f"<!-- speed: {name} -->" in text for text in PAGES.values())


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_module_that_a_page_names_exists(page):
    for name in re.findall(r"`((?:lab|experiments|benchmarks|envs|tests|docs)/[\w/]+\.(?:py|json))`", PAGES[page]):
        assert (generate.ROOT / name).exists(), name
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", PAGES[page]):
        assert ((DOCS / page).parent / name).exists(), name
    for module in re.findall(r"python -m ((?:experiments|benchmarks|lab)[\w.]*)", PAGES[page]):
        path = generate.ROOT / module.removesuffix(".NAME").replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_every_tutorial_is_in_the_order():
    assert sorted(generate.TUTORIALS) == sorted(path.stem for path in (DOCS / "tutorials").glob("*.py"))


def test_every_experiment_has_a_page_with_its_settings():
    pages = dict(generate.experiment_pages())
    assert pages.keys() == {"index"} | {path.stem for path in (generate.ROOT / "experiments").glob("[!_]*.py")}
    assert "``--target-every``" in pages["dqn_cartpole"] and generate.unbroken("500.0 ± 0.0") in pages["dqn_cartpole"]
    assert ":Expected: last_greedy_return >= 475" in pages["dqn_cartpole"]


def test_a_docstring_becomes_restructuredtext():
    text = docstrings.of_text(
        "Minimises |g|^2 of `[B, T]`.\n\n    y = a * b_\n\nWith *one* idea.\n- a list\n\n"
        "Args:\n    a, b: of `lab.agents.DQN`,\n        both `x`s.\n    *rest: others."
    )
    assert text == (
        "Minimises \\|g\\|^2 of ``[B, T]``.\n\n::\n\n    y = a * b_\n\nWith *one* idea.\n\n- a list\n\n"
        "**Args**\n\n``a``, ``b``\n    of :py:obj:`lab.agents.DQN`, both ``x``\\ s.\n\n``*rest``\n    others.\n\n"
    )


def test_the_citation_has_the_version():
    version = tomllib.loads((generate.ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"version: {version}\n" in (generate.ROOT / "CITATION.cff").read_text()
