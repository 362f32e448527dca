"""Value iteration on FrozenLake, read from the environment itself, and what its policy really gets.

Expected: greedy_return >= 0.72 (0.7402 exactly, of the policy for gamma = 0.99 under 100 steps; at best 0.7442; random 0.0139)
Time: seconds
Source: Gymnasium's FrozenLake-v1 and its P.
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.agents import environment_checks, environments
from lab.runs import experiment, memory
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """The lake."""

    environment: str = "FrozenLake-v1"
    """Gymnasium id of an environment that shows its transitions."""
    discount: Annotated[float, Interval(0, 1)] = 0.99
    """gamma."""
    tolerance: Annotated[float, Interval(1e-12, 1e6)] = 1e-8
    """Bound on the error of the values."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 2_000
    """Episodes of the policy, in fresh environments."""

    def __post_init__(self):
        validation.check_fields(self)
        from envs.tabular import from_gymnasium

        environment_checks.require_environment(self.environment, "Discrete", check=from_gymnasium)

    def memory(self):
        """What the run holds."""
        return [memory.Need("returns", (128 + 8 * memory.CHECKPOINTED) * self.evaluation_episodes, "--evaluation-episodes")]


def run(config, track):
    """Solves the environment's model and plays the policy. Returns its mean undiscounted return, measured and, under the time limit, computed."""
    import gymnasium
    import numpy as np

    from envs.tabular import from_gymnasium
    from experiments.common import tabular as shared
    from lab.agents import tabular

    limit = environments.time_limit(config.environment) or 1_000
    env = gymnasium.make(config.environment, max_episode_steps=limit)
    mdp = from_gymnasium(env, config.discount)
    solution = tabular.value_iteration(
        mdp, tolerance=config.tolerance, on_sweep=lambda sweep, bound: track.log({"bound": min(bound, 1e9)}, sweep)
    )
    exact = shared.return_within(limit, from_gymnasium(env, 1.0), solution.policy)

    def play(seed):
        """An episode's return."""
        state, _ = env.reset(seed=seed)
        total, ended = 0.0, False
        while not ended:
            state, reward, terminated, truncated, _ = env.step(int(solution.policy[state]))
            total, ended = total + float(reward), terminated or truncated
        return {"return": total}

    played = shared.repeat(track, {"episodes": shared.Repeated(config.evaluation_episodes, play, {"return": ()})})["episodes"]
    desc = np.asarray(getattr(env.unwrapped, "desc", ()))
    if desc.size == mdp.num_states:
        rows, columns = desc.shape
        made, axes = shared.figure(1.1 * columns, 1.1 * rows)
        positions = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)
        picture = type(mdp)(
            mdp.transitions, mdp.rewards, config.discount, terminal=mdp.terminal, positions=positions,
            action_names=("left", "down", "right", "up"),
        )  # fmt: skip
        shared.draw_values(axes, picture, solution.values, solution.policy, digits=2, title=f"V*, gamma = {config.discount}")
        shared.save(track, made, "values.png")
    return {
        "greedy_return": float(played["return"].mean()), "exact_return": exact, "sweeps": float(solution.iterations),
    }  # fmt: skip


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"evaluation_episodes": 50})
