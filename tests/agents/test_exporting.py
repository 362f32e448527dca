"""Exported policies: from the observation to the action for `step`, equal to `predict`."""

import keras
import numpy as np
import pytest
from gymnasium import spaces

from lab.agents import DQN, PPO, SAC, RecurrentPPO
from tests.agents.toys import DONE, Toy, fit, small
from tests.backends import only

pytestmark = pytest.mark.usefixtures("module_eager")
COUNT = 12
CASES = {
    "boxes of different bounds": (PPO, {"done": "box"}, {"normalize_observations": True}),
    "squashed": (SAC, {"done": "box"}, {}),
    "values of actions": (DQN, {}, {"seed": 1}),
    "an image and masks": (DQN, {"seen": "image", "masked": True}, {}),
    "a Dict and masks of parts": (PPO, {"seen": "dict", "done": "multi", "masked": True}, {}),
    "bits": (PPO, {"done": "binary"}, {}),
    "categories": (PPO, {"seen": "discrete"}, {}),
}


def run(path, format, inputs):
    """The outputs of an exported model, by whoever serves it."""
    if format == "keras":
        return np.asarray(
            keras.models.load_model(path)(list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values())))
        )
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        return session.run(None, {each.name: inputs[each.name.split(":")[0]] for each in session.get_inputs()})[0]
    import tensorflow as tf

    if format == "tf_saved_model":
        served = tf.saved_model.load(path).signatures["serving_default"]
        return next(iter(served(**{name: tf.constant(value) for name, value in inputs.items()}).values())).numpy()
    interpreter = tf.lite.Interpreter(str(path))
    runner = interpreter.get_signature_runner()
    rows = [
        next(iter(runner(**{name: value[i : i + 1] for name, value in inputs.items()}).values()))
        for i in range(len(next(iter(inputs.values()))))
    ]
    return np.concatenate(rows)


def some(agent, options):
    """(inputs of the exported model, the actions that `predict` gives)."""
    env, observations, masks = Toy(**options), [], []
    for seed in range(COUNT):
        observation, info = env.reset(seed=seed)
        observations.append(observation)
        masks.append(info.get("action_mask"))
    actions = [agent.predict(each, action_mask=mask) for each, mask in zip(observations, masks, strict=True)]
    space = env.observation_space
    if isinstance(space, spaces.Dict):
        inputs = {
            name: np.stack([spaces.flatten(part, each[name]).reshape(part.shape or -1) for each in observations])
            for name, part in space.spaces.items()
        }
    else:
        inputs = {"observation": np.stack([spaces.flatten(space, each) if not space.shape else each for each in observations])}
    if masks[0] is not None:
        flat = [np.concatenate(mask) if isinstance(mask, tuple) else mask for mask in masks]
        inputs["action_mask"] = np.stack(flat)
    kinds = {"action_mask": "int8"} | {name: "uint8" for name, value in inputs.items() if value.dtype == np.uint8}
    return {name: value.astype(kinds.get(name, "float32")) for name, value in inputs.items()}, np.stack(actions)


@pytest.mark.slow
@only("tensorflow")
@pytest.mark.parametrize("format", ["keras", "tf_saved_model", "onnx", "litert"])
@pytest.mark.parametrize("case", CASES)
def test_the_action_is_the_same(case, format, tmp_path):
    if format == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    algorithm, options, settings = CASES[case]
    agent = small(algorithm, environment_options=options, **settings)
    if "normalize_observations" in settings:
        fit(agent)
    path = agent.export(tmp_path / "policy", format=format)
    assert path.suffix == {"keras": ".keras", "onnx": ".onnx", "litert": ".tflite"}.get(format, "")
    inputs, expected = some(agent, options)
    actions = run(path, format, inputs)
    np.testing.assert_allclose(actions, expected, rtol=1e-6, atol=1e-6)
    assert all(agent.source.actions.contains(each.astype(agent.source.actions.dtype)) for each in actions)
    assert len(np.unique(expected.round(4), axis=0)) > 1  # the cases tell observations apart


@only("tensorflow")
def test_a_recurrent_policy_takes_and_gives_its_memory(tmp_path):
    agent = small(RecurrentPPO)
    path = agent.export(tmp_path / "policy", format="keras")
    model, state, memory = keras.models.load_model(path), (), [np.zeros((1, 2), np.float32)] * 4
    assert [each.name for each in model.inputs] == ["observation", "start", "memory_0", "memory_1", "memory_2", "memory_3"]
    for t in range(4):
        observation = np.random.default_rng(t).normal(size=3).astype("float32")
        action, state = agent.predict(observation, state=state)
        given, *memory = model([keras.ops.convert_to_tensor(each) for each in (observation[None], np.zeros(1, "f4"), *memory)])
        assert int(given[0]) == action
        np.testing.assert_allclose(np.concatenate(memory), np.concatenate(state), atol=1e-6)


def test_what_cannot_be_exported_is_told(tmp_path, monkeypatch):
    agent = small(PPO)
    with pytest.raises(ValueError, match="format: expected one of keras, tf_saved_model, onnx, litert, received 'pickle'"):
        agent.export(tmp_path / "policy", format="pickle")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"expected the package tf2onnx for 'onnx', received none; pip install '.\[export\]'"):
        agent.export(tmp_path / "policy", format="onnx")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="format: expected KERAS_BACKEND=tensorflow for 'litert', received jax"):
        agent.export(tmp_path / "policy", format="litert")
    assert not list(tmp_path.iterdir())


@only("tensorflow")
@pytest.mark.parametrize("space", ["box", "even"])
def test_actions_beyond_the_bounds_are_clipped(space, tmp_path, monkeypatch):
    even = spaces.Box(-0.5, 0.5, (2,), np.float32)
    monkeypatch.setitem(DONE, "even", even)
    agent = small(PPO, environment_options={"done": space})
    for variable in agent.algorithm.model.trainable_variables:
        variable.assign(100.0 * variable)
    inputs, expected = some(agent, {"done": space})
    model = keras.models.load_model(agent.export(tmp_path / "policy", format="keras"))
    actions = np.asarray(model(inputs["observation"]))
    np.testing.assert_allclose(actions, expected, rtol=1e-6, atol=1e-6)
    box = agent.source.actions
    assert all(box.contains(each) for each in actions) and (np.abs(actions - box.low) < 1e-6).any()
