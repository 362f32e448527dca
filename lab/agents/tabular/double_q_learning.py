"""Double Q-learning."""

from typing import Any

import numpy as np

from lab.agents.tabular.learner import ActionValues
from lab.agents.tabular.table import Table


class DoubleQLearning(ActionValues):
    """Q-learning with two estimates of the action values, which avoids maximization bias.

    In each step, with probability 1/2,

        td_target = R + gamma q2(S', argmax_a q1(S', a))
        q1(S, A) <- q1(S, A) + alpha (td_target - q1(S, A))

    and otherwise the same with q1 and q2 exchanged (van Hasselt 2010, algorithm 1; Sutton and Barto
    2018, section 6.7). The policy is epsilon-greedy in q1 + q2. Ties in the argmax are broken at
    random. Where alpha is a function of the number of updates, each estimate counts its own.

    Args: see `ActionValues`.
    """

    def __init__(self, *arguments: Any, initial: Any = 0.0, **options: Any) -> None:
        super().__init__(*arguments, initial=initial, **options)
        self.other = self.table(initial, "other_action_values").rows
        self._other_updates = Table(np.zeros((self.states, self.actions)), "other_updates")
        self.variables.append(self._other_updates)

    def preferences(self, state: int) -> list[float]:
        """q1 + q2, `[A]`."""
        return [one + two for one, two in zip(self.q[state], self.other[state], strict=True)]

    def step(self, reward: float, state: int) -> int:
        """One update of one of the two estimates. Returns the next action."""
        learner, evaluator, updates = self._draw_roles()
        row = learner[state]
        best = max(row)
        ties = [action for action, value in enumerate(row) if value == best]
        chosen = ties[0] if len(ties) == 1 else self.generator.choice(ties)
        self.update(reward + self.discount * evaluator[state][chosen], learner, updates)
        self.state, self.action = state, self.choose(state)
        return self.action

    def end(self, reward: float) -> None:
        """The last update of an episode, with td_target = R."""
        learner, _, updates = self._draw_roles()
        self.update(reward, learner, updates)

    def _draw_roles(self):
        """(the estimate to update, the other estimate, the table that counts the updates)."""
        if self.generator.random() < 0.5:
            return self.q, self.other, None
        return self.other, self.q, self._other_updates
