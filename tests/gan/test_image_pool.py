"""The law of the pool: a Python list, as in the paper, with the same coins."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.gan import ImagePool
from tests.contracts import raises

pytestmark = pytest.mark.usefixtures("graphs")


def numbered(first, count):
    """Pictures of 1 x 1 pixels whose value is their number."""
    return np.arange(first, first + count, dtype="float32").reshape(count, 1, 1, 1)


def test_a_pool_is_a_list_from_which_older_pictures_are_taken():
    pool = ImagePool(4, (1, 1, 1), seed=3)
    program = engine.compile(pool, pool.variables)
    twin, kept, returned, older = keras.random.SeedGenerator(3), [], [], 0
    for first in range(1, 61, 3):  # 3 does not divide 4: a batch fills the pool and goes on
        shown = ops.convert_to_numpy(program(numbered(first, 3))).ravel().tolist()
        coins = ops.convert_to_numpy(keras.random.uniform((3,), seed=twin))
        places = ops.convert_to_numpy(keras.random.randint((3,), 0, 4, seed=twin))
        expected = []
        for picture, coin, place in zip(range(first, first + 3), coins, places):
            if len(kept) < 4:
                kept.append(picture)
                expected.append(picture)
            elif coin >= 0.5:
                expected.append(kept[place])
                kept[place] = picture
                older += 1
            else:
                expected.append(picture)
        assert shown == expected
        returned += shown
    assert returned[:4] == [1, 2, 3, 4] and 15 < older < 45
    assert ops.convert_to_numpy(pool.pictures).ravel().tolist() == kept
    # The first four are returned at once and stay. All others are returned once or still there.
    assert sorted(returned[4:] + kept) == list(range(1, 61))


def test_a_pool_of_none_shows_new_pictures():
    pool = ImagePool(0, (1, 1, 1), seed=0)
    assert ops.convert_to_numpy(pool(numbered(1, 5))).ravel().tolist() == [1, 2, 3, 4, 5]
    with raises("size: expected an integer >= 0, received -1"):
        ImagePool(-1, (1, 1, 1), seed=0)
