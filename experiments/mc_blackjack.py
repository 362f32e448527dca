"""Monte Carlo on Blackjack: the values of a fixed policy, and control with exploring starts.

Expected: greedy_return >= -0.06 (the optimal policy about -0.045; random -0.39)
Time: 1 minute
Source: Sutton and Barto 2018, figures 5.1 (fixed policy) and 5.2 (exploring starts).

The fixed policy sticks on 20 and 21 only. The rules are those of the book (sab=True).

Difference from the book: Gymnasium deals the first state, so exploring starts reach all states of a
deal. The first action is drawn at random.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from lab import validation
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the learners."""

    few: Annotated[int, Interval(1, 10**10)] = 10_000
    """The values of the fixed policy are drawn after this number of episodes."""
    many: Annotated[int, Interval(1, 10**10)] = 500_000
    """They are drawn again after this number of episodes."""
    control_episodes: Annotated[int, Interval(1, 10**10)] = 1_000_000
    """Episodes of control."""
    evaluation_episodes: Annotated[int, Interval(2, 10**9)] = 100_000
    """Greedy episodes after training, whose mean return is the result."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.few <= self.many, "few", f"at most many, {self.many}", self.few)

    def memory(self) -> list[memory.Need]:
        """What the run holds in memory."""
        returns = 8 * memory.CHECKPOINTED * (self.control_episodes + self.evaluation_episodes)
        return [memory.Need("returns", returns, "--control-episodes, --evaluation-episodes")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Evaluates a fixed policy, then learns one and evaluates it.

    Returns the mean return of the learnt policy, and the half-width of its 95 % confidence
    interval.
    """
    import gymnasium
    import numpy as np
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    from experiments.common import tabular as shared
    from lab.agents.tabular import DiscreteStates, MonteCarlo, MonteCarloControl
    from lab.agents.tabular.table import Weights

    env = DiscreteStates(gymnasium.make("Blackjack-v1", sab=True, disable_env_checker=True))
    prediction_seed, control_seed, evaluation_seed = shared.independent_seeds(track.seed, 3)
    states = int(np.prod(env.sizes))
    own_sum = np.arange(states) // (env.sizes[1] * env.sizes[2])
    fixed_policy = np.where(own_sum[:, None] >= 20, [1.0, 0.0], [0.0, 1.0])  # actions: stick, hit
    prediction = MonteCarlo(fixed_policy)
    control = MonteCarloControl(states, 2, exploring_starts=True)
    early = Weights(np.zeros(states), "values after few episodes")
    returns = Weights(np.zeros(config.control_episodes), "returns of the search")
    final_returns = Weights(np.zeros(config.evaluation_episodes), "returns of the best policy")
    variables = [*prediction.variables, *control.variables, early, returns, final_returns]
    episodes = shared.ResumableEpisodes(track, env, variables)
    episodes.restore(config.many + config.control_episodes + config.evaluation_episodes)

    def copy_values(number, _):
        if number + 1 == config.few:
            early.assign(prediction.values)

    episodes.run(prediction, config.many, copy_values, **shared.rollout_seeds(prediction_seed))
    drawn = {config.few: early.values, config.many: np.asarray(prediction.values)}
    figure, axes = shared.new_figure(9, 7, nrows=2, ncols=2, subplot_kw={"projection": "3d"})
    for column, (count, values) in enumerate(drawn.items()):
        for row, ace in enumerate((1, 0)):
            draw_surface(axes[row, column], values.reshape(env.sizes)[12:22, 1:11, ace])
            axes[row, column].set_title(f"{'usable ace' if ace else 'no usable ace'}, {count:,} episodes", fontsize=9)
    figure.suptitle("Blackjack: value of a hand for a player who sticks on 20 and 21 only")
    shared.save_figure(track, figure, "values_of_sticking_on_20.png")

    episodes.run(control, config.control_episodes, returns.values.__setitem__, **shared.rollout_seeds(control_seed))
    episodes.complete_hundred(control)
    blocks = np.array_split(returns.values, min(100, config.control_episodes))
    for block, step in zip(blocks, np.cumsum([len(block) for block in blocks]), strict=True):
        track.log({"episode_return": block.mean()}, int(step))
    policy = control.greedy_policy()
    figure, axes = shared.new_figure(9.5, 4, ncols=2)
    colours = ListedColormap(["#56B4E9", "#D55E00"])  # of stick and hit
    for axis, ace in zip(axes, (1, 0), strict=True):
        least = 12 if ace else 11  # a sum of 11 cannot have a usable ace
        actions = policy.reshape(env.sizes)[least:22, 1:11, ace]
        extent = (0.5, 10.5, least - 0.5, 21.5)
        axis.imshow(actions, origin="lower", extent=extent, cmap=colours, aspect="auto", vmin=0, vmax=1)
        axis.set(title="usable ace" if ace else "no usable ace", xlabel="card of the dealer (1: ace)", ylabel="own sum")
        axis.set_xticks(range(1, 11))
    patches = [Patch(color=colours(action), label=name) for action, name in enumerate(("stick", "hit"))]
    figure.legend(handles=patches, loc="outside right upper")
    figure.suptitle(f"Blackjack: the policy learnt in {config.control_episodes:,} episodes")
    shared.save_figure(track, figure, "policy.png")
    episodes.run(
        FixedPolicy(policy),
        config.evaluation_episodes,
        final_returns.values.__setitem__,
        env_seed=evaluation_seed,
        agent_seed=0,
    )
    half_width = 1.96 * final_returns.values.std(ddof=1) / config.evaluation_episodes**0.5
    return {"greedy_return": float(final_returns.values.mean()), "half_width": float(half_width)}


class FixedPolicy:
    """A learner that follows a deterministic policy and learns nothing.

    Args:
        policy: the action of each state, `[S]`.
    """

    def __init__(self, policy: Any) -> None:
        self._actions = policy.tolist()

    def begin(self, generator: Any) -> None:
        """Does nothing: the policy needs no random numbers."""

    def start(self, state: int) -> int:
        """The first action."""
        return self._actions[state]

    def step(self, reward: float, state: int) -> int:
        """The next action."""
        return self._actions[state]

    def end(self, reward: float) -> None:
        """Does nothing."""


def draw_surface(axis: Any, values: Any) -> None:
    """Draws V `[10, 10]` over the own sum (12 to 21) and the card of the dealer (1 to 10)."""
    import numpy as np

    dealer, own = np.meshgrid(np.arange(1, 11), np.arange(12, 22))
    axis.plot_surface(dealer, own, values, cmap="viridis", linewidth=0)
    axis.set(zlim=(-1, 1), xlabel="dealer's card", ylabel="own sum", zlabel="value")


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"few": 200, "many": 1_000, "control_episodes": 1_000, "evaluation_episodes": 200})
