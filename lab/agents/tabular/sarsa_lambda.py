"""Eligibility traces for control: SARSA(lambda) and Watkins's Q(lambda)."""

from lab import validation
from lab.agents.tabular.learner import ActionValues

TRACES = ("accumulating", "replacing", "dutch")


class Traces:
    """Eligibilities e of table entries; all fade by gamma lambda in a step, and the entry just visited grows.

    accumulating: e <- e + 1; replacing: e <- 1 (Singh and Sutton 1996); dutch: e <- (1 - alpha) e + 1 (van Seijen and Sutton 2014).
    Entries below 1e-12 are forgotten.
    """

    def __init__(self, kind):
        if kind not in TRACES:
            raise ValueError(f"trace: expected one of {', '.join(TRACES)}, received {kind!r}.")
        self.kind, self._entries = kind, {}

    def clear(self):
        """Forgets everything."""
        self._entries.clear()

    def fade(self, factor):
        """e <- factor e."""
        entries = self._entries
        for key in list(entries):
            entries[key] *= factor
            if entries[key] < 1e-12:
                del entries[key]

    def visit(self, key, alpha):
        """Grows the entry of a state, or of a pair."""
        old = self._entries.get(key, 0.0)
        self._entries[key] = {"accumulating": old + 1.0, "replacing": 1.0, "dutch": (1.0 - alpha) * old + 1.0}[self.kind]

    def items(self):
        """(key, e) of all entries."""
        return self._entries.items()


class SarsaLambda(ActionValues):
    """q <- q + alpha delta e for all pairs, delta = R + gamma q(S', A') - q(S, A) (Rummery and Niranjan 1994; Sutton and Barto 2018, section 12.7).

    Args:
        decay: lambda, in [0, 1]; 0 is SARSA.
        trace: "accumulating", "replacing" or "dutch"; see `Traces`.
        **options: see `ActionValues`.
    """

    def __init__(self, *arguments, decay=0.9, trace="accumulating", **options):
        super().__init__(*arguments, **options)
        self.decay = validation.UNIT.check("decay", decay)
        self._traces = Traces(trace)

    def start(self, state):
        """Begins an episode, with no eligibilities; the first action."""
        self._traces.clear()
        return super().start(state)

    def step(self, reward, state):
        """One update of every pair that is still eligible, with the action that is taken next."""
        action = self.choose(state)
        self._spread(reward + self.discount * self.q[state][action])
        self._traces.fade(self.discount * self.decay)
        self.state, self.action = state, action
        return action

    def end(self, reward):
        """The update at the end, where nothing follows."""
        self._spread(reward)

    def _spread(self, target):
        alpha, error = self.step_size(self.state, self.action), target - self.q[self.state][self.action]
        self._traces.visit((self.state, self.action), alpha)
        for (state, action), eligibility in self._traces.items():
            self.q[state][action] += alpha * error * eligibility


class QLambda(SarsaLambda):
    """Q-learning with traces that are cut by the first exploring action (Watkins 1989; Sutton and Barto 2018, section 12.10).

    delta = R + gamma max_a q(S', a) - q(S, A); after an action that is not greedy all eligibilities are forgotten.

    Args: see `SarsaLambda`; decay = 0 is Q-learning.
    """

    def step(self, reward, state):
        """One update of every pair that is still eligible, with the best next action; then the one that is taken."""
        best = max(self.q[state])
        action = self.choose(state)
        greedy = self.q[state][action] == best
        self._spread(reward + self.discount * best)
        if greedy:
            self._traces.fade(self.discount * self.decay)
        else:
            self._traces.clear()
        self.state, self.action = state, action
        return action
