"""Prediction, the learning of V_pi while pi is followed: TD(0), n-step TD and Monte Carlo."""

from collections import deque
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from lab import validation
from lab.agents.tabular.learner import Learner, positive_fraction
from lab.agents.tabular.table import Table


def probabilities(name: str, policy: np.typing.ArrayLike) -> np.ndarray:
    """A policy pi(a|s) `[S, A]` as an array.

    Raises:
        ValueError: it has another shape, or a row that sums neither to 1 nor to 0 (terminal
            states).
    """
    policy = np.asarray(policy, float)
    if policy.ndim != 2:
        raise ValueError(f"{name}: expected probabilities [S, A], received the shape {policy.shape}.")
    sums = policy.sum(axis=1)
    if (policy < 0).any() or (np.minimum(np.abs(sums), np.abs(sums - 1)) > 1e-9).any():
        raise ValueError(f"{name}: expected probabilities that sum to 1, or to 0 in terminal states, received others.")
    return policy


def importance_ratios(policy: np.typing.ArrayLike, behaviour: np.typing.ArrayLike) -> np.ndarray:
    """pi(a|s) / b(a|s) of a target policy pi and a behaviour policy b, `[S, A]`; 0 where b is 0.

    Raises:
        ValueError: the shapes differ, or b is 0 where pi is not.
    """
    pi, b = probabilities("policy", policy), probabilities("behaviour", behaviour)
    if pi.shape != b.shape or ((pi > 0) & (b <= 0)).any():
        raise ValueError(
            "behaviour: expected the policy's shape, and probabilities > 0 wherever the policy's are, received others."
        )
    return np.divide(pi, b, out=np.zeros_like(pi), where=b > 0)


class StateValues(Learner):
    """Base of learners of V, `[S]`, that follow a fixed policy.

    Args:
        policy: pi(a|s), `[S, A]`.
        discount: gamma, in [0, 1].
        step_size: alpha, in (0, 1]. Or a function of the number of earlier updates of the state:
            alpha(0), alpha(1), ...
        initial: the first V, a number or `[S]`.
    """

    def __init__(
        self,
        policy: np.typing.ArrayLike,
        *,
        discount: float = 1.0,
        step_size: float | Callable[[int], float] = 0.1,
        initial: np.typing.ArrayLike = 0.0,
    ) -> None:
        policy = probabilities("policy", policy)
        self.actions = policy.shape[1]
        self._cumulative = [list(accumulate(row)) for row in policy.tolist()]
        self.discount = validation.UNIT.check("discount", discount)
        self._step_size = step_size if callable(step_size) else positive_fraction("step_size", step_size)
        self.values = Table(np.broadcast_to(np.asarray(initial, float), len(policy)), "state_values")
        self._updates = Table(np.zeros(len(policy)), "updates")
        self.variables = [self.values, self._updates]
        self.v = self.values.rows

    def choose(self, state: int) -> int:
        """Draws an action from the policy."""
        cumulative = self._cumulative[state]
        draw = self.generator.random() * cumulative[-1]
        return next(action for action, bound in enumerate(cumulative) if draw < bound)

    def step_size(self, state: int) -> float:
        """alpha for the next update of a state. The call counts as this update."""
        if not callable(self._step_size):
            return self._step_size
        self._updates.rows[state] += 1
        return self._step_size(int(self._updates.rows[state]) - 1)

    def update(self, state: int, target: float) -> None:
        """V(s) <- V(s) + alpha (target - V(s)), with the TD target or the return."""
        self.v[state] += self.step_size(state) * (target - self.v[state])

    def start(self, state: int) -> int:
        """Starts an episode. Returns the first action."""
        self.state = state
        return self.choose(state)


class TD(StateValues):
    """n-step TD prediction.

        G = R_t+1 + gamma R_t+2 + ... + gamma^(n-1) R_t+n + gamma^n V(S_t+n)
        V(S_t) <- V(S_t) + alpha (G - V(S_t))

    Sutton 1988; Sutton and Barto 2018, sections 6.1 (n = 1, TD(0)) and 7.1. If an episode
    terminates within the n steps, G ends there. If it is truncated, G bootstraps from the last
    state.

    Args:
        *arguments: see `StateValues`.
        n: number of steps, >= 1.
        **options: see `StateValues`.
    """

    def __init__(self, *arguments: Any, n: int = 1, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.n = validation.integer("n", n)

    def start(self, state: int) -> int:
        """Starts an episode. Returns the first action."""
        self._path: deque = deque([state])
        self._rewards: deque = deque()
        return super().start(state)

    def step(self, reward: float, state: int) -> int:
        """Updates the state of n steps ago. Returns the next action."""
        self._path.append(state)
        self._rewards.append(reward)
        if len(self._rewards) == self.n:
            self._update_oldest(self.v[state])
        return self.choose(state)

    def end(self, reward: float) -> None:
        """Updates the last n states of an episode that has terminated."""
        self._rewards.append(reward)
        while self._rewards:
            self._update_oldest(0.0)

    def cut(self, reward: float, state: int) -> None:
        """Updates the last n states of an episode that was truncated."""
        self._rewards.append(reward)
        while self._rewards:
            self._update_oldest(self.v[state])

    def _update_oldest(self, value):
        for reward in reversed(self._rewards):
            value = reward + self.discount * value
        self._rewards.popleft()
        self.update(self._path.popleft(), value)


class MonteCarlo(StateValues):
    """Monte Carlo prediction: V(S) is the mean of the returns that followed S.

    Sutton and Barto 2018, section 5.1. If an episode is truncated, its returns bootstrap from V of
    the last state.

    Args:
        *arguments: see `StateValues`.
        every_visit: whether every visit of a state in an episode counts, or only the first.
        step_size: alpha as in `StateValues`; None is the mean of all returns.
        **options: see `StateValues`.
    """

    def __init__(self, *arguments: Any, every_visit: bool = False, step_size: Any = None, **options: Any) -> None:
        mean = (lambda count: 1 / (count + 1)) if step_size is None else step_size
        super().__init__(*arguments, step_size=mean, **options)
        self.every_visit = every_visit

    def start(self, state: int) -> int:
        """Starts an episode. Returns the first action."""
        self._path = [state]
        self._rewards: list = []
        return super().start(state)

    def step(self, reward: float, state: int) -> int:
        """Stores the transition. Returns the next action."""
        self._path.append(state)
        self._rewards.append(reward)
        return self.choose(state)

    def end(self, reward: float) -> None:
        """Learns from an episode that has terminated."""
        self._rewards.append(reward)
        self._learn(0.0)

    def cut(self, reward: float, state: int) -> None:
        """Learns from an episode that was truncated."""
        self._rewards.append(reward)
        self._learn(self.v[state])

    def _learn(self, value):
        """Updates from the last state to the first. `value` is what follows the last reward."""
        first = {state: t for t, state in reversed(list(enumerate(self._path)))}
        for t in range(len(self._rewards) - 1, -1, -1):
            value = self._rewards[t] + self.discount * value
            if self.every_visit or first[self._path[t]] == t:
                self.update(self._path[t], value)
