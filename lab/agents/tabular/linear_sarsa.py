"""Semi-gradient SARSA(lambda) with linear function approximation over binary features."""

import numpy as np
from gymnasium.spaces import MultiDiscrete

from lab import validation
from lab.agents.tabular.learner import Learner, positive_fraction
from lab.agents.tabular.table import Weights


class LinearSarsaLambda(Learner):
    """q(s, a) = sum of w[a, i] over the active features i of s; w <- w + alpha delta z (Sutton and Barto 2018, section 12.7).

    delta = R + gamma q(S', A') - q(S, A). The traces z fade by gamma lambda in a step; those of the active features of (S, A) become 1, and
    with `clearing` those of the other actions 0 (replacing traces; Singh and Sutton 1996).

    Args:
        features, actions: how many there are; observations are the numbers of the active features, as of `TileCoded`.
        discount: gamma, in [0, 1].
        step_size: alpha, in (0, 1], over the number of active features.
        decay: lambda, in [0, 1].
        epsilon: probability of a random action, in [0, 1].
        clearing: see above.
    """

    observations = MultiDiscrete

    def __init__(self, features, actions, *, discount=1.0, step_size=0.5, decay=0.9, epsilon=0.0, clearing=True):
        self.discount = validation.UNIT.check("discount", discount)
        self.decay = validation.UNIT.check("decay", decay)
        self.alpha = positive_fraction("step_size", step_size)
        self.epsilon = validation.UNIT.check("epsilon", epsilon)
        self.clearing = clearing
        self._weights = Weights(
            np.zeros((validation.integer("actions", actions), validation.integer("features", features))), "weights"
        )
        self.weights = self._weights.values
        self._traces = np.zeros_like(self.weights)
        self.variables = [self._weights]

    def action_values(self, state):
        """q(s, a), `[A]`."""
        return self.weights[:, state].sum(axis=1)

    def choose(self, values):
        """An epsilon-greedy action; ties are broken at random."""
        if self.generator.random() < self.epsilon:
            return self.generator.randrange(len(values))
        best = np.flatnonzero(values == values.max())
        return int(best[0]) if len(best) == 1 else self.generator.choice(best.tolist())

    def start(self, state):
        """Begins an episode, with no eligibilities; the first action."""
        self._traces[...] = 0.0
        self.state = state
        values = self.action_values(state)
        self.action = self.choose(values)
        return self.action

    def step(self, reward, state):
        """One update of all weights, with the action that is taken next."""
        values = self.action_values(state)
        action = self.choose(values)
        self._spread(reward + self.discount * values[action])
        self._traces *= self.discount * self.decay
        self.state, self.action = state, action
        return action

    def end(self, reward):
        """The update at the end, where nothing follows."""
        self._spread(reward)

    def _spread(self, target):
        if self.clearing:
            self._traces[:, self.state] = 0.0
        self._traces[self.action, self.state] = 1.0
        error = target - self.weights[self.action, self.state].sum()
        self.weights += self.alpha / len(self.state) * error * self._traces

    def host_policy(self, generator=None):
        """A function of observations `[B, tilings]` for `evaluate`: the greedy actions `[B]`; with a generator, epsilon-greedy."""

        def act(observation, start):
            actions = self.weights[:, observation].sum(axis=2).argmax(axis=0)
            if generator is not None:
                explore = generator.random(len(actions)) < self.epsilon
                actions = np.where(explore, generator.integers(len(self.weights), size=len(actions)), actions)
            return actions, {}

        return act
