"""Dyna-Q and Dyna-Q+: learning, and planning with what has been learnt of the world."""

import numpy as np

from lab import validation
from lab.agents.tabular.q_learning import QLearning
from lab.agents.tabular.table import Table


class DynaQ(QLearning):
    """Q-learning from each step, and from `planning` remembered ones (Sutton 1990; Sutton and Barto 2018, section 8.2).

    The model keeps for every pair what it brought last; planning draws from the pairs seen so far, equally often.

    Args:
        planning: updates from the model after each step, >= 0.
        bonus: kappa; the model's rewards count kappa sqrt(tau) more, tau the steps since the pair was last tried. Above 0 this is Dyna-Q+
            (section 8.3): all actions of a state that has been seen take part in planning, those never tried as leading back with reward 0.
        **options: see `ActionValues`.
    """

    def __init__(self, *arguments, planning=5, bonus=0.0, **options):
        super().__init__(*arguments, **options)
        self.planning = validation.integer("planning", planning, least=0)
        self.bonus = validation.NOT_NEGATIVE.check("bonus", bonus)
        shape = (self.states, self.actions)
        self._reward, self._next, self._tried, self._order = (
            Table(np.full(shape, start), name)
            for start, name in ((0.0, "model_reward"), (-1.0, "model_next"), (0.0, "model_tried"), (-1.0, "model_order"))
        )  # _next: S for the end; _order: the rank of a pair among those seen
        self._time = Table([0.0], "model_time")
        self.variables += [self._reward, self._next, self._tried, self._order, self._time]
        self._seen = []

    def begin(self, generator):
        """Takes its random numbers, and the order of the pairs seen from the tables, which may have been restored."""
        super().begin(generator)
        order = np.asarray(self._order)
        pairs = np.argwhere(order >= 0)
        self._seen = [tuple(pair) for pair in pairs[order[order >= 0].argsort()].tolist()]

    def step(self, reward, state):
        """Learns, remembers, plans; then the next action."""
        self.update(reward + self.discount * max(self.q[state]))
        self._remember(reward, state)
        self._plan()
        self.state, self.action = state, self.choose(state)
        return self.action

    def end(self, reward):
        """The same where nothing follows."""
        self.update(reward)
        self._remember(reward, self.states)
        self._plan()

    def _remember(self, reward, state):
        self._time.rows[0] += 1
        pair = self.state, self.action
        if self._order.rows[pair[0]][pair[1]] < 0:
            others = [(pair[0], action) for action in self._choices[pair[0]]] if self.bonus else [pair]
            for other in others:
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
                reward += self.bonus * (self._time.rows[0] - self._tried.rows[self.state][self.action]) ** 0.5
            self.update(reward + (0.0 if following == self.states else self.discount * max(self.q[following])))
        self.state, self.action = real
