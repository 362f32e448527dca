"""Keras callbacks for `Agent.fit` that need the agent itself, not only its model."""

from pathlib import Path
from typing import Any

import keras

from lab import validation
from lab.agents import watching


class SaveAgent(keras.callbacks.Callback):
    """Saves the agent while it learns, exactly: who loads the file and goes on gets the same bits.

    Where it saves, environments on the host begin new episodes.

    Args:
        path: of the file. "{step}" in it becomes the step; otherwise the file is replaced.
        every: environment steps between two files, rounded up to whole rollouts and counted from
            the first step of learning.
        replay: as in `Agent.save`.
    """

    exact = True  # fit makes reports after each `every` steps of learning, from which it can go on

    def __init__(self, path: Any, *, every: int = 10_000, replay: bool = True) -> None:
        super().__init__()
        self.path, self.every, self.replay = str(path), validation.integer("every", every), replay

    def set_agent(self, agent: Any) -> None:
        """Called by `fit`."""
        self.agent = agent

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves where a report can be gone on from."""
        if self.agent.boundary:
            self.agent.save(self.path.format(step=self.agent.step), replay=self.replay)


class RecordVideo(keras.callbacks.Callback):
    """Records a greedy episode as a GIF while the agent learns.

    Args:
        folder: of the files, step-<environment steps>.gif.
        every: environment steps between two episodes.
        seed: of the episodes.
    """

    exact = False

    def __init__(self, folder: Any, *, every: int = 100_000, seed: int = 0) -> None:
        super().__init__()
        self.folder, self.every, self.seed = Path(folder), validation.integer("every", every), seed
        self._next = 0

    def set_agent(self, agent: Any) -> None:
        """Called by `fit`."""
        self.agent = agent

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Records, if it is time."""
        if self.agent.step < self._next:
            return
        self._next = self.agent.step + self.every
        self.folder.mkdir(parents=True, exist_ok=True)
        watching.record(self.agent, self.folder / f"step-{self.agent.step:09d}.gif", seed=self.seed)
