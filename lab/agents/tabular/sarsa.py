"""SARSA."""

from lab.agents.tabular.learner import ActionValues


class Sarsa(ActionValues):
    """On-policy TD control.

        td_target = R + gamma q(S', A')
        q(S, A) <- q(S, A) + alpha (td_target - q(S, A))

    Rummery and Niranjan 1994; Sutton and Barto 2018, section 6.4.

    Args: see `ActionValues`.
    """

    def step(self, reward: float, state: int) -> int:
        """One update with the next action A'. Returns A'."""
        action = self.choose(state)
        self.update(reward + self.discount * self.q[state][action])
        self.state, self.action = state, action
        return action

    def end(self, reward: float) -> None:
        """The last update of an episode, with td_target = R."""
        self.update(reward)
