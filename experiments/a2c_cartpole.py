"""Advantage actor-critic balances CartPole, with RL-zoo's hyper-parameters.

Expected: greedy_return >= 475 (optimal 500, random policy 22)
Time: half a minute with --device, two minutes without, on two cores
Source: Mnih et al. 2016; hyper-parameters of RL Baselines3 Zoo, A2C on CartPole-v1, except for the linearly falling learning rate.
"""

from dataclasses import dataclass
from typing import Annotated

from experiments.common import policy_gradient as shared
from lab import validation
from lab.runs import experiment
from lab.validation import Interval


@dataclass(frozen=True)
class Config(shared.Environment):
    """Settings of A2C on CartPole."""

    environment: str = "CartPole-v1"
    """Gymnasium id of an environment with Discrete, MultiDiscrete or bounded Box actions."""
    device: bool = False
    """Put environments, acting and learning into one compiled program (those of the laboratory only)."""
    steps: Annotated[int, Interval(1, 10**11)] = 500_000
    """Environment steps to train for, over all environments, rounded up to whole reports."""
    num_envs: Annotated[int, Interval(1, 10**6)] = 8
    """Environments side by side."""
    rollout_length: Annotated[int, Interval(1, 10**7)] = 5
    """Steps of each environment between two updates."""
    discount: Annotated[float, Interval(0, 1)] = 0.99
    """Gamma, per environment step."""
    gae_lambda: Annotated[float, Interval(0, 1)] = 1.0
    """Lambda of generalised advantage estimation."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 7e-4
    """RMSprop's step size at the start."""
    learning_rate_end: Annotated[float, Interval(0, 1e6)] = 0.0
    """RMSprop's step size at the end; it falls linearly."""
    entropy_weight: Annotated[float, Interval(0, 1e6)] = 0.0
    """Weight of the policy's entropy."""
    value_weight: Annotated[float, Interval(0, 1e6)] = 0.5
    """Weight of the value's squared error."""
    max_gradient_norm: Annotated[float, Interval(over=0, high=1e12)] = 0.5
    """Gradients longer than this are shortened to it."""
    normalize_observations: bool = False
    """Normalise observations by their running mean and deviation."""
    hidden: Annotated[tuple[int, ...], Interval(1, 10**5)] = (64, 64)
    """Units of each dense layer, tanh."""
    check_episodes: Annotated[int, Interval(0, 10**5)] = 0
    """Greedy episodes after every hundredth of the run or, if that is more, thousand steps, on seeds of their own, that choose the policy; 0 takes the last one."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 100
    """Greedy episodes, in fresh environments, that make the result."""

    def __post_init__(self):
        validation.check_fields(self)
        shared.require_environment(self)

    def memory(self):
        """What the run holds."""
        return shared.needs(self, networks=2)

    @property
    def total_steps(self):
        """Environment steps of the whole run."""
        return shared.total_steps(self)


def run(config, track):
    """Trains A2C, evaluates greedily, records; see `experiments.common.policy_gradient`."""
    from lab.agents import A2C, FeedForward, policy_for
    from lab.models import actor_critic, dense_torso
    from lab.optimizers import RMSprop

    worlds = shared.Worlds(config)
    network, acting, world, check, test = shared.seeds(track, 5)
    policy = policy_for(worlds.actions)
    agent = A2C(
        network=FeedForward(
            actor_critic(
                worlds.observations.shape,
                policy.head,
                torso=dense_torso(config.hidden),
                normalize=config.normalize_observations,
                seed=network,
            ),
            policy,
        ),
        optimizer=RMSprop(
            shared.linear_rate(config, 1),
            rho=0.99,
            epsilon=1e-5,
            epsilon_inside=False,
            global_clipnorm=config.max_gradient_norm,
        ),
        discount=config.discount,
        lambda_=config.gae_lambda,
        rollout_length=config.rollout_length,
        entropy_weight=config.entropy_weight,
        value_weight=config.value_weight,
        seed=acting,
    )
    return shared.train_and_evaluate(config, track, agent, worlds, world=world, check=check, test=test)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 4_000, "evaluation_episodes": 5})
