"""Dyna-Q and Dyna-Q+: Q-learning with planning on a learnt model."""

import random
from typing import Any

import numpy as np

from lab import validation
from lab.agents.tabular.q_learning import QLearning
from lab.agents.tabular.table import Table


class DynaQ(QLearning):
    """Q-learning from each real transition, and then from `planning` transitions of a model.

    Sutton 1990; Sutton and Barto 2018, section 8.2. The model remembers the last reward and next
    state of each pair of state and action. Planning draws from the pairs seen so far, with equal
    probability.

    Args:
        *arguments: see `ActionValues`.
        planning: number of planning updates after each step, >= 0.
        bonus: kappa, >= 0. Above 0 the algorithm is Dyna-Q+ (section 8.3). Planning then uses the
            reward r + kappa sqrt(tau), tau the number of steps since the pair was last tried. It
            also draws actions that were never tried, in states that were seen; their model is
            reward 0 and no change of the state.
        **options: see `ActionValues`.
    """

    def __init__(self, *arguments: Any, planning: int = 5, bonus: float = 0.0, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.planning = validation.integer("planning", planning, least=0)
        self.bonus = validation.NOT_NEGATIVE.check("bonus", bonus)
        shape = (self.states, self.actions)
        self._reward = Table(np.zeros(shape), "model_reward")
        self._next = Table(np.full(shape, -1.0), "model_next")  # next state; S at the end of an episode
        self._tried = Table(np.zeros(shape), "model_tried")  # the step in which the pair was last tried
        self._order = Table(np.full(shape, -1.0), "model_order")  # rank of a pair among those seen
        self._time = Table([0.0], "model_time")
        self.variables += [self._reward, self._next, self._tried, self._order, self._time]
        self._seen: list[tuple[int, int]] = []

    def begin(self, generator: random.Random) -> None:
        """Sets the random generator, and reads the pairs seen so far from the (restored) tables."""
        super().begin(generator)
        order = np.asarray(self._order)
        pairs = np.argwhere(order >= 0)
        self._seen = [tuple(pair) for pair in pairs[order[order >= 0].argsort()].tolist()]

    def step(self, reward: float, state: int) -> int:
        """One update from the transition, then planning. Returns the next action."""
        self.update(reward + self.discount * max(self.q[state]))
        self._update_model(reward, state)
        self._plan()
        self.state, self.action = state, self.choose(state)
        return self.action

    def end(self, reward: float) -> None:
        """The last update of an episode, with td_target = R, then planning."""
        self.update(reward)
        self._update_model(reward, self.states)
        self._plan()

    def _update_model(self, reward, state):
        self._time.rows[0] += 1
        pair = self.state, self.action
        if self._order.rows[pair[0]][pair[1]] < 0:
            new = [(pair[0], action) for action in self._choices[pair[0]]] if self.bonus else [pair]
            for other in new:
                if self._order.rows[other[0]][other[1]] < 0:
                    self._order.rows[other[0]][other[1]] = float(len(self._seen))
                    self._seen.append(other)
                    self._next.rows[other[0]][other[1]] = float(other[0])
        self._reward.rows[pair[0]][pair[1]] = reward
        self._next.rows[pair[0]][pair[1]] = float(state)
        self._tried.rows[pair[0]][pair[1]] = self._time.rows[0]

    def _plan(self):
        real = self.state, self.action
        for _ in range(self.planning):
            self.state, self.action = self._seen[int(self.generator.random() * len(self._seen))]
            following = int(self._next.rows[self.state][self.action])
            reward = self._reward.rows[self.state][self.action]
            if self.bonus:
                tau = self._time.rows[0] - self._tried.rows[self.state][self.action]
                reward += self.bonus * tau**0.5
            self.update(reward + (0.0 if following == self.states else self.discount * max(self.q[following])))
        self.state, self.action = real
