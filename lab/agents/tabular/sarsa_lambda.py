"""Control with eligibility traces: SARSA(lambda) and Watkins's Q(lambda)."""

from typing import Any

from lab import validation
from lab.agents.tabular.learner import ActionValues
from lab.agents.tabular.traces import Traces


class SarsaLambda(ActionValues):
    """SARSA with eligibility traces.

        td_error = R + gamma q(S', A') - q(S, A)
        q <- q + alpha td_error e,  for all pairs of state and action

    Rummery and Niranjan 1994; Sutton and Barto 2018, section 12.7.

    Args:
        *arguments: see `ActionValues`.
        trace_decay: lambda, in [0, 1]; 0 is SARSA.
        trace: the kind of trace; see `Traces`.
        **options: see `ActionValues`.
    """

    def __init__(self, *arguments: Any, trace_decay: float = 0.9, trace: str = "accumulating", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.trace_decay = validation.UNIT.check("trace_decay", trace_decay)
        self._traces = Traces(trace)

    def start(self, state: int) -> int:
        """Starts an episode with all traces at 0. Returns the first action."""
        self._traces.clear()
        return super().start(state)

    def step(self, reward: float, state: int) -> int:
        """Updates all pairs with a trace > 0. Returns the next action."""
        action = self.choose(state)
        self._update_all(td_target=reward + self.discount * self.q[state][action])
        self._traces.decay(self.discount * self.trace_decay)
        self.state, self.action = state, action
        return action

    def end(self, reward: float) -> None:
        """The last update of an episode, with td_target = R."""
        self._update_all(td_target=reward)

    def _update_all(self, td_target):
        alpha = self.step_size(self.state, self.action)
        td_error = td_target - self.q[self.state][self.action]
        self._traces.visit((self.state, self.action), alpha)
        for (state, action), eligibility in self._traces.items():
            self.q[state][action] += alpha * td_error * eligibility


class QLambda(SarsaLambda):
    """Q-learning with eligibility traces that are set to 0 after an exploratory action.

        td_error = R + gamma max_a q(S', a) - q(S, A)
        q <- q + alpha td_error e,  for all pairs of state and action

    Watkins 1989; Sutton and Barto 2018, section 12.10. An action is exploratory if it is not
    greedy.

    Args: see `SarsaLambda`; trace_decay = 0 is Q-learning.
    """

    def step(self, reward: float, state: int) -> int:
        """Updates all pairs with a trace > 0. Returns the next action."""
        best = max(self.q[state])
        action = self.choose(state)
        greedy = self.q[state][action] == best
        self._update_all(td_target=reward + self.discount * best)
        if greedy:
            self._traces.decay(self.discount * self.trace_decay)
        else:
            self._traces.clear()
        self.state, self.action = state, action
        return action
