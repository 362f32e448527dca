"""What the tabular experiments share: episodes, repetitions that can be resumed, and pictures."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lab.runs.intervals import half_width
from lab.runs.track import Track

if TYPE_CHECKING:  # heavy packages, which an experiment imports when it runs
    import gymnasium
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from envs.tabular import TabularMDP
    from lab.agents.tabular import Learner

# Colours of curves that people with any colour vision can tell apart (Okabe and Ito 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "black")


def run_episodes(
    agent: "Learner",
    env: "gymnasium.Env",
    count: int,
    *,
    seed: int,
    on_episode: Callable[[int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Runs a learner for `count` episodes.

    Without `on_episode`, the learner takes a multiple of 100 steps, which may go beyond the last
    episode. With it, the learner stops exactly after the last episode.

    Args:
        agent: the learner.
        env: its environment.
        count: number of episodes.
        seed: of the environment and of the learner.
        on_episode: called with the number of episodes so far, after each.

    Returns:
        (undiscounted returns `[count]`, lengths in steps `[count]`).
    """
    from lab.agents.tabular import TabularRollout

    rollout = TabularRollout(agent, env, seed=seed)
    rollout.reset(0)
    returns: list[float] = []
    lengths: list[int] = []
    while len(returns) < count:
        finished = rollout.run(1 if on_episode else 100, True)
        returns += finished.episode_returns.tolist()
        lengths += finished.episode_lengths.tolist()
        if on_episode and len(finished.episode_returns):
            on_episode(len(returns))
    return np.array(returns[:count]), np.array(lengths[:count])


def independent_seeds(seed: int, count: int) -> list[int]:
    """`count` independent seeds from one seed."""
    return np.random.SeedSequence(seed).generate_state(count).tolist()


def rollout_seeds(seed: int) -> dict[str, int]:
    """The seeds that `TabularRollout` derives from its seed at step 0."""
    env_seed, agent_seed = np.random.SeedSequence((seed, 0)).generate_state(2).tolist()
    return {"env_seed": env_seed, "agent_seed": agent_seed}


class ResumableEpisodes:
    """Episodes of several learners, one after another, with an exact resume after every episode.

    An interrupted run continues after the last episode in its checkpoint. For this, a reset of
    the environment must restore everything except the random generator.

    The object is itself a part of the checkpoint. Like a Keras variable it has `path`, `shape` and
    `assign`. It holds the number of steps and the states of both random generators.

    Args:
        track: of the run.
        env: a Gymnasium environment with discrete observations.
        variables: all that the learners learn, and the results recorded.
    """

    path = "random numbers and steps"
    shape = (636,)

    def __init__(self, track: Track, env: "gymnasium.Env", variables: Sequence[Any]) -> None:
        self._track = track
        self._env = env
        self._agent_random = random.Random(0)
        self._variables = [*variables, self]
        self._done = 0  # episodes
        self._end = 0  # episodes of the learners so far, including the current one
        self._steps = 0  # of the current learner

    def __array__(self, dtype: np.typing.DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        numbers = self._env.unwrapped.np_random.bit_generator.state
        words = [numbers["state"][key] >> shift & 0xFFFFFFFF for key in ("state", "inc") for shift in (0, 32, 64, 96)]
        env_state = [numbers["has_uint32"], numbers["uinteger"], *words]
        return np.array([self._steps, *env_state, *self._agent_random.getstate()[1]], float)

    def assign(self, values: np.typing.ArrayLike) -> None:
        """Restores the number of steps and both random generators from an array."""
        self._steps, has_uint32, uinteger, *rest = np.asarray(values).astype(int).tolist()
        state, inc = (sum(rest[start + word] << 32 * word for word in range(4)) for start in (0, 4))
        self._env.unwrapped.np_random.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": state, "inc": inc},
            "has_uint32": has_uint32,
            "uinteger": uinteger,
        }
        self._agent_random.setstate((3, tuple(rest[8:]), None))

    def restore(self, episodes: int) -> None:
        """Restores the newest checkpoint of a run of this many episodes over all learners."""
        self._done = self._track.begin(self._variables, episodes)

    def run(self, learner: Any, count: int, record: Callable[[int, float], object], *, env_seed: int, agent_seed: int) -> None:
        """Runs the next `count` episodes, without those that the checkpoint contains.

        Args:
            learner: has `begin`, `start`, `step` and `end` of `Learner`.
            count: number of episodes of this learner.
            record: called with (number of the episode from 0, its return) after each episode.
            env_seed: of the environment.
            agent_seed: of the learner.
        """
        start = self._end
        self._end += count
        if self._done > self._end:
            return
        fresh = self._done <= start
        if fresh:
            self._agent_random.seed(agent_seed)
            self._steps = 0
        learner.begin(self._agent_random)
        self._state, _ = self._env.reset(seed=env_seed) if fresh else self._env.reset()
        while self._done < self._end:
            record(self._done - start, self._episode(learner, max_steps=10**9))
            self._done += 1
            self._track.advance(self._variables, self._done)
            self._state, _ = self._env.reset()

    def complete_hundred(self, learner: Any) -> None:
        """Takes steps up to a multiple of 100, where `run_episodes` ends too."""
        while self._done == self._end and self._steps % 100:
            self._episode(learner, max_steps=100 - self._steps % 100)
            self._state, _ = self._env.reset()

    def _episode(self, learner, max_steps):
        """Runs an episode of at most `max_steps` steps. Returns its undiscounted return."""
        step: Callable[[int], tuple] = self._env.step
        action, total = learner.start(self._state), 0.0
        for _ in range(max_steps):
            state, reward, terminated, _, _ = step(action)
            total += reward
            self._steps += 1
            if terminated:
                learner.end(reward)
                break
            action = learner.step(reward, state)
        return total


class Repetitions(NamedTuple):
    """A computation that is repeated, each time with another seed."""

    times: int
    compute: Callable[[int], dict[str, Any]]  # seed -> {name: result}
    shapes: dict[str, tuple[int, ...]]  # {name: shape of the result}


def repeat(track: Track, plan: Mapping[str, Repetitions]) -> dict[str, dict[str, np.ndarray]]:
    """Runs all repetitions of a plan.

    An interrupted run continues after the last repetition in its checkpoint.

    Args:
        track: of the run; its seed determines the seeds of the repetitions.
        plan: {method: its `Repetitions`}.

    Returns:
        {method: {name: results of all repetitions `[times, ...]`}}.
    """
    from lab.agents.tabular.table import Weights

    tables = {
        method: {name: Weights(np.zeros((part.times, *shape)), f"{method}: {name}") for name, shape in part.shapes.items()}
        for method, part in plan.items()
    }
    variables = [table for named in tables.values() for table in named.values()]
    jobs = [
        (method, number, seed)
        for method, part in plan.items()
        for number, seed in enumerate(independent_seeds(track.seed, part.times))
    ]
    done = track.begin(variables, len(jobs))
    for position, (method, number, seed) in enumerate(jobs[done:], done + 1):
        results = plan[method].compute(seed)
        for name, table in tables[method].items():
            table.values[number] = results[name]
        track.advance(variables, position)
    return {method: {name: table.values for name, table in named.items()} for method, named in tables.items()}


def expected_return(mdp: "TabularMDP", policy: np.ndarray | None = None, *, steps: int) -> float:
    """The exact expected undiscounted return within a number of steps, from the starting states.

    Args:
        mdp: the problem.
        policy: the action of each state, `[S]`. It may lack the last states, if these are terminal.
            None is the optimal policy.
        steps: length of an episode at most.
    """
    from lab.agents.tabular import optimality_operator, reward_process

    values = np.zeros(mdp.num_states)
    if policy is not None:
        actions = np.append(policy, np.zeros(mdp.num_states - len(policy), int))
        rows, rewards = reward_process(mdp, actions)
    for _ in range(steps):
        values = optimality_operator(mdp, values) if policy is None else rewards + rows @ values
    return float(mdp.start @ values)


def new_figure(width: float = 7.0, height: float = 4.0, **options: Any) -> tuple["Figure", Any]:
    """A figure (sizes in inches), and its axes by `Figure.subplots` with the options."""
    from cycler import cycler  # a part of matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    subplots = figure.subplots(**options)
    for axes in figure.axes:
        axes.set_prop_cycle(cycler(linestyle=["-", "--"]) * cycler(color=COLOURS))
    return figure, subplots


def save_figure(track: Track, figure: "Figure", name: str) -> None:
    """Logs a figure as the artifact `name`."""
    figure.savefig(track.artifacts / name, dpi=110)
    track.artifact(name)


def draw_curves(axes: "Axes", curves: Mapping[str, np.typing.ArrayLike], *, x: Any = None, **labels: Any) -> None:
    """Draws curves as means over runs, with 95 % confidence intervals.

    Args:
        axes: where to draw.
        curves: {name: values `[runs, points]`}.
        x: the points, `[points]`. Default: 1, 2, ...
        **labels: those of `Axes.set`.
    """
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    for name, given in curves.items():
        values = np.asarray(given, float)
        points = np.arange(1, values.shape[1] + 1) if x is None else x
        mean = values.mean(axis=0)
        (line,) = axes.plot(points, mean, label=name, linewidth=1.5)
        if len(values) > 1:
            half = half_width(values)
            axes.fill_between(points, mean - half, mean + half, alpha=0.2, color=line.get_color(), linewidth=0)
    axes.set(**labels)
    axes.grid(alpha=0.3)
    if x is None:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    several = any(len(np.asarray(values)) > 1 for values in curves.values())
    axes.legend(fontsize="small", title="mean and 95 % interval" if several else None, title_fontsize="small")
