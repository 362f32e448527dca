"""Networks with a memory and the Transformer: sizes, causality, seeds, saved files."""

import keras
import numpy as np
import pytest

from lab.models import memory_network, transformer
from tests.contracts import as_array, raises, save_and_load, uniform

X = uniform(0, 3, 6, 4)
SMALL = {"units": 6, "slots": 5, "width": 3}
NETWORKS = {
    "ntm": lambda seed: memory_network("ntm", 4, 2, read_heads=2, write_heads=2, seed=seed, **SMALL),
    "ntm, dense": lambda seed: memory_network("ntm", 4, 2, controller="dense", seed=seed, **SMALL),
    "dnc": lambda seed: memory_network("dnc", 4, 2, corrections=("masked", "sharpened"), seed=seed, **SMALL),
    "lrua": lambda seed: memory_network("lrua", 4, 2, strength=3.0, seed=seed, **SMALL),
    "transformer": lambda seed: transformer(4, 2, size=8, heads=2, dropout=0.1, seed=seed),
    "transformer, learnt": lambda seed: transformer(4, 2, size=8, heads=2, positions="learnt", longest=6, seed=seed),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_seeds_files_and_causality(name):
    network, again, other = NETWORKS[name](3), NETWORKS[name](3), NETWORKS[name](4)
    answers = as_array(network(X))
    assert answers.shape == (3, 6, 2) and answers.dtype == "float32"
    np.testing.assert_array_equal(answers, as_array(again(X)))
    assert np.abs(answers - as_array(other(X))).max() > 1e-4
    np.testing.assert_array_equal(answers, as_array(save_and_load(network)(X)))
    changed = X.copy()
    changed[:, 4:] += 1
    later = np.abs(as_array(network(changed)) - answers).max(axis=(0, 2))
    assert later[:4].max() < 1e-6 < 1e-4 < later[4:].min()


def test_sizes():
    # An LSTM of 6 units sees 4 inputs and 3 numbers read; the interface of two heads of an NTM has
    # 2 (3 + 1 + 1 + 3 + 1) numbers and 6 to erase and add.
    ntm = memory_network("ntm", 4, 2, seed=0, **SMALL)
    assert ntm.count_params() == 4 * 6 * (7 + 6 + 1) + 7 * (18 + 6) + (6 + 3 + 1) * 2
    size, layers = 8, 2
    block = 4 * size**2 + 2 * 2 * size + size * 4 * size + 4 * size + 4 * size * size + size
    assert (
        transformer(4, 2, size=size, heads=2, seed=0).count_params()
        == (4 + 1) * size + layers * block + 2 * size + (size + 1) * 2
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: memory_network("nmt", 4, 2, seed=0), "cell: expected one of .*nearest: ntm"),
        (lambda: memory_network("dnc", 4, 2, write_heads=2, seed=0), "write_heads: expected 1 for dnc, received 2"),
        (lambda: memory_network("ntm", 4, 2, strength=2.0, seed=0), "strength: expected 1 for ntm, received 2.0"),
        (
            lambda: memory_network("ntm", 4, 2, corrections=("masked",), seed=0),
            "corrections: expected none for ntm, received masked",
        ),
        (lambda: memory_network("ntm", 0, 2, seed=0), "features: expected an integer >= 1, received 0"),
        (lambda: memory_network("ntm", 4, 2, units=2.5, seed=0), "units: expected an integer >= 1, received 2.5"),
        (lambda: memory_network("lrua", 4, 2, strength=float("inf"), seed=0), "strength: expected .*received inf"),
        (lambda: memory_network("dnc", 4, 2, corrections=("maskd",), seed=0), "corrections: .*nearest: masked"),
        (lambda: memory_network("ntm", 4, 2, controller="gru", seed=0), "controller: expected one of lstm, dense"),
        (lambda: transformer(4, 2, positions="sine", seed=0), "positions: expected one of rotary, learnt"),
        (lambda: transformer(4, 2, layers=0, seed=0), "layers: expected"),
    ],
)
def test_bad_input_is_named(make, words):
    with raises(words):
        make()


@pytest.mark.long
def test_a_memory_learns_where_the_dense_controller_alone_cannot():
    """The first step's bit is due at the last. The dense controller has no state of its own."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = np.zeros((512, 4, 2), "float32")
    x[:, 0, 0] = rng.integers(0, 2, 512)
    x[:, 3, 1] = 1
    network = memory_network("ntm", 2, 1, controller="dense", units=16, slots=4, width=4, seed=0)
    last = keras.Model(network.inputs, network.outputs[0][:, -1])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    last.compile(keras.optimizers.Adam(0.02), loss, metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)], jit_compile=True)
    history = last.fit(x, x[:, 0, :1], batch_size=32, epochs=6, verbose=0)
    assert history.history["binary_accuracy"][-1] > 0.95
