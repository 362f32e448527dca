"""`QLearning.for_env(...)`: a tabular learner and its environments in one call.

This module does not import Keras.
"""

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from lab import validation

if TYPE_CHECKING:
    from lab.agents.agent import Agent

DISCRETE = "Discrete, MultiDiscrete or a Tuple of Discrete observations"


class ForEnv:
    """Gives a tabular learner `for_env` and `load`, which make a `lab.agents.Agent`."""

    @classmethod
    def for_env(
        cls,
        environment: Any,
        *,
        wrappers: Iterable[Any] = (),
        environment_options: Mapping[str, Any] | None = None,
        action_mask: bool = True,
        seed: int = 0,
        **arguments: Any,
    ) -> "Agent":
        """An agent that learns in an environment by this algorithm.

            agent = QLearning.for_env("Taxi-v4", step_size=0.1, discount=0.99, seed=0)
            agent.fit(200_000)

        Args:
            environment: a Gymnasium id, a class or function that makes an environment, or an
                environment. Without a time limit it gets one of 10,000 steps.
            wrappers: functions, environment -> environment, the innermost first.
            environment_options: keyword arguments of the environment.
            action_mask: whether masks of actions, `info["action_mask"]`, are obeyed.
            seed: of all random numbers.
            **arguments: of the class.

        Raises:
            ValueError: an argument is bad, or the algorithm cannot learn in the environment.
        """
        from lab.agents.agent import Agent
        from lab.agents.tabular.rollout import TabularRollout
        from lab.agents.tabular.source import TabularSource

        arguments = {name: value.item() if isinstance(value, np.generic) else value for name, value in arguments.items()}
        defaults = _defaults(cls)
        for name in arguments:
            validation.require_name(f"arguments of {cls.__name__}", name, defaults)
        training, testing = np.random.SeedSequence(validation.integer("seed", seed, 0)).generate_state(2).tolist()
        encoding = {name: arguments[name] for name in _keywords(cls.encode) if name in arguments}
        source = TabularSource(
            environment,
            lambda env: cls.encode(env, **encoding),
            wrappers=wrappers,
            options=environment_options,
            action_mask=action_mask,
        )
        if source.masked and not hasattr(cls, "restrict"):
            raise ValueError(
                f"action_mask: expected False with {cls.__name__}, which cannot obey the masks of {source.name}, received True."
            )
        own = {name: value for name, value in arguments.items() if name not in encoding}
        learner: Any = cls.build(source.training, **own)  # type: ignore[attr-defined]
        rollout = TabularRollout(learner, source.training, seed=training, action_mask=source.masked)
        recipe = _recipe(arguments)
        agent = Agent(learner, rollout, source, defaults | arguments | recipe["arrays"], seed=seed, testing=testing)
        agent.recipe = recipe
        return agent

    @classmethod
    def load(cls, path: Any, **arguments: Any) -> "Agent":
        """An agent of this algorithm from a file; see `lab.agents.load`."""
        from lab.agents import agent_file

        return agent_file.load(path, algorithm=cls, **arguments)

    @classmethod
    def encode(cls, env: gymnasium.Env) -> gymnasium.Env:
        """The environment with the observations that this algorithm takes: states 0, 1, ..."""
        from lab.agents.spaces import one_line
        from lab.agents.tabular.rollout import DiscreteStates

        space = env.observation_space
        if isinstance(space, gymnasium.spaces.Discrete) and space.start == 0:
            return env
        try:
            return DiscreteStates(env)
        except ValueError as error:
            raise ValueError(f"env: expected {DISCRETE} for {cls.__name__}, received {one_line(space)}") from error


def _defaults(kind):
    """{argument: its default} of a class, whose constructors pass on what they do not know."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__[:-1]):
        found |= _keywords(base.__init__)
    return found | _keywords(kind.build) | _keywords(kind.encode)


def _keywords(function):
    """{name: default} of the keyword-only arguments of a function."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}


def _recipe(arguments):
    """What a file says of the arguments: numbers and texts, arrays apart, names of functions."""
    arrays = {name: np.asarray(value) for name, value in arguments.items() if isinstance(value, np.ndarray | list | tuple)}
    functions = [name for name, value in arguments.items() if callable(value)]
    plain = {name: value for name, value in arguments.items() if name not in arrays and name not in functions}
    return {"settings": plain, "arrays": arrays, "functions": functions}
