"""The greedy policy as a model of its own, in the formats of `keras.Model.export`."""

from pathlib import Path
from typing import Any

import gymnasium
import keras
import numpy as np
from keras import ops

from lab.agents.box import UnitBox
from lab.agents.parts import Composite, mask_size, parts_of
from lab.models import exporting


def policy_network(agent: Any) -> keras.Model:
    """From the observation to the action that goes to `step`, as a Keras model.

        [observation, (start, *memory)] -> action, or [action, *memory] of a recurrent agent

    All are batches. The parts of a Dict are inputs of their own, with its names; categories are
    one-hot. Masks of actions are an input "action_mask", int8. Images of bytes are uint8, all else
    is float32.
    """
    if not hasattr(agent.algorithm, "policy_model"):
        from lab.agents.tabular.exporting import table_network

        return table_network(agent)
    model = agent.algorithm.policy_model()
    observation, *others = model.inputs
    space = agent.source.observations
    names = ["start", *(f"memory_{position}" for position in range(len(others) - 1))]
    more = [keras.Input(tensor.shape[1:], name=name) for tensor, name in zip(others, names, strict=False)]
    if isinstance(space, Composite):
        seen = [keras.Input(part.shape, dtype=_dtype(part), name=_input_name(part.name)) for part in space.parts]
        if mask_size(space):
            seen.append(keras.Input((space.mask,), dtype="int8", name="action_mask"))
        flat = [ops.reshape(ops.cast(tensor, "float32"), (-1, int(np.prod(tensor.shape[1:])))) for tensor in seen]
        whole = ops.concatenate(flat, axis=-1) if len(flat) > 1 else flat[0]
    else:
        seen = [keras.Input(observation.shape[1:], dtype=_dtype(parts_of(space)[0]), name="observation")]
        whole = ops.cast(seen[0], "float32")
    outputs = model([whole, *more] if more else whole)
    first, *rest = outputs if isinstance(outputs, list | tuple) else [outputs]
    action, inputs = _action(agent.source.actions, first), [*seen, *more]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], [action, *rest] if rest else action, name="policy")


def export(agent: Any, path: Any, *, format: str, **options: Any) -> Path:
    """See `lab.agents.Agent.export`."""
    exporting.require_format(format)
    return exporting.export(policy_network(agent), path, format=format, **options)


def _action(space, output):
    """The action of the environment, from scores or the action of a Box before clipping."""
    if isinstance(space, gymnasium.spaces.Box):
        return _clipped(UnitBox(space), output)
    if isinstance(space, gymnasium.spaces.Discrete):
        return best_action(output)
    counts = space.nvec if hasattr(space, "nvec") else np.full(space.shape, 2)
    ends = np.cumsum(counts).tolist()
    parts = [output[..., start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    return ops.stack([best_action(part) for part in parts], axis=-1)


def best_action(scores: Any) -> Any:
    """The first of the highest scores `[..., A]` -> `[...]`.

    Keras's argmax has operations that ONNX and LiteRT lack.
    """
    return ops.squeeze(ops.top_k(scores, 1)[1], axis=-1)


def _clipped(box, output):
    """The output within the bounds. Keras saves only numbers in operations, so bounds that differ
    from dimension to dimension are brought to -1 and 1, a last digit further inside.
    """
    if len({*box.low.tolist()}) == len({*box.high.tolist()}) == 1:
        return ops.clip(output, float(box.low[0]), float(box.high[0]))
    half, middle = box.half.astype("float64"), box.middle.astype("float64")
    unit = keras.layers.Rescaling((1 / half).tolist(), (-middle / half).tolist())(output)
    return keras.layers.Rescaling((half * (1 - 2e-7)).tolist(), middle.tolist())(ops.clip(unit, -1.0, 1.0))


def _dtype(part):
    """Of an input: bytes for the pixels of an image that the environment gives as bytes."""
    return "uint8" if part.scale < 1 else "float32"


def _input_name(name):
    return name.replace("/", "_") or "observation"
