"""Expected SARSA."""

from lab.agents.tabular.learner import ActionValues


class ExpectedSarsa(ActionValues):
    """TD control with the expectation over the next action.

        td_target = R + gamma sum_a pi(a|S') q(S', a)
        q(S, A) <- q(S, A) + alpha (td_target - q(S, A))

    van Seijen et al. 2009; Sutton and Barto 2018, eq. 6.9. pi is the epsilon-greedy policy.

    Args: see `ActionValues`.
    """

    def step(self, reward: float, state: int) -> int:
        """One update. Returns the next action."""
        self.update(reward + self.discount * self.expected_value(state))
        self.state, self.action = state, self.choose(state)
        return self.action

    def end(self, reward: float) -> None:
        """The last update of an episode, with td_target = R."""
        self.update(reward)
