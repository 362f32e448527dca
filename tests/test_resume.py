"""A run killed with SIGKILL and resumed ends bit for bit like one left alone."""

import keras
import pytest

from benchmarks.kill_and_resume import Run, differences


@pytest.mark.slow
@pytest.mark.parametrize("place", ["host", "device"])
def test_killed_three_times_and_resumed(tmp_path, place):
    arguments = ["--device"] if place == "device" else []
    alone, disturbed = (Run(tmp_path / name, keras.backend.backend(), 5, arguments) for name in ("alone", "disturbed"))
    alone.start()
    alone.finish()
    disturbed.start()
    assert disturbed.kill_before_first_checkpoint()
    disturbed.start()
    disturbed.kill_during_write()
    disturbed.start()
    seen = disturbed.checkpoints()
    disturbed.wait_for(lambda: len(set(disturbed.checkpoints()) - set(seen)) >= 2)
    disturbed.kill()
    disturbed.start()
    disturbed.finish()
    assert differences(alone.state(), disturbed.state()) == []


def test_the_comparison_can_fail(tmp_path):
    import numpy as np

    state = ({"a": np.zeros(2)}, {"step": "1"}, {"loss": [(1, 0.5)]}, {"r": 1.0})
    assert differences(state, state) == []
    assert differences(state, ({"a": np.ones(2)}, *state[1:])) == ["a"]
    assert differences(state, (*state[:2], {"loss": [(1, 0.5), (1, 0.5)]}, state[3])) == ["metric loss"]
    assert differences(state, (*state[:3], {"r": 2.0})) == ["results"]
