"""What tabular learners share: the protocol of an episode, step sizes, and action values with epsilon-greedy choice.

A learner takes part in an episode as in RL-Glue (Tanner and White 2009): `start(state)` and `step(reward, state)` return its next
action, `end(reward)` tells that the episode came to its end, `cut(reward, state)` that it was stopped from outside, so that the value of
`state` goes on where the rewards stop. All random numbers come from the generator that `begin` gives it.
"""

from abc import ABC, abstractmethod

import numpy as np
from gymnasium.spaces import Discrete

from lab import validation
from lab.agents.tabular.table import Table


class Learner(ABC):
    """A learner of any kind, for `TabularRollout` and `train`."""

    rollout_length, learning_starts = 1, 0
    observations: type = Discrete  # the kind of space that it learns from
    variables: list

    def begin(self, generator):
        """Takes the source of its random numbers, a `random.Random`, at the start of a run and at each checkpoint's boundary."""
        self.generator = generator

    @abstractmethod
    def start(self, state):
        """Begins an episode; the first action."""

    @abstractmethod
    def step(self, reward, state):
        """What the last action brought; the next action."""

    @abstractmethod
    def end(self, reward):
        """What the last action brought at the end of the episode."""

    def cut(self, reward, state):
        """What the last action brought where the episode was stopped from outside: a step after which nothing follows."""
        self.step(reward, state)


class ActionValues(Learner):
    """A learner of q(s, a), `[S, A]`, that acts epsilon-greedily; ties are broken at random.

    Args:
        states, actions: S and A.
        discount: gamma, in [0, 1].
        step_size: alpha, in (0, 1], or a function of how often the pair has been updated before: alpha(0), alpha(1), ...
        epsilon: probability of a random action, in [0, 1], or a function of how many actions were chosen, this one included: epsilon(1), ...
        initial: q at the start; a number, or `[S, A]`.
        available: which actions a state has, `[S, A]` bool; all by default.
    """

    def __init__(self, states, actions, *, discount=1.0, step_size=0.1, epsilon=0.1, initial=0.0, available=None):
        self.states = validation.integer("states", states)
        self.actions = validation.integer("actions", actions)
        self.discount = validation.UNIT.check("discount", discount)
        self._step_size = step_size if callable(step_size) else positive_fraction("step_size", step_size)
        self._epsilon = epsilon if callable(epsilon) else validation.UNIT.check("epsilon", epsilon)
        available = np.ones((states, actions), bool) if available is None else np.asarray(available, bool)
        if available.shape != (states, actions):
            raise ValueError(f"available: expected the shape {(states, actions)}, received {available.shape}.")
        self._choices = [np.flatnonzero(row).tolist() or [0] for row in available]
        self._available = available
        self._counter = Table([0.0], "steps")
        self.variables = [self._counter]
        self.values = self.table(initial, "action_values")
        if callable(step_size):
            self._updates = Table(np.zeros((states, actions)), "updates")
            self.variables.append(self._updates)
        self.q = self.values.rows

    def table(self, initial, name):
        """A further table of action values, -inf where there is no action, part of the learner's state."""
        start = np.where(self._available, np.broadcast_to(np.asarray(initial, float), (self.states, self.actions)), -np.inf)
        start[~self._available.any(axis=1), 0] = 0.0  # terminal states, whose value is 0
        table = Table(start, name)
        self.variables.append(table)
        return table

    def epsilon(self):
        """The present probability of a random action."""
        return self._epsilon(int(self._counter.rows[0])) if callable(self._epsilon) else self._epsilon

    def step_size(self, state, action, updates=None):
        """alpha for an update of this pair, which is counted, in another table of counts if it is given."""
        if not callable(self._step_size):
            return self._step_size
        row = (self._updates if updates is None else updates).rows[state]
        row[action] += 1
        return self._step_size(int(row[action]) - 1)

    def preferences(self, state):
        """The numbers that the greedy action maximises, `[A]`."""
        return self.q[state]

    def choose(self, state):
        """An epsilon-greedy action."""
        self._counter.rows[0] += 1
        if self.generator.random() < self.epsilon():
            return self.generator.choice(self._choices[state])
        values = self.preferences(state)
        best = max(values)
        if values.count(best) == 1:
            return values.index(best)
        return self.generator.choice([action for action, value in enumerate(values) if value == best])

    def policy(self, state):
        """pi(a|s) of that choice, `[A]`."""
        values = self.preferences(state)
        epsilon = self.epsilon()
        choices = self._choices[state]
        best = max(values)
        share = (1 - epsilon) / values.count(best)
        return [
            (share if value == best else 0.0) + (epsilon / len(choices) if action in choices else 0.0)
            for action, value in enumerate(values)
        ]

    def expected_value(self, state):
        """sum_a pi(a|s) q(s, a)."""
        return sum(p * value for p, value in zip(self.policy(state), self.preferences(state), strict=True) if p)

    def start(self, state):
        """Begins an episode; the first action."""
        self.state, self.action = state, self.choose(state)
        return self.action

    def update(self, target, q=None, updates=None):
        """q(S, A) <- q(S, A) + alpha (target - q(S, A)) for the last state and action, in another table if it is given."""
        row = (self.q if q is None else q)[self.state]
        row[self.action] += self.step_size(self.state, self.action, updates) * (target - row[self.action])

    def greedy_policy(self):
        """The first of the best actions in each state, `[S]`."""
        return np.array([np.argmax(self.preferences(state)) for state in range(self.states)])

    def host_policy(self, generator=None):
        """A function of observations `[B]` for `evaluate`: the greedy actions `[B]`, and nothing else; with a generator, epsilon-greedy."""
        best, epsilon = self.greedy_policy(), self.epsilon()

        def act(observation, start):
            actions = best[observation]
            if generator is not None:
                explore = generator.random(len(actions)) < epsilon
                actions = np.where(explore, [generator.choice(self._choices[state]) for state in observation], actions)
            return actions, {}

        return act


def positive_fraction(name, value):
    """`value` if it is in (0, 1]; ValueError otherwise."""
    if not validation.UNIT.check(name, value) > 0:
        raise ValueError(f"{name}: expected a number > 0 and <= 1, received {value!r}.")
    return value
