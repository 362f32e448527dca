"""From the observations of an environment to the inputs of a network, and masks on its outputs.

Default networks of agents are made for a vector. For other observations this module puts encoders
before them: convolutions for images, a GRU for sequences, side by side for a Dict of both. Where
the environment gives masks of actions, scores of actions that are not allowed become -1e9.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from lab import models
from lab.agents.parts import Composite, Part, is_vector, mask_size, parts_of
from lab.layers import MaskedActions, ObservationPart, RunningNormalization


class Inputs:
    """How the observations of a Box become features, in all the models of one network.

    Args:
        space: of the observations, as `lab.agents.environments.make` gives them.
        seed: of the encoders' weights.
        normalize: whether observations are first normalised by `RunningNormalization`.
        encoded: whether images and sequences become features. Otherwise the features are the parts
            as they are, for a network of the user's own.
    """

    def __init__(self, space: Any, *, seed: int, normalize: bool = False, encoded: bool = True) -> None:
        self.space = space
        # RunningNormalization keeps its statistics per number, also where there is an axis of time.
        self._normalization = RunningNormalization(feature_axes=len(space.shape), name="normalization") if normalize else None
        parts = parts_of(space)
        seeds = np.random.SeedSequence((seed, 1)).generate_state(len(parts)).tolist()
        self._encoders = [_encoder(part, one) if encoded else None for part, one in zip(parts, seeds, strict=True)]

    def features(self, observation: Any) -> list[Any]:
        """Observation `[B, ...]`, or sequences `[B, T, ...]` of them -> a tensor for each part."""
        x = observation if self._normalization is None else self._normalization(observation)
        return [
            _encode(self._part(part, x), encoder, part)
            for part, encoder in zip(parts_of(self.space), self._encoders, strict=True)
        ]

    def width(self) -> int:
        """The number of features, of all parts together."""
        both = zip(parts_of(self.space), self._encoders, strict=True)
        return sum(encoder.output_shape[-1] if encoder else part.shape[-1] for part, encoder in both)

    def masked(self, scores: Any, observation: Any) -> Any:
        """Scores of actions; -1e9 for those that the observation's mask forbids."""
        size = mask_size(self.space)
        if not size:
            return scores
        mask = ObservationPart(self.space.shape[0] - size, (size,), name="action_mask")(observation)
        return MaskedActions(name="masked")([scores, mask])

    def _part(self, part, x):
        return ObservationPart(part.start, part.shape)(x) if isinstance(self.space, Composite) else x


def network(
    space: Any,
    build: Callable[[tuple[int, ...], bool], keras.Model],
    *,
    seed: int,
    normalize: bool = False,
    scores: bool = True,
) -> keras.Model:
    """A network for the observations of a Box: `build`'s own for vectors, else behind encoders.

    Args:
        space: of the observations.
        build: a function, (shape of the input, whether to normalise it) -> a Keras model whose
            first input is that.
        seed: of the encoders' weights.
        normalize: whether observations are normalised.
        scores: whether the first output has a score of each action, to which masks apply.
    """
    if is_vector(space):
        return build(space.shape, normalize)
    inputs = Inputs(space, seed=seed, normalize=normalize)
    observation = keras.Input(space.shape, name="observation")
    features = _joined(inputs.features(observation))
    inner = build((inputs.width(),), False)
    others = [keras.Input(tensor.shape[1:], name=tensor.name) for tensor in inner.inputs[1:]]
    outputs = inner([features, *others] if others else features)
    return _outer(inputs, observation, others, outputs, inner.name, scores)


def recurrent_network(
    space: Any,
    build: Callable[[tuple[int, ...], bool], Callable[[int], keras.Model]],
    *,
    seed: int,
    normalize: bool = False,
) -> Callable[[int], keras.Model]:
    """`network` for a function, T -> the model of sequences of T steps."""
    if is_vector(space):
        return build(space.shape, normalize)
    inputs = Inputs(space, seed=seed, normalize=normalize)
    inner = build((inputs.width(),), False)

    def whole(length):
        observation = keras.Input((length, *space.shape), name="observation")
        model = inner(length)
        others = [keras.Input(tensor.shape[1:], name=tensor.name) for tensor in model.inputs[1:]]
        outputs = model([_joined(inputs.features(observation)), *others])
        return _outer(inputs, observation, others, outputs, model.name, True)

    return whole


def own_network(
    space: Any,
    model: keras.Model,
    *,
    name: str,
    finish: Callable[[list], list] = list,
    scores: bool = True,
    others: Sequence[tuple[int, ...]] = (),
) -> keras.Model:
    """A user's model as a network for the observations of a Box.

    Its inputs are the parts of the observation, and have the names of a Dict's parts. A subclassed
    model, whose inputs have no names, gets a list of the parts. Masks apply to its first output.

    Args:
        space: of the observations.
        model: a built Keras model, Functional, Sequential or subclassed.
        name: of the argument, for messages.
        finish: a function, its outputs -> the outputs of the network. It may add layers.
        scores: as in `network`.
        others: shapes of the inputs after the observation, such as the action's.

    Raises:
        ValueError: the model is not built, or has other inputs.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"{name}: expected a Keras model, received {type(model).__name__}.")
    if not model.built:
        raise ValueError(
            f"{name}: expected a model that is built, received {model.name!r}, which knows no input shape yet; "
            "give it a keras.Input, or call it once."
        )
    parts = parts_of(space)
    known = list(getattr(model, "inputs", None) or ())
    order = _order(name, parts, [tensor.name for tensor in known[: len(known) - len(others)]])
    expected = [*(part.shape for part in order), *others]
    received = [tuple(tensor.shape[1:]) for tensor in known]
    if known and not _fit(expected, received):
        raise ValueError(f"{name}: expected inputs {_shown(expected)}, the observation's, received {_shown(received)}.")
    if known and not isinstance(space, Composite) and finish is list:
        return model
    inputs = Inputs(space, seed=0, encoded=False)
    observation = keras.Input(space.shape, name="observation")
    more = [keras.Input(shape) for shape in others]
    by_name = dict(zip((part.name for part in parts), inputs.features(observation), strict=True))
    given = [*(by_name[part.name] for part in order), *more]
    try:
        outputs = model(given if len(given) > 1 else given[0])
    except Exception as error:  # whatever the user's code raises
        message = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{name}: expected a model that takes inputs {_shown(expected)}, received {message}") from error
    outputs = finish(list(outputs) if isinstance(outputs, list | tuple) else [outputs])
    return _outer(inputs, observation, more, outputs, model.name, scores)


def _outer(inputs, observation, others, outputs, name, scores):
    first, *rest = outputs if isinstance(outputs, list | tuple) else [outputs]
    results = [inputs.masked(first, observation) if scores else first, *rest]
    return keras.Model([observation, *others] if others else observation, results if rest else results[0], name=name)


def _joined(features: Sequence[Any]) -> Any:
    return features[0] if len(features) == 1 else keras.layers.Concatenate(name="features")(list(features))


def _encoder(part: Part, seed: int) -> keras.Model | None:
    name = part.name.replace("/", "_") or part.kind
    if part.kind == "image":
        return models.image_encoder(part.shape, scale=part.scale, seed=seed, name=name)
    if part.kind == "sequence":
        return models.sequence_encoder(part.shape, seed=seed, name=name)
    return None


def _encode(x, encoder, part):
    if encoder is None:
        return x
    leading = x.shape[1 : len(x.shape) - len(part.shape)]
    if not leading:
        return encoder(x)
    flat = encoder(ops.reshape(x, (-1, *part.shape)))  # [B T, ...]
    return ops.reshape(flat, (-1, *leading, flat.shape[-1]))


def _order(name, parts, names):
    """The parts in the order of the names of a model's inputs. One part needs no name."""
    by_name = {part.name.replace("/", "_"): part for part in parts}
    if not names or len(parts) == 1:
        return parts
    if sorted(names) != sorted(by_name):
        raise ValueError(
            f"{name}: expected inputs named {', '.join(by_name)}, as the observation's parts, received {', '.join(names)}."
        )
    return tuple(by_name[each] for each in names)


def _fit(expected, received):
    return len(expected) == len(received) and all(
        len(one) == len(other) and all(size in (None, want) for want, size in zip(one, other, strict=True))
        for one, other in zip(expected, received, strict=True)
    )


def _shown(shapes):
    return " and ".join(str(["B", *shape]).replace("'", "") for shape in shapes)
