"""Mixed precision of built models: which layers change, and what stays float32."""

import keras
import numpy as np
import pytest
from keras import ops

from lab import engine
from lab.engine import precision as machine
from lab.engine import private
from lab.layers import BatchNormalization, CausalSelfAttention, Maxout, SelfAttention2D, SpectralNormalization
from lab.models import memory_network, set_precision, small_resnet
from lab.models.average import averaged
from tests.contracts import as_array, raises, uniform

layers = keras.layers


def policies(model):
    return {layer.name: layer.dtype_policy.name for layer in private.flatten_layers(model)}


def changed(model):
    return {name for name, policy in policies(model).items() if policy == "mixed_bfloat16"}


def dtype(x):
    return keras.backend.standardize_dtype(x.dtype)


def convolutions(seed=0):
    """Everything that has a rule of its own."""
    images = keras.Input((8, 8, 2))
    inner = keras.Sequential([keras.Input((8, 8, 4)), layers.Conv2D(4, 3, padding="same", name="nested")], name="inner")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(images)
    x = BatchNormalization(name="norm")(inner(x))
    x = SpectralNormalization(layers.Conv2D(4, 1, name="inside"), name="spectral")(x)
    x = layers.Add(name="sum")([x, SelfAttention2D(2, seed=0, name="attention")(x)])
    gate = layers.Dense(4, activation="softmax", name="gate")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(layers.Multiply()([x, gate]))
    x = Maxout(3, 2, name="maxout")(x)
    return keras.Model(images, layers.Reshape((2, 2))(layers.Dense(4, name="last")(x)))


def test_convolutions_and_dense_layers_change_and_no_others():
    model = convolutions()
    before = as_array(model(uniform(1, 4, 8, 8, 2)))
    assert set_precision(model, "mixed_bfloat16") == "mixed_bfloat16"
    assert changed(model) == {"first", "nested", "inside", "query", "key", "value", "output", "maxout", "pieces"}
    assert {dtype(variable) for variable in model.weights} == {"float32"}
    outputs = model(uniform(1, 4, 8, 8, 2))
    assert dtype(outputs) == "float32"
    assert 0 < np.abs(as_array(outputs) - before).max() < 0.05


def test_the_layers_compute_in_what_they_say():
    model = convolutions()
    set_precision(model, "mixed_bfloat16")
    names = ("first", "norm", "spectral", "attention", "gate", "maxout", "last")
    inner = keras.Model(model.inputs[0], [model.get_layer(name).output for name in names])
    assert [dtype(each) for each in inner(uniform(1, 4, 8, 8, 2))] == ["bfloat16", *["float32"] * 4, "bfloat16", "float32"]


def test_norms_are_float32():
    x = 1000 + uniform(1, 64, 8)  # in bfloat16 these are multiples of 4
    inputs = keras.Input((8,))
    model = keras.Model(inputs, layers.Dense(2)(layers.Dense(2)(BatchNormalization(name="norm")(inputs))))
    set_precision(model, "mixed_bfloat16")
    norm = keras.Model(model.inputs[0], model.get_layer("norm").output)
    np.testing.assert_allclose(norm(x, training=True), (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), atol=1e-2)


def test_a_spectral_norm_is_float32():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layers.Dense(1)(SpectralNormalization(layers.Dense(4), name="spectral")(inputs)))
    layer = model.get_layer("spectral")
    kernel = np.array(layer.layer.kernel)
    set_precision(model, "mixed_bfloat16")
    expected = np.eye(3) @ kernel / np.linalg.norm(kernel, 2)
    np.testing.assert_allclose(as_array(layer(np.eye(3, dtype="float32"))), expected, atol=4e-3)
    assert dtype(layer.u) == "float32"


def test_all_layers_that_make_an_output_stay():
    inputs = keras.Input((4,))
    x = layers.Dense(4, name="hidden")(inputs)
    one = layers.Dense(2, name="one")(x)
    both = layers.Add()([one, layers.Dense(2, name="two")(x)])
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="within"), layers.Dense(1, name="end")], name="inner")
    model = keras.Model(inputs, [layers.Activation("tanh")(both), inner(x)])
    set_precision(model, "mixed_bfloat16")
    assert changed(model) == {"hidden", "within"}


def test_recurrent_layers_stay():
    memory = memory_network("ntm", 2, 2, controller="dense", seed=0)  # its cell has dense layers
    read = keras.Model(memory.inputs[0], layers.Dense(1)(memory.outputs[0]))
    assert set_precision(read, "mixed_bfloat16") == "mixed_bfloat16"
    assert not changed(read)
    inputs = keras.Input((5, 4))
    x = layers.Bidirectional(layers.LSTM(3))(layers.TimeDistributed(layers.Dense(4, name="each"))(inputs))
    model = keras.Model(inputs, layers.Dense(1)(layers.Dense(3, name="after")(x)))
    set_precision(model, "mixed_bfloat16")
    assert changed(model) == {"each", "after"}
    assert dtype(model(uniform(1, 2, 5, 4))) == "float32"


def test_self_attention_has_a_float32_softmax():
    inputs = keras.Input((5, 8))
    model = keras.Model(inputs, layers.Dense(1)(CausalSelfAttention(2, seed=0, name="attention")(inputs)))
    before = as_array(model(uniform(1, 2, 5, 8)))
    set_precision(model, "mixed_bfloat16")
    assert changed(model) == {"attention"}
    np.testing.assert_allclose(as_array(model(uniform(1, 2, 5, 8))), before, atol=0.03)


def test_what_a_user_has_chosen_is_kept():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, dtype="mixed_float16"), layers.Dense(4), layers.Dense(1, dtype="bfloat16")]
    )
    before = policies(model)
    assert set_precision(model, "float32") == "float32"
    assert policies(model) == before
    set_precision(model, "mixed_bfloat16")
    assert [layer.dtype_policy.name for layer in model.layers] == ["mixed_float16", "mixed_bfloat16", "bfloat16"]
    set_precision(model, "float32")
    assert len(changed(model)) == 1


def test_files_and_averages_keep_it(tmp_path):
    model = convolutions()
    set_precision(model, "mixed_bfloat16")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert changed(averaged(model)) == changed(model)
    assert changed(model) - changed(loaded) == {"query", "key", "value", "output"}  # that `attention` makes for itself
    x = uniform(1, 2, 8, 8, 2)
    np.testing.assert_array_equal(as_array(averaged(model)(x)), as_array(model(x)))
    np.testing.assert_allclose(as_array(loaded(x)), as_array(model(x)), atol=0.02)


def test_all_its_gradients_are_float32():
    model = small_resnet((8, 8, 1), 3, depth=8, seed=0)
    set_precision(model, "mixed_bfloat16")
    x = ops.convert_to_tensor(uniform(1, 4, 8, 8, 1))
    loss = engine.value_and_grad(lambda: (ops.mean(ops.square(model(x, training=True))), ()), model.trainable_variables)
    (value, _), gradients = loss()
    assert {dtype(each) for each in [value, *gradients]} == {"float32"}


@pytest.mark.parametrize(
    ("backend", "amx", "devices", "expected"),
    [
        ("tensorflow", True, ["cpu:0"], "mixed_bfloat16"),
        ("tensorflow", False, ["cpu:0"], "float32"),
        ("jax", True, ["cpu:0"], "float32"),
        ("jax", False, ["gpu:0"], "mixed_bfloat16"),
        ("torch", False, ["cuda:0"], "mixed_bfloat16"),
    ],
)
def test_what_auto_chooses(monkeypatch, tmp_path, backend, amx, devices, expected):
    (tmp_path / "cpuinfo").write_text(f"model name : x\nflags : fpu avx512_bf16{' amx_bf16' if amx else ''} fma\n")
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: devices)
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert machine.chosen("auto", backend) == expected
    assert [machine.chosen(name, backend) for name in ("float32", "mixed_bfloat16")] == ["float32", "mixed_bfloat16"]
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2), layers.Dense(1)])
    assert set_precision(model, "auto") == expected
    assert len(changed(model)) == (expected == "mixed_bfloat16")


@pytest.mark.parametrize(
    ("flags", "devices", "slow"), [("avx2", "cpu:0", True), ("amx_bf16", "cpu:0", False), ("", "gpu:0", False)]
)
def test_a_processor_that_emulates_it_warns(monkeypatch, tmp_path, recwarn, flags, devices, slow):
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: [devices])
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    set_precision(model, "float32")
    assert not recwarn.list
    set_precision(model, "mixed_bfloat16")
    assert [str(each.message)[:64] for each in recwarn.list] == [
        "precision: mixed_bfloat16 is many times slower than float32 on a"
    ] * slow
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "none")
    assert not machine.has_amx_bf16()


def test_errors():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    with raises("precision: expected one of float32, mixed_bfloat16, auto, received 'float16'"):
        set_precision(model, "float16")
    with raises("model: expected a functional or sequential one, built, received Sequential"):
        set_precision(keras.Sequential([layers.Dense(1)]), "mixed_bfloat16")
