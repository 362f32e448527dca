"""Learning V_pi as w . x(s), on and off the policy: semi-gradient TD(0), TDC and LSTD."""

import numpy as np

from lab import validation
from lab.agents.tabular.learner import positive_fraction
from lab.agents.tabular.prediction import StateValues, ratios
from lab.agents.tabular.table import Weights


class SemiGradientTD(StateValues):
    """w <- w + alpha rho delta x(S), delta = R + gamma w . x(S') - w . x(S), rho = pi(A|S) / b(A|S) (Sutton and Barto 2018, eq. 11.2).

    Off the policy it may diverge (Baird 1995).

    Args:
        features: x, `[S, d]`; rows of terminal states are not read.
        policy: the target policy pi, `[S, A]`.
        behaviour: b, `[S, A]`; pi itself by default.
        discount: gamma, in [0, 1].
        step_size: alpha, in (0, 1].
        initial: w at the start; a number, or `[d]`.
    """

    def __init__(self, features, policy, *, behaviour=None, discount=1.0, step_size=0.1, initial=0.0):
        behaviour = policy if behaviour is None else behaviour
        self.ratio = ratios(policy, behaviour)
        super().__init__(behaviour, discount=discount, step_size=positive_fraction("step_size", step_size))
        self.x = np.asarray(features, float)
        if self.x.ndim != 2 or len(self.x) != len(policy):
            raise ValueError(f"features: expected the shape ({len(policy)}, d), received {self.x.shape}.")
        self._w = Weights(np.broadcast_to(np.asarray(initial, float), self.x.shape[1:]), "weights")
        self.w, self.variables = self._w.values, [self._w]

    def state_values(self):
        """w . x(s) of all states, `[S]`."""
        return self.x @ self.w

    def start(self, state):
        """Begins an episode; the first action."""
        self.action = super().start(state)
        return self.action

    def step(self, reward, state):
        """One update; the next action."""
        self.learn(self.x[self.state], reward, self.x[state], self.ratio[self.state, self.action])
        return self.start(state)

    def end(self, reward):
        """The update at the end, where nothing follows."""
        self.learn(self.x[self.state], reward, np.zeros(self.x.shape[1]), self.ratio[self.state, self.action])

    def learn(self, x, reward, following, rho):
        """The update from x(S), R, x(S') and rho."""
        error = reward + self.discount * following @ self.w - x @ self.w
        self.w += self._step_size * rho * error * x


class TDC(SemiGradientTD):
    """Gradient TD with correction, which does not diverge if its steps are small enough (Sutton et al. 2009; Sutton and Barto 2018, section 11.7).

        w <- w + alpha rho (delta x(S) - gamma x(S') (x(S) . v));  v <- v + beta rho (delta - v . x(S)) x(S)

    Args:
        second_step_size: beta, in (0, 1].
        **options: see `SemiGradientTD`.
    """

    def __init__(self, *arguments, step_size=0.005, second_step_size=0.05, **options):
        super().__init__(*arguments, step_size=step_size, **options)
        self.beta = positive_fraction("second_step_size", second_step_size)
        self._v = Weights(np.zeros_like(self.w), "second_weights")
        self.variables.append(self._v)

    def learn(self, x, reward, following, rho):
        """The update from x(S), R, x(S') and rho."""
        v = self._v.values
        error = reward + self.discount * following @ self.w - x @ self.w
        correction = x @ v
        self.w += self._step_size * rho * (error * x - self.discount * following * correction)
        v += self.beta * rho * (error - correction) * x


class LSTD(SemiGradientTD):
    """The fixed point of TD from all samples so far: w = A^-1 b (Bradtke and Barto 1996; Sutton and Barto 2018, section 9.8).

    A = ridge I + sum of rho x(S) (x(S) - gamma x(S'))^T, b = sum of rho R x(S); the inverse is brought forward by Sherman and Morrison's
    formula, at d^2 operations per step.

    Args:
        ridge: what A begins with on its diagonal, > 0.
        **options: see `SemiGradientTD`; the step size is not used.
    """

    def __init__(self, *arguments, ridge=1e-3, **options):
        super().__init__(*arguments, **options)
        size = len(self.w)
        self._inverse = Weights(np.eye(size) / validation.POSITIVE.check("ridge", ridge), "inverse")
        self._b = Weights(np.zeros(size), "b")
        self.variables += [self._inverse, self._b]

    def learn(self, x, reward, following, rho):
        """The update from x(S), R, x(S') and rho."""
        inverse, b = self._inverse.values, self._b.values
        left, right = inverse @ (rho * x), (x - self.discount * following) @ inverse
        inverse -= np.outer(left, right) / (1.0 + (x - self.discount * following) @ left)
        b += rho * reward * x
        self.w[...] = inverse @ b
