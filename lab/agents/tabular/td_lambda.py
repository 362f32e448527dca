"""Prediction with eligibility traces: TD(lambda) and true online TD(lambda)."""

from typing import Any

from lab import validation
from lab.agents.tabular.prediction import StateValues
from lab.agents.tabular.traces import Traces


class TDLambda(StateValues):
    """TD prediction with eligibility traces.

        td_error = R + gamma V(S') - V(S)
        V <- V + alpha td_error e,  for all states

    Sutton 1988; Sutton and Barto 2018, section 12.2.

    Args:
        *arguments: see `StateValues`.
        trace_decay: lambda, in [0, 1]; 0 is TD(0).
        trace: the kind of trace; see `lab.agents.tabular.traces.Traces`.
        **options: see `StateValues`.
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
        """Updates all states with a trace > 0. Returns the next action."""
        self._update_all(td_target=reward + self.discount * self.v[state])
        self._traces.decay(self.discount * self.trace_decay)
        self.state = state
        return self.choose(state)

    def end(self, reward: float) -> None:
        """The last update of an episode, with td_target = R."""
        self._update_all(td_target=reward)

    def _update_all(self, td_target):
        alpha = self.step_size(self.state)
        td_error = td_target - self.v[self.state]
        self._traces.visit(self.state, alpha)
        for state, eligibility in self._traces.items():
            self.v[state] += alpha * td_error * eligibility


class TrueOnlineTDLambda(TDLambda):
    """TD(lambda) that equals the online lambda-return algorithm at every step.

        td_error = R + gamma V(S') - V(S)
        V <- V + alpha (td_error + V(S) - V_old) e - alpha (V(S) - V_old) x(S)

    van Seijen and Sutton 2014; Sutton and Barto 2018, section 12.5. e are dutch traces. x(S) is 1
    at S and 0 elsewhere. V_old is the value of S at the time when S was reached.

    Args: see `TDLambda`, without `trace`.
    """

    def __init__(self, *arguments: Any, trace_decay: float = 0.9, **options: Any) -> None:
        super().__init__(*arguments, trace_decay=trace_decay, trace="dutch", **options)

    def start(self, state: int) -> int:
        """Starts an episode with all traces at 0 and V_old = V(S). Returns the first action."""
        self._old = self.v[state]
        return super().start(state)

    def step(self, reward: float, state: int) -> int:
        """Updates all states with a trace > 0. Returns the next action."""
        next_value = self.v[state]
        self._update_online(reward, next_value)
        self._old, self.state = next_value, state
        return self.choose(state)

    def end(self, reward: float) -> None:
        """The last update of an episode, with V(S') = 0."""
        self._update_online(reward, 0.0)

    def _update_online(self, reward, next_value):
        alpha, value = self.step_size(self.state), self.v[self.state]
        td_error = reward + self.discount * next_value - value
        self._traces.decay(self.discount * self.trace_decay)
        self._traces.visit(self.state, alpha)
        for state, eligibility in self._traces.items():
            self.v[state] += alpha * (td_error + value - self._old) * eligibility
        self.v[self.state] -= alpha * (value - self._old)
