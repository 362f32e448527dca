"""What the layers compute: by hand, against NumPy, and by invariants."""

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


def test_instance_normalization_by_hand():
    x = np.array([[1.0, 5.0], [3.0, 5.0]], "float32").reshape(1, 2, 1, 2)  # channel 0: mean 2, variance 1; channel 1: constant
    layer = layers.InstanceNormalization(epsilon=1e-8)
    np.testing.assert_allclose(as_array(layer(x)).ravel(), [-1, 0, 1, 0], atol=1e-6)
    layer.gamma.assign([3.0, 3.0])
    layer.beta.assign([1.0, -1.0])
    np.testing.assert_allclose(as_array(layer(x)).ravel(), [-2, -1, 4, -1], atol=1e-6)
    pair = np.concatenate([x, uniform(0, 1, 2, 1, 2)])  # another sample in the batch changes nothing
    np.testing.assert_allclose(as_array(layer(pair))[0], as_array(layer(x))[0], atol=1e-6)
    with raises(r"inputs: expected \[B, \*spatial, C\], received \(None, 3\)"):
        layers.InstanceNormalization()(keras.Input((3,)))


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
            expected = np.sqrt(x[list(pair)][..., 2 * feature : 2 * feature + 2].var(0) + 1e-8).mean()
            np.testing.assert_allclose(got[list(pair)][..., 4 + feature], np.full((2, 2, 3), expected), rtol=1e-5)
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


@pytest.mark.slow
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


def test_running_normalization_clips():
    layer = layers.RunningNormalization(clip=0.5)
    x = np.array([[-3.0, 0.25, 2.0]], "float32")
    np.testing.assert_array_equal(as_array(layer(x)), [[-0.5, 0.25, 0.5]])
    _, gradient = engine.value_and_grad(lambda x: (ops.sum(layer(x)), ()))(ops.convert_to_tensor(x))
    np.testing.assert_array_equal(as_array(gradient) != 0, [[False, True, False]])


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
        (lambda: layers.CategoricalValueHead(2, 1), ["atoms: expected an integer >= 2, received 1"]),
        (lambda: layers.GaussianHead(2, limits=(1.0, 0.0)), ["limits: expected two ascending numbers"]),
        (lambda: layers.RunningNormalization(clip=0.0), ["clip: expected a number > 0, received 0.0"]),
        (lambda: layers.SelfAttention2D(reduction=0), ["reduction: expected an integer >= 1, received 0"]),
        (lambda: layers.ConditionalBatchNormalization(0), ["classes: expected an integer >= 1, received 0"]),
        (
            lambda: layers.MinibatchStandardDeviation(2, 3)(uniform(0, 4, 2, 2, 4)),
            ["features: expected a divisor of 4 channels", "3"],
        ),
        (lambda: layers.AdaptiveInstanceNormalization()([uniform(0, 2, 3), uniform(0, 2, 3)]), ["inputs: expected shapes"]),
        (
            lambda: layers.SpectralNormalization(keras.layers.ReLU())(uniform(0, 2, 3)),
            ["layer: expected a layer with a kernel, received ReLU"],
        ),
        (lambda: layers.PeepholeLSTMCell(0), ["units: expected an integer >= 1, received 0"]),
        (
            lambda: layers.ResettableRNN(layers.LayerNormGRUCell(2))([uniform(0, 2, 3), np.zeros(2, bool)]),
            ["inputs: expected shapes"],
        ),
        (lambda: layers.ResettableRNN(keras.layers.GRUCell(2, dropout=0.5)), ["cell: expected dropout 0, received 0.5"]),
        (
            lambda: layers.ResettableRNN(keras.layers.StackedRNNCells([keras.layers.LSTMCell(2, recurrent_dropout=0.1)])),
            ["cell: expected recurrent_dropout 0, received 0.1"],
        ),
    ],
)
def test_bad_arguments(make, words):
    with raises(words):
        make()


def test_local_response_normalization_sums_the_squares_of_neighbours():
    x = np.array([[1.0, 2.0, 3.0, 4.0]], "float32")
    y = as_array(layers.LocalResponseNormalization(3, k=2.0, alpha=0.5, beta=1.0)(x))
    np.testing.assert_allclose(y, [[1 / 4.5, 2 / 9, 3 / 16.5, 4 / 14.5]], rtol=1e-6)  # 1+4, 1+4+9, 4+9+16, 9+16


def test_subsampling_starts_as_a_mean_and_learns_its_coefficient():
    x = uniform(0, 2, 5, 4, 3)
    layer = layers.Subsampling2D(2)
    means = x[:, :4].reshape(2, 2, 2, 2, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(as_array(layer(x)), means, atol=1e-6)
    layer.set_weights([np.array([1.0, 0.5, 0.0]), np.array([0.0, 1.0, 2.0])])
    np.testing.assert_allclose(as_array(layer(x)), means * 4 * [1, 0.5, 0] + [0, 1, 2], rtol=1e-5, atol=1e-6)


def test_a_table_convolution_is_one_with_zeros_where_the_table_has_none():
    table = np.array([[1, 0, 1], [1, 1, 0]])
    layer = layers.TableConvolution2D(table, 3)
    x = uniform(0, 2, 5, 6, 2)
    layer(x)
    kernel = np.zeros((3, 3, 2, 3), "float32")
    kernel[:, :, table.astype(bool)] = as_array(layer.kernel)  # row by row of the table
    np.testing.assert_allclose(as_array(layer(x)), as_array(ops.conv(x, kernel, padding="valid")), atol=1e-6)
    assert layer.count_params() == 9 * 4 + 3
