"""A prototypical network over episodes."""

from collections.abc import Sequence

import keras
import numpy as np

from lab.layers.running_prototypes import RunningPrototypes


def prototypical_network(features: int, ways: int, *, hidden: Sequence[int] = (256, 64), seed: int) -> keras.Model:
    """Classifies the steps of an episode by means of what was labelled (Snell et al. 2017).

        [B, T, features + ways], the label of the step before one-hot at the end
        -> logits [B, T, ways], float32

    Pictures are embedded by dense layers, with a ReLU between them; see
    `lab.layers.RunningPrototypes`.

    Args:
        features: numbers of a picture.
        ways: classes of an episode.
        hidden: units of the layers. The last ones are the embedding.
        seed: of the initial weights.
    """
    seeds = np.random.SeedSequence(seed).generate_state(len(hidden)).tolist()
    inputs = keras.Input((None, features + ways), name="sequence")
    x, labels = inputs[..., :features], inputs[..., features:]
    for i, (units, start) in enumerate(zip(hidden, seeds), 1):
        kernel = keras.initializers.GlorotUniform(start)
        last = i == len(hidden)
        x = keras.layers.Dense(units, None if last else "relu", kernel_initializer=kernel, name=f"hidden{i}")(x)
    logits = RunningPrototypes(dtype="float32", name="outputs")([x, labels])
    return keras.Model(inputs, logits, name="prototypical_network")
