"""What can be logged, and what a line of the journal says."""

import numpy as np
import pytest

from lab.errors import EventError
from lab.runs import events
from lab.runs.journal import Journal
from lab.runs.run_folder import RunFolder

HEADER = {"experiment": "toy", "seed": 1}


@pytest.mark.parametrize("name", ["loss", "a/b.c-d:e f_1", "ä", ".hidden", "x" * 250])
def test_names_that_mlflow_takes(name):
    events.require_name(name)


@pytest.mark.parametrize("name", ["accuracy %", "Q(s,a)", "x" * 251, "", "a//b", "/a", "a/", "..", ".", "../a", "a\n", 3, None])
def test_names_that_mlflow_refuses_are_refused_when_logged(name):
    log = Journal(RunFolder.create(HEADER))
    with pytest.raises(EventError, match=r"^name of a metric or tag: expected 1 to 250 letters, .*received ") as refused:
        log.metrics({"loss": 1.0, name: 2.0}, 1)
    assert str(refused.value).endswith(repr(name))
    assert log.folder.metrics() == {}  # not half of it either


@pytest.mark.parametrize("value", ["3", b"3", None, [1.0, 2.0], 1j, 10**400])
def test_metrics_that_are_no_numbers_are_named(value):
    log = Journal(RunFolder.create(HEADER))
    with pytest.raises(EventError, match=r"^metric 'loss': expected a number, received "):
        log.metrics({"loss": value}, 1)


@pytest.mark.parametrize("step", [1.0, "1", None, 2**63, -(2**63) - 1, np.float32(1)])
def test_steps_that_are_no_integers_are_named(step):
    log = Journal(RunFolder.create(HEADER))
    with pytest.raises(EventError, match=r"^step: expected an integer of 64 bits, received "):
        log.metrics({"loss": 1.0}, step)


def test_numpys_numbers_are_numbers():
    log = Journal(RunFolder.create(HEADER))
    log.metrics({"a": np.float32(0.5), "b": np.array(2), "c": np.bool_(True), "d": np.int8(-1)}, np.int64(3))
    log.append({"model": "model.keras", "step": np.int64(3), "shape": np.arange(2), "share": np.float32(0.5)})
    assert log.folder.metrics() == {"a": [(3, 0.5)], "b": [(3, 2.0)], "c": [(3, 1.0)], "d": [(3, -1.0)]}
    event = log.folder.events()[0][-1]
    assert (event["step"], event["shape"], event["share"]) == (3, [0, 1], 0.5)
    with pytest.raises(EventError, match=r"^event: expected text, numbers, lists and dicts, received <object"):
        log.append({"tags": object()})


def test_numbers_that_are_not_finite_come_back():
    log = Journal(RunFolder.create(HEADER))
    log.metrics({"a": np.nan, "b": np.inf, "c": -np.inf}, 1)
    values = [value for ((_, value),) in log.folder.metrics().values()]
    np.testing.assert_array_equal(values, [np.nan, np.inf, -np.inf])


def test_any_flipped_bit_of_a_line_is_found_or_changes_nothing():
    event = {"metrics": {"loss": 1.5, "crc": 2.0}, "step": 7}
    line = events.encode(event)
    assert events.decode(line) | event == events.decode(line) == event
    found = 0
    for position in range(len(line) - 1):
        for bit in range(8):
            other = events.decode(line[:position] + bytes([line[position] ^ 1 << bit]) + line[position + 1 :])
            found += other is None
            assert other is None or {key: other[key] for key in event} == event
    assert found > 0.85 * 8 * len(line)
