"""What the tabular experiments share: episodes of a learner, and their pictures."""

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
