"""SARSA walks the safe way along the cliff, Q-learning the edge, and falls more often while it learns.

Expected: q_learning_greedy_return >= -13 (the best way; SARSA's safe way costs 15 to 17; random -65375 without a limit)
Time: 1 minute
Source: Sutton and Barto 2018, example 6.6 with its figure, and figure 6.3 (expected SARSA; alpha from 0.1 to 1, first 100 episodes).
"""

from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.runs import experiment, memory
from lab.validation import Interval


@dataclass(frozen=True)
class Config:
    """The learners."""

    runs: Annotated[int, Interval(1, 10**5)] = 50
    """Repetitions of which the pictures show the mean, with 95 % intervals."""
    episodes: Annotated[int, Interval(1, 10**7)] = 500
    """Episodes of each."""
    step_size: Annotated[float, Interval(1e-6, 1)] = 0.5
    """alpha of the first picture."""
    step_sizes: Annotated[tuple[float, ...], Interval(over=0, high=1)] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    """alpha of the second picture."""
    epsilon: Annotated[float, Interval(0, 1)] = 0.1
    """Probability of a random action."""

    def __post_init__(self):
        validation.check_fields(self)
        validation.require(self.step_sizes, "step_sizes", "at least one", self.step_sizes)

    def memory(self):
        """What the run holds."""
        first, second = self.episodes + 5 * 48 + 1, len(self.step_sizes) * min(self.episodes, 100)
        return [memory.Need("curves", 8 * memory.CHECKPOINTED * 3 * self.runs * (first + second), "--runs, --episodes")]


def run(config, track):
    """Learns many times over. Returns each method's mean return while learning (last 100 episodes) and that of its greedy policy."""
    import numpy as np

    from envs.cliff import Cliff
    from experiments.common import tabular as shared
    from lab.agents.tabular import ExpectedSarsa, QLearning, Sarsa

    env = Cliff()
    mdp = env.mdp
    kinds = {"SARSA": Sarsa, "Q-learning": QLearning, "expected SARSA": ExpectedSarsa}

    shapes = {"values": (mdp.num_states, mdp.num_actions), "policy": (mdp.num_states,), "greedy": ()}

    def learners(kind, step_size, count, shapes):
        """Repetitions: the returns, and of the shapes given what was learnt and the return of the greedy policy."""

        def learn(seed):
            agent = kind(mdp.num_states, mdp.num_actions, step_size=step_size, epsilon=config.epsilon)
            returns = shared.episodes(agent, env, count, seed=seed)[0]
            policy = agent.greedy_policy()
            return {"returns": returns, "values": np.asarray(agent.values), "policy": policy, "greedy": walk(mdp, policy)}

        return shared.Repeated(config.runs, learn, {"returns": (count,)} | shapes)

    found = shared.repeat(
        track,
        {name: learners(kind, config.step_size, config.episodes, shapes) for name, kind in kinds.items()}
        | {
            f"{name}, alpha {alpha}": learners(kind, alpha, min(100, config.episodes), {})
            for name, kind in kinds.items()
            for alpha in config.step_sizes
        },
    )
    results: dict = {}
    curves = {}
    made, axes = shared.figure(11, 7, nrows=2, ncols=2)
    for place, name in enumerate(kinds):
        returns, learnt, policies, greedy = found[name].values()
        key = name.lower().replace(" ", "_").replace("-", "_")
        results |= {f"{key}_greedy_return": float(np.median(greedy)), f"{key}_online_return": float(returns[:, -100:].mean())}
        curves[name] = (
            np.array([np.convolve(row, np.full(10, 0.1), mode="valid") for row in returns])
            if config.episodes >= 10
            else returns
        )
        if place < 2:
            values, policy = learnt[-1].max(axis=1), policies[-1].astype(int)
            shared.draw_values(axes[0, place], mdp, values, policy, digits=0, title=name)
    shared.draw_curves(axes[1, 0], curves, xlabel="episodes", ylabel="return while learning, 10 episodes", ylim=(-100, 0))
    sweep = {
        name: np.transpose([found[f"{name}, alpha {alpha}"]["returns"].mean(axis=1) for alpha in config.step_sizes])
        for name in kinds
    }
    shared.draw_curves(
        axes[1, 1], sweep, x=config.step_sizes, xlabel="alpha", ylabel="mean return of the first 100 episodes", ylim=(-160, 0)
    )
    shared.save(track, made, "cliff.png")
    for episode in range(config.episodes):
        track.log(
            {
                f"{name}_return".replace(" ", "_"): rows.mean(axis=0)[min(episode, rows.shape[1] - 1)]
                for name, rows in curves.items()
            },
            episode + 1,
        )
    return results


def walk(mdp, policy, limit=200):
    """The return of a policy from the start; -inf where it does not arrive in so many steps, each of which has one outcome."""
    state, total = int(mdp.start.argmax()), 0.0
    for _ in range(limit):
        following, _, rewards = mdp.successors(state, policy[state])
        total, state = total + float(rewards[0]), int(following[0])
        if mdp.terminal[state]:
            return total
    return float("-inf")


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"runs": 2, "episodes": 200, "step_sizes": (0.2, 0.9)})
