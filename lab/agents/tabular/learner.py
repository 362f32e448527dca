"""The protocol of tabular learners, and the base of those that learn action values.

A learner takes part in an episode as in RL-Glue (Tanner and White 2009):

- `start(state)` returns the first action, `step(reward, state)` returns the next one.
- `end(reward)` tells that the episode has terminated.
- `cut(reward, state)` tells that the episode was truncated: its return bootstraps from `state`.

All random numbers come from the generator that `begin` sets.
"""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete

from lab import validation
from lab.agents.parts import flat_mask
from lab.agents.tabular.for_env import ForEnv
from lab.agents.tabular.table import Table
from lab.errors import EnvironmentFailure


class Learner(ABC):
    """A learner for `TabularRollout` and `train`."""

    rollout_length, learning_starts = 1, 0
    observations: type = Discrete  # the kind of observation space
    variables: list  # all that is learnt, as `Table` or `Weights`

    def begin(self, generator: random.Random) -> None:
        """Sets the random generator. Called when a run starts, and after each checkpoint."""
        self.generator = generator

    @abstractmethod
    def start(self, state: Any) -> int:
        """Starts an episode. Returns the first action."""

    @abstractmethod
    def step(self, reward: float, state: Any) -> int:
        """Takes the reward and the next state of the last action. Returns the next action."""

    @abstractmethod
    def end(self, reward: float) -> None:
        """Takes the reward of the last action of an episode that has terminated."""

    def cut(self, reward: float, state: Any) -> None:
        """Takes the reward and the next state of the last action of a truncated episode.

        By default it is a step whose next action is not used.
        """
        self.step(reward, state)

    def describe(self) -> str:
        """What is learnt, for `Agent.summary`."""
        return ", ".join(f"{each.path} {list(each.shape)}" for each in self.variables)


class ActionValues(ForEnv, Learner):
    """Base of learners of q(s, a), `[S, A]`, with an epsilon-greedy policy.

    Ties between greedy actions are broken at random. Where an action is not available, q is -inf:
    so it is neither drawn, nor is it in the maximum over actions or in their expectation.

    Args:
        states: S.
        actions: A.
        discount: gamma, in [0, 1].
        step_size: alpha, in (0, 1]. Or a function of the number of earlier updates of the pair:
            alpha(0), alpha(1), ...
        epsilon: probability of a random action, in [0, 1]. Or a function of the number of actions
            chosen so far, including this one: epsilon(1), epsilon(2), ...
        initial: the first q, a number or `[S, A]`.
        available: which actions a state has, `[S, A]` bool. Default: all.
    """

    def __init__(
        self,
        states: int,
        actions: int,
        *,
        discount: float = 1.0,
        step_size: float | Callable[[int], float] = 0.1,
        epsilon: float | Callable[[int], float] = 0.1,
        initial: np.typing.ArrayLike = 0.0,
        available: np.typing.ArrayLike | None = None,
    ) -> None:
        self.states = validation.integer("states", states)
        self.actions = validation.integer("actions", actions)
        self.discount = validation.UNIT.check("discount", discount)
        self._step_size = step_size if callable(step_size) else positive_fraction("step_size", step_size)
        self._epsilon = epsilon if callable(epsilon) else validation.UNIT.check("epsilon", epsilon)
        mask = np.ones((states, actions), bool) if available is None else np.asarray(available, bool)
        if mask.shape != (states, actions):
            raise ValueError(f"available: expected the shape {(states, actions)}, received {mask.shape}.")
        self._choices = [np.flatnonzero(row).tolist() or [0] for row in mask]
        self._available = mask
        self._masks: dict[int, tuple] = {}  # {state: (its mask, the first action that this forbids)}
        self._starts: list[tuple] = []  # (a table of action values, its first numbers)
        self._counter = Table([0.0], "steps")
        self.variables = [self._counter]
        self.values = self.table(initial, "action_values")
        if callable(step_size):
            self._updates = Table(np.zeros((states, actions)), "updates")
            self.variables.append(self._updates)
        self.q = self.values.rows

    def table(self, initial: np.typing.ArrayLike, name: str) -> Table:
        """Adds a table of action values to the variables; -inf where an action is not available."""
        start = np.where(self._available, np.broadcast_to(np.asarray(initial, float), (self.states, self.actions)), -np.inf)
        start[~self._available.any(axis=1), 0] = 0.0  # terminal states, whose value is 0
        table = Table(start, name)
        self.variables.append(table)
        self._starts.append((table, start))
        return table

    @classmethod
    def build(cls, env: Any, **arguments: Any) -> "ActionValues":
        """A learner for an environment with `Discrete` observations and actions."""
        return cls(int(env.observation_space.n), int(env.action_space.n), **arguments)

    def begin(self, generator: random.Random) -> None:
        """Sets the random generator, and reads from the tables which actions are available."""
        super().begin(generator)
        self._masks.clear()
        self._choices = [[action for action, value in enumerate(row) if value != -math.inf] or [0] for row in self.q]

    def restrict(self, state: int, mask: np.typing.ArrayLike) -> None:
        """Leaves a state only the actions that a mask allows; q(s, a) of the others becomes -inf.

        Args:
            state: S.
            mask: `info["action_mask"]` in this state, `[A]`. It must be the same at each visit.

        Raises:
            EnvironmentFailure: the mask has another shape, allows nothing, or has changed.
        """
        given = np.asarray(mask, np.int8).tobytes()
        known, forbidden = self._masks.get(state, (given, self.actions))
        if known != given:
            raise EnvironmentFailure(
                f"action_mask: expected the same at each visit of state {state}, because a table has one row for it, "
                f"received {np.asarray(mask).tolist()}."
            )
        if forbidden is None or (forbidden < self.actions and self.q[state][forbidden] == -math.inf):
            return
        allowed = flat_mask(mask, [self.actions]).tolist()
        choices = [action for action in self._choices[state] if allowed[action]]
        if not choices:
            raise EnvironmentFailure(
                f"action_mask: expected one of the actions {self._choices[state]} of state {state}, received {allowed}."
            )
        self._choices[state] = choices
        for table, _ in self._starts:
            table.rows[state] = [value if allowed[action] else -math.inf for action, value in enumerate(table.rows[state])]
        self._masks[state] = given, (allowed.index(False) if False in allowed else None)

    def epsilon(self) -> float:
        """The current probability of a random action."""
        return self._epsilon(int(self._counter.rows[0])) if callable(self._epsilon) else self._epsilon

    def step_size(self, state: int, action: int, updates: Table | None = None) -> float:
        """alpha for the next update of a pair. The call counts as this update.

        Args:
            state: S.
            action: A.
            updates: the table that counts the updates; by default the one of q.
        """
        if not callable(self._step_size):
            return self._step_size
        row = (self._updates if updates is None else updates).rows[state]
        row[action] += 1
        return self._step_size(int(row[action]) - 1)

    def preferences(self, state: int) -> list[float]:
        """The numbers that a greedy action maximises, `[A]`: q(s, a)."""
        return self.q[state]

    def choose(self, state: int) -> int:
        """Draws an action from the epsilon-greedy policy."""
        self._counter.rows[0] += 1
        if self.generator.random() < self.epsilon():
            return self.generator.choice(self._choices[state])
        values = self.preferences(state)
        best = max(values)
        if values.count(best) == 1:
            return values.index(best)
        return self.generator.choice([action for action, value in enumerate(values) if value == best])

    def policy(self, state: int) -> list[float]:
        """pi(a|s) of the epsilon-greedy policy, `[A]`."""
        values = self.preferences(state)
        epsilon = self.epsilon()
        choices = self._choices[state]
        best = max(values)
        share = (1 - epsilon) / values.count(best)
        return [
            (share if value == best else 0.0) + (epsilon / len(choices) if action in choices else 0.0)
            for action, value in enumerate(values)
        ]

    def expected_value(self, state: int) -> float:
        """sum_a pi(a|s) q(s, a)."""
        return sum(p * value for p, value in zip(self.policy(state), self.preferences(state), strict=True) if p)

    def start(self, state: int) -> int:
        """Starts an episode. Returns the first action."""
        self.state, self.action = state, self.choose(state)
        return self.action

    def update(self, target: float, q: list | None = None, updates: Table | None = None) -> None:
        """q(S, A) <- q(S, A) + alpha (target - q(S, A)), for the current state and action.

        Args:
            target: the TD target or the return.
            q: the rows of another table of action values.
            updates: the table that counts its updates.
        """
        row = (self.q if q is None else q)[self.state]
        row[self.action] += self.step_size(self.state, self.action, updates) * (target - row[self.action])

    def greedy_policy(self) -> np.ndarray:
        """The first of the greedy actions of each state, `[S]`."""
        return self.action_scores().argmax(axis=1)

    def action_scores(self) -> np.ndarray:
        """The preferences of all states, `[S, A]`; the first of the highest is greedy."""
        return np.array([self.preferences(state) for state in range(self.states)])

    def describe(self) -> str:
        """The size of the table and how much of it has been learnt, for `Agent.summary`."""
        pairs = np.isfinite(self.action_scores())
        changed = np.zeros((self.states, self.actions), bool)
        for table, start in self._starts:
            changed |= pairs & (np.asarray(table) != start)
        states = int(changed.any(axis=1).sum())
        learnt = f"learnt in {states:,} states ({states / self.states:.0%}) and {int(changed.sum()):,} pairs"
        excluded = f", {int((~pairs).sum()):,} pairs are excluded" if not pairs.all() else ""
        return f"action values: {self.states:,} states x {self.actions:,} actions, {learnt}{excluded}"

    def host_policy(self, generator: np.random.Generator | None = None) -> Callable:
        """The greedy policy for `evaluate`; with a generator, the epsilon-greedy policy.

        Returns:
            A function (states `[B]`, starts `[B]`) -> (actions `[B]`, {}). States may have their
            masks behind them, `[B, 1 + A]`, as `MaskInObservation` gives them.
        """
        scores, epsilon = self.action_scores(), self.epsilon()
        least = np.finfo(float).min  # a mask is newer than a table that forbids what it allows

        def act(observation, start):
            observation = np.asarray(observation)
            if observation.ndim == 2:
                rows = np.where(observation[:, 1:], np.maximum(scores[observation[:, 0]], least), -np.inf)
            else:
                rows = scores[observation]
            actions = rows.argmax(axis=1)
            if generator is not None:
                explore = generator.random(len(actions)) < epsilon
                actions = np.where(explore, [generator.choice(np.flatnonzero(row > -np.inf)) for row in rows], actions)
            return actions, {}

        return act


def positive_fraction(name: str, value: float) -> float:
    """Returns `value` if it is in (0, 1]; raises a ValueError otherwise."""
    if not validation.UNIT.check(name, value) > 0:
        raise ValueError(f"{name}: expected a number > 0 and <= 1, received {value!r}.")
    return value
