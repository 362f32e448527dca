"""Double Q-learning."""

import numpy as np

from lab.agents.tabular.learner import ActionValues
from lab.agents.tabular.table import Table


class DoubleQLearning(ActionValues):
    """Two estimates, each with counts of its own, of which a coin says which is updated; the other says what its best action is worth.

        q1(S, A) <- q1(S, A) + alpha (R + gamma q2(S', argmax_a q1(S', a)) - q1(S, A)),  or with q1 and q2 exchanged

    (van Hasselt 2010, algorithm 1; Sutton and Barto 2018, section 6.7). It acts epsilon-greedily in q1 + q2; ties in the argmax are
    broken at random.

    Args: see `ActionValues`.
    """

    def __init__(self, *arguments, initial=0.0, **options):
        super().__init__(*arguments, initial=initial, **options)
        self.other = self.table(initial, "other_action_values").rows
        self._other_updates = Table(np.zeros((self.states, self.actions)), "other_updates")
        self.variables.append(self._other_updates)

    def preferences(self, state):
        """q1 + q2."""
        return [one + two for one, two in zip(self.q[state], self.other[state], strict=True)]

    def step(self, reward, state):
        """One update of one of both estimates; then the next action."""
        first, second, updates = self._toss()
        row = first[state]
        best = max(row)
        ties = [action for action, value in enumerate(row) if value == best]
        chosen = ties[0] if len(ties) == 1 else self.generator.choice(ties)
        self.update(reward + self.discount * second[state][chosen], first, updates)
        self.state, self.action = state, self.choose(state)
        return self.action

    def end(self, reward):
        """The update at the end, where nothing follows."""
        first, _, updates = self._toss()
        self.update(reward, first, updates)

    def _toss(self):
        return (self.q, self.other, None) if self.generator.random() < 0.5 else (self.other, self.q, self._other_updates)
