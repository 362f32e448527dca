"""The settings that a sweep tries: what each word means, and what is refused."""

import pytest

from lab.runs import space
from lab.runs.header import Options
from lab.runs.space import Choices, Range
from tests.runs.bowl import Config


def parse(*words, config=None):
    return space.parse(words, config or Config())


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("rate=0.5,2", Choices((0.5, 2.0))),
        ("size=16,32,64", Choices((16, 32, 64))),
        ("wide=true,false", Choices((True, False))),
        ("hidden=8 8,16", Choices(((8, 8), (16,)))),
        ("word=a,b", Choices(("a", "b"))),
        ("word=a:b,c", Choices(("a:b", "c"))),
        ("limit=None,0.5", Choices((None, 0.5))),
        ("rate=0.5:2", Range(0.5, 2.0, False, False, None)),
        ("limit=0:1", Range(0.0, 1.0, False, False, None)),
        ("rate=1:2:0.25", Range(1.0, 2.0, False, False, 0.25)),
        ("rate=log:1e-3:10", Range(0.001, 10.0, False, True, None)),
        ("size=1:64", Range(1, 64, True, False, None)),
        ("size=log:1:64", Range(1, 64, True, True, None)),
        ("size=2:12:5", Range(2, 12, True, False, 5)),
    ],
)
def test_each_form_of_a_word(word, expected):
    found = parse(word)
    (dimension,) = found.dimensions.values()
    assert dimension == expected
    assert [type(each) for each in dimension] == [type(each) for each in expected]
    assert found.config == Config()


def test_one_value_is_the_same_in_every_trial():
    found = parse("steps=7", "size=16,32", "word=x", "hidden=1 2 3", "wide=true")
    assert found.config == Config(steps=7, word="x", hidden=(1, 2, 3), wide=True)
    assert list(found.dimensions) == ["size"]
    assert found.configured({"size": 16}) == Config(steps=7, word="x", hidden=(1, 2, 3), wide=True, size=16)


def test_a_dash_is_an_underscore():
    found = space.parse(["cores-per-job=1,2"], Options())
    assert found.dimensions == {"cores_per_job": Choices((1, 2))}
    with pytest.raises(ValueError, match=r"^cores_per_job: expected one value, list or range, received 1,2 and 3$"):
        space.parse(["cores-per-job=1,2", "cores-per-job=3"], Options())


def test_points_of_ranges():
    assert Range(0.05, 0.95, False, False, 0.1).points() == (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95)
    assert Range(2, 13, True, False, 5).points() == (2, 7, 12)
    assert [type(each) for each in Range(2, 13, True, False, 5).points()] == [int, int, int]
    assert Range(2, 13, True, False, None).points() is None
    assert Choices((3, 1)).points() == (3, 1)


@pytest.mark.parametrize(
    ("dimension", "inside", "outside"),
    [
        (Range(1.0, 2.0, False, False, None), [1.0, 1.5, 2], [0.99, 2.01, "1", None, True]),
        (Range(1.0, 2.0, False, False, 0.25), [1.0, 1.25, 2.0], [1.1]),
        (Range(2, 13, True, False, 5), [2, 7, 12], [13, 3]),
        (Choices(((8, 8), (16,))), [(8, 8), (16,)], [(8,), 16]),
    ],
)
def test_what_is_in_a_dimension(dimension, inside, outside):
    assert [value in dimension for value in inside] == [True] * len(inside)
    assert [value in dimension for value in outside] == [False] * len(outside)


def test_a_grid_changes_the_last_dimension_first():
    found = parse("size=32,16", "rate=1:2:0.5", "hidden=8 8,16")
    points = found.grid()
    assert points[:3] == [
        {"size": 32, "rate": 1.0, "hidden": "8 8"},
        {"size": 32, "rate": 1.0, "hidden": "16"},
        {"size": 32, "rate": 1.5, "hidden": "8 8"},
    ]
    assert points[-1] == {"size": 16, "rate": 2.0, "hidden": "16"}
    assert len(points) == 12
    assert found.configured(points[0]) == Config(size=32, rate=1.0, hidden=(8, 8))
    with pytest.raises(ValueError, match=r"^rate: expected a list, or LOW:HIGH:STEP, for a grid, received 1:2$"):
        parse("size=32,16", "rate=1:2").grid()


def test_the_experiments_own_settings():
    assert parse("size=32,64", "rate=0.5:2", "hidden=8,64 64").usual() == {"size": 64, "rate": 1.0, "hidden": "64 64"}
    assert parse("size=32,16", "rate=0.5:2").usual() is None
    assert parse("rate=0.5:2:0.4").usual() is None
    assert parse("wide=true,false").usual() == {"wide": False}
    assert parse("size=32,16", config=Config(size=16)).usual() == {"size": 16}


def test_settings_that_the_config_refuses_together():
    found = parse("size=1:1024", "rate=1:10")
    with pytest.raises(ValueError, match=r"^--size: expected less than 1000 for such a rate, received 1001$"):
        found.configured({"size": 1001, "rate": 9.5})
    assert found.configured({"size": 1001, "rate": 8.5}).size == 1001


NEAREST = "field: expected one of steps, rate, size, wait, wide, hidden, limit, word, fails, received"
STEP = "LOW:HIGH, LOW:HIGH:STEP or log:LOW:HIGH"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["rat=1,2"], f"{NEAREST} 'rat' (nearest: rate, wait)."),
        (["=1,2"], f"{NEAREST} ''."),
        (["size"], "settings: expected field=VALUE, field=A,B or field=LOW:HIGH, received 'size'"),
        (["size="], "settings: expected field=VALUE, field=A,B or field=LOW:HIGH, received 'size='"),
        (["size=1,2", "size=3"], "size: expected one value, list or range, received 1,2 and 3"),
        ([], "settings: expected a list or a range to try, such as learning_rate=log:1e-4:1e-2, received none"),
        (["size=3"], "settings: expected a list or a range to try, such as learning_rate=log:1e-4:1e-2, received size=3"),
        (["rate=2:2"], "rate: expected LOW < HIGH, received 2:2"),
        (["size=3:2"], "size: expected LOW < HIGH, received 3:2"),
        (["rate=log:2:1"], "rate: expected LOW < HIGH, both above 0 for log, received log:2:1"),
        (["wait=log:0:1"], "wait: expected LOW < HIGH, both above 0 for log, received log:0:1"),
        (["rate=1:2:3:4"], f"rate: expected {STEP}, received 1:2:3:4"),
        (["rate=log:1"], f"rate: expected {STEP}, received log:1"),
        (["rate=log:1:4:2"], f"rate: expected {STEP}, received log:1:4:2"),
        (["rate=1:2:0"], "rate: expected a step above 0 and at most 1, received 0"),
        (["rate=1:2:-1"], "rate: expected a step above 0 and at most 1, received -1"),
        (["rate=1:2:1.5"], "rate: expected a step above 0 and at most 1, received 1.5"),
        (["rate=1:2:nan"], "rate: expected a step above 0 and at most 1, received nan"),
        (["size=1:9:inf"], "size: expected a whole step above 0 and at most 8, received inf"),
        (["size=1:9:2.5"], "size: expected a whole step above 0 and at most 8, received 2.5"),
        (["rate=1:2:x"], "rate: expected a number as the step, received x"),
        (["size=16,32,16"], "size: expected values that differ, received 16,32,16"),
        (["rate=1,1.0"], "rate: expected values that differ, received 1,1.0"),
        (["wide=yes,no"], "wide: expected true or false, received yes"),
        (["rate=0:1"], "--rate: expected a number > 0 and <= 10, received 0.0"),
        (["rate=1:11"], "--rate: expected a number > 0 and <= 10, received 11.0"),
        (["rate=nan:1"], "--rate: expected a number > 0 and <= 10, received nan"),
        (["size=76:77"], "--size: expected another number than 77, received 77"),
        (["size=1,77"], "--size: expected another number than 77, received 77"),
        (["size=1,2.5"], "--size: expected int, received '2.5'"),
        (["size=1:x"], "--size: expected int, received 'x'"),
        (["hidden=8,x"], "--hidden: expected tuple[int, ...], received 'x'"),
        (["hidden=64:128"], "--hidden: expected tuple[int, ...], received '64:128'"),
    ],
)
def test_bad_words_are_one_line(words, line):
    with pytest.raises(ValueError) as error:
        parse(*words)
    assert str(error.value) == line
