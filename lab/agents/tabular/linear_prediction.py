"""Linear prediction, V_pi(s) = w . x(s): semi-gradient TD(0), TDC and LSTD."""

from typing import Any

import numpy as np

from lab import validation
from lab.agents.tabular.learner import positive_fraction
from lab.agents.tabular.prediction import StateValues, importance_ratios
from lab.agents.tabular.table import Weights


class SemiGradientTD(StateValues):
    """Semi-gradient TD(0) with importance sampling.

        td_error = R + gamma w . x(S') - w . x(S)
        w <- w + alpha rho td_error x(S),  rho = pi(A|S) / b(A|S)

    Sutton and Barto 2018, eq. 11.2. Off-policy it may diverge (Baird 1995).

    Args:
        features: x, `[S, d]`. Rows of terminal states are not used.
        policy: the target policy pi, `[S, A]`.
        behaviour: the behaviour policy b, `[S, A]`. Default: pi.
        discount: gamma, in [0, 1].
        step_size: alpha, in (0, 1].
        initial: the first w, a number or `[d]`.
    """

    def __init__(
        self,
        features: np.typing.ArrayLike,
        policy: np.typing.ArrayLike,
        *,
        behaviour: np.typing.ArrayLike | None = None,
        discount: float = 1.0,
        step_size: float = 0.1,
        initial: np.typing.ArrayLike = 0.0,
    ) -> None:
        behaviour = policy if behaviour is None else behaviour
        self.ratio = importance_ratios(policy, behaviour)
        super().__init__(behaviour, discount=discount, step_size=positive_fraction("step_size", step_size))
        self.alpha = step_size
        self.x = np.asarray(features, float)
        if self.x.ndim != 2 or len(self.x) != len(self.ratio):
            raise ValueError(f"features: expected the shape ({len(self.ratio)}, d), received {self.x.shape}.")
        self._w = Weights(np.broadcast_to(np.asarray(initial, float), self.x.shape[1:]), "weights")
        self.w = self._w.values
        self.variables = [self._w]

    def state_values(self) -> np.ndarray:
        """w . x(s) of all states, `[S]`."""
        return self.x @ self.w

    def start(self, state: int) -> int:
        """Starts an episode. Returns the first action."""
        self.action = super().start(state)
        return self.action

    def step(self, reward: float, state: int) -> int:
        """One update. Returns the next action."""
        self.learn(self.x[self.state], reward, self.x[state], self.ratio[self.state, self.action])
        return self.start(state)

    def end(self, reward: float) -> None:
        """The last update of an episode, with x(S') = 0."""
        self.learn(self.x[self.state], reward, np.zeros(self.x.shape[1]), self.ratio[self.state, self.action])

    def learn(self, x: np.ndarray, reward: float, next_x: np.ndarray, rho: float) -> None:
        """One update from x(S) `[d]`, R, x(S') `[d]` and rho."""
        td_error = reward + self.discount * next_x @ self.w - x @ self.w
        self.w += self.alpha * rho * td_error * x


class TDC(SemiGradientTD):
    """TD(0) with gradient correction, also called GTD(0).

        td_error = R + gamma w . x(S') - w . x(S)
        w <- w + alpha rho (td_error x(S) - gamma x(S') (x(S) . v))
        v <- v + beta rho (td_error - v . x(S)) x(S)

    Sutton et al. 2009; Sutton and Barto 2018, section 11.7. Also off-policy it does not diverge if
    the step sizes are small enough.

    Args:
        *arguments: see `SemiGradientTD`.
        step_size: alpha, in (0, 1].
        second_step_size: beta, in (0, 1].
        **options: see `SemiGradientTD`.
    """

    def __init__(self, *arguments: Any, step_size: float = 0.005, second_step_size: float = 0.05, **options: Any) -> None:
        super().__init__(*arguments, step_size=step_size, **options)
        self.beta = positive_fraction("second_step_size", second_step_size)
        self._v = Weights(np.zeros_like(self.w), "second_weights")
        self.variables.append(self._v)

    def learn(self, x: np.ndarray, reward: float, next_x: np.ndarray, rho: float) -> None:
        """One update from x(S) `[d]`, R, x(S') `[d]` and rho."""
        v = self._v.values
        td_error = reward + self.discount * next_x @ self.w - x @ self.w
        correction = x @ v
        self.w += self.alpha * rho * (td_error * x - self.discount * next_x * correction)
        v += self.beta * rho * (td_error - correction) * x


class LSTD(SemiGradientTD):
    """Least-squares TD: the TD fixed point of all samples so far.

        w = A^-1 b
        A = ridge I + sum of rho x(S) (x(S) - gamma x(S'))^T
        b = sum of rho R x(S)

    Bradtke and Barto 1996; Sutton and Barto 2018, section 9.8. The Sherman-Morrison formula updates
    the inverse of A, at a cost of d^2 operations per step.

    Args:
        *arguments: see `SemiGradientTD`.
        ridge: the first A is this number times the identity, > 0.
        **options: see `SemiGradientTD`. The step size is not used.
    """

    def __init__(self, *arguments: Any, ridge: float = 1e-3, **options: Any) -> None:
        super().__init__(*arguments, **options)
        size = len(self.w)
        self._inverse = Weights(np.eye(size) / validation.POSITIVE.check("ridge", ridge), "inverse")
        self._b = Weights(np.zeros(size), "b")
        self.variables += [self._inverse, self._b]

    def learn(self, x: np.ndarray, reward: float, next_x: np.ndarray, rho: float) -> None:
        """One update from x(S) `[d]`, R, x(S') `[d]` and rho."""
        inverse, b = self._inverse.values, self._b.values
        difference = x - self.discount * next_x
        left, right = inverse @ (rho * x), difference @ inverse
        inverse -= np.outer(left, right) / (1.0 + difference @ left)
        b += rho * reward * x
        self.w[...] = inverse @ b
