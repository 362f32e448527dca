"""What the layers compute: by hand, against NumPy, and by what must not change."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import signal

from lab import engine, layers
from tests.contracts import as_array, raises, uniform


def weights_of(layer):
    """{name: array} of a built layer's weights."""
    return {weight.name: as_array(weight) for weight in layer.weights}


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
def test_mirror_padding_is_numpys(mode):
    for make, x, width in (
        (layers.MirrorPadding1D, uniform(0, 2, 6, 3), ((2, 1),)),
        (layers.MirrorPadding2D, uniform(1, 2, 5, 6, 3), ((1, 2), (3, 0))),
        (layers.MirrorPadding3D, uniform(2, 2, 4, 4, 4, 2), ((1, 1), (2, 0), (0, 3))),
    ):
        got = as_array(make(width, mode)(x))
        np.testing.assert_array_equal(got, np.pad(x, ((0, 0), *width, (0, 0)), mode=mode))
    first = layers.MirrorPadding2D(1, mode, data_format="channels_first")(uniform(3, 2, 3, 5, 6))
    np.testing.assert_array_equal(as_array(first), np.pad(uniform(3, 2, 3, 5, 6), ((0, 0), (0, 0), (1, 1), (1, 1)), mode=mode))


def test_convolution_flips_the_kernel():
    line = np.array([1.0, 2.0, 0.0, 3.0], "float32")
    layer = layers.Convolution1D(1, 3, padding="same", use_bias=False)
    layer.build((None, 4, 1))
    layer.kernel.assign(np.array([1.0, 0.0, -1.0], "float32").reshape(3, 1, 1))
    np.testing.assert_allclose(as_array(layer(line.reshape(1, 4, 1))).ravel(), [2, -1, 1, 0])  # x[t+1] - x[t-1]
    causal = layers.Convolution1D(1, 3, padding="causal", dilation_rate=2, bias_initializer="ones", activation="relu")
    causal.build((None, 4, 1))
    causal.kernel.assign(np.array([1.0, -2.0, 0.0], "float32").reshape(3, 1, 1))
    got = as_array(causal(line.reshape(1, 4, 1))).ravel()
    np.testing.assert_allclose(got, [2, 3, 0, 0])  # max(0, 1 + x[t] - 2 x[t-2])
    x, kernel = uniform(0, 7, 8), uniform(1, 3, 4)
    layer = layers.Convolution2D(1, (3, 4), use_bias=False)
    layer.build((None, 7, 8, 1))
    layer.kernel.assign(kernel[:, :, None, None])
    got = as_array(layer(x[None, :, :, None]))[0, :, :, 0]
    np.testing.assert_allclose(got, signal.convolve2d(x, kernel, mode="valid"), atol=1e-6)
    volume, kernel = uniform(2, 4, 5, 6), uniform(3, 2, 3, 2)
    layer = layers.Convolution3D(1, (2, 3, 2), use_bias=False)
    layer.build((None, 4, 5, 6, 1))
    layer.kernel.assign(kernel[..., None, None])
    got = as_array(layer(volume[None, ..., None]))[0, ..., 0]
    np.testing.assert_allclose(got, signal.convolve(volume, kernel, mode="valid"), atol=1e-5)


def test_pixel_normalization_by_hand():
    got = as_array(layers.PixelNormalization()(np.array([[3.0, 4.0], [0.0, 0.0]], "float32")))
    np.testing.assert_allclose(got, [[3 / 12.5**0.5, 4 / 12.5**0.5], [0, 0]], rtol=1e-6)


def test_adaptive_instance_normalization():
    x, style = uniform(0, 3, 5, 4, 2), uniform(1, 3, 6)
    layer = layers.AdaptiveInstanceNormalization()
    plain = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    np.testing.assert_allclose(as_array(layer([x, style])), plain, atol=1e-5)
    kernel = uniform(2, 6, 4)
    layer.affine.kernel.assign(kernel)
    affine = (style @ kernel)[:, None, None]
    np.testing.assert_allclose(as_array(layer([x, style])), (1 + affine[..., :2]) * plain + affine[..., 2:], atol=1e-5)


def test_conditional_batch_normalization():
    x, labels = uniform(0, 6, 3, 3, 2) + 1.0, np.array([0, 1, 2, 0, 1, 2])
    layer = layers.ConditionalBatchNormalization(3, momentum=0.0)
    layer.build([x.shape, labels.shape])
    gamma, beta = uniform(1, 3, 2), uniform(2, 3, 2)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    plain = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-3)
    expected = gamma[labels][:, None, None] * plain + beta[labels][:, None, None]
    np.testing.assert_allclose(as_array(layer([x, labels], training=True)), expected, atol=1e-5)
    np.testing.assert_allclose(as_array(layer([x, labels[:, None]], training=False)), expected, atol=1e-5)  # momentum 0


def test_minibatch_standard_deviation():
    x = uniform(0, 6, 2, 3, 4)
    got = as_array(layers.MinibatchStandardDeviation(2, 2)(x))
    np.testing.assert_array_equal(got[..., :4], x)
    for pair in ((0, 3), (1, 4), (2, 5)):  # groups of i mod 3
        for feature in (0, 1):
            deviation = np.sqrt(x[list(pair)][..., 2 * feature : 2 * feature + 2].var(0) + 1e-8).mean()
            np.testing.assert_allclose(got[list(pair)][..., 4 + feature], np.full((2, 2, 3), deviation), rtol=1e-5)
    assert as_array(layers.MinibatchStandardDeviation(4)(x[:1]))[..., -1].max() < 1e-3  # one sample does not vary


def test_equalized_layers_scale_their_weights():
    x = uniform(0, 5, 8)
    dense = layers.EqualizedDense(3, gain=1.5, seed=0)
    got = as_array(dense(x))
    kernel = as_array(dense.kernel)
    np.testing.assert_allclose(got, x @ (kernel * 1.5 / 8**0.5), atol=1e-5)
    assert 0.7 < kernel.std() < 1.3
    picture = uniform(1, 2, 6, 6, 4)
    conv, plain = layers.EqualizedConv2D(3, 3, gain=1.5), keras.layers.Conv2D(3, 3)
    got = as_array(conv(picture))
    plain.build(picture.shape)
    plain.kernel.assign(as_array(conv.kernel) * 1.5 / 36**0.5)
    np.testing.assert_allclose(got, as_array(plain(picture)), atol=1e-5)


def test_self_attention():
    x = uniform(0, 2, 3, 2, 4)
    layer = layers.SelfAttention2D(2)
    np.testing.assert_array_equal(as_array(layer(x)), x)  # gamma = 0
    layer.gamma.assign(0.5)
    flat = x.reshape(2, 6, 4)
    q, k, v = (flat @ as_array(each.kernel) for each in (layer.query, layer.key, layer.value))
    scores = np.exp(q @ k.transpose(0, 2, 1))
    seen = (scores / scores.sum(-1, keepdims=True)) @ v @ as_array(layer.output_map.kernel)
    np.testing.assert_allclose(as_array(layer(x)), x + 0.5 * seen.reshape(x.shape), atol=1e-5)


def test_projection_head():
    x, labels = uniform(0, 4, 3), np.array([0, 1, 1, 2])
    layer = layers.ProjectionHead(3)
    got = as_array(layer([x, labels]))
    expected = x @ as_array(layer.kernel) + (x * as_array(layer.embeddings)[labels]).sum(1, keepdims=True)
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_maxout_is_the_greatest_of_its_pieces():
    x = uniform(0, 4, 3)
    layer = layers.Maxout(2, 3)
    got = as_array(layer(x))
    pieces = x @ as_array(layer.pieces.kernel)
    np.testing.assert_allclose(got, pieces.reshape(4, 2, 3).max(-1), atol=1e-6)


def test_noisy_dense():
    x = uniform(0, 4, 9)
    layer = layers.NoisyDense(5, sigma=0.6, seed=1)
    mean = as_array(layer(x, training=False))
    np.testing.assert_allclose(mean, x @ as_array(layer.kernel) + as_array(layer.bias), atol=1e-6)
    np.testing.assert_allclose(as_array(layer.kernel_sigma), 0.2, rtol=1e-6)  # sigma_0 / sqrt(9)
    assert np.abs(as_array(layer.kernel)).max() <= 1 / 3
    first, second = (as_array(layer(np.eye(9, dtype="float32"), training=True)) for _ in range(2))
    assert np.any(first != second)
    noise = first - as_array(layer(np.eye(9, dtype="float32"), training=False))  # .2 (g_in g_out^T + g_out)
    singular = np.linalg.svd(noise, compute_uv=False)
    assert singular[1] < 1e-5 * singular[0]  # one product of two vectors
    many = np.stack([as_array(layer(x, training=True)) for _ in range(400)])
    spread = 4 * many.std(0) / 400**0.5
    assert (np.abs(many.mean(0) - mean) < spread).mean() > 0.95
    again = layers.NoisyDense(5, sigma=0.6, seed=1)
    again(x, training=False)
    np.testing.assert_array_equal(as_array(again(np.eye(9, dtype="float32"), training=True)), first)


def test_heads():
    x = uniform(0, 4, 6)
    dueling = layers.DuelingHead(3)
    got = as_array(dueling(x))
    np.testing.assert_allclose(got.mean(-1), as_array(dueling.value(x))[:, 0], atol=1e-6)  # advantages cancel
    advantage = as_array(dueling.advantage(x))
    np.testing.assert_allclose(got - got.mean(-1, keepdims=True), advantage - advantage.mean(-1, keepdims=True), atol=1e-6)
    quantiles = layers.QuantileHead(3, 5)
    assert quantiles(x).shape == (4, 3, 5)
    np.testing.assert_array_equal(as_array(quantiles(x)).reshape(4, 15), as_array(quantiles.values(x)))
    gaussian = layers.GaussianHead(2, limits=(-1.0, 0.5))
    mean, scale = (as_array(value) for value in gaussian(100 * x))
    assert scale.min() >= np.exp(-1) - 1e-6
    assert scale.max() <= np.exp(0.5) + 1e-6
    np.testing.assert_allclose(as_array(layers.GaussianHead(2, state_dependent=False)(x)[1]), np.ones((4, 2)))
    assert mean.shape == (4, 2)


def test_running_normalization_joins_batches_exactly():
    data = uniform(0, 60, 3) * [1, 10, 100] + [0, 5, -300]
    data = data.astype("float32")
    layer = layers.RunningNormalization(clip=None)
    np.testing.assert_allclose(as_array(layer(data, training=False)), data, rtol=1e-6)
    start = 0
    for size in (1, 9, 30, 20):
        layer(data[start : start + size], training=True)
        start += size
    np.testing.assert_allclose(as_array(layer.mean), data.mean(0), rtol=1e-5)
    np.testing.assert_allclose(as_array(layer.variance()), data.var(0), rtol=1e-4)
    assert float(as_array(layer.count)) == 60
    got = as_array(layer(data, training=False))
    np.testing.assert_allclose(got, (data - data.mean(0)) / data.std(0), atol=1e-3)
    assert float(as_array(layer.count)) == 60
    clipped = as_array(layers.RunningNormalization(clip=0.5)(data, training=False))
    assert np.abs(clipped).max() == 0.5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.MirrorPadding1D(3)(uniform(0, 1, 3, 1)), ["padding: expected at most 2 for an axis of 3", r"\(3, 3\)"]),
        (lambda: layers.MirrorPadding2D(-1), ["padding: expected an integer >= 0", "-1"]),
        (lambda: layers.MirrorPadding2D(1, "edge"), ["mode: expected one of reflect, symmetric, received 'edge'"]),
        (lambda: layers.MirrorPadding2D(1)(uniform(0, 2, 3, 4)), ["ndim=4", "ndim=3"]),
        (lambda: layers.Maxout(0), ["units: expected an integer >= 1, received 0"]),
        (lambda: layers.NoisyDense(2, sigma=-1.0), ["sigma: expected a number >= 0, received -1.0"]),
        (lambda: layers.DuelingHead(1.5), ["actions: expected an integer >= 1, received 1.5"]),
        (lambda: layers.CategoricalHead(2, 1), ["atoms: expected an integer >= 2, received 1"]),
        (lambda: layers.GaussianHead(2, limits=(1.0, 0.0)), ["limits: expected two ascending numbers"]),
        (lambda: layers.RunningNormalization(clip=0.0), ["clip: expected a number > 0 or None, received 0.0"]),
        (lambda: layers.SelfAttention2D(reduction=0), ["reduction: expected an integer >= 1, received 0"]),
        (lambda: layers.ConditionalBatchNormalization(0), ["classes: expected an integer >= 1, received 0"]),
        (lambda: layers.MinibatchStandardDeviation(2, 3)(uniform(0, 4, 2, 2, 4)), ["features: expected a divisor of 4 channels", "3"]),
        (lambda: layers.AdaptiveInstanceNormalization()([uniform(0, 2, 3), uniform(0, 2, 3)]), ["inputs: expected shapes"]),
        (lambda: layers.SpectralNormalization(keras.layers.ReLU())(uniform(0, 2, 3)), ["layer: expected a layer with a kernel, received ReLU"]),
        (lambda: layers.PeepholeLSTMCell(0), ["units: expected an integer >= 1, received 0"]),
        (lambda: layers.ResettableRNN(layers.LayerNormGRUCell(2))([uniform(0, 2, 3), np.zeros(2, bool)]), ["inputs: expected shapes"]),
    ],
)  # fmt: skip
def test_bad_arguments(make, words):
    with raises(words):
        make()


def spectral(kernel, **options):
    def start(shape, dtype=None):
        return ops.convert_to_tensor(kernel, dtype=dtype)

    inner = keras.layers.Dense(kernel.shape[1], use_bias=False, kernel_initializer=start)
    layer = layers.SpectralNormalization(inner, **options)
    layer.build((None, kernel.shape[0]))
    return layer


def normalised(layer, training=False):
    return as_array(layer(np.eye(layer.layer.kernel.shape[0], dtype="float32"), training=training))


def test_spectral_norm_by_hand_and_from_the_start():
    ones = spectral(np.ones((2, 2), "float32"), power_iterations=1)
    np.testing.assert_allclose(normalised(ones), np.full((2, 2), 0.5), atol=1e-6)  # sigma of 2x2 ones is 2
    layer = layers.SpectralNormalization(keras.layers.Conv2D(16, 3))
    x = uniform(0, 1, 6, 6, 8)
    layer(x)
    matrix = as_array(layer.layer.kernel).reshape(-1, 16)
    sigma = np.linalg.svd(matrix, compute_uv=False)[0]
    plain = keras.layers.Conv2D(16, 3)
    plain.build(x.shape)
    plain.kernel.assign(as_array(layer.layer.kernel) / sigma)
    np.testing.assert_allclose(as_array(layer(x)), as_array(plain(x)), atol=1e-5)  # exact before any training


def test_spectral_norm_follows_a_kernel_that_trains():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(30, 20)).astype("float32")
    layer = spectral(kernel)
    for _ in range(50):
        kernel = kernel + 0.01 * rng.normal(size=kernel.shape).astype("float32")
        layer.layer.kernel.assign(kernel)
        weights = normalised(layer, training=True)
    assert abs(np.linalg.svd(weights, compute_uv=False)[0] - 1) < 1e-3
    np.testing.assert_array_equal(as_array(layer.layer.kernel), kernel)  # never overwritten
    new = spectral(kernel, power_iterations=30)
    new.layer.kernel.assign(rng.normal(size=(30, 20)))
    assert abs(np.linalg.svd(normalised(new), compute_uv=False)[0] - 1) < 1e-3  # another kernel, 30 iterations


def test_three_calls_in_one_step_are_as_one():
    kernel = uniform(0, 12, 8)
    once, thrice = spectral(kernel), spectral(kernel)
    for step in range(3):
        for layer, calls in ((once, 1), (thrice, 3)):
            layer.layer.kernel.assign(kernel + 0.1 * step * uniform(step, 12, 8))
            for _ in range(calls):
                last = normalised(layer, training=True)
            if calls == 1:
                expected = last
        np.testing.assert_array_equal(last, expected)
    for name in ("u", "v", "seen"):
        np.testing.assert_array_equal(weights_of(once)[name], weights_of(thrice)[name])


def test_the_gradient_flows_through_sigma():
    kernel, x, w = uniform(0, 5, 4), uniform(1, 3, 5), uniform(2, 3, 4)
    layer = spectral(kernel)

    def value(kernel):
        return float(np.sum(w * (x @ (kernel / np.linalg.svd(kernel, compute_uv=False)[0]))))

    _, (gradient,) = engine.value_and_grad(
        lambda: (ops.sum(ops.multiply(w, layer(x, training=False))), ()), [layer.layer.kernel]
    )()
    numeric = np.zeros_like(kernel, float)
    for index in np.ndindex(*kernel.shape):
        step = np.zeros_like(kernel, float)
        step[index] = 1e-5
        numeric[index] = (value(kernel.astype(float) + step) - value(kernel.astype(float) - step)) / 2e-5
    np.testing.assert_allclose(as_array(gradient), numeric, atol=1e-5)


def sigma(x):
    return 1 / (1 + np.exp(-x))


def norm(x, layer):
    gamma, beta = as_array(layer.gamma), as_array(layer.beta)
    return gamma * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) + beta


def test_cells_are_the_papers():
    x, h, c = uniform(0, 3, 4), uniform(1, 3, 5), uniform(2, 3, 5)
    cell = layers.PeepholeLSTMCell(5, seed=0)
    cell.build((3, 4))
    cell.peepholes.assign(uniform(3, 3, 5))
    p_i, p_f, p_o = as_array(cell.peepholes)
    i, f, g, o = np.split(x @ as_array(cell.kernel) + h @ as_array(cell.recurrent_kernel) + as_array(cell.bias), 4, axis=-1)
    new_c = sigma(f + p_f * c) * c + sigma(i + p_i * c) * np.tanh(g)
    expected = sigma(o + p_o * new_c) * np.tanh(new_c)
    got, states = cell(x, [h, c])
    np.testing.assert_allclose(as_array(got), expected, atol=1e-6)
    np.testing.assert_allclose(as_array(states[1]), new_c, atol=1e-6)

    cell = layers.LayerNormLSTMCell(5, seed=0)
    cell.build((3, 4))
    total = norm(h @ as_array(cell.recurrent_kernel), cell.recurrent_norm) + norm(x @ as_array(cell.kernel), cell.input_norm)
    f, i, o, g = np.split(total + as_array(cell.bias), 4, axis=-1)
    new_c = sigma(f) * c + sigma(i) * np.tanh(g)
    got, states = cell(x, [h, c])
    np.testing.assert_allclose(as_array(got), sigma(o) * np.tanh(norm(new_c, cell.cell_norm)), atol=1e-5)
    np.testing.assert_allclose(as_array(states[1]), new_c, atol=1e-5)

    cell = layers.LayerNormGRUCell(5, seed=0)
    cell.build((3, 4))
    wx, uh = x @ as_array(cell.kernel), h @ as_array(cell.recurrent_kernel)
    z, r = np.split(sigma(norm(uh[:, :10], cell.recurrent_gate_norm) + norm(wx[:, :10], cell.input_gate_norm)), 2, axis=-1)
    candidate = norm(wx[:, 10:], cell.input_candidate_norm) + r * norm(uh[:, 10:], cell.recurrent_candidate_norm)
    got, _ = cell(x, [h])
    np.testing.assert_allclose(as_array(got), (1 - z) * h + z * np.tanh(candidate), atol=1e-5)


def test_without_peepholes_the_cell_is_kerass():
    cell, theirs = layers.PeepholeLSTMCell(5, seed=0), keras.layers.LSTMCell(5)
    cell.build((3, 4))
    theirs.build((3, 4))
    order = np.concatenate([np.arange(5) + 5 * block for block in (0, 1, 2, 3)])  # both are i, f, g, o
    theirs.set_weights([as_array(weight)[..., order] for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)])
    x, h, c = uniform(0, 3, 4), uniform(1, 3, 5), uniform(2, 3, 5)
    np.testing.assert_allclose(as_array(cell(x, [h, c])[0]), as_array(theirs(x, [h, c])[0]), atol=1e-6)


def test_resettable_rnn_forgets_where_an_episode_starts():
    x = uniform(0, 2, 6, 3)
    starts = np.zeros((2, 6), bool)
    starts[0, 3] = True
    layer = layers.ResettableRNN(keras.layers.LSTMCell(4), return_state=True)
    outputs, h, c = (as_array(value) for value in layer([x, starts]))
    whole, *_ = layer([x, np.zeros((2, 6), bool)])
    alone, last_h, last_c = (as_array(value) for value in layer([x[:1, 3:], np.zeros((1, 3), bool)]))
    np.testing.assert_allclose(outputs[0, 3:], alone[0], atol=1e-6)
    np.testing.assert_allclose((h[0], c[0]), (last_h[0], last_c[0]), atol=1e-6)
    np.testing.assert_allclose(outputs[1], as_array(whole)[1], atol=1e-6)
    assert np.abs(outputs[0, 3:] - as_array(whole)[0, 3:]).max() > 1e-3
    first, *states = layer([x[:, :2], starts[:, :2]])
    second, *_ = layer([x[:, 2:], starts[:, 2:]], initial_state=states)
    np.testing.assert_allclose(np.concatenate([as_array(first), as_array(second)], axis=1), outputs, atol=1e-6)

    def loss(x):
        return ops.sum(layer([x, starts])[0][:, -1]), ()

    _, gradient = engine.value_and_grad(loss)(ops.convert_to_tensor(x))
    assert np.all(as_array(gradient)[0, :3] == 0)
    assert np.all(np.any(as_array(gradient)[1] != 0, axis=-1))


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="programs are for TensorFlow and JAX")
def test_an_unrolled_resettable_rnn_learns_in_a_compiled_program():
    x, starts = uniform(0, 2, 6, 3), np.zeros((2, 6), bool)
    layer, rolled = (layers.ResettableRNN(layers.LayerNormGRUCell(4, seed=0), unroll=unroll) for unroll in (True, False))
    np.testing.assert_allclose(as_array(layer([x, starts])), as_array(rolled([x, starts])), atol=1e-6)
    gradient = engine.value_and_grad(lambda: (ops.sum(ops.square(layer([x, starts]))), ()), layer.trainable_variables)

    def step(_):
        (value, _), slopes = gradient()
        for variable, slope in zip(layer.trainable_variables, slopes, strict=True):
            variable.assign_sub(0.001 * slope)
        return value

    values = as_array(engine.compile(lambda: engine.scan(step, layer.variables, length=3), layer.variables)())
    assert (np.diff(values) < 0).all()
