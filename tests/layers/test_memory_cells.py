"""Cells with a memory against the papers' equations in NumPy, and at the edges of settings."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.layers import DNCCell, LRUACell, NTMCell
from tests.contracts import as_array, raises, save_and_load, uniform

EPSILON = 1e-6
STEPS = 5
X = uniform(0, 2, STEPS, 4)


def sigma(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def softmax(x):
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def cosine(k, m):
    return k @ m / np.sqrt(k @ k + EPSILON) / np.sqrt(m @ m + EPSILON)


def content(memory, k, beta, mask=None):
    beta = np.asarray(beta).item()
    mask = np.ones(len(k)) if mask is None else mask
    return softmax(np.array([beta * cosine(k * mask, row * mask) for row in memory]))


def sharpen(w, gamma):
    powers = (w + EPSILON) ** np.asarray(gamma).item()
    return powers / powers.sum()


class Oracle:
    """One sequence through a cell whose controller is a tanh layer, in float64."""

    def __init__(self, cell):
        names = ("controller", "interface", "readout")
        self.weights = {name: [as_array(w).astype("float64") for w in getattr(cell, name).get_weights()] for name in names}
        self.cell, self.reads = cell, np.zeros((cell.read_heads, cell.width))

    def run(self, sequence):
        outputs = []
        for x in sequence.astype("float64"):
            h = np.tanh(self.dense("controller", np.concatenate([x, self.reads.ravel()])))
            sent, start = {}, 0
            values = self.dense("interface", h)
            for name, size in self.cell.interface_sizes().items():
                sent[name], start = values[start : start + size], start + size
            self.reads = self.step({name: value.reshape(-1, 1) for name, value in sent.items()})
            outputs.append(self.dense("readout", np.concatenate([h, self.reads.ravel()])))
        return np.array(outputs)

    def dense(self, name, x):
        kernel, bias = self.weights[name]
        return x @ kernel + bias


class NTM(Oracle):
    def __init__(self, cell):
        super().__init__(cell)
        self.memory = np.full((cell.slots, cell.width), 1e-6)
        self.w = np.eye(cell.slots)[[0] * (cell.read_heads + cell.write_heads)]

    def step(self, sent):
        cell, heads = self.cell, self.cell.read_heads + self.cell.write_heads
        keys, shifts = sent["keys"].reshape(heads, -1), sent["shifts"].reshape(heads, -1)
        for h in range(heads):
            w_c = content(self.memory, np.tanh(keys[h]), softplus(sent["strengths"][h]))
            g = sigma(sent["gates"][h].item())
            w_g, s = g * w_c + (1 - g) * self.w[h], softmax(shifts[h])
            moved = [sum(w_g[(i - (j - cell.reach)) % cell.slots] * s[j] for j in range(len(s))) for i in range(cell.slots)]
            self.w[h] = sharpen(np.array(moved), 1 + softplus(sent["powers"][h]))
        reads = self.w[: cell.read_heads] @ self.memory
        erase, add = (sent[name].reshape(cell.write_heads, -1) for name in ("erase", "add"))
        for h, w in enumerate(self.w[cell.read_heads :]):
            self.memory = self.memory * (1 - np.outer(w, sigma(erase[h])))
        for h, w in enumerate(self.w[cell.read_heads :]):
            self.memory = self.memory + np.outer(w, np.tanh(add[h]))
        return reads


class DNC(Oracle):
    def __init__(self, cell):
        super().__init__(cell)
        n = cell.slots
        self.memory, self.links = np.zeros((n, cell.width)), np.zeros((n, n))
        self.used, self.written, self.precedence = np.zeros(n), np.zeros(n), np.zeros(n)
        self.w = np.zeros((cell.read_heads, n))

    def step(self, sent):
        cell, n, reads = self.cell, self.cell.slots, self.cell.read_heads
        keys, strengths = sent["keys"].reshape(reads + 1, -1), 1 + softplus(sent["strengths"]).ravel()
        masks = sigma(sent["masks"].reshape(reads + 1, -1)) if cell.masked else np.ones_like(keys)
        psi = np.prod([1 - sigma(sent["free"][h]) * self.w[h] for h in range(reads)], axis=0)
        self.used = (self.used + self.written - self.used * self.written) * psi
        used, product, allocated = EPSILON + (1 - EPSILON) * self.used, 1.0, np.zeros(n)
        for slot in np.argsort(used, kind="stable"):
            allocated[slot] = (1 - used[slot]) * product
            product *= used[slot]
        c_w = content(self.memory, keys[reads], strengths[reads], masks[reads])
        g_a, g_w = sigma(sent["allocation"]).item(), sigma(sent["writing"]).item()
        self.written = g_w * (g_a * allocated + (1 - g_a) * c_w)
        memory = self.memory * psi[:, None] if cell.erasing else self.memory
        self.memory = memory * (1 - np.outer(self.written, sigma(sent["erase"]))) + np.outer(self.written, sent["add"])
        w_i, w_j = self.written[:, None], self.written[None]
        self.links = (1 - w_i - w_j) * self.links + w_i * self.precedence[None]
        np.fill_diagonal(self.links, 0)
        self.precedence = (1 - self.written.sum()) * self.precedence + self.written
        modes = sent["modes"].reshape(reads, 3)
        for h in range(reads):
            forward, backward = self.links @ self.w[h], self.links.T @ self.w[h]
            if cell.sharpened:
                powers = 1 + softplus(sent["powers"].reshape(reads, 2)[h])
                forward, backward = sharpen(forward, powers[0]), sharpen(backward, powers[1])
            pi = softmax(modes[h])
            self.w[h] = pi[0] * backward + pi[1] * content(self.memory, keys[h], strengths[h], masks[h]) + pi[2] * forward
        return self.w @ self.memory


class LRUA(Oracle):
    def __init__(self, cell):
        super().__init__(cell)
        self.memory = np.full((cell.slots, cell.width), 1e-6)
        self.used, self.w = np.zeros(cell.slots), np.zeros((cell.read_heads, cell.slots))

    def step(self, sent):
        keys = np.tanh(sent["keys"].reshape(self.cell.read_heads, -1))
        unused = np.argsort(self.used, kind="stable")[: self.cell.read_heads]
        w_r = np.array([content(self.memory, k, self.cell.strength) for k in keys])
        reads = w_r @ self.memory
        alpha = sigma(sent["gates"])
        w_w = alpha * self.w + (1 - alpha) * np.eye(self.cell.slots)[unused]
        self.memory[unused] = 0
        self.memory = self.memory + w_w.T @ keys
        self.used = self.cell.decay * self.used + (w_r + w_w).sum(0)
        self.w = w_r
        return reads


CELLS = {
    "NTM": (NTM, lambda **o: NTMCell(3, slots=5, width=2, **o)),
    "NTM with two heads each": (NTM, lambda **o: NTMCell(3, slots=5, width=2, read_heads=2, write_heads=2, reach=2, **o)),
    "DNC": (DNC, lambda **o: DNCCell(3, slots=5, width=2, read_heads=2, **o)),
    "DNC, corrected": (
        DNC,
        lambda **o: DNCCell(3, slots=5, width=2, read_heads=2, masked=True, erasing=True, sharpened=True, **o),
    ),
    "LRUA": (LRUA, lambda **o: LRUACell(3, slots=5, width=2, read_heads=2, **o)),
    "LRUA, strong": (LRUA, lambda **o: LRUACell(3, slots=5, width=2, read_heads=2, strength=7.0, **o)),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_sequence_is_the_papers(name):
    oracle, make = CELLS[name]
    cell = make(controller=keras.layers.Dense(6, "tanh", kernel_initializer=keras.initializers.GlorotUniform(1)), seed=2)
    cell.build((None, 4))
    cell.set_weights([3 * as_array(weight) + 0.1 for weight in cell.get_weights()])  # strong enough to matter
    outputs = as_array(keras.layers.RNN(cell, return_sequences=True)(X))
    for sequence, output in zip(X, outputs):
        np.testing.assert_allclose(output, oracle(cell).run(sequence), atol=2e-5, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("controller", [keras.layers.GRUCell, keras.layers.Dense, None])
@pytest.mark.parametrize("name", CELLS)
def test_any_controller(name, controller):
    cell = CELLS[name][1](controller=controller and controller(6))
    assert keras.layers.RNN(cell)(X).shape == (2, 3)


def test_a_stack_as_a_controller():
    stack = keras.layers.StackedRNNCells([keras.layers.LSTMCell(4), keras.layers.GRUCell(6)])
    model = keras.Sequential([keras.Input((STEPS, 4)), keras.layers.RNN(NTMCell(3, stack, slots=5, width=2))])
    np.testing.assert_array_equal(as_array(model(X)), as_array(save_and_load(model)(X)))


@pytest.mark.slow
@pytest.mark.parametrize("name", CELLS)
def test_masked_steps_change_nothing(name):
    rnn = keras.layers.RNN(CELLS[name][1](seed=1), return_state=True)
    mask = np.array([[True, False, True, True, False], [True] * 5])
    kept = X[:1, [0, 2, 3]]
    for got, expected in zip(rnn(X, mask=mask), rnn(kept), strict=True):
        np.testing.assert_allclose(as_array(got)[:1], as_array(expected), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", CELLS)
def test_a_stateful_layer_goes_on_and_starts_anew(name):
    cell = CELLS[name][1](seed=1)
    whole = as_array(keras.layers.RNN(cell, return_sequences=True)(X))
    rnn = keras.layers.RNN(cell, return_sequences=True, stateful=True)
    for _ in range(2):
        parts = [as_array(rnn(X[:, :2])), as_array(rnn(X[:, 2:]))]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-6)
        rnn.reset_state()  # to zeros, which stand for the start


@pytest.mark.parametrize("name", CELLS)
def test_the_memory_is_addressed_in_float32_under_every_policy(name, monkeypatch):
    cell = CELLS[name][1](controller=keras.layers.Dense(3, dtype="mixed_bfloat16"), dtype="mixed_bfloat16")
    address, seen = cell.address, []

    def noted(sent, states):
        seen.extend([*sent.values(), *states.values()])
        return address(sent, states)

    monkeypatch.setattr(cell, "address", noted)
    output, states = cell(X[:, 0], cell.get_initial_state(2))
    assert {keras.backend.standardize_dtype(each.dtype) for each in seen} == {"float32"}
    assert {keras.backend.standardize_dtype(each.dtype) for each in [output, *states]} == {"bfloat16"}


KINDS = {
    NTMCell: lambda rng: {"read_heads": rng.integers(1, 4), "write_heads": rng.integers(1, 4), "reach": 0},
    DNCCell: lambda rng: (
        {"read_heads": rng.integers(1, 4)} | {name: bool(rng.integers(2)) for name in ("masked", "erasing", "sharpened")}
    ),
    LRUACell: lambda rng: {"read_heads": 1, "decay": rng.choice([0.0, 0.5, 1.0]), "strength": rng.choice([0.0, 1, 1e4])},
}


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="programs are for TensorFlow and JAX")
@pytest.mark.slow
@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_nan_at_the_edge(kind):
    """Random shapes; inputs zero or huge; weights with which every gate is at its bound."""
    rng = np.random.default_rng(0)
    for slots in (1, 2, 7):
        options = {name: value.item() if isinstance(value, np.generic) else value for name, value in KINDS[kind](rng).items()}
        cell = kind(2, keras.layers.Dense(3), slots=slots, width=int(rng.choice([1, 4])), **options)
        cell.build((None, 4))
        rnn = keras.layers.RNN(cell, return_sequences=True, unroll=True)
        scale = keras.Variable(0.0)
        kernel = cell.interface.kernel
        start = as_array(kernel).copy()

        def loss(rnn=rnn, scale=scale):
            return ops.mean(ops.square(rnn(X[:, :3] * scale.value))), ()

        compiled = engine.compile(engine.value_and_grad(loss, cell.trainable_variables), [scale, *cell.variables])
        for _ in range(12):
            size, gain = rng.choice([0, 1e-6, 1, 1e6]), rng.choice([0, 1e-3, 1, 1e3, 1e6])
            scale.assign(size)
            kernel.assign(gain * start * rng.choice([-1, 1], start.shape))
            (value, _), found = compiled()
            assert np.isfinite(as_array(value)), (options, slots, size, gain)
            assert all(np.isfinite(as_array(gradient)).all() for gradient in found), (options, slots, size, gain)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NTMCell(3, slots=2), "slots: expected at least 2 reach .* = 3, received 2"),
        (lambda: LRUACell(3, slots=3, read_heads=4), "slots: expected at least read_heads, 4, received 3"),
        (lambda: LRUACell(3, decay=1.5), "decay: expected"),
        (lambda: LRUACell(3, strength=-1), "strength: expected"),
        (lambda: DNCCell(3, slots=0), "slots: expected"),
        (lambda: LRUACell(3, keras.layers.LSTM(4)), "controller: expected a cell such as LSTMCell, received the layer LSTM"),
        (lambda: NTMCell(3, write_heads=0), "write_heads: expected"),
        (lambda: DNCCell(0), "units: expected"),
    ],
)
def test_settings_that_cannot_be(make, words):
    with raises(words):
        make()
