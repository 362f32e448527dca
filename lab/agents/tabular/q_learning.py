"""Q-learning."""

from lab.agents.tabular.learner import ActionValues


class QLearning(ActionValues):
    """q(S, A) <- q(S, A) + alpha (R + gamma max_a q(S', a) - q(S, A)) (Watkins 1989; Sutton and Barto 2018, section 6.5).

    Args: see `ActionValues`.
    """

    def step(self, reward, state):
        """One update, with the best next action; then the one that is taken."""
        self.update(reward + self.discount * max(self.q[state]))
        self.state, self.action = state, self.choose(state)
        return self.action

    def end(self, reward):
        """The update at the end, where nothing follows."""
        self.update(reward)
