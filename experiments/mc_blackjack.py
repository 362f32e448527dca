"""Monte Carlo on Blackjack: the values of a fixed policy, and the best policy by exploring starts.

Expected: greedy_return >= -0.06 (the best policy gets about -0.045; random -0.39)
Time: 1 minute
Source: Sutton and Barto 2018, figures 5.1 (sticking on 20 and 21 only, after 10,000 and 500,000 episodes) and 5.2 (exploring starts).

Deviation: Gymnasium deals the first state, so all starting states of the deal are explored, and the first action is drawn at random. The rules are those of the
book (sab=True).
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """The learners."""

    few: Annotated[int, Interval(1, 10**10)] = 10_000
    """Episodes after which the values of the fixed policy are drawn first."""
    many: Annotated[int, Interval(1, 10**10)] = 500_000
    """Episodes after which they are drawn again."""
    control_episodes: Annotated[int, Interval(1, 10**10)] = 1_000_000
    """Episodes of the search for the best policy."""
    evaluation_episodes: Annotated[int, Interval(2, 10**9)] = 100_000
    """Greedy episodes, in a fresh environment, that make the result."""

    def __post_init__(self):
        validation.check_fields(self)
        validation.require(self.few <= self.many, "few", f"at most many, {self.many}", self.few)

    def memory(self):
        """What the run holds."""
        return [
            memory.Need(
                "returns",
                8 * memory.CHECKPOINTED * (self.control_episodes + self.evaluation_episodes),
                "--control-episodes, --evaluation-episodes",
            )
        ]


def run(config, track):
    """Evaluates a policy and finds the best. Returns the mean return of the best one, measured, with the half-width of its 95 % interval."""
    import gymnasium
    import numpy as np

    from experiments.common import tabular as shared
    from lab.agents.tabular import DiscreteStates, MonteCarlo, MonteCarloControl
    from lab.agents.tabular.table import Weights

    env = DiscreteStates(gymnasium.make("Blackjack-v1", sab=True, disable_env_checker=True))
    first, second, test = shared.seeds(track.seed, 3)
    states = int(np.prod(env.sizes))
    own = np.arange(states) // (env.sizes[1] * env.sizes[2])
    sticking = np.where(own[:, None] >= 20, [1.0, 0.0], [0.0, 1.0])  # actions: stick, hit
    agent, best = MonteCarlo(sticking), MonteCarloControl(states, 2, exploring_starts=True)
    early = Weights(np.zeros(states), "values after few episodes")
    returns = Weights(np.zeros(config.control_episodes), "returns of the search")
    played = Weights(np.zeros(config.evaluation_episodes), "returns of the best policy")
    sitting = shared.Sitting(track, env, [*agent.variables, *best.variables, early, returns, played])
    sitting.begin(config.many + config.control_episodes + config.evaluation_episodes)

    def keep(number, _):
        if number + 1 == config.few:
            early.assign(agent.values)

    sitting.play(agent, config.many, keep, **shared.streams(first))
    drawn = {config.few: early.values, config.many: np.asarray(agent.values)}
    made, axes = shared.figure(9, 7, nrows=2, ncols=2, subplot_kw={"projection": "3d"})
    for column, (count, values) in enumerate(drawn.items()):
        for row, ace in enumerate((1, 0)):
            shared_surface(axes[row, column], values.reshape(env.sizes)[12:22, 1:11, ace])
            axes[row, column].set_title(f"{'usable ace' if ace else 'no usable ace'}, {count:,} episodes", fontsize=9)
    shared.save(track, made, "values_of_sticking_on_20.png")

    sitting.play(best, config.control_episodes, returns.values.__setitem__, **shared.streams(second))
    sitting.fill_up(best)
    blocks = np.array_split(returns.values, min(100, config.control_episodes))
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
    sitting.play(Following(policy), config.evaluation_episodes, played.values.__setitem__, world=test, choices=0)
    half_width = 1.96 * played.values.std(ddof=1) / config.evaluation_episodes**0.5
    return {"greedy_return": float(played.values.mean()), "half_width": float(half_width)}


class Following:
    """Follows a policy and learns nothing.

    Args:
        policy: the action of each state, `[S]`.
    """

    def __init__(self, policy):
        self._actions = policy.tolist()

    def begin(self, generator):
        """Needs no random numbers."""

    def start(self, state):
        """The first action."""
        return self._actions[state]

    def step(self, reward, state):
        """The next action."""
        return self._actions[state]

    def end(self, reward):
        """Nothing is learnt."""


def shared_surface(axis, values):
    """Draws V over the dealer's card (1 to 10) and the own sum (12 to 21)."""
    import numpy as np

    dealer, own = np.meshgrid(np.arange(1, 11), np.arange(12, 22))
    axis.plot_surface(dealer, own, values, cmap="viridis", linewidth=0)
    axis.set(zlim=(-1, 1), xlabel="dealer", ylabel="own sum")


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"few": 200, "many": 1_000, "control_episodes": 1_000, "evaluation_episodes": 200})
