"""The parts of the long tests that CI runs in turn."""

import pytest

from tests.__main__ import main
from tests.conftest import in_part

NAMES = [f"tests/runs/test_resume.py::test_{number}[jax]" for number in range(100)]


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_each_test_is_in_one_part(parts):
    counts = [sum(in_part(name, f"{number + 1}/{parts}") for name in NAMES) for number in range(parts)]
    assert sum(counts) == 100 and min(counts) > 70 / parts


@pytest.mark.parametrize("part", ["0/2", "3/2", "half", ""])
def test_a_part_that_is_not_there(part, capsys):
    assert main(["--long", "--part", *([part] if part else [])]) == 2
    assert capsys.readouterr().err == f"--part: expected a part such as 1/2, received '{part}'\n"
