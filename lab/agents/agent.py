"""The agent that a user has: an algorithm in its environments.

    agent = PPO.for_env("CartPole-v1", seed=0)
    agent.fit(100_000)
    agent.evaluate(episodes=100)
    action = agent.predict(observation)
    agent.save("cartpole.zip")

It is put together from pieces that work without it: `algorithm` learns, `rollout` lets it act in
`environments`, and `lab.agents.train` is the loop.
"""

import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from scipy import stats

from lab import renamed, validation
from lab.agents import agent_file, exporting, fitting
from lab.agents.source import Source
from lab.agents.spaces import as_action, one_line
from lab.agents.tabular.source import TabularSource
from lab.agents.training import evaluate


class Returns(NamedTuple):
    """Undiscounted returns of greedy episodes."""

    mean: float
    interval: float  # half of the mean's 95 % interval, by Student's t
    returns: np.ndarray  # [episodes]

    def __str__(self) -> str:
        return f"{self.mean:.4g} ± {self.interval:.2g} ({len(self.returns)} episodes)"


class Agent:
    """An algorithm in its environments. `PPO.for_env(...)` and its like make one.

    Attributes:
        algorithm: how it acts and learns, such as `PPO`.
        rollout: where it learns, such as `HostRollout`.
        environments: the vector environment in which it learns; of a tabular learner the one.
        settings: a dict of all settings.
        step: environment steps taken so far.
    """

    def __init__(
        self,
        algorithm: Any,
        rollout: Any,
        source: Source | TabularSource,
        settings: dict[str, Any],
        *,
        seed: int,
        testing: int,
    ) -> None:
        self.algorithm, self.rollout, self.source, self.settings = algorithm, rollout, source, settings
        self.seed, self.step, self.history = seed, 0, None
        self.recipe: dict[str, Any] = {}  # what `save` writes of the arguments of `for_env`
        self.horizon: Any = None
        self.rates: list = []
        self._testing = testing
        self._policy: Callable | None = None
        self._memory: Any = ()  # of a recurrent agent, for predict
        self._generator = np.random.default_rng((seed, 1))

    @property
    def environments(self) -> Any:
        """The vector environment in which it learns."""
        return self.source.training

    @property
    def name(self) -> str:
        """The name of the algorithm."""
        return type(self.algorithm).__name__

    @property
    def variables(self) -> list:
        """All state: of the algorithm with its schedules, and of environments on the device."""
        return [*self.algorithm.variables, *self.rollout.variables]

    def __repr__(self) -> str:
        count = f", num_envs={self.rollout.num_envs}" if self.rollout.num_envs > 1 else ""
        return f"{self.name}({self.source.name!r}{count}, seed={self.seed}, step={self.step:,})"

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Prints what the agent sees, does and has, and its networks.

        Args:
            print_fn: is called with each line, as in `keras.Model.summary`.
        """
        print_fn(repr(self))
        settings = ", ".join(f"{name}={_brief(value)}" for name, value in self.settings.items())
        lines = [f"observations: {one_line(self.source.raw)}", f"actions: {one_line(self.source.actions)}", settings]
        if not self.rates and hasattr(self.algorithm, "optimizer"):
            optimizer = self.algorithm.optimizer
            lines.append(f"optimizer: {type(optimizer).__name__}, learning_rate={float(optimizer.learning_rate):g}")
        for line in lines:
            print_fn(textwrap.fill(line, 100, initial_indent="  ", subsequent_indent="    ", break_long_words=False))
        if hasattr(self.algorithm, "describe"):
            print_fn(f"  {self.algorithm.describe()}")
        for network in agent_file.networks(self.algorithm):
            network.summary(print_fn=print_fn)

    @property
    def optimizer(self) -> keras.optimizers.Optimizer:
        """The optimizer, if there is only one. Its `learning_rate` can be set at any time."""
        if hasattr(self.algorithm, "critics"):
            raise AttributeError(f"optimizer: expected actor_optimizer or critic_optimizer, which {self.name} has.")
        return self.algorithm.optimizer

    @property
    def actor_optimizer(self) -> keras.optimizers.Optimizer:
        """The optimizer of the actor, of agents that have critics."""
        return self._of_two().optimizer

    @property
    def critic_optimizer(self) -> keras.optimizers.Optimizer:
        """The optimizer of the critics."""
        return self._of_two().critics.optimizer

    def fit(
        self,
        steps: int,
        *,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        validation_episodes: int = 0,
        report_every: int | None = None,
        horizon: int | None = None,
        verbose: int | str = "auto",
    ) -> keras.callbacks.History:
        """Learns for `steps` more environment steps. It goes on where the last call ended.

        An epoch of the callbacks is a report. Its logs are `step`, the metrics of
        `lab.agents.train` (`episode_return`, `loss` and so on), and with validation `val_return`.
        The callbacks' `model` is the Keras model whose weights make the greedy policy, so Keras's
        EarlyStopping, ModelCheckpoint, CSVLogger and others work. Callbacks that need the agent
        itself have a method `set_agent` (`lab.agents.callbacks`).

        Args:
            steps: is rounded up to whole reports.
            callbacks: of Keras. There are no epochs inside of reports, and no batches.
            validation_episodes: greedy episodes at each report, in environments of their own and
                always with the same seed. At the end the weights with the best mean come back.
            report_every: environment steps between two reports. By default a hundredth of `steps`,
                from 1,000 to 100,000.
            horizon: the step at which falling settings (step size, exploration, clipping range)
                reach their ends. By default it is where this call ends.
            verbose: 0 shows nothing, "auto" and 1 a progress bar, 2 a line for each report.

        Returns:
            Keras's `History`: `history.history["episode_return"]` has a number for each report, and
            NaN where no episode ended.
        """
        return fitting.fit(
            self,
            validation.integer("steps", steps),
            callbacks=[callbacks] if isinstance(callbacks, keras.callbacks.Callback) else list(callbacks),
            validation_episodes=validation.integer("validation_episodes", validation_episodes, 0),
            report_every=report_every,
            horizon=horizon,
            verbose=verbose,
        )

    def predict(
        self, observation: Any, *, start: Any = None, state: Any = None, action_mask: Any = None, explore: bool = False
    ) -> Any:
        """The greedy action for one observation, or the actions for a batch, as NumPy.

        A recurrent agent remembers from call to call. `start` says where an episode begins. The
        first call after `fit` or `load` begins one.

        Args:
            observation: as the environment gives it, or a batch of these.
            start: bool or `[B]` bool, whether the observation is the first of an episode.
            state: the memory before this observation, of a recurrent agent: what the call before
                returned, or () for an empty one. Then the result is (action, state).
            action_mask: `info["action_mask"]`, where the environment gives one.
            explore: draws the action as in learning.
        """
        batch, single = self.source.convert(observation, action_mask)
        if self._remembers:
            actions, memory = self._remember(batch, start, state, explore)
        elif state is not None:
            raise ValueError(f"state: expected with a recurrent agent, received with {self.name}.")
        else:
            if explore:
                policy = self.algorithm.host_policy(self._generator)
            else:
                policy = self._policy = self._policy or self.algorithm.host_policy()
            actions = policy(batch, np.ones(len(batch), bool))[0]
        actions = as_action(self.source.actions, actions[0] if single else actions)
        return actions if state is None else (actions, memory)

    def evaluate(self, episodes: int = 100, *, seed: int | None = None, environments: Any = None) -> Returns:
        """Undiscounted returns of the greedy policy in fresh environments.

        Args:
            episodes: how many.
            seed: of the environments. By default one that the agent's seed made.
            environments: a vector environment in SAME_STEP mode, instead of fresh ones.
        """
        episodes = validation.integer("episodes", episodes)
        count = max(size for size in range(1, 33) if episodes % size == 0)
        tests = self.source.fresh(count) if environments is None else environments
        try:
            returns = evaluate(self.algorithm, tests, episodes=episodes, seed=self._testing if seed is None else seed)
        finally:
            if environments is None:
                tests.close()
        half = stats.t.ppf(0.975, episodes - 1) * returns.std(ddof=1) / np.sqrt(episodes) if episodes > 1 else np.inf
        return Returns(float(returns.mean()), float(half), returns)

    def refresh(self) -> None:
        """Takes over weights that were changed by somebody else than `fit`. Memory is forgotten."""
        self._policy, self._memory = None, ()

    def save(self, path: Any, *, replay: bool = True) -> None:
        """Writes the agent into one file, exactly: after `lab.agents.load`, `fit` goes on alike.

        The file has weights, optimizers, replay, random states and statistics. Nothing is pickled.
        Environments on the host begin new episodes in each `fit`, with seeds that depend on the
        agent's seed and step; so what follows is the same there, too.

        Args:
            path: of the file, such as "agent.zip".
            replay: False leaves out the transitions of the replay. The next `fit` begins with an
                empty one.
        """
        agent_file.save(self, path, replay=replay)

    def export(self, path: Any, *, format: str = "tf_saved_model", **options: Any) -> Path:
        """Writes the greedy policy as a model, from the observation to the action for `step`.

        Normalisation, the choice of the best action and the bounds of a Box are inside. Inputs are
        batches. An agent with masks takes them as a second input, "action_mask", int8. Images of
        bytes are uint8, all else is float32. To load a "keras" file of an agent with masks or a
        Dict, import `lab.layers` first.

        Args:
            path: a folder for "tf_saved_model", else a file.
            format: "keras", "tf_saved_model", "onnx" or "litert".
            **options: of `keras.Model.export`.
        """
        return exporting.export(self, path, format=format, **options)

    @property
    def _remembers(self):
        return hasattr(getattr(self.algorithm, "network", None), "remember")

    def _remember(self, batch, start, state, explore):
        """(greedy actions, memory) of a recurrent agent. Without `state` it uses its own memory."""
        if explore:
            raise ValueError("explore: expected False with a recurrent agent, whose memory in learning it would change.")
        memory = self._memory if state is None else state
        if memory and len(memory[0]) != len(batch):
            memory = ()
        starts = np.broadcast_to(np.asarray(False if start is None else start, bool), len(batch))
        actions, memory = self.algorithm.network.remember(batch, starts, memory)
        if state is None:
            self._memory = memory
        return actions, memory

    def _of_two(self):
        if not hasattr(self.algorithm, "critics"):
            raise AttributeError(f"actor_optimizer: expected optimizer, the only one that {self.name} has.")
        return self.algorithm


def _brief(value):
    """A setting as `summary` shows it: of an array the shape."""
    return f"array {list(value.shape)}" if isinstance(value, np.ndarray) else repr(value)


__getattr__ = renamed(__name__, {"Trajectory": "lab.agents.algorithm.Trajectory"})
