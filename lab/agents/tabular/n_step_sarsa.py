"""n-step SARSA and n-step tree backup."""

from collections import deque
from typing import Any

from lab import validation
from lab.agents.tabular.learner import ActionValues


class NStepSarsa(ActionValues):
    """SARSA with n-step returns.

        G = R_t+1 + gamma R_t+2 + ... + gamma^(n-1) R_t+n + gamma^n q(S_t+n, A_t+n)
        q(S_t, A_t) <- q(S_t, A_t) + alpha (G - q(S_t, A_t))

    Sutton and Barto 2018, section 7.2. If an episode terminates within the n steps, G ends there.
    If it is truncated, G bootstraps from the last state.

    Args:
        *arguments: see `ActionValues`.
        n: number of steps, >= 1. 1 is SARSA; at least the length of an episode is Monte Carlo.
        **options: see `ActionValues`.
    """

    def __init__(self, *arguments: Any, n: int = 4, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.n = validation.integer("n", n)

    def start(self, state: int) -> int:
        """Starts an episode. Returns the first action."""
        action = super().start(state)
        self._path: deque = deque([(state, action)])
        self._rewards: deque = deque()
        return action

    def step(self, reward: float, state: int) -> int:
        """Updates the pair of n steps ago. Returns the next action."""
        action = self.choose(state)
        self._rewards.append(reward)
        self._path.append((state, action))
        if len(self._rewards) == self.n:
            self._update_oldest()
        return action

    def end(self, reward: float) -> None:
        """Updates the last n pairs of an episode that has terminated."""
        self._rewards.append(reward)
        self._path.append(None)
        self._update_rest()

    def cut(self, reward: float, state: int) -> None:
        """Updates the last n pairs of an episode that was truncated."""
        self._rewards.append(reward)
        self._path.append((state, self.choose(state)))
        self._update_rest()

    def _update_rest(self):
        while self._rewards:
            self._update_oldest()

    def _update_oldest(self):
        target = self.n_step_return(self._path, self._rewards)
        self.state, self.action = self._path.popleft()
        self._rewards.popleft()
        self.update(target)

    def n_step_return(self, path: deque, rewards: deque) -> float:
        """G of the first pair of a path.

        Args:
            path: n + 1 pairs (S, A); the last is None if the episode has terminated.
            rewards: the n rewards between them.
        """
        state, action = path[-1] or (None, None)
        value = 0.0 if state is None else self.q[state][action]
        for reward in reversed(rewards):
            value = reward + self.discount * value
        return value


class TreeBackup(NStepSarsa):
    """n-step tree backup: off-policy learning of the greedy policy without importance sampling.

        G_t = R_t+1 + gamma sum_(a != A_t+1) pi(a|S_t+1) q(S_t+1, a) + gamma pi(A_t+1|S_t+1) G_t+1

    Precup et al. 2000; Sutton and Barto 2018, section 7.5. The target policy pi is greedy in q, the
    behaviour policy is epsilon-greedy.

    Args: see `NStepSarsa`; n = 1 is Q-learning.
    """

    def n_step_return(self, path: deque, rewards: deque) -> float:
        """G of the first pair of a path, from sum_a pi(a|s) q(s, a) of the last state."""
        value = 0.0 if path[-1] is None else max(self.q[path[-1][0]])
        for k in range(len(rewards) - 1, -1, -1):
            value = rewards[k] + self.discount * value
            if k:
                state, action = path[k]
                row = self.q[state]
                best = max(row)
                probability = 1 / row.count(best) if row[action] == best else 0.0  # pi(A|S)
                value = (1 - probability) * best + probability * value
        return value
