"""n-step SARSA, and the tree backup."""

from collections import deque

from lab import validation
from lab.agents.tabular.learner import ActionValues


class NStepSarsa(ActionValues):
    """q(S_t, A_t) <- q(S_t, A_t) + alpha (G - q(S_t, A_t)), G = R_t+1 + ... + gamma^(n-1) R_t+n + gamma^n q(S_t+n, A_t+n).

    Sutton and Barto 2018, section 7.2. At the end of an episode G ends there; where it is cut, the last value stands n or fewer steps on.

    Args:
        n: steps, >= 1; 1 is SARSA, and more than an episode has is Monte Carlo.
        **options: see `ActionValues`.
    """

    def __init__(self, *arguments, n=4, **options):
        super().__init__(*arguments, **options)
        self.n = validation.integer("n", n)

    def start(self, state):
        """Begins an episode; the first action."""
        action = super().start(state)
        self._path: deque = deque([(state, action)])
        self._rewards: deque = deque()
        return action

    def step(self, reward, state):
        """Updates the pair n steps ago."""
        action = self.choose(state)
        self._rewards.append(reward)
        self._path.append((state, action))
        if len(self._rewards) == self.n:
            self._back_up()
        return action

    def end(self, reward):
        """Updates all pairs that are left."""
        self._rewards.append(reward)
        self._path.append(None)
        self._flush()

    def cut(self, reward, state):
        """The same, with the value of the last state behind the rewards."""
        self._rewards.append(reward)
        self._path.append((state, self.choose(state)))
        self._flush()

    def _flush(self):
        while self._rewards:
            self._back_up()

    def _back_up(self):
        target = self.target(self._path, self._rewards)
        self.state, self.action = self._path.popleft()
        self._rewards.popleft()
        self.update(target)

    def target(self, path, rewards):
        """G from the pairs (S, A) of a path, the last of them None at an end, and the rewards between."""
        state, action = path[-1] or (None, None)
        value = 0.0 if state is None else self.q[state][action]
        for reward in reversed(rewards):
            value = reward + self.discount * value
        return value


class TreeBackup(NStepSarsa):
    """n steps along the actions taken, with what the target policy pi thinks of the others (Precup et al. 2000; Sutton and Barto 2018, section 7.5).

        G_t = R_t+1 + gamma sum_(a != A_t+1) pi(a|S_t+1) q(S_t+1, a) + gamma pi(A_t+1|S_t+1) G_t+1

    pi is greedy in q, the behaviour epsilon-greedy; no importance sampling is needed.

    Args: see `NStepSarsa`; n = 1 is Q-learning.
    """

    def target(self, path, rewards):
        """G; the last state's is sum_a pi(a|s) q(s, a)."""
        value = 0.0 if path[-1] is None else max(self.q[path[-1][0]])
        for k in range(len(rewards) - 1, -1, -1):
            value = rewards[k] + self.discount * value
            if k:
                state, action = path[k]
                row = self.q[state]
                best = max(row)
                chance = 1 / row.count(best) if row[action] == best else 0.0  # pi(A|S)
                value = (1 - chance) * best + chance * value
        return value
