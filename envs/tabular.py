"""Finite Markov decision processes as arrays."""

from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import wrappers
from scipy import sparse

# Wrappers that do not change the MDP. (A time limit is not part of an MDP.)
HARMLESS = (
    wrappers.HumanRendering,
    wrappers.OrderEnforcing,
    wrappers.PassiveEnvChecker,
    wrappers.RecordEpisodeStatistics,
    wrappers.RecordVideo,
    wrappers.RenderCollection,
    wrappers.TimeLimit,
)
TOLERANCE = 1e-9  # greatest allowed |sum - 1| of a row of probabilities


@dataclass(frozen=True, eq=False, repr=False)
class TabularMDP:
    """A Markov decision process (MDP) with S states and A actions.

    It is the model that dynamic programming reads and that `TabularEnv` samples.
    The value of a terminal state is 0; the rows given for it are ignored.
    All arguments are checked, and stored as read-only arrays.

    Args:
        transitions: p(s'|s, a), `[S, A, S]`. Or a scipy.sparse matrix `[S A, S]`, in which the row
            of state s and action a is s A + a.
        rewards: the expected reward r(s, a) `[S, A]`, or r(s, a, s') `[S, A, S]` (with dense
            transitions only).
        discount: gamma, in [0, 1].
        terminal: the states where an episode ends, `[S]` bool or their indices. Default: none.
        start: probabilities of the first state, `[S]`. Default: uniform over the states that are
            not terminal.
        available: which actions a state has, `[S, A]` bool. Default: all.
        reward_noise: standard deviation of normally distributed noise on the reward, `[S, A]`.
            Its mean is 0, so expected rewards do not change. Default: none.
        state_names: names for pictures and error messages, S strings. Default: the numbers.
        action_names: names for pictures and error messages, A strings. Default: the numbers.
        positions: row and column of each state in a picture, `[S, 2]`. Default: all in one row.

    Raises:
        ValueError: an argument is wrong. The message names the argument, what was expected and what
            was received; for probabilities also the first wrong row.
    """

    transitions: Any
    rewards: Any
    discount: float = 1.0
    terminal: Any = ()
    start: Any = None
    available: Any = None
    reward_noise: Any = None
    state_names: Any = ()
    action_names: Any = ()
    positions: Any = None
    num_states: int = field(init=False)
    num_actions: int = field(init=False)
    expected_rewards: Any = field(init=False)  # r(s, a), [S, A]; 0 in terminal states

    def __post_init__(self) -> None:
        transitions, states, actions = _transitions(self.transitions)
        self._set(transitions=transitions, num_states=states, num_actions=actions)
        self._set(terminal=_terminal(self.terminal, states), discount=_discount(self.discount))
        self._set(state_names=_names("state_names", self.state_names, states))
        self._set(action_names=_names("action_names", self.action_names, actions))
        given = np.ones((states, actions), bool) if self.available is None else np.array(self.available, bool)
        _require_shape("available", given, (states, actions))
        self._set(available=given & ~self.terminal[:, None])
        for state in np.flatnonzero(~self.available.any(axis=1) & ~self.terminal):
            raise ValueError(f"available: expected an action in every state, received none in {self.state_names[state]}.")
        self._set(transitions=self._checked_rows())
        self._set(rewards=self._checked_rewards(), start=self._checked_start())
        self._set(expected_rewards=self.rewards if self.rewards.ndim == 2 else (self.transitions * self.rewards).sum(axis=2))
        noise = np.zeros((states, actions)) if self.reward_noise is None else np.array(self.reward_noise, float)
        _require_shape("reward_noise", noise, (states, actions))
        if not (noise >= 0).all():
            raise ValueError(f"reward_noise: expected numbers >= 0, received {noise.min()}.")
        self._set(reward_noise=noise)
        positions = np.stack([np.zeros(states, int), np.arange(states)], 1) if self.positions is None else self.positions
        self._set(positions=np.array(positions, int))
        _require_shape("positions", self.positions, (states, 2))

    def __repr__(self) -> str:
        return f"TabularMDP({self.num_states} states, {self.num_actions} actions, discount {self.discount})"

    def _set(self, **values):
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            object.__setattr__(self, name, value)

    def _checked_rows(self):
        """The transitions, with zero rows for terminal states and unavailable actions."""
        used = self.available.reshape(-1)
        matrix = self.transitions if sparse.issparse(self.transitions) else self.transitions.reshape(len(used), -1)
        smallest = matrix.min(axis=1).toarray().ravel() if sparse.issparse(matrix) else matrix.min(axis=1)
        sums = np.asarray(matrix.sum(axis=1)).ravel()
        self._require_rows(used & ~(smallest >= 0), "probabilities >= 0", smallest)
        self._require_rows(used & ~(np.abs(sums - 1) <= TOLERANCE), "rows that sum to 1", sums)
        if sparse.issparse(matrix):
            rows = matrix if used.all() else sparse.csr_array(sparse.diags_array(used.astype(float)) @ matrix)
            rows.sort_indices()
            rows.data.flags.writeable = False
            return rows
        return np.where(used[:, None], matrix, 0.0).reshape(self.transitions.shape)

    def _require_rows(self, wrong, expected, received):
        if wrong.any():
            first = np.flatnonzero(wrong)[0]
            state, action = divmod(first, self.num_actions)
            others = f" (and {wrong.sum() - 1} more rows)" if wrong.sum() > 1 else ""
            where = f"state {self.state_names[state]}, action {self.action_names[action]}"
            raise ValueError(f"transitions: expected {expected}, received {received[first]:.9g} for {where}{others}.")

    def _checked_rewards(self):
        rewards = np.array(self.rewards, float)
        shapes = [(self.num_states, self.num_actions)]
        if not sparse.issparse(self.transitions):
            shapes.append(self.transitions.shape)
        _require_shape("rewards", rewards, *shapes)
        mask = self.available if rewards.ndim == 2 else self.transitions > 0
        rewards = np.where(mask, rewards, 0.0)
        if not np.isfinite(rewards).all():
            at = np.argwhere(~np.isfinite(rewards))[0]
            where = f"state {self.state_names[at[0]]}, action {self.action_names[at[1]]}"
            raise ValueError(f"rewards: expected finite numbers, received {rewards[tuple(at)]} for {where}.")
        return rewards

    def _checked_start(self):
        if self.start is None:
            if self.terminal.all():
                raise ValueError("terminal: expected a state that is not terminal, received only terminal ones.")
            return ~self.terminal / (~self.terminal).sum()
        start = np.array(self.start, float)
        _require_shape("start", start, (self.num_states,))
        if not (start >= 0).all() or abs(start.sum() - 1) > TOLERANCE:
            raise ValueError(f"start: expected probabilities that sum to 1, received a sum of {start.sum():.6g}.")
        if start[self.terminal].any():
            raise ValueError("start: expected 0 in terminal states, received more.")
        return start

    def successors(self, state: int, action: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(next states s', p(s'|s, a), r(s, a, s')) of a pair, three arrays `[K]`."""
        if sparse.issparse(self.transitions):
            row = state * self.num_actions + action
            span = slice(self.transitions.indptr[row], self.transitions.indptr[row + 1])
            states, probabilities = self.transitions.indices[span], self.transitions.data[span]
        else:
            states = np.flatnonzero(self.transitions[state, action])
            probabilities = self.transitions[state, action, states]
        if self.rewards.ndim == 2:
            return states, probabilities, np.full(len(states), self.rewards[state, action])
        return states, probabilities, self.rewards[state, action, states]


def from_gymnasium(env: Any, discount: float | None = None) -> TabularMDP:
    """The MDP of a Gymnasium environment that has transition probabilities.

    These are the environments of `envs`, and those with `env.unwrapped.P`: FrozenLake, Taxi and
    CliffWalking. P[s][a] is a list of (probability, next state, reward, terminated).

    A state is terminal if all transitions into it terminate and no episode starts in it. If only
    some transitions into a state terminate, these lead to an additional terminal state instead.
    A time limit is not part of the MDP.

    Args:
        env: the environment, with or without wrappers that do not change the MDP.
        discount: gamma, in [0, 1]. None is the discount of an environment of `envs`, and else 1.

    Raises:
        ValueError: the environment has no P, or P does not describe all of it. This is so for Taxi
            with `fickle_passenger`, and for wrappers that may change the problem.
    """
    _require_complete(env)
    inner = env.unwrapped
    if isinstance(getattr(inner, "mdp", None), TabularMDP):
        return inner.mdp if discount is None else replace(inner.mdp, discount=discount)
    table = getattr(inner, "P", None)
    if table is None or not hasattr(inner, "initial_state_distrib"):
        raise ValueError(
            f"env: expected an environment with transition probabilities, env.unwrapped.P, received a {type(inner).__name__}."
        )
    states, actions = len(table), len(table[0])
    ends = np.zeros(states, bool)  # states with a transition into them that terminates
    enters = np.asarray(inner.initial_state_distrib) > 0  # and those with another way into them
    for state in range(states):
        for action in range(actions):
            for probability, following, _, ended in table[state][action]:
                if probability > 0 and (following != state or not ended):
                    (ends if ended else enters)[following] = True
    terminal = np.append(ends & ~enters, True)
    transitions = np.zeros((states + 1, actions, states + 1))
    rewards = np.zeros_like(transitions)
    for state in range(states):
        for action in range(actions):
            for probability, following, reward, ended in table[state][action]:
                following = states if ended and not terminal[following] else following
                transitions[state, action, following] += probability
                rewards[state, action, following] += probability * reward
    rewards = np.divide(rewards, transitions, out=np.zeros_like(rewards), where=transitions > 0)
    count = states + 1 if (transitions[:states, :, states] > 0)[~terminal[:states]].any() else states
    start = np.append(np.asarray(inner.initial_state_distrib, float), 0.0)[:count]
    return TabularMDP(
        transitions[:count, :, :count],
        rewards[:count, :, :count],
        1.0 if discount is None else discount,
        terminal=terminal[:count],
        start=start,
    )


def _require_complete(env):
    """ValueError if P does not describe all that the environment does."""
    while isinstance(env, gymnasium.Wrapper):
        if not isinstance(env, HARMLESS):
            raise ValueError(
                f"env: expected no wrapper that may change states, actions or rewards, received {type(env).__name__}; "
                "env.unwrapped is the problem without it."
            )
        env = env.env
    if getattr(env, "fickle_passenger", False):  # of Taxi
        raise ValueError(
            "env: expected transitions that are all in env.unwrapped.P, received fickle_passenger=True, which is not."
        )


class _Numbers:
    """The names "0", "1", ..., made on demand: a large MDP need not hold them."""

    def __init__(self, count):
        self._numbers = range(count)

    def __len__(self):
        return len(self._numbers)

    def __getitem__(self, index):
        return str(self._numbers[index])


def _transitions(given):
    if sparse.issparse(given):
        matrix = sparse.csr_array(given, dtype=np.result_type(given.dtype, np.float32), copy=True)
        rows, states = matrix.shape
        if not states or rows % states:
            raise ValueError(f"transitions: expected a matrix [S A, S], received the shape {matrix.shape}.")
        return matrix, states, rows // states
    array = np.array(given, float)
    if array.ndim != 3 or array.shape[0] != array.shape[2] or not array.size:
        raise ValueError(f"transitions: expected an array [S, A, S], received the shape {array.shape}.")
    return array, array.shape[0], array.shape[1]


def _terminal(given, states):
    given = np.array(given)
    if given.dtype == bool:
        _require_shape("terminal", given, (states,))
        return given
    mask = np.zeros(states, bool)
    if given.size and (given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= states):
        raise ValueError(f"terminal: expected states in [0, {states}), received {given.tolist()}.")
    mask[given.astype(int)] = True
    return mask


def _discount(value):
    if not 0 <= value <= 1:
        raise ValueError(f"discount: expected a number >= 0 and <= 1, received {value}.")
    return float(value)


def _names(what, given, count):
    if not given:
        return _Numbers(count)
    if len(given) != count:
        raise ValueError(f"{what}: expected {count} names, received {len(given)}.")
    return given if isinstance(given, _Numbers) else tuple(given)


def _require_shape(name, array, *shapes):
    if array.shape not in shapes:
        raise ValueError(f"{name}: expected the shape {' or '.join(map(str, shapes))}, received {array.shape}.")
