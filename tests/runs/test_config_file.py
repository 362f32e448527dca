"""Settings from a file, by --config."""

import json

import pytest

from lab.runs import planning, sweep_report
from lab.runs.planning import Experiment, from_file, parse
from lab.runs.run_folder import RunFolder
from tests.runs.bowl import Config, run


@pytest.fixture
def bowl(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    return Experiment.of(Config, run, {"steps": 3}, None, None)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "settings.toml"

    def written(text):
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_settings_of_each_type(file):
    path = file('rate = 0.5\nsize = 8\nwide = true\nhidden = [1, 2, 3]\nword = "two words"\nlimit = 1 # a whole one\n')
    found = from_file(Config(steps=7), path)
    assert found == Config(steps=7, rate=0.5, size=8, wide=True, hidden=(1, 2, 3), word="two words", limit=1.0)
    assert [type(found.limit), type(found.hidden), type(found.wide)] == [float, tuple, bool]
    assert from_file(Config(wide=True), file("wide = false")) == Config()
    assert from_file(Config(limit=0.5), file('limit = "None"')) == Config()
    assert from_file(Config(rate=2.0), file("")) == Config(rate=2.0)


def test_flags_win_over_the_file_and_the_file_over_the_smoke_settings(bowl, file):
    path = str(file("rate = 0.5\nsize = 8\nsteps = 9"))
    for words in (["--config", path], [f"--config={path}"]):
        config, options = parse(bowl, [*words, "--size", "16"], None)
        assert config == Config(rate=0.5, size=16, steps=9)
        assert options.config == path
    assert parse(bowl, ["--smoke", "--config", path], None)[0].steps == 9
    assert parse(bowl, ["--smoke"], None)[0].steps == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("rat = 1", "--config: setting of {path}: expected one of steps, rate, size,"),
        ("size = 1.5", "{path}: --size: expected int, received '1.5'"),
        ('size = "x"', "{path}: --size: expected int, received 'x'"),
        ("size = [1, 2]", "{path}: "),
        ("hidden = [1, 2.5]", "{path}: --hidden: expected tuple[int, ...], received "),
        ('wide = "yes"', "{path}: "),
        ("size = true", "{path}: --size: expected int, received nothing"),
        ("rate = 11", "{path}: --rate: expected a number > 0 and <= 10, received 11.0"),
        ("rate = nan", "{path}: --rate: expected a number > 0 and <= 10, received nan"),
        ("size = 77", "{path}: --size: expected another number than 77, received 77"),
        ("[size]\nx = 1", "{path}: "),
        ("rate = 1979-05-27", "{path}: --rate: expected float, received '1979-05-27'"),
        ("rate: 1", "--config: expected a TOML file, received {path}: "),
    ],
)
def test_bad_files_are_one_line(file, text, line):
    path = file(text)
    with pytest.raises(ValueError) as error:
        from_file(Config(), path)
    assert str(error.value).startswith(line.format(path=path))
    assert "\n" not in str(error.value)


def test_an_unknown_setting_has_the_nearest(file):
    with pytest.raises(ValueError, match=r"received 'rat' \(nearest: rate, wait\)\.$"):
        from_file(Config(), file("rat = 1"))


def test_files_that_cannot_be_read_are_one_line(tmp_path):
    (tmp_path / "bytes.toml").write_bytes(b"rate = 1\xff")
    for name, reason in (("none.toml", "No such file"), (".", "Is a directory"), ("bytes.toml", "codec can't decode")):
        with pytest.raises(ValueError, match=rf"^--config: expected a TOML file, received .*: .*{reason}") as error:
            from_file(Config(), tmp_path / name)
        assert "\n" not in str(error.value)


def test_a_run_keeps_the_settings_and_not_the_file(bowl, file):
    plan = planning.plan(bowl, ["--config", str(file("rate = 0.5")), "--tracking-uri", "none"])
    assert plan.config == Config(rate=0.5)
    assert plan.header["config"]["rate"] == 0.5
    assert "config" not in plan.header["options"]
    assert plan.header["command"] == ["python", "-m", "tests.runs.bowl", "--rate", "0.5"]


def test_a_resumed_run_has_the_settings_of_its_start(bowl, file):
    plan = planning.plan(bowl, ["--rate", "0.5", "--hidden", "1", "2", "--tracking-uri", "none"])
    folder = RunFolder.create(json.loads(json.dumps(plan.header)))
    same = ["--resume", folder.name, "--config", str(file("rate = 0.5\nhidden = [1, 2]"))]
    assert parse(bowl, same, folder)[0] == Config(rate=0.5, hidden=(1, 2))
    other = ["--resume", folder.name, "--config", str(file("rate = 0.25"))]
    with pytest.raises(ValueError, match=r"^--resume: expected rate=0.5, with which the run was started, received 0.25$"):
        parse(bowl, other, folder)


class Track:
    """Keeps files."""

    def __init__(self, folder):
        self.artifacts = folder

    def artifact(self, name):
        assert (self.artifacts / name).is_file()


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(rate=1e-05, hidden=(8,), wide=True, limit=0.25),
        Config(word='a "quoted" \\ word', size=16),
        Config(word="Ü 😀 \t", rate=0.1),
    ],
)
def test_what_a_sweep_writes_is_read_back(tmp_path, config):
    from lab.runs.space import Space

    sweep_report.write_settings(Track(tmp_path), config, Space(config, {"size": None, "limit": None}), "best of 3")
    text = (tmp_path / "best.toml").read_text(encoding="utf-8")
    assert text.startswith("# best of 3\n")
    assert f"size = {config.size}\n" in text
    assert from_file(Config(), tmp_path / "best.toml") == config
    assert from_file(Config(limit=1.0, size=5), tmp_path / "best.toml") == config  # the settings that were tried
