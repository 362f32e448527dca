"""Value iteration on the model of FrozenLake, and the returns of its policy.

Expected: greedy_return >= 0.72 (exactly 0.7402; optimum within 100 steps 0.7442; random 0.0139)
Time: seconds
Source: Gymnasium's FrozenLake-v1 and its transition probabilities P.

The policy is optimal for gamma = 0.99 and episodes without a time limit. It is evaluated without a
discount and within the time limit, 100 steps.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from lab import validation
from lab.agents import environment_checks, environments
from lab.runs import experiment, memory
from lab.runs.track import Track
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """Settings of the environment and of value iteration."""

    environment: str = "FrozenLake-v1"
    """Gymnasium id of an environment with transition probabilities."""
    discount: Annotated[float, Interval(0, 1)] = 0.99
    """gamma."""
    tolerance: Annotated[float, Interval(1e-12, 1e6)] = 1e-8
    """Value iteration stops when the bound on the error of the values is at most this."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 2_000
    """Episodes of the policy, whose mean return is the result."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        from envs.tabular import from_gymnasium

        environment_checks.require_environment(self.environment, "Discrete", check=from_gymnasium)

    def memory(self) -> list[memory.Need]:
        """What the run holds in memory."""
        return [memory.Need("returns", (128 + 8 * memory.CHECKPOINTED) * self.evaluation_episodes, "--evaluation-episodes")]


def run(config: Config, track: Track) -> dict[str, float]:
    """Solves the model of the environment, and runs the policy.

    Returns its mean undiscounted return, its exact expected return within the time limit, and the
    number of sweeps.
    """
    import gymnasium
    import numpy as np

    from envs.tabular import from_gymnasium
    from experiments.common import tabular as shared
    from experiments.common.value_maps import draw_values
    from lab.agents import tabular

    limit = environments.time_limit(config.environment) or 1_000
    env = gymnasium.make(config.environment, max_episode_steps=limit)
    mdp = from_gymnasium(env, config.discount)
    solution = tabular.value_iteration(
        mdp, tolerance=config.tolerance, on_sweep=lambda sweep, bound: track.log({"bound": min(bound, 1e9)}, sweep)
    )
    exact = shared.expected_return(from_gymnasium(env, 1.0), solution.policy, steps=limit)

    def run_episode(seed):
        """The return of an episode of the policy."""
        state, _ = env.reset(seed=seed)
        total, ended = 0.0, False
        while not ended:
            state, reward, terminated, truncated, _ = env.step(int(solution.policy[state]))
            total, ended = total + float(reward), terminated or truncated
        return {"return": total}

    plan = {"episodes": shared.Repetitions(config.evaluation_episodes, run_episode, {"return": ()})}
    returns = shared.repeat(track, plan)["episodes"]["return"]
    desc = np.asarray(getattr(env.unwrapped, "desc", ()))
    if desc.size == mdp.num_states:
        rows, columns = desc.shape
        figure, axes = shared.new_figure(1.1 * columns + 2, 1.1 * rows + 1)
        positions = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)
        grid = replace(mdp, positions=positions, action_names=("left", "down", "right", "up"))
        kinds = {"S start": b"S", "H hole": b"H", "G goal": b"G"}
        marks = {
            name: [(int(row), int(column)) for row, column in np.argwhere(desc == letter)] for name, letter in kinds.items()
        }
        title = f"{config.environment}: best policy, and its value (discount {config.discount})"
        label = "value: discounted probability of the goal"
        draw_values(axes, grid, solution.values, solution.policy, digits=2, title=title, label=label, marks=marks)
        shared.save_figure(track, figure, "values.png")
    return {
        "greedy_return": float(returns.mean()),
        "exact_return": exact,
        "sweeps": float(solution.iterations),
    }


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"evaluation_episodes": 50})
