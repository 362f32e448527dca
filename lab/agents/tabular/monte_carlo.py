"""Monte Carlo control, on-policy and off-policy, and off-policy Monte Carlo prediction."""

from typing import Any

import numpy as np

from lab.agents.tabular.learner import ActionValues
from lab.agents.tabular.prediction import StateValues, importance_ratios
from lab.agents.tabular.table import Table


class MonteCarloControl(ActionValues):
    """On-policy Monte Carlo control with an epsilon-greedy policy.

    q(S, A) is the mean of the returns that followed the first visit of (S, A) in an episode (Sutton
    and Barto 2018, section 5.4). If an episode is truncated, its returns bootstrap from the
    expected value of the last state.

    With `exploring_starts` (section 5.3) the first action of an episode is random, and all others
    are greedy. The environment should then start in any state, too.

    Args:
        *arguments: see `ActionValues`.
        exploring_starts: see above; epsilon is then not used.
        step_size: alpha as in `ActionValues`; None is the mean of all returns.
        epsilon: as in `ActionValues`.
        **options: see `ActionValues`.
    """

    def __init__(
        self,
        *arguments: Any,
        exploring_starts: bool = False,
        step_size: Any = None,
        epsilon: Any = 0.1,
        **options: Any,
    ) -> None:
        mean = (lambda count: 1 / (count + 1)) if step_size is None else step_size
        super().__init__(*arguments, step_size=mean, epsilon=0.0 if exploring_starts else epsilon, **options)
        self.exploring_starts = exploring_starts

    def start(self, state: int) -> int:
        """Starts an episode. Returns the first action."""
        action = super().start(state)
        if self.exploring_starts:
            action = self.generator.choice(self._choices[state])
        self._path = [(state, action)]
        self._rewards: list = []
        return action

    def step(self, reward: float, state: int) -> int:
        """Stores the transition. Returns the next action."""
        self._path.append((state, self.choose(state)))
        self._rewards.append(reward)
        return self._path[-1][1]

    def end(self, reward: float) -> None:
        """Learns from an episode that has terminated."""
        self._rewards.append(reward)
        self.learn(0.0)

    def cut(self, reward: float, state: int) -> None:
        """Learns from an episode that was truncated."""
        self._rewards.append(reward)
        self.learn(self.expected_value(state))

    def learn(self, value: float) -> None:
        """Updates from the last pair to the first. `value` is what follows the last reward."""
        first = {pair: t for t, pair in reversed(list(enumerate(self._path)))}
        for t in range(len(self._rewards) - 1, -1, -1):
            value = self._rewards[t] + self.discount * value
            if first[self._path[t]] == t:
                self.state, self.action = self._path[t]
                self.update(value)


class OffPolicyMonteCarloControl(MonteCarloControl):
    """Off-policy Monte Carlo control by weighted importance sampling.

    It learns the greedy policy while it follows the epsilon-greedy policy b. From the last pair of
    an episode backwards, up to and including the first action that is not greedy:

        C(S, A) <- C(S, A) + W
        q(S, A) <- q(S, A) + W / C(S, A) (G - q(S, A))
        W <- W / b(A|S)

    Sutton and Barto 2018, section 5.7. If an episode is truncated, its returns bootstrap from the
    greedy value of the last state.

    Args: see `MonteCarloControl`, without `step_size` and `exploring_starts`.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        for name in {"step_size", "exploring_starts"} & set(options):
            raise ValueError(
                f"{name}: expected none, because updates are weighted and epsilon explores, received {options[name]!r}."
            )
        super().__init__(*arguments, step_size=1.0, **options)
        self._weights = Table(np.zeros((self.states, self.actions)), "weights")
        self.variables.append(self._weights)

    def start(self, state: int) -> int:
        """Starts an episode. Returns the first action."""
        action = super().start(state)
        self._behaviour = [self.policy(state)[action]]
        return action

    def step(self, reward: float, state: int) -> int:
        """Stores the transition and the probability b(A|S). Returns the next action."""
        action = super().step(reward, state)
        self._behaviour.append(self.policy(state)[action])
        return action

    def cut(self, reward: float, state: int) -> None:
        """Learns from an episode that was truncated."""
        self._rewards.append(reward)
        self.learn(max(self.q[state]))

    def learn(self, value: float) -> None:
        """The updates of an episode. `value` is what follows the last reward."""
        weight = 1.0
        for t in range(len(self._rewards) - 1, -1, -1):
            state, action = self._path[t]
            value = self._rewards[t] + self.discount * value
            total = self._weights.rows[state]
            total[action] += weight
            row = self.q[state]
            row[action] += weight / total[action] * (value - row[action])
            if row.index(max(row)) != action:  # the target policy takes the first greedy action
                return
            weight /= self._behaviour[t]


class OffPolicyMonteCarlo(StateValues):
    """Off-policy Monte Carlo prediction: V of a target policy from episodes of a behaviour policy.

    With the importance ratio rho, the product of pi(A|S) / b(A|S) from the first visit of a state
    to the end of the episode, and the sums over episodes,

        V = sum rho G / sum rho                   weighted importance sampling
        V = sum rho G / number of first visits    ordinary importance sampling

    Sutton and Barto 2018, section 5.5. If an episode is truncated, its returns bootstrap from V of
    the last state.

    Args:
        policy: the target policy pi, `[S, A]`.
        behaviour: the behaviour policy b, `[S, A]`; > 0 wherever pi is.
        weighted: weighted or ordinary importance sampling.
        **options: discount and initial, as in `StateValues`.
    """

    def __init__(
        self, policy: np.typing.ArrayLike, behaviour: np.typing.ArrayLike, *, weighted: bool = True, **options: Any
    ) -> None:
        self._ratio = importance_ratios(policy, behaviour).tolist()
        super().__init__(behaviour, step_size=1.0, **options)
        self.weighted = weighted
        self._weights = Table(np.zeros(len(self._ratio)), "weights")
        self.variables.append(self._weights)

    def start(self, state: int) -> int:
        """Starts an episode. Returns the first action."""
        action = super().start(state)
        self._path = [(state, action)]
        self._rewards: list = []
        return action

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
        self._learn(self.v[state])

    def _learn(self, value):
        """Updates from the last state to the first. `value` is what follows the last reward."""
        first = {state: t for t, (state, _) in reversed(list(enumerate(self._path)))}
        rho = 1.0
        for t in range(len(self._rewards) - 1, -1, -1):
            state, action = self._path[t]
            value = self._rewards[t] + self.discount * value
            rho *= self._ratio[state][action]
            if first[state] != t:
                continue
            self._weights.rows[state] += rho if self.weighted else 1.0
            if self._weights.rows[state]:
                sample = value if self.weighted else rho * value
                weight = rho if self.weighted else 1.0
                self.v[state] += weight / self._weights.rows[state] * (sample - self.v[state])
