"""Semi-gradient SARSA(lambda) with binary features."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import MultiDiscrete

from lab import validation
from lab.agents.tabular.for_env import ForEnv
from lab.agents.tabular.learner import Learner, positive_fraction
from lab.agents.tabular.table import Weights
from lab.agents.tabular.tile_coding import TileCoded


class LinearSarsaLambda(ForEnv, Learner):
    """Semi-gradient SARSA(lambda) with linear function approximation over binary features.

        q(s, a) = sum of w[a, i] over the active features i of s
        td_error = R + gamma q(S', A') - q(S, A)
        w <- w + alpha / (number of active features) td_error z

    Sutton and Barto 2018, section 12.7. z are replacing traces (Singh and Sutton 1996). They decay
    by gamma lambda in each step, and become 1 for the active features of (S, A). With `clearing`,
    those of the same features and the other actions become 0.

    `for_env` codes the observations of a bounded Box by tiles. It also takes the arguments
    `tilings` and `tiles` of `TileCoded`.

    Args:
        features: number of features. An observation is the indices of the active features, as in
            `TileCoded`.
        actions: A.
        discount: gamma, in [0, 1].
        step_size: alpha, in (0, 1].
        trace_decay: lambda, in [0, 1].
        epsilon: probability of a random action, in [0, 1].
        clearing: see above.
    """

    observations = MultiDiscrete

    def __init__(
        self,
        features: int,
        actions: int,
        *,
        discount: float = 1.0,
        step_size: float = 0.5,
        trace_decay: float = 0.9,
        epsilon: float = 0.0,
        clearing: bool = True,
    ) -> None:
        self.discount = validation.UNIT.check("discount", discount)
        self.trace_decay = validation.UNIT.check("trace_decay", trace_decay)
        self.alpha = positive_fraction("step_size", step_size)
        self.epsilon = validation.UNIT.check("epsilon", epsilon)
        self.clearing = clearing
        shape = validation.integer("actions", actions), validation.integer("features", features)
        self._weights = Weights(np.zeros(shape), "weights")
        self.weights = self._weights.values
        self._traces = np.zeros_like(self.weights)
        self.variables = [self._weights]

    @classmethod
    def build(cls, env: Any, **arguments: Any) -> "LinearSarsaLambda":
        """A learner for an environment with `MultiDiscrete` observations, as of `TileCoded`."""
        return cls(int(env.observation_space.nvec[0]), int(env.action_space.n), **arguments)

    @classmethod
    def encode(cls, env: gymnasium.Env, *, tilings: int = 8, tiles: int = 8) -> gymnasium.Env:
        """The environment with tiles as observations."""
        return TileCoded(env, tilings=tilings, tiles=tiles)

    def action_values(self, state: np.ndarray) -> np.ndarray:
        """q(s, a), `[A]`, of the active features `[tilings]`."""
        return self.weights[:, state].sum(axis=1)

    def choose(self, values: np.ndarray) -> int:
        """Draws an epsilon-greedy action from q(s, a) `[A]`. Ties are broken at random."""
        if self.generator.random() < self.epsilon:
            return self.generator.randrange(len(values))
        best = np.flatnonzero(values == values.max())
        return int(best[0]) if len(best) == 1 else self.generator.choice(best.tolist())

    def start(self, state: np.ndarray) -> int:
        """Starts an episode with all traces at 0. Returns the first action."""
        self._traces[...] = 0.0
        self.state = state
        self.action = self.choose(self.action_values(state))
        return self.action

    def step(self, reward: float, state: np.ndarray) -> int:
        """One update of all weights with the next action A'. Returns A'."""
        values = self.action_values(state)
        action = self.choose(values)
        self._update_all(td_target=reward + self.discount * values[action])
        self._traces *= self.discount * self.trace_decay
        self.state, self.action = state, action
        return action

    def end(self, reward: float) -> None:
        """The last update of an episode, with td_target = R."""
        self._update_all(td_target=reward)

    def _update_all(self, td_target):
        if self.clearing:
            self._traces[:, self.state] = 0.0
        self._traces[self.action, self.state] = 1.0
        td_error = td_target - self.weights[self.action, self.state].sum()
        self.weights += self.alpha / len(self.state) * td_error * self._traces

    def host_policy(self, generator: np.random.Generator | None = None) -> Callable:
        """The greedy policy for `evaluate`; with a generator, the epsilon-greedy policy.

        Returns:
            A function (observations `[B, tilings]`, starts `[B]`) -> (actions `[B]`, {}).
        """

        def act(observation, start):
            actions = self.weights[:, observation].sum(axis=2).argmax(axis=0)
            if generator is not None:
                explore = generator.random(len(actions)) < self.epsilon
                actions = np.where(explore, generator.integers(len(self.weights), size=len(actions)), actions)
            return actions, {}

        return act
