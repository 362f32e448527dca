"""The menu: what it lists, and what it does not import."""

import pytest

from lab.runs import menu
from lab.runs.about import About

EXPERIMENT = '''"""{summary}

Expected: r >= 1
Time: seconds
{more}
"""
import tensorflow  # a menu that imports this module is too slow

from lab.runs import experiment

if __name__ == "__main__":
    experiment.main(None, None, smoke={{}})
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of a user's own that is installed by hand, with its entry point."""
    site = tmp_path / "site"
    modules = site / "theirs" / "trials"
    modules.mkdir(parents=True)
    (site / "theirs" / "__init__.py").write_text("raise SystemError('imported')")
    (modules / "__init__.py").write_text("raise SystemError('imported')")
    (modules / "toy.py").write_text(EXPERIMENT.format(summary="A toy learns.", more=""))
    (modules / "other.py").write_text(EXPERIMENT.format(summary="Another one.", more="Topic: Games"))
    (modules / "helper.py").write_text('"""No experiment."""\nx = 1\n')
    (modules / "broken.py").write_text("def (")
    (modules / "_private.py").write_text(EXPERIMENT.format(summary="Hidden.", more=""))
    info = site / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{menu.GROUP}]\nmine = theirs.trials\ngone = nowhere.trials\n")
    monkeypatch.syspath_prepend(site)
    return site


def test_a_package_is_read_and_not_imported(package):
    found = menu.entries("theirs.trials")
    assert [entry.module for entry in found] == ["theirs.trials.other", "theirs.trials.toy"]
    assert [entry.topic for entry in found] == ["Games", "theirs.trials"]
    assert found[1].about == About("A toy learns.", "r >= 1", "seconds")


def test_entry_points_name_packages_and_a_bad_one_is_said(package):
    found, complaints = menu.of_others()
    assert [entry.module for entry in found] == ["theirs.trials.other", "theirs.trials.toy"]
    assert complaints == [f"entry point of {menu.GROUP}: expected a package that can be found, received 'nowhere.trials'"]


def entry(name, topic, summary="It learns."):
    return menu.Entry(name, topic, About(summary, "r >= 1", "seconds"))


ALL = [entry("experiments.dqn", "Deep"), entry("experiments.q_learning_taxi", "Tables", "Taxi."), entry("mine.toy", "Deep")]


def test_each_experiment_is_a_line_under_its_topic():
    assert menu.text(ALL, "experiments").splitlines() == [
        "Deep",
        "  dqn       It learns.",
        "  mine.toy  It learns.",
        "",
        "Tables",
        "  q_learning_taxi  Taxi.",
        "",
        "python -m experiments.NAME --help",
    ]


@pytest.mark.parametrize("word", ["taxi", "TAXI", "q_learn", "tables"])
def test_a_word_chooses_and_one_experiment_is_shown_in_full(word):
    assert menu.text(ALL, "experiments", word).splitlines() == [
        "Tables",
        "  q_learning_taxi  Taxi.",
        "",
        "expected: r >= 1",
        "time: seconds",
        "python -m experiments.q_learning_taxi --help",
    ]


def test_a_word_of_none_is_refused():
    with pytest.raises(ValueError, match="word: expected one in the name, topic or summary of an experiment, received 'xyz'"):
        menu.text(ALL, "experiments", "xyz")


def test_a_line_fits_into_the_terminal():
    long = [entry("experiments.a", "Deep", "word " * 50)]
    line = menu.text(long, "experiments", width=40).splitlines()[1]
    assert len(line) <= 40 and line.startswith("  a  word word") and line.endswith("…")


@pytest.mark.parametrize(("argv", "word"), [([], ""), (["--help"], ""), (["-h"], ""), (["dqn"], "dqn")])
def test_the_word_of_a_command_line(argv, word):
    assert menu.word_of(argv) == word


@pytest.mark.parametrize("argv", [["a", "b"], ["--seed"]])
def test_other_command_lines_are_refused(argv):
    with pytest.raises(ValueError, match=f"word: expected at most one word and no flags, received '{' '.join(argv)}'"):
        menu.word_of(argv)


def test_every_experiment_of_ours_has_a_topic_of_the_table():
    import ast

    from experiments import __main__ as ours
    from tests.processes import ROOT

    paths = sorted(path for path in (ROOT / "experiments").glob("*.py") if not path.stem.startswith("_"))
    topics = {path.stem: ours.topic(path.stem, ast.parse(path.read_text())) for path in paths}
    assert set(topics.values()) == {*ours.TOPICS.values(), ours.OTHERS}
    assert topics["dqn_cartpole"] == "Deep reinforcement learning"
    assert topics["classifier_glyphs"] == "Supervised learning"
    assert [entry.module for entry in menu.entries("experiments", ours.topic)] == [f"experiments.{path.stem}" for path in paths]
