"""The greedy policy of a finished run as an agent: it acts, is evaluated and exported.

It does not learn: of an agent that learns, a run keeps checkpoints, and its policy as a model.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import gymnasium
import keras
import numpy as np

from lab.agents.parts import action_counts, mask_size
from lab.agents.spaces import one_line

if TYPE_CHECKING:
    from lab.agents.agent import Agent


class FrozenPolicy:
    """An agent's `policy_model` as an algorithm that acts greedily.

    The model gives the action of a Box, which is clipped to the bounds, or a score of each discrete
    action, of which the highest wins. For a `MultiDiscrete` the highest of each part wins. A
    recurrent model takes [observation, start, *memory] and gives [action or scores, *memory].

    Args:
        model: the Keras model.
        space: of the actions.
    """

    variables = ()

    def __init__(self, model: keras.Model, space: Any) -> None:
        self.model, self.space = model, space

    def policy_model(self) -> keras.Model:
        """The model."""
        return self.model

    def host_policy(self, generator: np.random.Generator | None = None) -> Callable[..., Any]:
        """See `lab.agents.Algorithm.host_policy`. It is greedy also with a generator."""
        from lab import engine

        choose = chooser(self.space)
        if len(self.model.inputs) > 1:
            remembering = _remembering(self.model)
            return lambda observation, start: (choose(remembering(observation, start)), {})
        forward = engine.host_forward(self.model)
        return lambda observation, start: (choose(np.asarray(forward(observation))), {})


class RandomPolicy:
    """Takes each allowed action with the same probability, as an algorithm to compare with.

    Args:
        source: the environments of an agent.
        seed: of the actions.
    """

    def __init__(self, source: Any, seed: int) -> None:
        self.space, self.seed = source.actions, seed
        self.mask = mask_size(source.observations)
        if getattr(source, "masked", False):  # of a tabular agent
            self.mask = sum(action_counts(self.space))

    def host_policy(self, generator: np.random.Generator | None = None) -> Callable[..., Any]:
        """See `lab.agents.Algorithm.host_policy`. Each call begins the same random numbers."""
        space, choose = self.space, chooser(self.space)
        generator = np.random.default_rng((self.seed, 2))

        def act(observation, start):
            drawn = 1.0 - generator.random((len(start), outputs(space)))  # in (0, 1]
            if isinstance(space, gymnasium.spaces.Box):
                drawn = space.low.ravel() + (space.high - space.low).ravel().astype("float64") * drawn
            elif self.mask:
                drawn *= observation[:, -self.mask :] > 0
            return choose(drawn), {}

        return act


def outputs(space: Any) -> int:
    """How many numbers a policy gives: of a Box its dimensions, else a score of each action."""
    if isinstance(space, gymnasium.spaces.Box):
        return int(np.prod(space.shape))
    if isinstance(space, gymnasium.spaces.MultiBinary):
        return 2 * int(np.prod(space.shape))
    return sum(action_counts(space))


def chooser(space: Any) -> Callable[[np.ndarray], np.ndarray]:
    """A function outputs of a policy `[B, N]` -> actions of the space, `[B]` or `[B, D]`."""
    if isinstance(space, gymnasium.spaces.Discrete):
        return lambda scores: space.start + scores.argmax(axis=-1)
    if isinstance(space, gymnasium.spaces.Box):
        return lambda action: np.clip(action, space.low, space.high)
    counts = space.nvec if hasattr(space, "nvec") else np.full(space.shape, 2)
    ends = np.cumsum(counts)[:-1]
    return lambda scores: np.stack([part.argmax(axis=-1) for part in np.split(scores, ends, axis=-1)], axis=-1)


def frozen_agent(model: Any, environment: str, settings: Mapping[str, Any], *, seed: int = 0) -> "Agent":
    """The policy of a run as a `lab.agents.Agent`, for `evaluate` and `export`.

    Args:
        model: the policy's Keras model, as `policy_model` gives it.
        environment: a Gymnasium id.
        settings: of the run: frame_stack, environment_options and wrappers, if it has them.
        seed: of the environments.

    Raises:
        ValueError: there is no such environment, or the policy does not fit it.
    """
    from lab.agents import environments
    from lab.agents.agent import Agent
    from lab.agents.source import Source

    arguments = environments.arguments(settings)
    if arguments["frame_stack"] == 1:
        source = Source(environment, num_envs=1, options=arguments["options"], wrappers=arguments["wrappers"])
    else:

        def make(render_mode: str | None = None) -> gymnasium.Env:
            return environments.make(environment, render_mode=render_mode, **arguments)

        make.__name__ = environment
        source = Source(make, num_envs=1, action_mask=False)  # they are in its observations already
    _require_fit(model, environment, source)
    return Agent(FrozenPolicy(model, source.actions), None, source, dict(settings), seed=seed, testing=seed)


def _require_fit(model, environment, source):
    """ValueError where the model takes other observations or gives other actions."""
    takes, gives = tuple(model.inputs[0].shape[1:]), model.outputs[0].shape[-1]
    if takes != source.observations.shape:
        received = f"{source.observations.shape} of {environment}"
        raise ValueError(
            f"environment: expected observations of the shape {takes}, as the model takes them, received {received}"
        )
    if gives != outputs(source.actions):
        received = f"{one_line(source.actions)} of {environment}, which needs {outputs(source.actions)}"
        raise ValueError(f"environment: expected actions for the model's {gives} outputs, received {received}")


def _remembering(model):
    """The forward pass of a recurrent model, which keeps its memory from step to step."""
    from lab import engine

    program = engine.compile(lambda seen, start, memory: model([seen, start, *memory], training=False), model.variables)
    memory: list = []

    def forward(observation, start):
        before = memory or [np.zeros((len(start), *tensor.shape[1:]), np.float32) for tensor in model.inputs[2:]]
        output, *memory[:] = (np.asarray(each) for each in program(observation, np.asarray(start, np.float32), before))
        return output

    return forward
