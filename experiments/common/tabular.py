"""What the tabular experiments share: episodes of a learner, repetitions that a stopped run goes on with, and their pictures."""

import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

ARROWS = {"up": (0, 1), "right": (1, 0), "down": (0, -1), "left": (-1, 0)}


def episodes(agent, env, count, *, seed, each=None):
    """(undiscounted returns, lengths), `[count]`, of the first so many episodes of a learner.

    Args:
        each: called with the number of episodes so far, after each; then the learner is stopped exactly there.
    """
    from lab.agents.tabular import TabularRollout

    rollout = TabularRollout(agent, env, seed=seed)
    rollout.reset(0)
    returns: list = []
    lengths: list = []
    while len(returns) < count:
        batch = rollout.run(1 if each else 100, True)
        returns += batch.episode_returns.tolist()
        lengths += batch.episode_lengths.tolist()
        if each and len(batch.episode_returns):
            each(len(returns))
    return np.array(returns[:count]), np.array(lengths[:count])


def seeds(seed, count):
    """Independent seeds of so many repetitions."""
    return np.random.SeedSequence(seed).generate_state(count).tolist()


def streams(seed):
    """{"world": the environment's seed, "choices": the learner's}, as `TabularRollout` draws them from its seed at step 0."""
    return dict(zip(("world", "choices"), np.random.SeedSequence((seed, 0)).generate_state(2).tolist(), strict=True))


class Sitting:
    """Episodes of one learner after another in an environment whose reset forgets everything but its random numbers.

    A run that was stopped goes on exactly after the last episode that its checkpoint holds. The sitting takes part in checkpoints
    as a Keras variable does (`path`, `shape`, `assign`): the states of both random numbers' sources, and the number of steps.

    Args:
        track: the run's.
        env: a Gymnasium environment with discrete observations.
        variables: what the learners learn and what is recorded of them.
    """

    path, shape = "random numbers and steps", (636,)

    def __init__(self, track, env, variables):
        self._track = track
        self._env = env
        self._choices = random.Random(0)
        self._variables = [*variables, self]
        self._done = self._end = self._steps = 0

    def __array__(self, dtype=None, copy=None):
        numbers = self._env.unwrapped.np_random.bit_generator.state
        large = [numbers["state"][key] >> shift & 0xFFFFFFFF for key in ("state", "inc") for shift in (0, 32, 64, 96)]
        return np.array([self._steps, numbers["has_uint32"], numbers["uinteger"], *large, *self._choices.getstate()[1]], float)

    def assign(self, values):
        """Takes the states from an array."""
        self._steps, has_uint32, uinteger, *rest = np.asarray(values).astype(int).tolist()
        state, inc = (sum(rest[start + word] << 32 * word for word in range(4)) for start in (0, 4))
        self._env.unwrapped.np_random.bit_generator.state = {
            "bit_generator": "PCG64", "state": {"state": state, "inc": inc}, "has_uint32": has_uint32, "uinteger": uinteger,
        }  # fmt: skip
        self._choices.setstate((3, tuple(rest[8:]), None))

    def begin(self, episodes):
        """Brings everything back to the newest checkpoint of a run of so many episodes."""
        self._done = self._track.begin(self._variables, episodes)

    def play(self, learner, count, record, *, world, choices):
        """Plays the next `count` episodes, of which some may be done.

        Args:
            record: called with the number of each episode, from 0, and its return.
            world, choices: the seeds of the environment and of the learner's choices.
        """
        start, self._end = self._end, self._end + count
        if self._done > self._end:
            return
        if self._done <= start:
            self._choices.seed(choices)
            self._steps, fresh = 0, {"seed": world}
        else:
            fresh = {}
        learner.begin(self._choices)
        self._state, _ = self._env.reset(**fresh)
        while self._done < self._end:
            record(self._done - start, self._episode(learner, 10**9))
            self._done += 1
            self._track.advance(self._variables, self._done)
            self._state, _ = self._env.reset()

    def fill_up(self, learner):
        """Learns on to a whole hundred of steps, where `episodes` ends too."""
        while self._done == self._end and self._steps % 100:
            self._episode(learner, 100 - self._steps % 100)
            self._state, _ = self._env.reset()

    def _episode(self, learner, most):
        """The return of an episode of at most so many steps."""
        action, total = learner.start(self._state), 0.0
        for _ in range(most):
            state, reward, ended, _, _ = self._env.step(action)
            total += reward
            self._steps += 1
            if ended:
                learner.end(reward)
                break
            action = learner.step(reward, state)
        return total


class Repeated(NamedTuple):
    """What is repeated, each time under a seed of its own."""

    times: int
    learn: Callable[[int], dict]  # from a seed to {name: finding}
    shapes: dict  # {name: shape of a finding}


def repeat(track, plan):
    """{method: {name: findings of all repetitions, `[times, ...]`}}, of a plan {method: `Repeated`}.

    The findings are kept in the run's checkpoint. A run that was stopped goes on with the first repetition that is not in it.
    """
    from lab.agents.tabular.table import Weights

    tables = {
        method: {name: Weights(np.zeros((part.times, *shape)), f"{method}: {name}") for name, shape in part.shapes.items()}
        for method, part in plan.items()
    }
    variables = [table for found in tables.values() for table in found.values()]
    work = [
        (method, number, seed) for method, part in plan.items() for number, seed in enumerate(seeds(track.seed, part.times))
    ]
    done = track.begin(variables, len(work))
    for position, (method, number, seed) in enumerate(work[done:], done + 1):
        found = plan[method].learn(seed)
        for name, table in tables[method].items():
            table.values[number] = found[name]
        track.advance(variables, position)
    return {method: {name: table.values for name, table in found.items()} for method, found in tables.items()}


def return_within(limit, mdp, policy=None):
    """The exact expected undiscounted return of a policy in so many steps, from the starting states; of the best one without a policy."""
    from lab.agents.tabular import optimality, under

    values = np.zeros(mdp.num_states)
    if policy is not None:
        # a state that only ends an episode may be unknown to who learnt the policy
        rows, rewards = under(mdp, np.append(policy, np.zeros(mdp.num_states - len(policy), int)))
    for _ in range(limit):
        values = optimality(mdp, values) if policy is None else rewards + rows @ values
    return float(mdp.start @ values)


def figure(width=7.0, height=4.0, **options):
    """(figure, axes)."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained")
    return made, made.subplots(**options)


def save(track, made, name):
    """Logs a figure as a picture."""
    made.savefig(track.artifacts / name, dpi=110)
    track.artifact(name)


def draw_curves(axes, curves, *, x=None, **labels):
    """Draws {name: values `[runs, points]`}: their means with 95 % intervals over the runs."""
    from scipy import stats

    for name, values in curves.items():
        values = np.asarray(values, float)
        places = np.arange(1, values.shape[1] + 1) if x is None else x
        mean = values.mean(axis=0)
        (line,) = axes.plot(places, mean, label=name, linewidth=1.5)
        if len(values) > 1:
            half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values, axis=0)
            axes.fill_between(places, mean - half, mean + half, alpha=0.2, color=line.get_color(), linewidth=0)
    axes.set(**labels)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def draw_values(axes, mdp, values, policy=None, *, digits=1, title=""):
    """Draws the value of every state where it lies, with an arrow for the policy's action where it has a direction."""
    rows, columns = mdp.positions.max(axis=0) + 1
    grid = np.full((rows, columns), np.nan)
    grid[tuple(mdp.positions.T)] = values
    axes.imshow(grid, cmap="viridis")
    middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
    for state, (row, column) in enumerate(mdp.positions):
        colour = "white" if values[state] <= middle else "black"
        axes.text(column, row - 0.25, f"{values[state]:.{digits}f}", ha="center", va="center", color=colour, fontsize=7)
        if policy is not None and not mdp.terminal[state]:
            right, up = ARROWS.get(mdp.action_names[policy[state]], (0, 0))
            axes.annotate(
                "", (column + 0.25 * right, row + 0.15 - 0.25 * up), (column - 0.2 * right, row + 0.15 + 0.2 * up),
                arrowprops={"arrowstyle": "->", "color": colour},
            )  # fmt: skip
    axes.set(title=title, xticks=[], yticks=[])
