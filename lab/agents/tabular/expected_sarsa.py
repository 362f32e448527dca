"""Expected SARSA."""

from lab.agents.tabular.learner import ActionValues


class ExpectedSarsa(ActionValues):
    """q(S, A) <- q(S, A) + alpha (R + gamma sum_a pi(a|S') q(S', a) - q(S, A)) (van Seijen et al. 2009; Sutton and Barto 2018, eq. 6.9).

    Args: see `ActionValues`.
    """

    def step(self, reward, state):
        """One update, with the mean over the next action; then that action."""
        self.update(reward + self.discount * self.expected_value(state))
        self.state, self.action = state, self.choose(state)
        return self.action

    def end(self, reward):
        """The update at the end, where nothing follows."""
        self.update(reward)
