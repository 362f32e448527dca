"""Learning V_pi: TD(0), n-step TD, TD(lambda), true online TD(lambda) and Monte Carlo, of a policy that is followed."""

from collections import deque
from itertools import accumulate

import numpy as np

from lab import validation
from lab.agents.tabular.learner import Learner, positive_fraction
from lab.agents.tabular.sarsa_lambda import Traces
from lab.agents.tabular.table import Table


def probabilities(name, policy):
    """A policy `[S, A]` as an array; ValueError where it is none."""
    policy = np.asarray(policy, float)
    if policy.ndim != 2:
        raise ValueError(f"{name}: expected probabilities [S, A], received the shape {policy.shape}.")
    sums = policy.sum(axis=1)
    if (policy < 0).any() or (np.minimum(np.abs(sums), np.abs(sums - 1)) > 1e-9).any():
        raise ValueError(f"{name}: expected probabilities that sum to 1, or to 0 in terminal states, received others.")
    return policy


def ratios(policy, behaviour):
    """pi(a|s) / b(a|s) of a target policy and the behaviour, `[S, A]`."""
    policy, behaviour = probabilities("policy", policy), probabilities("behaviour", behaviour)
    if policy.shape != behaviour.shape or ((policy > 0) & (behaviour <= 0)).any():
        raise ValueError(
            "behaviour: expected the policy's shape, and probabilities > 0 wherever the policy's are, received others."
        )
    return np.divide(policy, behaviour, out=np.zeros_like(policy), where=behaviour > 0)


class StateValues(Learner):
    """A learner of V, `[S]`, that follows a policy.

    Args:
        policy: pi(a|s), `[S, A]`.
        discount: gamma, in [0, 1].
        step_size: alpha, in (0, 1], or a function of how often the state has been updated before: alpha(0), alpha(1), ...
        initial: V at the start; a number, or `[S]`.
    """

    def __init__(self, policy, *, discount=1.0, step_size=0.1, initial=0.0):
        policy = probabilities("policy", policy)
        self.actions = policy.shape[1]
        self._cumulative = [list(accumulate(row)) for row in policy.tolist()]
        self.discount = validation.UNIT.check("discount", discount)
        self._step_size = step_size if callable(step_size) else positive_fraction("step_size", step_size)
        self.values = Table(np.broadcast_to(np.asarray(initial, float), len(policy)), "state_values")
        self._updates = Table(np.zeros(len(policy)), "updates")
        self.variables = [self.values, self._updates]
        self.v = self.values.rows

    def choose(self, state):
        """An action of the policy."""
        cumulative = self._cumulative[state]
        draw = self.generator.random() * cumulative[-1]
        return next(action for action, bound in enumerate(cumulative) if draw < bound)

    def step_size(self, state):
        """alpha for an update of this state, which is counted."""
        if not callable(self._step_size):
            return self._step_size
        self._updates.rows[state] += 1
        return self._step_size(int(self._updates.rows[state]) - 1)

    def update(self, state, target):
        """V(s) <- V(s) + alpha (target - V(s))."""
        self.v[state] += self.step_size(state) * (target - self.v[state])

    def start(self, state):
        """Begins an episode; the first action."""
        self.state = state
        return self.choose(state)


class TD(StateValues):
    """n-step TD: V(S_t) <- V(S_t) + alpha (R_t+1 + ... + gamma^(n-1) R_t+n + gamma^n V(S_t+n) - V(S_t)).

    Sutton 1988; Sutton and Barto 2018, sections 6.1 (n = 1, TD(0)) and 7.1.

    Args:
        n: steps, >= 1.
        **options: see `StateValues`.
    """

    def __init__(self, *arguments, n=1, **options):
        super().__init__(*arguments, **options)
        self.n = validation.integer("n", n)

    def start(self, state):
        """Begins an episode; the first action."""
        self._path: deque = deque([state])
        self._rewards: deque = deque()
        return super().start(state)

    def step(self, reward, state):
        """Updates the state n steps ago."""
        self._path.append(state)
        self._rewards.append(reward)
        if len(self._rewards) == self.n:
            self._back_up(self.v[state])
        return self.choose(state)

    def end(self, reward):
        """Updates all states that are left."""
        self._rewards.append(reward)
        while self._rewards:
            self._back_up(0.0)

    def cut(self, reward, state):
        """The same, with the value of the last state behind the rewards."""
        self._rewards.append(reward)
        while self._rewards:
            self._back_up(self.v[state])

    def _back_up(self, value):
        for reward in reversed(self._rewards):
            value = reward + self.discount * value
        self._rewards.popleft()
        self.update(self._path.popleft(), value)


class TDLambda(StateValues):
    """V <- V + alpha delta e for all states, delta = R + gamma V(S') - V(S) (Sutton 1988; Sutton and Barto 2018, section 12.2).

    Args:
        decay: lambda, in [0, 1]; 0 is TD(0).
        trace: "accumulating", "replacing" or "dutch"; see `lab.agents.tabular.sarsa_lambda.Traces`.
        **options: see `StateValues`.
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
        """One update of every state that is still eligible."""
        self._spread(reward + self.discount * self.v[state])
        self._traces.fade(self.discount * self.decay)
        self.state = state
        return self.choose(state)

    def end(self, reward):
        """The update at the end, where nothing follows."""
        self._spread(reward)

    def _spread(self, target):
        alpha, error = self.step_size(self.state), target - self.v[self.state]
        self._traces.visit(self.state, alpha)
        for state, eligibility in self._traces.items():
            self.v[state] += alpha * error * eligibility


class TrueOnlineTDLambda(TDLambda):
    """TD(lambda) that equals the online lambda-return algorithm at every step (van Seijen and Sutton 2014; Sutton and Barto 2018, section 12.5).

        delta = R + gamma V(S') - V(S);  V <- V + alpha (delta + V(S) - V_old) e - alpha (V(S) - V_old) x(S)

    with dutch traces, x(S) one at S and zero elsewhere, and V_old what V(S) was when S was reached.

    Args: see `TDLambda`; the trace is dutch.
    """

    def __init__(self, *arguments, decay=0.9, **options):
        super().__init__(*arguments, decay=decay, trace="dutch", **options)

    def start(self, state):
        """Begins an episode; V_old is V(S)."""
        self._old = self.v[state]
        return super().start(state)

    def step(self, reward, state):
        """One update of every state that is still eligible."""
        reached = self.v[state]
        self._spread_online(reward, reached)
        self._old, self.state = reached, state
        return self.choose(state)

    def end(self, reward):
        """The update at the end, where nothing follows."""
        self._spread_online(reward, 0.0)

    def _spread_online(self, reward, reached):
        alpha, value = self.step_size(self.state), self.v[self.state]
        error = reward + self.discount * reached - value
        self._traces.fade(self.discount * self.decay)
        self._traces.visit(self.state, alpha)
        for state, eligibility in self._traces.items():
            self.v[state] += alpha * (error + value - self._old) * eligibility
        self.v[self.state] -= alpha * (value - self._old)


class MonteCarlo(StateValues):
    """V(S) as the mean of the returns that followed S (Sutton and Barto 2018, section 5.1); an episode that is cut ends in V of its last state.

    Args:
        every_visit: whether each visit of an episode counts, or the first alone.
        step_size: None averages all returns; else as in `StateValues`.
        **options: see `StateValues`.
    """

    def __init__(self, *arguments, every_visit=False, step_size=None, **options):
        super().__init__(*arguments, step_size=(lambda count: 1 / (count + 1)) if step_size is None else step_size, **options)
        self.every_visit = every_visit

    def start(self, state):
        """Begins an episode; the first action."""
        self._path, self._rewards = [state], []
        return super().start(state)

    def step(self, reward, state):
        """Remembers; the next action."""
        self._path.append(state)
        self._rewards.append(reward)
        return self.choose(state)

    def end(self, reward):
        """Learns from the episode."""
        self._rewards.append(reward)
        self._learn(0.0)

    def cut(self, reward, state):
        """Learns from the part of the episode that there is."""
        self._rewards.append(reward)
        self._learn(self.v[state])

    def _learn(self, value):
        first = {state: t for t, state in reversed(list(enumerate(self._path)))}
        for t in range(len(self._rewards) - 1, -1, -1):
            value = self._rewards[t] + self.discount * value
            if self.every_visit or first[self._path[t]] == t:
                self.update(self._path[t], value)
