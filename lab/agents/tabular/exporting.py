"""The greedy policy of a table as a Keras model, for `Agent.export`."""

from typing import Any

import keras
import numpy as np
from keras import ops

from lab.agents.exporting import best_action


def table_network(agent: Any) -> keras.Model:
    """From the observation to the greedy action, as a Keras model.

        observation [B], or [B, parts] of MultiDiscrete and Tuple -> action [B]

    An `Embedding` has the rank of each action in each state, 0 for the greedy one. These are small
    integers, so the result is that of `predict`, whatever the precision. Masks of actions are an
    input "action_mask", `[B, A]`.

    Raises:
        ValueError: the algorithm has no action values of discrete states.
    """
    if not hasattr(agent.algorithm, "action_scores"):
        raise ValueError(f"export: expected an algorithm with a table of states and actions, received {agent.name}.")
    scores = agent.algorithm.action_scores()
    ranks = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)  # of equal scores the first
    states, actions = scores.shape
    table = keras.layers.Embedding(states, actions, name="ranks")
    sizes, starts = agent.source.parts
    several = bool(agent.source.raw.shape or len(sizes) > 1)
    observation = keras.Input((len(sizes),) if several else (), dtype="int32", name="observation")
    state: Any = 0
    for position, (size, start) in enumerate(zip(sizes, starts, strict=True)):
        state = state * size + (observation[:, position] if several else observation) - start
    rank, inputs = table(state), [observation]
    if agent.source.masked:
        mask = keras.Input((actions,), name="action_mask")
        rank, inputs = ops.where(mask > 0, rank, float(actions)), [observation, mask]
    table.set_weights([ranks])
    return keras.Model(inputs if len(inputs) > 1 else observation, best_action(-rank), name="policy")
