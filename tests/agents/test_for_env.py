"""What users may get wrong: one clear line, in the words of what they did."""

import gymnasium
import keras
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

from lab.agents import DQN, PPO, SAC, RecurrentPPO, for_env
from tests.agents.toys import Toy, small

pytestmark = pytest.mark.usefixtures("module_eager")


class LeavesItsSpace(Toy):
    """Its observations are float64 where its space has float32."""

    def _next(self):
        return super()._next().astype("float64")


class NoSeed(Toy):
    """Its reset takes no seed."""

    def reset(self):
        return super().reset()


class Window(Toy):
    """It holds something that cannot be copied."""

    def __init__(self):
        super().__init__()
        self.lock = (_ for _ in ())


def dense(*units, inputs=3):
    return keras.Sequential([keras.Input((inputs,)), *(keras.layers.Dense(n) for n in units)])


def two_inputs(*names):
    inputs = [keras.Input(shape, name=name) for name, shape in zip(names, ((6, 6, 3), (3,), (3,)), strict=True)]
    return keras.Model(inputs, keras.layers.Concatenate()([keras.layers.Flatten()(each) for each in inputs]))


class Fixed(keras.Model):
    """A subclass without a configuration."""

    def __init__(self, units):
        super().__init__()
        self.last = keras.layers.Dense(units)

    def call(self, x):
        return self.last(x)


def fixed():
    model = Fixed(3)
    model(np.zeros((1, 3)))
    return model


BAD = {
    "no environment": (lambda: small(PPO, dict), r"environment: expected an id, or a class or function that makes a gymnasium"),
    "a number": (lambda: small(PPO, 3), r"environment: expected an id, or a class or function .* received int"),
    "no id": (lambda: small(PPO, "CartPoole-v1"), r"environment: expected the id .* 'CartPoole-v1' \(nearest: CartPole-v1\)"),
    "options": (
        lambda: small(PPO, "CartPole-v1", environment_options={"gravity": 3}),
        r"environment: expected an environment that can be made, received 'CartPole-v1': .*gravity",
    ),
    "leaves its space": (lambda: small(PPO, LeavesItsSpace), r"environment: expected of reset an observation in Box"),
    "no seed": (lambda: small(PPO, NoSeed), r"environment: expected reset\(seed, options\) to return"),
    "no copies": (lambda: small(PPO, Window()), r"environment: expected a class or function .* that cannot be copied"),
    "next step": (lambda: small(PPO, SyncVectorEnv([Toy])), r"envs: expected AutoresetMode.SAME_STEP, .*give the vector"),
    "a Dict in a vector environment": (
        lambda: small(PPO, SyncVectorEnv([lambda: Toy("dict")], autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP)),
        r"environment: expected observations that are one Box of a vector environment, received Dict.*; give a function",
    ),
    "wrappers of a vector environment": (
        lambda: small(PPO, SyncVectorEnv([Toy]), wrappers=[lambda env: env]),
        r"wrappers: expected none with a vector environment, which is already made, received some",
    ),
    "not on the device": (
        lambda: small(PPO, "CartPole-v1", vectorization="device"),
        r'environment: expected an environment that runs on the device, such as "lab/CartPole-v1", .* received CartPole-v1',
    ),
    "vectorization": (lambda: small(PPO, vectorization="threads"), r"vectorization: expected one of sync, async, device"),
    "actions": (
        lambda: small(DQN, environment_options={"done": "box"}),
        r"environment: expected a Discrete action space for DQN, received Box",
    ),
    "actions of SAC": (lambda: small(SAC), r"environment: expected a Box action space for SAC, received Discrete\(3\)"),
    "a setting": (
        lambda: small(PPO, learning_rat=1),
        r"settings of PPO: expected one of .*'learning_rat' \(nearest: learning_rat",
    ),
    "another's name": (lambda: small(PPO, gamma=0.9), r"^gamma: expected its name here, discount, received 'gamma'"),
    "two step sizes": (
        lambda: small(PPO, optimizer=keras.optimizers.SGD(0.1), learning_rate=0.2),
        r"learning_rate: expected in the optimizer, which is given, received beside it",
    ),
    "names of inputs": (
        lambda: small(PPO, network=two_inputs("camera", "gear", "pace"), environment_options={"seen": "dict"}),
        r"^network: expected inputs named camera, gear, speed, as the observation's parts, received camera, gear, pace",
    ),
    "steps": (lambda: small(PPO, steps=100), r"steps: expected as the argument of fit, received as a setting of PPO"),
    "device": (lambda: small(PPO, device=True), r'device: expected as vectorization="device", received'),
    "range": (lambda: small(PPO, discount=2), r"^discount: expected a number >= 0 and <= 1, received 2"),
    "minibatches": (lambda: small(PPO, minibatches=7), r"^minibatches: expected a divisor of num_envs x rollout_length, 8"),
    "seed": (lambda: small(PPO, seed=-1), r"seed: expected an integer >= 0, received -1"),
    "optimizer": (lambda: small(PPO, optimizer="adamm"), r"optimizer: expected the name of a Keras optimizer, .* 'adamm'"),
    "optimizer of another kind": (
        lambda: small(PPO, optimizer=3),
        r"optimizer: expected a Keras optimizer or its name, .* int",
    ),
    "optimizer twice": (lambda: twice(), r"optimizer: expected an optimizer that is new, received one that already serves"),
    "epsilon": (lambda: small(PPO, epsilon=0.1), r"epsilon: expected with DQN, received with PPO"),
    "epsilon's range": (lambda: small(DQN, epsilon=1.5), r"epsilon: expected a number >= 0 and <= 1, received 1.5"),
    "critic": (lambda: small(PPO, critic=dense(1)), r"critic: expected with SAC, TD3 or DDPG, received with PPO"),
    "outputs": (lambda: small(DQN, network=dense(4)), r"^network: expected outputs \[B, 3\], a value of .*, received \[B, 4\]"),
    "inputs": (lambda: small(DQN, network=dense(3, inputs=4)), r"^network: expected inputs \[B, 3\], .*, received \[B, 4\]"),
    "not built": (
        lambda: small(DQN, network=keras.Sequential([keras.layers.Dense(3)])),
        r"^network: expected a model that is built, .*; give it a keras.Input, or call it once",
    ),
    "no copy": (
        lambda: small(DQN, network=fixed()),
        r"^network: expected a model that Keras can copy, with get_config .*'fixed'",
    ),
    "no model": (lambda: small(DQN, network=3), r"network: expected a Keras model, received int"),
    "a function of something else": (lambda: small(DQN, network=lambda o, a: 3), r"network: expected a function .* gives int"),
    "features": (
        lambda: small(PPO, network=keras.Sequential([keras.Input((3,)), keras.layers.Reshape((3, 1))])),
        r"network: expected features \[B, F\], or outputs the logits of Discrete\(3\) and a value",
    ),
    "recurrent": (lambda: small(RecurrentPPO, network=dense(4)), r"network: expected a function .* received a Keras model"),
    "an algorithm": (lambda: for_env(dict, Toy), r"algorithm: expected one of DQN, .*SAC, received dict"),
    "a space": (lambda: small(PPO, Words), r"environment: expected an observation space of Box, .* received Text"),
}


class Words(Toy):
    """Its observations are text."""

    def __init__(self):
        super().__init__()
        self.observation_space = spaces.Text(3)


def twice():
    optimizer = keras.optimizers.SGD(0.1)
    small(PPO, optimizer=optimizer)
    small(PPO, optimizer=optimizer)


@pytest.mark.parametrize("name", BAD)
def test_one_line_says_what_was_expected(name):
    call, message = BAD[name]
    with pytest.raises((ValueError, TypeError), match=message) as error:
        call()
    assert len(str(error.value).splitlines()) == 1


def test_what_is_wrong_when_it_is_used():
    agent = small(PPO)
    with pytest.raises(ValueError, match="steps: expected an integer >= 1, received 0"):
        agent.fit(0)
    with pytest.raises(ValueError, match="episodes: expected an integer >= 1, received 0"):
        agent.evaluate(0)
    with pytest.raises(
        ValueError, match=r"observation: expected one in Box\(.*\), or a batch of them, received the shape \(4,\)"
    ):
        agent.predict(np.zeros(4))
    with pytest.raises(ValueError, match=r"observation: expected one in Box.* received parts 'speed' \[3\]"):
        agent.predict({"speed": np.zeros(3)})
    with pytest.raises(ValueError, match=r"received \(observation, info\), as reset returns them; pass the observation"):
        agent.predict(Toy().reset(seed=0))
    with pytest.raises(FileNotFoundError, match=r"nowhere/agent.zip: expected a folder that exists, received nowhere"):
        agent.save("nowhere/agent.zip")
