"""Monte Carlo on Blackjack: the values of a fixed policy, and the best policy by exploring starts.

Expected: greedy_return >= -0.06 (the best policy gets about -0.045; random -0.39)
Time: 1 minute
Source: Sutton and Barto 2018, figures 5.1 (sticking on 20 and 21 only, after 10,000 and 500,000 episodes) and 5.2 (exploring starts).

Deviation: Gymnasium deals the first state, so all starting states of the deal are explored, and the first action is drawn at random. The rules are those of the
book (sab=True).
"""

from dataclasses import dataclass
from typing import Annotated

from lab import command, experiment
from lab.command import Range


@dataclass(frozen=True)
class Config:
    """The learners."""

    few: Annotated[int, Range(1, 10**10)] = 10_000
    """Episodes after which the values of the fixed policy are drawn first."""
    many: Annotated[int, Range(1, 10**10)] = 500_000
    """Episodes after which they are drawn again."""
    control_episodes: Annotated[int, Range(1, 10**10)] = 1_000_000
    """Episodes of the search for the best policy."""
    evaluation_episodes: Annotated[int, Range(2, 10**9)] = 100_000
    """Greedy episodes, in a fresh environment, that make the result."""

    def __post_init__(self):
        command.check_ranges(self)
        command.require(self.few <= self.many, "few", f"at most many, {self.many}", self.few)


def run(config, track):
    """Evaluates a policy and finds the best. Returns the mean return of the best one, measured, with the half-width of its 95 % interval."""
    import gymnasium
    import numpy as np

    from experiments import _tabular as shared
    from lab.agents.tabular import DiscreteStates, MonteCarlo, MonteCarloControl

    env = DiscreteStates(gymnasium.make("Blackjack-v1", sab=True, disable_env_checker=True))
    first, second, test = shared.seeds(track.seed, 3)
    states = int(np.prod(env.sizes))
    own = np.arange(states) // (env.sizes[1] * env.sizes[2])
    sticking = np.where(own[:, None] >= 20, [1.0, 0.0], [0.0, 1.0])  # actions: stick, hit
    agent = MonteCarlo(sticking)
    drawn = {}

    def keep(count):
        if count in (config.few, config.many):
            drawn[count] = np.asarray(agent.values).reshape(env.sizes)

    shared.episodes(agent, env, config.many, seed=first, each=keep)
    made, axes = shared.figure(9, 7, nrows=2, ncols=2, subplot_kw={"projection": "3d"})
    for column, (count, values) in enumerate(drawn.items()):
        for row, ace in enumerate((1, 0)):
            shared_surface(axes[row, column], values[12:22, 1:11, ace])
            axes[row, column].set_title(f"{'usable ace' if ace else 'no usable ace'}, {count:,} episodes", fontsize=9)
    shared.save(track, made, "values_of_sticking_on_20.png")

    best = MonteCarloControl(states, 2, exploring_starts=True)
    returns, _ = shared.episodes(best, env, config.control_episodes, seed=second)
    blocks = np.array_split(returns, min(100, len(returns)))
    for block, step in zip(blocks, np.cumsum([len(block) for block in blocks]), strict=True):
        track.log({"episode_return": block.mean()}, int(step))
    policy = best.greedy_policy()
    made, axes = shared.figure(9, 4, ncols=2)
    for axis, ace in zip(axes, (1, 0), strict=True):
        least = 12 if ace else 11  # no sum of 11 has a usable ace
        shown = policy.reshape(env.sizes)[least:22, 1:11, ace]
        axis.imshow(
            shown, origin="lower", extent=(0.5, 10.5, least - 0.5, 21.5), cmap="RdYlGn_r", aspect="auto", vmin=0, vmax=1
        )
        title = f"{'usable ace' if ace else 'no usable ace'}: green sticks, red hits"
        axis.set(title=title, xlabel="dealer shows", ylabel="own sum")
    shared.save(track, made, "policy.png")
    played = np.array(play(env, policy, config.evaluation_episodes, test))
    return {"greedy_return": float(played.mean()), "half_width": float(1.96 * played.std(ddof=1) / len(played) ** 0.5)}


def shared_surface(axis, values):
    """Draws V over the dealer's card (1 to 10) and the own sum (12 to 21)."""
    import numpy as np

    dealer, own = np.meshgrid(np.arange(1, 11), np.arange(12, 22))
    axis.plot_surface(dealer, own, values, cmap="viridis", linewidth=0)
    axis.set(zlim=(-1, 1), xlabel="dealer", ylabel="own sum")


def play(env, policy, count, seed):
    """Returns of so many episodes of a policy."""
    state, _ = env.reset(seed=seed)
    returns: list[float] = []
    while len(returns) < count:
        state, reward, terminated, truncated, _ = env.step(int(policy[state]))
        if terminated or truncated:
            returns.append(reward)  # the only one of an episode
            state, _ = env.reset()
    return returns


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"few": 200, "many": 1_000, "control_episodes": 1_000, "evaluation_episodes": 200})
