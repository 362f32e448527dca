"""REINFORCE with a linear softmax policy, with and without a baseline."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lab import validation
from lab.agents.tabular.for_env import ForEnv
from lab.agents.tabular.learner import Learner
from lab.agents.tabular.table import Weights

MOST_PAIRS = 4_096  # of state and action, with a feature of their own each


class LinearReinforce(ForEnv, Learner):
    """REINFORCE, a Monte Carlo policy gradient method, with linear features.

    The policy pi(a|s) is the softmax of theta . x(s, a) over actions.
    The baseline is v(s) = w . x(s).

        w <- w + beta (G_t - v(S_t)) x(S_t)
        theta <- theta + alpha gamma^t (G_t - v(S_t)) grad ln pi(A_t|S_t)

    Williams 1992; Sutton and Barto 2018, sections 13.3 and 13.4. All updates of an episode happen
    at its end, in the order of its steps. If an episode is truncated, its returns bootstrap from v
    of the last state.

    Args:
        features: x(s, a), `[S, A, d]`.
        baseline: x(s), `[S, k]`; None is no baseline, v = 0.
        discount: gamma, in [0, 1].
        step_size: alpha, > 0.
        baseline_step_size: beta, > 0.
        initial: the first theta, a number or `[d]`.
    """

    def __init__(
        self,
        features: np.typing.ArrayLike,
        *,
        baseline: np.typing.ArrayLike | None = None,
        discount: float = 1.0,
        step_size: float = 2e-4,
        baseline_step_size: float = 2e-3,
        initial: np.typing.ArrayLike = 0.0,
    ) -> None:
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

    @classmethod
    def build(cls, env: Any, *, features: np.typing.ArrayLike | None = None, **arguments: Any) -> "LinearReinforce":
        """A learner for an environment with `Discrete` observations and actions.

        Args:
            env: the environment.
            features: as above; None is a feature of its own for each pair of state and action.
            **arguments: the other ones of the class.
        """
        states, actions = int(env.observation_space.n), int(env.action_space.n)
        if features is None and states * actions > MOST_PAIRS:
            raise ValueError(
                f"features: expected x(s, a) [S, A, d] with more than {MOST_PAIRS:,} pairs of state and action, received none."
            )
        x = np.eye(states * actions).reshape(states, actions, -1) if features is None else np.asarray(features, float)
        if x.shape[:2] != (states, actions):
            raise ValueError(f"features: expected the shape [{states}, {actions}, d], received {list(x.shape)}.")
        return cls(x, **arguments)

    def action_scores(self) -> np.ndarray:
        """pi(a|s), `[S, A]`. The first of the most probable actions is the greedy one."""
        return np.array([self.policy(state) for state in range(len(self.x))])

    def policy(self, state: int) -> np.ndarray:
        """pi(a|s), `[A]`."""
        preferences = self.x[state] @ self.theta
        exponentials = np.exp(preferences - preferences.max())
        return exponentials / exponentials.sum()

    def choose(self, state: int) -> int:
        """Draws an action from the policy."""
        action = int(np.searchsorted(self.policy(state).cumsum(), self.generator.random(), side="right"))
        return min(action, self.x.shape[1] - 1)

    def start(self, state: int) -> int:
        """Starts an episode. Returns the first action."""
        self._path = [(state, self.choose(state))]
        self._rewards: list = []
        return self._path[0][1]

    def step(self, reward: float, state: int) -> int:
        """Stores the transition. Returns the next action."""
        self._rewards.append(reward)
        self._path.append((state, self.choose(state)))
        return self._path[-1][1]

    def end(self, reward: float) -> None:
        """Learns from an episode that has terminated."""
        self._rewards.append(reward)
        self._learn(0.0)

    def cut(self, reward: float, state: int) -> None:
        """Learns from an episode that was truncated."""
        self._rewards.append(reward)
        self._learn(float(self.y[state] @ self.w))

    def _learn(self, value):
        """The updates of an episode. `value` is what follows the last reward."""
        returns = []
        for reward in reversed(self._rewards):
            value = reward + self.discount * value
            returns.append(value)
        for t, (value, (state, action)) in enumerate(zip(reversed(returns), self._path, strict=False)):
            advantage = value - self.y[state] @ self.w
            self.w += self.beta * advantage * self.y[state]
            gradient = self.x[state, action] - self.policy(state) @ self.x[state]  # of ln pi(A|S)
            self.theta += self.alpha * self.discount**t * advantage * gradient

    def host_policy(self, generator: np.random.Generator | None = None) -> Callable:
        """The most probable actions, for `evaluate`; with a generator, actions of the policy.

        Returns:
            A function (states `[B]`, starts `[B]`) -> (actions `[B]`, {}).
        """

        def act(observation, start):
            chances = np.array([self.policy(state) for state in observation])
            if generator is None:
                return chances.argmax(axis=1), {}
            return (chances.cumsum(axis=1) < generator.random((len(chances), 1))).sum(axis=1), {}

        return act
