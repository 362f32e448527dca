"""The parts of the long tests that CI runs in turn."""

import pytest

from tests.conftest import in_part

NAMES = [f"tests/runs/test_resume.py::test_{number}[jax]" for number in range(100)]


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_each_test_is_in_one_part(parts):
    counts = [sum(in_part(name, f"{number + 1}/{parts}") for name in NAMES) for number in range(parts)]
    assert sum(counts) == 100 and min(counts) > 70 / parts


@pytest.mark.parametrize("part", ["0/2", "3/2"])
def test_a_part_that_is_not_there(part):
    with pytest.raises(AssertionError, match=f"--part: expected a part such as 1/2, received {part}"):
        in_part(NAMES[0], part)
