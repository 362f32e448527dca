"""Networks of recurrent policy-gradient agents."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from lab.layers import ResettableRNN, RunningNormalization


def recurrent_actor_critic(
    input_shape: tuple[int, ...],
    head: Callable[[keras.initializers.Initializer], keras.layers.Layer],
    *,
    cell: Callable[..., keras.layers.Layer] = keras.layers.LSTMCell,
    units: int = 64,
    hidden: Sequence[int] = (64,),
    activation: str = "tanh",
    normalize: bool = False,
    seed: int,
) -> Callable[[int], keras.Model]:
    """A function, T -> the model of sequences of T steps. The models share all layers.

        [observation [B, T, *input_shape], start [B, T], *memory [B, units]]
        -> [*parameters of the policy [B, T, ...], value [B, T], *memory [B, units]]

    Actor and critic each have a recurrent layer over the observation, and dense layers over that.

    Args:
        input_shape: of one observation.
        head: function (initializer) -> the last layer of the actor. It is the `head` of a policy
            of `lab.agents.policies`.
        cell: makes a recurrent cell from Keras's arguments units, kernel_initializer,
            recurrent_initializer and seed, such as `keras.layers.GRUCell` or
            `lab.layers.LayerNormLSTMCell`.
        units: of the recurrent layers.
        hidden: units of each dense layer.
        activation: of the dense layers.
        normalize: whether observations are first normalised by `RunningNormalization`.
        seed: of the initial weights.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(2 * len(hidden) + 6).tolist())

    def orthogonal(gain):
        return keras.initializers.Orthogonal(gain, seed=next(seeds))

    def tower(last):
        start = next(seeds)
        kernels = {
            "kernel_initializer": keras.initializers.GlorotUniform(seed=start),
            "recurrent_initializer": orthogonal(1.0),
        }
        recurrence = ResettableRNN(cell(units, seed=start, **kernels), return_state=True, unroll=True)
        dense = [keras.layers.Dense(size, activation, kernel_initializer=orthogonal(2**0.5)) for size in hidden]
        return recurrence, [*dense, last]

    actor = tower(head(orthogonal(0.01)))
    critic = tower(keras.layers.Dense(1, kernel_initializer=orthogonal(1.0), name="value"))

    normalization = RunningNormalization(feature_axes=len(input_shape), name="normalization")

    def build(length):
        observation = keras.Input((length, *input_shape), name="observation")
        start = keras.Input((length,), name="start")
        flat = keras.layers.Reshape((length, -1))(normalization(observation) if normalize else observation)
        states = np.size(actor[0].cell.state_size)
        memory = [keras.Input((units,), name=f"memory_{position}") for position in range(2 * states)]
        outputs, following = [], []
        for (recurrence, layers), state in ((actor, memory[:states]), (critic, memory[states:])):
            x, *state = recurrence([flat, start], initial_state=state)
            for layer in layers:
                x = layer(x)
            outputs.extend(keras.tree.flatten(x))
            following.extend(state)
        *parameters, value = outputs
        inputs = [observation, start, *memory]
        return keras.Model(inputs, [*parameters, ops.squeeze(value, -1), *following], name="recurrent_actor_critic")

    return build
