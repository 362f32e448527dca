import hashlib

import numpy as np

from lab.data.text import buckets, held_out
from lab.engine.seeds import generator, sequence


def test_a_stream_is_the_hash_of_its_name_and_numbers():
    digest = int.from_bytes(hashlib.sha256(b"order:7:0").digest(), "little")
    assert sequence("order", 7, 0).entropy == digest
    assert generator("order", 7, 0).integers(2**62) == np.random.default_rng(digest).integers(2**62)


def test_streams_that_numpy_takes_for_one_differ():
    pairs = [((7,), (7, 0)), ((2**32,), (0, 1)), ((0,), ())]
    assert np.random.default_rng([7]).integers(2**62) == np.random.default_rng([7, 0]).integers(2**62)
    assert np.random.default_rng([2**32]).integers(2**62) == np.random.default_rng([0, 1]).integers(2**62)
    for one, other in pairs:
        assert generator("order", *one).integers(2**62) != generator("order", *other).integers(2**62)
    assert generator("order", 7).integers(2**62) != generator("split", 7).integers(2**62)
    assert generator("a", 1).integers(2**62) == generator("a", np.int64(1)).integers(2**62)


def test_the_first_epoch_is_not_ordered_as_the_split_was():
    lengths, names = np.ones(40, int), [str(i) for i in range(40)]
    [batch] = buckets(lengths, 40, seed=3, epoch=0, pool=1)
    order = np.random.default_rng(3).permutation(40)
    assert sorted(order[:20]) == sorted(map(int, held_out(names, 0.5, seed=3)[1]))
    assert batch.tolist() != order.tolist()
