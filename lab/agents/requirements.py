"""Checks that an agent's models, optimizers and spaces fit each other, when the agent is made."""

from typing import Any

import keras

from lab.agents.spaces import one_line


def require_outputs(name: str, model: keras.Model, shapes: list, meaning: str) -> None:
    """ValueError unless the outputs of a model have these shapes, after the batch axis.

    Args:
        name: of the argument, for messages.
        shapes: one for each output.
        meaning: what the outputs are, such as "the value of each action of Discrete(2)".
    """
    received = [tuple(output.shape[1:]) for output in getattr(model, "outputs", None) or ()]
    if received and received != [tuple(shape) for shape in shapes]:
        raise ValueError(f"{name}: expected outputs {_batches(shapes)}, {meaning}, received {_batches(received)}.")


def require_inputs(name: str, model: keras.Model, shapes: list, meaning: str) -> None:
    """ValueError unless the inputs of a model have these shapes; see `require_outputs`."""
    received = [tuple(tensor.shape[1:]) for tensor in getattr(model, "inputs", None) or ()]
    known = [None not in shape for shape in received]
    if received and all(known) and received != [tuple(shape) for shape in shapes]:
        raise ValueError(f"{name}: expected inputs {_batches(shapes)}, {meaning}, received {_batches(received)}.")


def require_apart(**models: keras.Model) -> None:
    """ValueError where two models share a weight, so that training one would change the other."""
    owners: dict = {}
    for name, model in models.items():
        for weight in model.weights:
            owner = owners.setdefault(id(weight), name)
            if owner != name:
                received = f"one that shares {weight.path!r} with {owner}"
                raise ValueError(f"{name}: expected a model with weights of its own, received {received}.")


def require_new(name: str, optimizer: keras.optimizers.Optimizer) -> None:
    """ValueError where an optimizer was already built for the weights of some model."""
    if optimizer.built:
        raise ValueError(
            f"{name}: expected an optimizer that is new, received one that already serves a model; give each one its own."
        )


def copy_weights(name: str, target: keras.Model, source: str, model: keras.Model) -> None:
    """Gives `target` the values of `model`'s variables.

    Args:
        name, source: the names of the arguments `target` and `model`, for messages.

    Raises:
        ValueError: `target` is not another model of the same architecture.
    """
    require_apart(**{source: model, name: target})
    shapes = [[tuple(variable.shape) for variable in each.variables] for each in (model, target)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"{name}: expected the architecture of {source}, with weights {_shapes(shapes[0])}, received {_shapes(shapes[1])}."
        )
    for variable, value in zip(target.variables, model.variables, strict=True):
        variable.assign(value)


def require_place(observation_shape: Any, action_space: Any, parts: Any, environments: tuple) -> None:
    """ValueError where an agent was made for other environments than those of its rollout.

    Args:
        observation_shape, action_space: those for which the agent was made.
        parts: the parts of the agent. Those with a state for each environment have `num_envs`.
        environments: (observation space, action space, number of environments) of the rollout.
    """
    observations, actions, count = environments
    if tuple(observation_shape) != observations.shape:
        expected = f"observations of shape {list(observation_shape)}, which its model takes"
        raise ValueError(f"agent: expected {expected}, received {one_line(observations)} of the environments.")
    if action_space != actions:
        expected = f"the actions of {one_line(action_space)}, for which it was made"
        raise ValueError(f"agent: expected {expected}, received {one_line(actions)} of the environments.")
    for part in parts:
        if getattr(part, "num_envs", count) != count:
            made = f"{part.num_envs} environments, as its {type(part).__name__} has"
            raise ValueError(f"agent: expected {made}, received {count}.")


def require_batch(batch_size: int, replay: Any) -> None:
    """ValueError where a batch has more transitions than the replay can hold."""
    if batch_size > replay.capacity:
        raise ValueError(f"batch_size: expected at most the replay's {replay.capacity}, received {batch_size}.")


def _batches(shapes):
    return " and ".join(str(["B", *shape]).replace("'", "") for shape in shapes)


def _shapes(shapes):
    return one_line([list(shape) for shape in shapes])
