"""What a user passes in place of an agent's defaults: networks, an optimizer, exploration."""

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from lab.agents.inputs import own_network


@dataclass(frozen=True)
class Own:
    """What is None stays the default."""

    network: Any = None  # a Keras model, or a function (observation space, action space) -> model
    critic: Any = None  # the same, [observation, action] -> value
    optimizer: Any = None  # a Keras optimizer or its name
    epsilon: Any = None  # a number, or a function of environment steps
    spaces: tuple[Any, Any] | None = None  # (observation space, action space) of the environment itself

    def made(self, name: str, seed: int) -> Any:
        """The user's network or critic, or None.

        Args:
            name: "network" or "critic".
            seed: of the weights, where a function makes them.
        """
        given = getattr(self, name)
        if given is None or not callable_only(given):
            return given
        with seeded(seed):
            model = given(*(self.spaces or ()))
        if not callable(model):
            expected = "a function (observation space, action space) -> a Keras model"
            raise ValueError(f"{name}: expected {expected}, received one that gives {type(model).__name__}.")
        return model

    def network_for(self, observations: Any, name: str, seed: int, *, again: bool = False, **options: Any) -> Any:
        """The user's network or critic for the observations of a Box, or None.

        Args:
            observations: the Box.
            name: "network" or "critic".
            seed: of the weights, where a function or a copy makes them.
            again: a second one of the same architecture.
            **options: of `lab.agents.inputs.own_network`.
        """
        model = self.made(name, seed)
        if model is None:
            return None
        model = own_network(observations, model, name=name, **options)
        return copied(model, name, seed) if again and not callable_only(getattr(self, name)) else model

    def schedule(self, name: str) -> Callable | None:
        """A number or function as a function of environment steps, or None."""
        value = getattr(self, name)
        return value if value is None or callable(value) else lambda step: value

    def optimizers(self, rate: Any, clipnorm: float | None, default: Callable[[], Any]) -> Iterator[Any]:
        """Endless: an optimizer for each part of an agent; the user's own instance comes first.

        Args:
            rate: step size of an optimizer that is given by its name.
            clipnorm: greatest norm of the gradient, for the same.
            default: makes the agent's own.
        """
        first = True
        while True:
            if self.optimizer is None:
                yield default()
            elif isinstance(self.optimizer, str):
                yield named(self.optimizer, rate, clipnorm)
            elif not isinstance(self.optimizer, keras.optimizers.Optimizer):
                raise ValueError(
                    f"optimizer: expected a Keras optimizer or its name, received {type(self.optimizer).__name__}."
                )
            else:
                yield self.optimizer if first else type(self.optimizer).from_config(self.optimizer.get_config())
            first = False


def callable_only(given: Any) -> bool:
    """Whether it is a function and no model."""
    return callable(given) and not isinstance(given, keras.Model)


def named(name: str, rate: Any, clipnorm: float | None) -> keras.optimizers.Optimizer:
    """The Keras optimizer of a name, such as "adam".

    Raises:
        ValueError: Keras has none of that name.
    """
    config = {"learning_rate": rate} | ({} if clipnorm is None else {"global_clipnorm": clipnorm})
    try:
        return keras.optimizers.get({"class_name": name, "config": config})
    except (ValueError, TypeError) as error:
        raise ValueError(f"optimizer: expected the name of a Keras optimizer, such as 'adam', received {name!r}.") from error


def copied(model: keras.Model, name: str, seed: int) -> keras.Model:
    """A model of the same architecture, with new weights.

    Args:
        model: a built Keras model.
        name: of the argument, for messages.
        seed: of the new weights.

    Raises:
        ValueError: Keras cannot copy it.
    """
    try:
        with seeded(seed):
            return keras.models.clone_model(model)
    except Exception as error:  # Keras raises many kinds
        raise ValueError(
            f"{name}: expected a model that Keras can copy, with get_config if it is subclassed, received {model.name!r}; "
            "a function (observation space, action space) -> model needs no copies."
        ) from error


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Weights and random layers that are made inside get their seeds from this one.

    Keras draws the seeds that are not given from Python's `random`, which comes back afterwards.
    """
    before = random.getstate()
    random.seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    try:
        yield
    finally:
        random.setstate(before)
