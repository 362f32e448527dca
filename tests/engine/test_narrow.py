import numpy as np
import pytest

from lab import engine


@pytest.mark.parametrize(
    ("value", "dtype", "received"),
    [
        (np.array([0, 2**31]), "int32", "2147483648"),
        (np.array([-(2**31) - 1]), "int32", "-2147483649"),
        (np.array([2**32], np.uint64), "uint32", "4294967296"),
        (np.array([np.nan, -1e39]), "float32", "-1e[+]39"),
        (np.array(1_700_000_000_000), "int32", "1700000000000"),
    ],
)
def test_numbers_that_32_bits_cannot_hold_are_named(value, dtype, received):
    def double(x):
        return x["part"] + x["part"]

    program = engine.compile(double, [])
    with pytest.raises(ValueError, match=rf"program .*double.*: expected numbers that fit {dtype}, received {received}"):
        program({"part": value})


def test_numbers_at_the_end_of_32_bits_arrive():
    program = engine.compile(lambda *xs: xs, [])
    given = np.array([2**31 - 1, -(2**31)]), np.array([2**32 - 1], np.uint64), np.array([np.inf, np.nan, 3.4e38])
    for value, arrived in zip(given, program(*given), strict=True):
        np.testing.assert_allclose(np.asarray(arrived).astype(value.dtype), value, rtol=1e-6)
