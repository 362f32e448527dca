"""Deep Q-learning balances CartPole, and does not forget it.

Expected: last_greedy_return >= 475 (optimal 500, random policy 22)
Time: half a minute on two cores
Source: Mnih et al. 2015, Algorithm 1, with clipped double targets (Fujimoto et al. 2018).

The settings begin from RL Baselines3 Zoo's for CartPole-v1, with which the solution is found and
lost again. Differences from them:

- the greedy policy has averaged weights, in which the newest fifth of all updates counts most;
- clipped double targets, copied every 32 updates;
- squared loss, and no clipping that cuts the large errors where an episode ends;
- normalised observations;
- batches of 128 in place of 64, layers of 64 units in place of 256.

`benchmarks/dqn_scores.py` measures what each of them does.
"""

from dataclasses import dataclass
from typing import Any

from experiments.common import deep_agents
from lab import validation
from lab.agents import settings
from lab.runs import experiment


@dataclass(frozen=True)
class Config(deep_agents.DeepAgent, settings.DQN):
    """Deep Q-learning on CartPole, or on another environment with discrete actions."""

    steps: int = 50_000
    target: settings.Target = "clipped"
    loss: settings.Loss = "squared"
    learning_rate: float = 2.3e-3
    max_gradient_norm: float = 1_000.0
    batch_size: int = 128
    rollout_length: int = 256
    updates: int = 128
    target_every: int = 32
    averaging: float = 0.2
    epsilon_end: float = 0.04
    exploration_fraction: float = 0.16
    normalize_observations: bool = True
    check_episodes: int = 10

    def check(self) -> None:
        """Only CartPole is on the device with one environment."""
        super().check()
        if self.device:
            expected = "CartPole-v1 with --device"
            validation.require("CartPole-v1" in self.environment, "environment", expected, self.environment)


def run(config: Config, track: Any) -> dict[str, float]:
    """Trains DQN, evaluates greedily, records; see `experiments.common.deep_agents`."""
    from functools import partial

    import keras

    from lab.agents import DQN, UniformReplay, dqn, exploration
    from lab.losses import huber_error, reinforcement
    from lab.models import mlp
    from lab.optimizers import Adam

    environments = deep_agents.Environments(config)
    observations, actions = environments.observations, environments.actions
    weights, memory, acting, training, check, test = deep_agents.seeds(track, 6)
    network = partial(
        mlp, observations.shape, config.hidden, int(actions.n), normalize=config.normalize_observations, seed=weights
    )
    rate = keras.optimizers.schedules.PolynomialDecay(
        config.learning_rate, deep_agents.rollouts(config) * config.updates, 0.0, config.learning_rate_power
    )
    agent = DQN(
        online=network(name="online"),
        target=network(name="target"),
        optimizer=Adam(rate, global_clipnorm=config.max_gradient_norm),
        replay=UniformReplay(config.buffer_size, observations, actions, seed=memory),
        bootstrap={
            "plain": reinforcement.q_learning_bootstrap,
            "double": reinforcement.double_q_learning_bootstrap,
            "clipped": reinforcement.clipped_double_q_learning_bootstrap,
        }[config.target],
        loss={"huber": huber_error, "squared": dqn.squared}[config.loss],
        discount=config.discount,
        batch_size=config.batch_size,
        rollout_length=config.rollout_length,
        updates=config.updates,
        target_every=config.target_every,
        polyak=config.polyak,
        averaging=config.averaging,
        learning_starts=config.learning_starts,
        epsilon=exploration.linear(1.0, config.epsilon_end, config.exploration_fraction * config.steps),
        seed=acting,
    )
    return deep_agents.train_and_evaluate(config, track, agent, environments, training=training, check=check, test=test)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 3_000, "hidden": (32, 32), "check_episodes": 2, "evaluation_episodes": 5})
