"""Q-learning."""

from lab.agents.tabular.learner import ActionValues


class QLearning(ActionValues):
    """Off-policy TD control.

        td_target = R + gamma max_a q(S', a)
        q(S, A) <- q(S, A) + alpha (td_target - q(S, A))

    Watkins 1989; Sutton and Barto 2018, section 6.5.

    Args: see `ActionValues`.
    """

    def step(self, reward: float, state: int) -> int:
        """One update. Returns the next action."""
        self.update(reward + self.discount * max(self.q[state]))
        self.state, self.action = state, self.choose(state)
        return self.action

    def end(self, reward: float) -> None:
        """The last update of an episode, with td_target = R."""
        self.update(reward)
