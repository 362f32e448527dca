"""Twin delayed deep deterministic policy gradient swings the pendulum up, with RL-zoo's hyper-parameters.

Expected: greedy_return >= -155 (random policy -1230)
Time: 1 minute on two cores
Source: Fujimoto et al. 2018, Algorithm 1; hyper-parameters of RL Baselines3 Zoo, TD3 on Pendulum-v1, with two updates after every second
step in place of one after each: the actor, which learns in every second update, is the same. With --critics 1 --policy-delay 1
--smoothing 0 it is DDPG (Lillicrap et al. 2016).
"""

from dataclasses import dataclass
from typing import Annotated

from experiments.common import policy_gradient as shared
from lab import validation
from lab.runs import experiment
from lab.validation import Interval


@dataclass(frozen=True)
class Config(shared.Environment):
    """Settings of TD3."""

    environment: str = "Pendulum-v1"
    """Gymnasium id of an environment with bounded Box actions."""
    device: bool = False
    """Put environments, acting and learning into one compiled program (those of the laboratory only)."""
    steps: Annotated[int, Interval(1, 10**11)] = 20_000
    """Environment steps to train for, over all environments, rounded up to whole reports."""
    num_envs: Annotated[int, Interval(1, 10**6)] = 1
    """Environments side by side."""
    discount: Annotated[float, Interval(0, 1)] = 0.98
    """Gamma, per environment step."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 1e-3
    """Adam's step size, of actor and critics."""
    polyak: Annotated[float, Interval(0, 1)] = 0.005
    """Share of the weights that the targets take over at each update of the actor."""
    batch_size: Annotated[int, Interval(1, 10**6)] = 256
    """Transitions per update."""
    buffer_size: Annotated[int, Interval(1, 10**10)] = 200_000
    """Transitions the replay holds."""
    warm_up: Annotated[int, Interval(0, 10**11)] = 10_000
    """Random environment steps before learning starts."""
    rollout_length: Annotated[int, Interval(1, 10**7)] = 2
    """Steps of each environment between two groups of updates."""
    updates: Annotated[int, Interval(1, 10**6)] = 2
    """Updates of the critics in a group, a multiple of policy_delay."""
    policy_delay: Annotated[int, Interval(1, 10**4)] = 2
    """Updates of the critics for one of the actor and of the targets."""
    critics: Annotated[int, Interval(1, 100)] = 2
    """Networks of which the least value bootstraps."""
    noise: Annotated[float, Interval(0, 1000)] = 0.1
    """Standard deviation of the exploration noise; the bounds of the actions are at -1 and 1."""
    smoothing: Annotated[float, Interval(0, 1000)] = 0.2
    """Standard deviation of the noise on the target's actions."""
    smoothing_clip: Annotated[float, Interval(0, 1000)] = 0.5
    """Greatest size of that noise."""
    hidden: Annotated[tuple[int, ...], Interval(1, 10**5)] = (400, 300)
    """Units of each hidden layer."""
    check_episodes: Annotated[int, Interval(0, 10**5)] = 0
    """Greedy episodes after every hundredth of the run or, if that is more, thousand steps, on seeds of their own, that choose the policy; 0 takes the last one."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 100
    """Greedy episodes, in fresh environments, that make the result."""

    def __post_init__(self):
        validation.check_fields(self)
        validation.require(
            self.batch_size <= self.buffer_size, "batch_size", f"at most buffer_size, {self.buffer_size}", self.batch_size
        )
        size = self.rollout_length * self.num_envs
        validation.require(
            size <= self.buffer_size, "buffer_size", f"at least rollout_length x num_envs, {size}", self.buffer_size
        )
        multiple = f"a multiple of policy_delay, {self.policy_delay}"
        validation.require(self.updates % self.policy_delay == 0, "updates", multiple, self.updates)
        validation.require(self.warm_up < self.steps, "warm_up", f"less than steps, {self.steps}", self.warm_up)
        shared.require_environment(self, space="Box")

    def memory(self):
        """What the run holds."""
        return shared.needs(self, networks=2 * (self.critics + 1), replay=self.buffer_size)

    @property
    def total_steps(self):
        """Environment steps of the whole run."""
        return shared.total_steps(self)


def run(config, track):
    """Trains TD3, evaluates greedily, records; see `experiments.common.policy_gradient`."""
    from lab.agents import TD3, Critics, GaussianNoise, UniformReplay, clipped_noise
    from lab.models import critic, deterministic_actor
    from lab.optimizers import Adam

    worlds = shared.Worlds(config)
    shape, dimensions = worlds.observations.shape, worlds.actions.shape[0]
    actor, memory, acting, world, check, test, *critics = shared.seeds(track, 6 + config.critics)
    agent = TD3(
        actor=deterministic_actor(shape, dimensions, config.hidden, seed=actor),
        target_actor=deterministic_actor(shape, dimensions, config.hidden, seed=actor, name="target_actor"),
        critics=Critics(
            [critic(shape, dimensions, config.hidden, seed=seed) for seed in critics],
            [critic(shape, dimensions, config.hidden, seed=seed, name="target_critic") for seed in critics],
            Adam(config.learning_rate),
            polyak=config.polyak,
        ),
        optimizer=Adam(config.learning_rate),
        replay=UniformReplay(config.buffer_size, worlds.observations, worlds.actions, seed=memory),
        action_space=worlds.actions,
        noise=GaussianNoise(config.noise),
        smoothing=clipped_noise(config.smoothing, config.smoothing_clip),
        discount=config.discount,
        policy_delay=config.policy_delay,
        batch_size=config.batch_size,
        rollout_length=config.rollout_length,
        updates=config.updates,
        warm_up=config.warm_up,
        seed=acting,
    )
    return shared.train_and_evaluate(config, track, agent, worlds, world=world, check=check, test=test)


if __name__ == "__main__":
    smoke = {"steps": 1_000, "warm_up": 500, "batch_size": 32, "hidden": (32, 32), "evaluation_episodes": 2}
    experiment.main(Config, run, smoke=smoke)
