"""The contract of each kind of component, as one function per kind.

The values that a component computes are tested in its own file.
"""

import inspect
import json
import re
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.losses.elementwise import ElementwiseLoss


def as_array(x):
    return ops.convert_to_numpy(x)


def flat(x):
    return list(x) if isinstance(x, list | tuple) else [x]


def uniform(seed, *shape):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def round_trip(thing, kind):
    """A copy from the JSON configuration. `kind` is the Keras module that serializes it."""
    text = json.dumps(kind.serialize(thing))
    again = kind.deserialize(json.loads(text))
    assert type(again) is type(thing)
    assert json.dumps(kind.serialize(again)) == text
    return again


def save_and_load(model, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return keras.saving.load_model(path, safe_mode=True, **options)


def check_layer(make, *inputs, masking=False, policies=("mixed_float16", "bfloat16"), learns=True, atol=1e-6):
    """The contract of a layer.

    Args:
        make: a function (**options) -> a new layer.
        inputs: arrays `[B, ...]` that the layer takes, B >= 3.
        masking: whether the layer passes masks on.
        policies: dtype policies to test.
        learns: whether all trainable weights have a gradient that is not zero.
        atol: tolerance of copies, saved models and eager calls.
    """
    given = inputs[0] if len(inputs) == 1 else list(inputs)
    layer = make()
    eager = flat(layer(given))
    assert layer.name == make(name=layer.name).name

    symbols = [keras.Input(x.shape[1:], dtype=str(x.dtype)) for x in inputs]
    fresh = make()
    symbolic = fresh(symbols[0] if len(inputs) == 1 else symbols)
    shapes = fresh.compute_output_shape([x.shape for x in inputs] if len(inputs) > 1 else inputs[0].shape)
    shapes = [shapes] if isinstance(shapes[0], int) else shapes
    for symbol, expected, shape in zip(flat(symbolic), eager, shapes, strict=True):
        assert tuple(symbol.shape)[1:] == tuple(expected.shape)[1:]
        assert keras.backend.standardize_dtype(symbol.dtype) == keras.backend.standardize_dtype(expected.dtype)
        assert tuple(shape) == tuple(expected.shape)

    arguments = set(inspect.signature(type(layer).__init__).parameters) - {"self", "args", "kwargs", "options"}
    assert arguments <= set(layer.get_config()), arguments - set(layer.get_config())
    again = round_trip(layer, keras.layers)
    assert again.built
    again.set_weights(layer.get_weights())
    for got, expected in zip(flat(again(given)), eager, strict=True):
        np.testing.assert_allclose(as_array(got), as_array(expected), atol=atol)

    model = keras.Model(symbols[0] if len(inputs) == 1 else symbols, symbolic)
    before = [as_array(x) for x in flat(model(given))]
    loaded = save_and_load(model)
    for got, expected in zip(flat(loaded(given)), before, strict=True):
        np.testing.assert_allclose(as_array(got), expected, atol=atol)
    for size in (1, 2):  # another batch size
        part = [x[:size] for x in inputs]
        assert flat(model(part[0] if len(inputs) == 1 else part))[0].shape[0] == size

    weights = [as_array(weight).copy() for weight in model.trainable_weights]
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=["mse"] * len(before))
    targets = [x + 1.0 + uniform(1, *x.shape) for x in before]
    model.fit(
        given, targets[0] if len(targets) == 1 else targets, epochs=1, batch_size=len(inputs[0]), verbose=0, shuffle=False
    )
    for weight, old in zip(model.trainable_weights, weights, strict=True):
        assert np.isfinite(as_array(weight)).all(), weight.path
        assert not learns or np.any(as_array(weight) != old), weight.path

    for policy in policies:
        low = check_precision(make, inputs, policy, learns=learns)
        trained = keras.backend.standardize_dtype(low.trainable_weights[0].dtype) if low.trainable_weights else None
        assert trained in (None, keras.DTypePolicy(policy).variable_dtype)

    if masking:
        mask = np.ones(inputs[0].shape[:-1], bool)
        assert layer.supports_masking
        assert layer.compute_mask(given, mask) is mask
    if "seed" in layer.get_config() and learns:
        first, second, other = (make(seed=seed)(given) for seed in (3, 3, 4))
        np.testing.assert_array_equal(as_array(flat(first)[0]), as_array(flat(second)[0]))
        assert np.any(as_array(flat(first)[0]) != as_array(flat(other)[0]))
    return layer


def check_precision(make, inputs, policy, learns=True):
    """The contract of a dtype policy.

    The layer returns that dtype. The gradients of its weights are finite and not zero.
    """
    layer, given = make(dtype=policy), inputs[0] if len(inputs) == 1 else list(inputs)
    outputs = flat(layer(given))
    assert {keras.backend.standardize_dtype(x.dtype) for x in outputs} == {keras.DTypePolicy(policy).compute_dtype}
    assert all(np.isfinite(as_array(ops.cast(x, "float32"))).all() for x in outputs)

    def loss():
        return sum(ops.mean(ops.square(ops.cast(x, "float32") - 0.3)) for x in flat(layer(given, training=True))), ()

    variables = layer.trainable_variables
    gradients = engine.value_and_grad(loss, variables)()[1] if variables else []
    for variable, gradient in zip(variables, gradients, strict=True):
        slopes = as_array(ops.cast(gradient, "float32"))
        assert np.isfinite(slopes).all(), variable.path
        assert not learns or np.any(slopes != 0), variable.path
    return layer


def check_loss(make, y_true, y_pred):
    """The contract of a loss class, on targets and predictions `[B, ...]`."""
    loss = make()
    samples = as_array(make(reduction=None)(y_true, y_pred))
    assert samples.shape == y_pred.shape[:-1] and np.isfinite(samples).all()
    np.testing.assert_allclose(as_array(loss(y_true, y_pred)), samples.mean(), rtol=1e-5)
    np.testing.assert_allclose(as_array(make(reduction="sum")(y_true, y_pred)), samples.sum(), rtol=1e-5)
    again = round_trip(loss, keras.losses)
    np.testing.assert_array_equal(as_array(again(y_true, y_pred)), as_array(loss(y_true, y_pred)))

    per_sample = uniform(2, len(samples)) + 1.0
    shaped = per_sample.reshape(-1, *(1,) * (samples.ndim - 1))
    weighted = as_array(loss(y_true, y_pred, sample_weight=per_sample))
    np.testing.assert_allclose(weighted, (samples * shaped).mean(), rtol=1e-5)
    if isinstance(loss, ElementwiseLoss):
        elements, per_element = as_array(loss.elements(y_true, y_pred)), uniform(3, *y_pred.shape) + 1.0
        np.testing.assert_allclose(elements.mean(axis=-1), samples, rtol=1e-5)
        weighted = as_array(loss(y_true, y_pred, sample_weight=per_element))
        np.testing.assert_allclose(weighted, (elements * per_element).mean(), rtol=1e-5)
    for dtype in ("float16", "bfloat16"):
        low = make(dtype=dtype)(y_true, ops.cast(y_pred, dtype))
        np.testing.assert_allclose(as_array(ops.cast(low, "float32")), samples.mean(), rtol=0.05, atol=0.02)

    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(int(np.prod(y_pred.shape[1:])))(inputs)
    model = keras.Model(inputs, keras.layers.Activation("softmax")(outputs) if "KL" in type(loss).__name__ else outputs)
    if len(y_pred.shape) == 2:
        model.compile(optimizer=keras.optimizers.SGD(0.1), loss=make())
        history = model.fit(uniform(4, len(y_pred), 3), y_true, epochs=2, batch_size=len(y_pred), verbose=0)
        first, second = history.history["loss"]
        assert second < first


def quadratic(seed=0):
    """(variables, gradient function) of a loss with minimum at 1 and curvatures from 0.5 to 3."""
    shapes = [(3, 4), (4,), (4, 2)]
    rng = np.random.default_rng(seed)
    variables = [keras.Variable(rng.normal(size=shape), dtype="float32", name=f"w{i}") for i, shape in enumerate(shapes)]
    scales = [rng.uniform(0.5, 3.0, shape).astype("float32") for shape in shapes]

    def gradients():
        return [ops.multiply(scale, variable - 1.0) for scale, variable in zip(scales, variables, strict=True)]

    return variables, gradients


def trajectory(optimizer, steps, seed=0):
    """The weights after each step on `quadratic`, as flat arrays `[steps, N]`."""
    variables, gradients = quadratic(seed)
    optimizer.build(variables)
    points = []
    for _ in range(steps):
        optimizer.apply(gradients(), variables)
        points.append(np.concatenate([as_array(variable).ravel() for variable in variables]))
    return np.stack(points)


def check_optimizer(make, rate=0.05):
    """The contract of an optimizer. `make(**options)` returns a new one."""
    path = trajectory(make(), 30)
    start = np.concatenate([as_array(variable).ravel() for variable in quadratic()[0]])
    assert np.abs(path[-1] - 1.0).mean() < np.abs(start - 1.0).mean()
    np.testing.assert_array_equal(path, trajectory(round_trip(make(), keras.optimizers), 30))

    x, y = uniform(0, 32, 3), uniform(1, 32, 2)

    def model(**options):
        keras.utils.set_random_seed(0)
        network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(2)])
        network.compile(optimizer=make(**options), loss="mse")
        return network

    whole, half = model(), model()
    whole.fit(x, y, epochs=4, batch_size=32, verbose=0)
    half.fit(x, y, epochs=2, batch_size=32, verbose=0)
    loaded = save_and_load(half)
    loaded.fit(x, y, epochs=2, batch_size=32, verbose=0)
    for got, expected in zip(loaded.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)  # the optimizer's state came along
    return path


def same_options(make, theirs, steps=12):
    """Keras's options for all optimizers have the same effect on ours as on Keras's own."""
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.8)
    choices = [
        {"learning_rate": schedule},
        {"weight_decay": 0.1},
        {"clipnorm": 0.3},
        {"clipvalue": 0.2},
        {"global_clipnorm": 0.5},
        {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 4},
        {"gradient_accumulation_steps": 3},
        {"loss_scale_factor": 8.0},
    ]
    for options in choices:
        ours, expected = trajectory(make(**options), steps), trajectory(theirs(**options), steps)
        np.testing.assert_allclose(ours, expected, atol=2e-6, rtol=2e-6, err_msg=str(options))


def check_activation(function):
    """The contract of an activation.

    Shapes, dtypes and precision are right. It works in layers and in a saved model. Its gradients
    are finite.
    """
    for shape in ((4,), (2, 4), (2, 3, 4)):
        for dtype in ("float32", "float16", "bfloat16"):
            y = function(ops.ones(shape, dtype))
            assert tuple(y.shape) == shape
            assert keras.backend.standardize_dtype(y.dtype) == dtype
    x = uniform(0, 6, 4)
    exact = as_array(function(ops.convert_to_tensor(x)))
    for dtype, tolerance in (("float16", 5e-3), ("bfloat16", 4e-2)):
        low = as_array(ops.cast(function(ops.cast(x, dtype)), "float32"))
        np.testing.assert_allclose(low, exact, atol=tolerance, rtol=tolerance)
    inputs = keras.Input((4,))
    registered = keras.saving.register_keras_serializable(package="tests", name=f"activation_{function.__name__}")(function)
    model = keras.Model(inputs, keras.layers.Dense(4, activation=registered)(keras.layers.Activation(registered)(inputs)))
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, uniform(1, 6, 4), verbose=0)
    np.testing.assert_allclose(as_array(save_and_load(model)(x)), as_array(model(x)), atol=1e-6)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def check_distribution(ours, theirs, values):
    """The contract of a distribution over scalars.

    Args:
        ours: the distribution.
        theirs: the same distribution of `scipy.stats`, frozen.
        values: values whose probabilities are compared, with more axes than the batch.
    """
    log = theirs.logpmf if hasattr(theirs.dist, "logpmf") else theirs.logpdf
    with np.errstate(divide="ignore"):
        expected = log(values)
    np.testing.assert_allclose(as_array(ours.log_prob(values)), expected, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(as_array(ours.prob(values)), np.exp(expected), rtol=2e-5, atol=1e-6)
    for name, measure in (("mean", "mean"), ("variance", "var"), ("standard_deviation", "std"), ("entropy", "entropy")):
        got, wanted = as_array(getattr(ours, name)()), getattr(theirs, measure)()
        np.testing.assert_allclose(got, wanted, rtol=2e-6, atol=1e-6, err_msg=name)
    batch = np.shape(theirs.mean())
    first, again, other = (as_array(ours.sample(keras.random.SeedGenerator(seed), (50,))) for seed in (1, 1, 2))
    assert first.shape == (50, *batch)
    assert as_array(ours.sample(keras.random.SeedGenerator(1))).shape == batch
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)
    assert np.isfinite(as_array(ours.log_prob(first))).all()
    np.testing.assert_allclose(as_array(ours.kl_divergence(ours)), np.zeros(batch), atol=1e-6)
    with raises("other: expected a"):
        ours.kl_divergence(theirs)


def raises_text(text):
    """Expects a ValueError that says this text, whatever brackets it has."""
    return pytest.raises(ValueError, match=re.escape(text))


def raises(words):
    """Expects a ValueError that says all of the words."""
    return pytest.raises(ValueError, match=".*".join(words) if isinstance(words, list | tuple) else words)
