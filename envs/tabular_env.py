"""A tabular MDP as a Gymnasium environment, with pictures of the agent on a grid."""

from bisect import bisect_right
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete

from envs.tabular import TabularMDP

CELL = 48  # pixels
COLOURS = {
    "wall": (60, 64, 72),
    "free": (244, 244, 240),
    "terminal": (150, 196, 150),
    "line": (180, 180, 176),
    "agent": (200, 60, 50),
}


class TabularEnv(gymnasium.Env):
    """Samples episodes of a `TabularMDP`: observations are its states, actions its actions.

    `info["action_mask"]`, `[A]` int8, tells which actions are available. An action that is not
    available is replaced by the available action with the nearest number.

    Args:
        mdp: the `TabularMDP`. The environment does not use its discount; learners may.
        render_mode: None, "ansi" or "rgb_array".
        exploring_starts: whether an episode starts in any state that is not terminal, with equal
            probability, instead of in the starting states of the MDP.
    """

    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}

    def __init__(self, mdp: TabularMDP, *, render_mode: str | None = None, exploring_starts: bool = False) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode: expected one of None, ansi, rgb_array, received {render_mode!r}.")
        self.render_mode = render_mode
        self.observation_space, self.action_space = Discrete(mdp.num_states), Discrete(mdp.num_actions)
        self._explores = exploring_starts
        self.set_mdp(mdp)

    def set_mdp(self, mdp: TabularMDP) -> None:
        """Replaces the MDP by another with the same states and actions, from the next step on."""
        self.mdp = mdp
        start = ~mdp.terminal / (~mdp.terminal).sum() if self._explores else mdp.start
        self._starts = np.cumsum(start)
        self._steps: dict = {}
        self._ends = mdp.terminal.tolist()
        self._kinds: list[str] | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Starts an episode, in the state `options["state"]` if it is given."""
        super().reset(seed=seed)
        if options and "state" in options:
            self.state = int(options["state"])
            if not 0 <= self.state < self.mdp.num_states or self._ends[self.state]:
                raise ValueError(f"options['state']: expected a state that is not terminal, received {self.state}.")
        else:
            self.state = int(np.searchsorted(self._starts, self.np_random.random() * self._starts[-1], side="right"))
        self._last: int | None = None
        return self.state, {"action_mask": self.mdp.available[self.state].astype(np.int8)}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """One transition, drawn from p(s'|s, a)."""
        key = self.state, int(action)
        if key not in self._steps:
            self._steps[key] = self._prepare(*key)
        cumulative, following, rewards, noise, mask = self._steps[key]
        at = bisect_right(cumulative, self.np_random.random() * cumulative[-1]) if len(cumulative) > 1 else 0
        self.state, self._last = following[at], key[1]
        reward = rewards[at] + (noise * self.np_random.standard_normal() if noise else 0.0)
        return self.state, reward, self._ends[self.state], False, {"action_mask": mask[at]}

    def _prepare(self, state, action):
        """A pair's (cumulative probabilities, next states, rewards, reward noise, action masks)."""
        mdp = self.mdp
        choices = np.flatnonzero(mdp.available[state])
        if not len(choices):
            raise gymnasium.error.ResetNeeded(
                "step: expected an episode that has not ended, received one that has; call reset first."
            )
        action = int(choices[np.abs(choices - action).argmin()])
        following, probabilities, rewards = mdp.successors(state, action)
        masks = mdp.available[following].astype(np.int8)
        noise = float(mdp.reward_noise[state, action])
        return np.cumsum(probabilities).tolist(), following.tolist(), rewards.tolist(), noise, masks

    def render(self) -> Any:
        """The grid with the agent, as text or as a picture `[height, width, 3]` uint8."""
        if self.render_mode == "ansi":
            return self._text()
        return self._picture() if self.render_mode == "rgb_array" else None

    def _cell_kinds(self):
        """How each state is drawn. Neither a start nor another state leads to a wall."""
        if self._kinds is None:
            entered = self.mdp.start > 0
            for state in range(self.mdp.num_states):
                for action in np.flatnonzero(self.mdp.available[state]).tolist():
                    following = self.mdp.successors(state, action)[0]
                    entered[following[following != state]] = True
            self._kinds = [
                "terminal" if end else "free" if free else "wall" for end, free in zip(self._ends, entered, strict=True)
            ]
        return self._kinds

    def _text(self):
        rows, columns = self.mdp.positions.max(axis=0) + 1
        grid = np.full((rows, columns), "#")
        for kind, (row, column) in zip(self._cell_kinds(), self.mdp.positions, strict=True):
            grid[row, column] = {"wall": "#", "free": ".", "terminal": "T"}[kind]
        grid[tuple(self.mdp.positions[self.state])] = "@"
        lines = ["".join(row) for row in grid]
        action = "" if self._last is None else f" after {self.mdp.action_names[self._last]}"
        return "\n".join([*lines, f"state {self.mdp.state_names[self.state]}{action}", ""])

    def _picture(self):
        from PIL import Image, ImageDraw

        rows, columns = (self.mdp.positions.max(axis=0) + 1).tolist()
        cell = max(4, min(CELL, 960 // max(rows, columns)))
        image = Image.new("RGB", (columns * cell, rows * cell), COLOURS["wall"])
        draw = ImageDraw.Draw(image)
        for kind, (row, column) in zip(self._cell_kinds(), self.mdp.positions.tolist(), strict=True):
            corner = (column * cell, row * cell, (column + 1) * cell - 1, (row + 1) * cell - 1)
            draw.rectangle(corner, fill=COLOURS[kind], outline=COLOURS["line"])
        row, column = self.mdp.positions[self.state].tolist()
        margin = cell // 5
        draw.ellipse(
            (column * cell + margin, row * cell + margin, (column + 1) * cell - margin, (row + 1) * cell - margin),
            fill=COLOURS["agent"],
        )
        return np.asarray(image)
