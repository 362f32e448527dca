"""Spaces: bounds that fit into 32 bits, and actions in the dtype of their space."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete

from lab.agents import UniformReplay
from lab.agents.box import UnitBox
from lab.agents.spaces import as_action, discrete, fitting, overflow
from tests.contracts import raises


@pytest.mark.parametrize(
    ("space", "dtype"),
    [
        (Box(0, 255, (2,), np.uint8), "uint8"),
        (Box(0, 2**31 - 1, (1,), np.int64), "int32"),
        (Box(-np.inf, np.inf, (1,), np.int64), "int32"),
        (Box(0, np.inf, (1,), np.int64), "int32"),
        (Box(0, 2**32 - 1, (1,), np.uint64), "uint32"),
        (Box(-np.inf, 3, (1,), np.float64), "float32"),
        (Box(-np.finfo("float64").max, 3, (1,), np.float64), "float32"),
        (Discrete(3, start=-5), "int32"),
        (MultiDiscrete([3, 2], dtype=np.uint8), "uint8"),
        (MultiBinary(3), "int8"),
    ],
)
def test_numbers_are_kept_in_32_bits_where_their_bounds_fit(space, dtype):
    assert fitting("space", space) == dtype


@pytest.mark.parametrize(
    ("space", "received"),
    [
        (Box(0, 2**31, (1,), np.int64), "int32, -2147483648 to 2147483647, received 0 to 2147483648"),
        (Box(-(2**31) - 1, np.inf, (1,), np.int64), "int32, -2147483648 to 2147483647, received -2147483649 to 0"),
        (Box(0, 2**32, (1,), np.uint64), "uint32, 0 to 4294967295, received 0 to 4294967296"),
        (Box(np.array([0, 0.0]), np.array([1, 1e39]), dtype=np.float64), "float32, .*, received 0.0 to 1e\\+39"),
        (Discrete(2**31 + 1), "int32, .*, received 0 to 2147483648"),
        (Discrete(2, start=2**31 - 1), "int32, .*, received 2147483647 to 2147483648"),
        (MultiDiscrete([2, 2**31 + 1]), "int32, .*, received 0 to 2147483648"),
    ],
)
def test_bounds_that_do_not_fit_are_named(space, received):
    with raises(f"seen: expected bounds that fit {received}"):
        fitting("seen", space)


def test_a_replay_keeps_what_fits_alone():
    big = Box(0, 2**50, (1,), np.int64)
    with raises("observation_space: expected bounds that fit int32"):
        UniformReplay(4, big, Discrete(2), seed=0)
    with raises("action_space: expected bounds that fit int32"):
        UniformReplay(4, Discrete(2), big, seed=0)
    with raises(
        "observation_space: expected Box, Discrete, MultiDiscrete or MultiBinary, received Dict.*; lab.agents.environments.make"
    ):
        UniformReplay(4, Dict(a=Discrete(2)), Discrete(2), seed=0)


def test_action_bounds_that_float32_makes_infinite():
    with raises("action space: expected bounds that fit float32"):
        UnitBox(Box(-1e300, 1e300, (1,), np.float64))


def test_numbers_that_overflow():
    assert overflow(np.array([1, 2**31]), "int32") == 2**31
    assert overflow(np.array([-np.inf, np.nan, 1e39]), "float32") == 1e39
    for values in (np.array([2**31 - 1]), np.array([1.0, np.inf, np.nan]), np.zeros((0, 2))):
        assert overflow(values, {"i": "int32", "f": "float32"}[values.dtype.kind]) is None


def test_actions_take_the_dtype_of_their_space():
    space = MultiDiscrete([3, 2], dtype=np.uint8)
    assert space.contains(as_action(space, [2, 1])) and as_action(space, np.array([[2, 1]])).dtype == np.uint8
    half = Box(-0.3, 0.3, (1,), np.float16)
    assert half.contains(as_action(half, np.array([0.30004], np.float32)))  # rounded, it would be outside
    action = np.array([0.5], np.float32)
    assert as_action(Box(-1, 1, (1,)), action).base is action  # not a copy
    for given in (1, np.int64(1), np.array(1)):
        assert {as_action(Discrete(2), given): "hashable, as FrozenLake wants it"}[1]


def test_discrete_actions_count_from_0():
    assert discrete(Discrete(3)) == 3
    for space in (Discrete(2, start=1), MultiDiscrete([2]), Box(0, 1, (1,))):
        with raises("action space: expected (actions that count from 0|Discrete), received"):
            discrete(space)
