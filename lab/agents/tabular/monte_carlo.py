"""Monte Carlo control, on-policy and off-policy, and off-policy prediction by importance sampling."""

import numpy as np

from lab.agents.tabular.learner import ActionValues
from lab.agents.tabular.prediction import StateValues, ratios
from lab.agents.tabular.table import Table


class MonteCarloControl(ActionValues):
    """q(S, A) as the mean of the returns that followed the first visit of (S, A), acting epsilon-greedily (Sutton and Barto 2018, section 5.4).

    With `exploring_starts` (section 5.3) the first action of an episode is random and all others greedy; the environment should start
    anywhere too. An episode that is cut ends in the value of its last state.

    Args:
        exploring_starts: see above; epsilon is then not used.
        step_size: None averages all returns; else as in `ActionValues`.
        **options: see `ActionValues`.
    """

    def __init__(self, *arguments, exploring_starts=False, step_size=None, epsilon=0.1, **options):
        mean = (lambda count: 1 / (count + 1)) if step_size is None else step_size
        super().__init__(*arguments, step_size=mean, epsilon=0.0 if exploring_starts else epsilon, **options)
        self.exploring_starts = exploring_starts

    def start(self, state):
        """Begins an episode; the first action."""
        action = super().start(state)
        if self.exploring_starts:
            action = self.generator.choice(self._choices[state])
        self._path, self._rewards = [(state, action)], []
        return action

    def step(self, reward, state):
        """Remembers; the next action."""
        self._path.append((state, self.choose(state)))
        self._rewards.append(reward)
        return self._path[-1][1]

    def end(self, reward):
        """Learns from the episode."""
        self._rewards.append(reward)
        self.learn(0.0)

    def cut(self, reward, state):
        """Learns from the part of the episode that there is."""
        self._rewards.append(reward)
        self.learn(self.expected_value(state))

    def learn(self, value):
        """Updates from the last pair back to the first."""
        first = {pair: t for t, pair in reversed(list(enumerate(self._path)))}
        for t in range(len(self._rewards) - 1, -1, -1):
            value = self._rewards[t] + self.discount * value
            if first[self._path[t]] == t:
                self.state, self.action = self._path[t]
                self.update(value)


class OffPolicyMonteCarloControl(MonteCarloControl):
    """Learns the greedy policy while acting epsilon-greedily, by weighted importance sampling (Sutton and Barto 2018, section 5.7).

        C(S, A) <- C(S, A) + W;  q(S, A) <- q(S, A) + W/C(S, A) (G - q(S, A));  W <- W / b(A|S), from the end back to the first action
        that is not greedy

    Args: see `MonteCarloControl`, but for step_size, exploring_starts.
    """

    def __init__(self, *arguments, **options):
        for name in {"step_size", "exploring_starts"} & set(options):
            raise ValueError(
                f"{name}: expected none, for updates are weighted and epsilon explores, received {options[name]!r}."
            )
        super().__init__(*arguments, step_size=1.0, **options)
        self._weights = Table(np.zeros((self.states, self.actions)), "weights")
        self.variables.append(self._weights)

    def start(self, state):
        """Begins an episode; the first action."""
        action = super().start(state)
        self._chances = [self.policy(state)[action]]
        return action

    def step(self, reward, state):
        """Remembers, with how likely the action was; the next action."""
        action = super().step(reward, state)
        self._chances.append(self.policy(state)[action])
        return action

    def cut(self, reward, state):
        """Learns from the part of the episode that there is, which the greedy policy would go on from."""
        self._rewards.append(reward)
        self.learn(max(self.q[state]))

    def learn(self, value):
        """Updates from the last pair back to the first that was not greedy."""
        weight = 1.0
        for t in range(len(self._rewards) - 1, -1, -1):
            state, action = self._path[t]
            value = self._rewards[t] + self.discount * value
            total = self._weights.rows[state]
            total[action] += weight
            row = self.q[state]
            row[action] += weight / total[action] * (value - row[action])
            if row.index(max(row)) != action:  # the target policy takes the first of the best
                return
            weight /= self._chances[t]


class OffPolicyMonteCarlo(StateValues):
    """V of a target policy from episodes of another, by importance sampling of first visits (Sutton and Barto 2018, section 5.5).

    With rho the product of pi(A|S)/b(A|S) from the visit to the end: weighted, V = sum rho G / sum rho; ordinary, V = sum rho G / visits. An
    episode that is cut ends in V of its last state.

    Args:
        policy: the target policy pi, `[S, A]`.
        behaviour: b, `[S, A]`, which must be positive wherever pi is.
        weighted: weighted or ordinary importance sampling.
        **options: discount and initial, as in `StateValues`.
    """

    def __init__(self, policy, behaviour, *, weighted=True, **options):
        self._ratio = ratios(policy, behaviour).tolist()
        super().__init__(behaviour, step_size=1.0, **options)
        self.weighted = weighted
        self._weights = Table(np.zeros(len(self._ratio)), "weights")
        self.variables.append(self._weights)

    def start(self, state):
        """Begins an episode; the first action."""
        action = super().start(state)
        self._path, self._rewards = [(state, action)], []
        return action

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
        self._learn(self.v[state])

    def _learn(self, value):
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
