"""What is shown of a network with a memory is what its cell does."""

import keras
import numpy as np
import pytest
from PIL import Image

from lab import visualize
from lab.models import memory_network
from tests.contracts import as_array, raises, uniform

pytestmark = pytest.mark.usefixtures("module_graphs")
X = uniform(0, 6, 4)
SIZES = {"slots": 5, "width": 3, "units": 6, "seed": 0}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("ntm", ["read 1", "read 2", "write 1"]),
        ("dnc", ["read 1", "read 2", "write"]),
        ("lrua", ["read 1", "read 2"]),
    ],
)
def test_the_trace_is_what_the_network_does(cell, names):
    network = memory_network(cell, 4, 2, read_heads=2, **SIZES)
    traced = visualize.trace(network, X)
    np.testing.assert_allclose(traced["outputs"], as_array(network(X[None]))[0], atol=1e-6)
    weights = visualize.heads(network, traced)
    assert list(weights) == names
    reads = traced["reads"].reshape(6, 2, 3)
    memory = traced["memory"].reshape(6, 5, 3)
    before = np.concatenate([np.full((1, 5, 3), 1e-6), memory[:-1]])
    for head in range(2):
        seen = weights[f"read {head + 1}"]
        assert seen.shape == (6, 5)
        if cell != "dnc":
            np.testing.assert_allclose(seen.sum(-1), 1, atol=1e-5)
        content = memory if cell == "dnc" else before  # a DNC reads after it has written
        np.testing.assert_allclose(reads[:, head], np.einsum("tn,tnw->tw", seen, content), atol=1e-5)


def test_pictures(tmp_path):
    network = memory_network("ntm", 4, 2, **SIZES)
    traced = visualize.trace(network, X)
    weights = visualize.heads(network, traced)
    visualize.save_memory(tmp_path / "m.gif", traced["memory"].reshape(6, 5, 3), weights, scale=2)
    with Image.open(tmp_path / "m.gif") as image:
        assert image.n_frames == 6
        assert image.size == (2 * (2 + 1 + 3), 2 * 5)  # two heads, a gap, the memory
    figure = visualize.weights_figure(X, np.zeros((6, 2)), np.ones((6, 2)), weights)
    assert [axis.get_ylabel().split("\n")[0] for axis in figure.axes[:5]] == [
        "inputs",
        "answers due",
        "answers",
        "read 1",
        "write 1",
    ]


def test_names_are_written_beside_what_is_answered_and_below_the_steps():
    one_hot = np.eye(3)[[0, 2, 1]]
    due = np.where(np.array([0, 0, 1])[:, None] > 0, one_hot, np.nan)
    figure = visualize.weights_figure(one_hot, due, 0.9 * due, {"read": np.full((3, 4), 0.25)}, ["a", "b", "c"])
    beside = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes[:4]]
    assert beside == [["a", "b", "c"], ["b"], ["b"], ["0", "3"]]
    assert [label.get_text() for label in figure.axes[3].get_xticklabels()] == ["a", "c", "b"]


def test_a_network_without_a_memory_is_named():
    inputs = keras.Input((None, 4))
    with raises("network: expected one RNN layer around a cell with a memory, received 0"):
        visualize.trace(keras.Model(inputs, keras.layers.LSTM(2, return_sequences=True)(inputs)), X)
