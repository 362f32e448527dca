"""REINFORCE with a linear softmax policy, with and without a baseline."""

import numpy as np

from lab import validation
from lab.agents.tabular.learner import Learner
from lab.agents.tabular.table import Weights


class LinearReinforce(Learner):
    """theta <- theta + alpha gamma^t (G_t - v(S_t)) grad ln pi(A_t|S_t), pi the softmax of theta . x(s, a) over actions.

    Williams 1992; Sutton and Barto 2018, sections 13.3 and 13.4. The baseline v(s) = w . x(s) learns by w <- w + beta (G_t - v(S_t)) x(S_t). All
    updates of an episode are made at its end, in the order of its steps; an episode that is cut ends in v of its last state.

    Args:
        features: x(s, a), `[S, A, d]`.
        baseline: x(s), `[S, k]`; None for no baseline, v = 0.
        discount: gamma, in [0, 1].
        step_size: alpha, > 0.
        baseline_step_size: beta, > 0.
        initial: theta at the start; a number, or `[d]`.
    """

    def __init__(self, features, *, baseline=None, discount=1.0, step_size=2e-4, baseline_step_size=2e-3, initial=0.0):
        self.x = np.asarray(features, float)
        if self.x.ndim != 3:
            raise ValueError(f"features: expected the shape [S, A, d], received {self.x.shape}.")
        self.y = np.zeros((len(self.x), 1)) if baseline is None else np.asarray(baseline, float)
        if self.y.ndim != 2 or len(self.y) != len(self.x):
            raise ValueError(f"baseline: expected the shape ({len(self.x)}, k), received {self.y.shape}.")
        self.discount = validation.UNIT.check("discount", discount)
        self.alpha = validation.POSITIVE.check("step_size", step_size)
        self.beta = validation.POSITIVE.check("baseline_step_size", baseline_step_size)
        self._theta = Weights(np.broadcast_to(np.asarray(initial, float), self.x.shape[2:]), "theta")
        self._w = Weights(np.zeros(self.y.shape[1]), "baseline")
        self.theta = self._theta.values
        self.w = self._w.values
        self.variables = [self._theta, self._w]

    def policy(self, state):
        """pi(a|s), `[A]`."""
        scores = self.x[state] @ self.theta
        chances = np.exp(scores - scores.max())
        return chances / chances.sum()

    def choose(self, state):
        """An action of the policy."""
        return min(
            int(np.searchsorted(self.policy(state).cumsum(), self.generator.random(), side="right")), self.x.shape[1] - 1
        )

    def start(self, state):
        """Begins an episode; the first action."""
        self._path, self._rewards = [(state, self.choose(state))], []
        return self._path[0][1]

    def step(self, reward, state):
        """Remembers; the next action."""
        self._rewards.append(reward)
        self._path.append((state, self.choose(state)))
        return self._path[-1][1]

    def end(self, reward):
        """Learns from the episode."""
        self._rewards.append(reward)
        self._learn(0.0)

    def cut(self, reward, state):
        """Learns from the part of the episode that there is."""
        self._rewards.append(reward)
        self._learn(float(self.y[state] @ self.w))

    def _learn(self, value):
        returns = []
        for reward in reversed(self._rewards):
            value = reward + self.discount * value
            returns.append(value)
        for t, (value, (state, action)) in enumerate(zip(reversed(returns), self._path, strict=False)):
            advantage = value - self.y[state] @ self.w
            self.w += self.beta * advantage * self.y[state]
            score = self.x[state, action] - self.policy(state) @ self.x[state]  # grad ln pi(A|S)
            self.theta += self.alpha * self.discount**t * advantage * score

    def host_policy(self, generator=None):
        """A function of observations `[B]` for `evaluate`: the most likely actions `[B]`; with a generator, drawn from the policy."""

        def act(observation, start):
            chances = np.array([self.policy(state) for state in observation])
            if generator is None:
                return chances.argmax(axis=1), {}
            return (chances.cumsum(axis=1) < generator.random((len(chances), 1))).sum(axis=1), {}

        return act
