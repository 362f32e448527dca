import errno
import os

import keras
import numpy as np
import pytest

from lab import errors
from lab.runs import checkpoint


def variables(seed=0):
    rng = np.random.default_rng(seed)
    generator = keras.random.SeedGenerator(seed)
    return [
        keras.Variable(rng.normal(size=(3, 4)), dtype="float32", name="weights"),
        keras.Variable(seed, dtype="int32", name="count"),
        keras.Variable(rng.random(5) < 0.5, dtype="bool", name="flags"),
        keras.Variable(rng.normal(size=2), dtype="bfloat16", name="half"),
        generator.state,
    ]


def arrays(state):
    return [np.asarray(v).copy() for v in state]


def assert_equal(state, expected):
    for v, array in zip(state, expected, strict=True):
        assert np.asarray(v).dtype == array.dtype
        np.testing.assert_array_equal(np.asarray(v), array)


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "truncated":
        content = content[: len(content) // 2]
    elif how == "empty":
        content = bytearray()
    else:
        content[{"first byte": 0, "header": 40, "last byte": -1, "middle": len(content) // 2}[how]] ^= 1
    path.write_bytes(bytes(content))


def test_everything_comes_back_bit_for_bit(tmp_path):
    state = variables(3)
    expected = arrays(state)
    checkpoint.save(tmp_path, 120, state, config_digest="abc")
    other = variables(4)
    found = checkpoint.restore(tmp_path, other, config_digest="abc")
    assert (found.step, found.damaged) == (120, [])
    assert_equal(other, expected)


def test_random_numbers_go_on_where_they_were(tmp_path):
    generator = keras.random.SeedGenerator(1)
    keras.random.normal((3,), seed=generator)
    checkpoint.save(tmp_path, 1, [generator.state])
    expected = np.asarray(keras.random.normal((3,), seed=generator))
    other = keras.random.SeedGenerator(99)
    checkpoint.restore(tmp_path, [other.state])
    np.testing.assert_array_equal(keras.random.normal((3,), seed=other), expected)


def test_the_newest_few_are_kept(tmp_path):
    for step in (5, 10, 100, 1000):
        checkpoint.save(tmp_path, step, variables(step))
    assert [path.name for path in sorted(tmp_path.iterdir())] == [f"step-{s:012d}.safetensors" for s in (10, 100, 1000)]
    assert checkpoint.restore(tmp_path, variables()).step == 1000


def test_nothing_saved_is_nothing_restored(tmp_path):
    assert checkpoint.restore(tmp_path / "none", variables()) is None


@pytest.mark.parametrize("how", ["truncated", "empty", "first byte", "header", "middle", "last byte"])
def test_a_damaged_file_falls_back_to_the_one_before_and_says_so(tmp_path, how):
    state = variables(1)
    expected = arrays(state)
    checkpoint.save(tmp_path, 1, state)
    damage(checkpoint.save(tmp_path, 2, variables(2)), how)
    other = variables(3)
    found = checkpoint.restore(tmp_path, other)
    assert found.step == 1
    assert len(found.damaged) == 1
    assert "step-000000000002" in found.damaged[0]
    assert_equal(other, expected)


def test_where_all_are_damaged_the_run_starts_anew(tmp_path):
    damage(checkpoint.save(tmp_path, 2, variables(2)), "middle")
    other = variables(3)
    before = arrays(other)
    found = checkpoint.restore(tmp_path, other)
    assert (found.step, found.path, len(found.damaged)) == (0, None, 1)
    assert_equal(other, before)


def test_another_configuration_is_refused(tmp_path):
    checkpoint.save(tmp_path, 1, variables(), config_digest="one")
    with pytest.raises(errors.CheckpointError, match="expected a checkpoint of configuration two, received one"):
        checkpoint.restore(tmp_path, variables(), config_digest="two")


def test_other_variables_are_refused_and_left_alone(tmp_path):
    checkpoint.save(tmp_path, 1, variables(1))
    with pytest.raises(errors.CheckpointError, match="expected 4 variables, received 5"):
        checkpoint.restore(tmp_path, variables()[:4])
    other = variables(2)
    other[4] = keras.Variable(np.zeros((2, 2)), dtype="float32")
    before = arrays(other)
    with pytest.raises(errors.CheckpointError, match=r"expected .*2, 2.*float32"):
        checkpoint.restore(tmp_path, other)
    assert_equal(other, before)


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    state = variables(1)
    expected = arrays(state)
    checkpoint.save(tmp_path, 1, state)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(tmp_path, 2, variables(2))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000000001.safetensors"]
    other = variables(5)
    assert checkpoint.restore(tmp_path, other).step == 1
    assert_equal(other, expected)


def test_what_a_killed_process_left_is_swept_up(tmp_path):
    (tmp_path / ".step-000000000001.safetensors.partial").write_bytes(b"half")
    checkpoint.save(tmp_path, 2, variables())
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000000002.safetensors"]
