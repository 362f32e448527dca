import keras
import numpy as np
import pytest

from lab import engine
from lab.agents import Critics, Trajectory
from lab.agents.passes import observation_statistics
from lab.layers import RunningNormalization
from tests.agents import test_dqn, test_td3
from tests.engine.arrays import as_array

pytestmark = pytest.mark.usefixtures("graphs")


def normalized(features, outputs, layer, actions=0):
    """A linear network on normalised observations (and actions)."""
    inputs = [keras.Input((features,)), *([keras.Input((actions,))] if actions else [])]
    x = layer(inputs[0])
    x = keras.layers.Concatenate()([x, inputs[1]]) if actions else x
    return keras.Model(inputs if actions else inputs[0], keras.layers.Dense(outputs)(x))


def trajectory(features, action):
    observation = 3 + 2 * np.random.default_rng(0).standard_normal((4, 5, features)).astype("float32")
    none = np.zeros((4, 5), bool)
    return Trajectory(observation, action, np.zeros((4, 5), np.float32), none, none, observation + 1, {})


def holds(layer, observation):
    """The layer has seen each of these observations once."""
    seen = observation.reshape(-1, observation.shape[-1])
    assert float(layer.count) == len(seen)
    np.testing.assert_allclose(as_array(layer.mean), seen.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(as_array(layer.variance()), seen.var(axis=0), rtol=1e-5)


def test_dqn_keeps_the_statistics_of_what_it_observes_and_the_target_network_gets_them_with_the_weights():
    layers = RunningNormalization(), RunningNormalization()
    agent = test_dqn.agent(networks=[normalized(2, 2, layer) for layer in layers])
    step, observe = trajectory(2, np.zeros((4, 5), np.int32)), engine.compile(agent.observe, agent.variables)
    observe(step)
    holds(layers[0], step.observation)
    assert float(layers[1].count) == 0
    np.testing.assert_allclose(
        agent.online.layers[-1](layers[0](step.observation[0])), agent._greedy.refresh()(step.observation[0]), rtol=1e-5
    )
    agent._update_targets()
    assert float(layers[1].count) == 20


def test_actor_and_critics_keep_statistics_each():
    online, targets = ([normalized(1, 1, RunningNormalization(), 1) for _ in range(2)] for _ in range(2))
    actor, target_actor = (normalized(1, 1, RunningNormalization()) for _ in range(2))
    critics = Critics(online, targets, keras.optimizers.Adam(1e-3))
    agent = test_td3.agent(actor=actor, target_actor=target_actor, critics=critics)
    step = trajectory(1, np.zeros((4, 5, 1), np.float32))
    engine.compile(agent.observe, agent.variables)(step)
    for model in (actor, *online):
        holds(*observation_statistics(model), step.observation)


def test_layers_that_models_share_see_what_is_observed_once():
    layer = RunningNormalization()
    statistics = observation_statistics(normalized(2, 1, layer), normalized(2, 1, layer, 1))
    assert statistics == [layer]


def test_what_is_not_an_observation_is_refused():
    inner = keras.Sequential([keras.Input((2,)), RunningNormalization(name="inner")])
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(2)(inputs)
    for name, outputs in {"inner": inner(hidden), "after": RunningNormalization(name="after")(hidden)}.items():
        with pytest.raises(ValueError, match=f"expected RunningNormalization of the observation itself, received '{name}'"):
            observation_statistics(keras.Model(inputs, outputs))
