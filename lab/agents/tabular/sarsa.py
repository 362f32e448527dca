"""SARSA."""

from lab.agents.tabular.learner import ActionValues


class Sarsa(ActionValues):
    """q(S, A) <- q(S, A) + alpha (R + gamma q(S', A') - q(S, A)) (Rummery and Niranjan 1994; Sutton and Barto 2018, section 6.4).

    Args: see `ActionValues`.
    """

    def step(self, reward, state):
        """One update, with the action that is taken next."""
        action = self.choose(state)
        self.update(reward + self.discount * self.q[state][action])
        self.state, self.action = state, action
        return action

    def end(self, reward):
        """The update at the end, where nothing follows."""
        self.update(reward)
