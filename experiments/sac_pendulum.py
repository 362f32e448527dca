"""Soft actor-critic swings the pendulum up, with RL-zoo's hyper-parameters.

Expected: greedy_return >= -155 (random policy -1230)
Time: 3 minutes on two cores
Source: Haarnoja et al. 2018b, Algorithm 1; hyper-parameters of RL Baselines3 Zoo, SAC on Pendulum-v1 (its replay of 1,000,000 transitions
never fills in 20,000 steps).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from experiments.common import policy_gradient as shared
from lab import validation
from lab.runs import experiment
from lab.validation import Interval


@dataclass(frozen=True)
class Config(shared.Environment):
    """Settings of soft actor-critic."""

    environment: str = "Pendulum-v1"
    """Gymnasium id of an environment with bounded Box actions."""
    device: bool = False
    """Put environments, acting and learning into one compiled program (those of the laboratory only)."""
    steps: Annotated[int, Interval(1, 10**11)] = 20_000
    """Environment steps to train for, over all environments, rounded up to whole reports."""
    num_envs: Annotated[int, Interval(1, 10**6)] = 1
    """Environments side by side."""
    discount: Annotated[float, Interval(0, 1)] = 0.99
    """Gamma, per environment step."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 1e-3
    """Adam's step size, of actor, critics and temperature."""
    polyak: Annotated[float, Interval(0, 1)] = 0.005
    """Share of the critics' weights that their targets take over at each update."""
    batch_size: Annotated[int, Interval(1, 10**6)] = 256
    """Transitions per update."""
    buffer_size: Annotated[int, Interval(1, 10**10)] = 100_000
    """Transitions the replay holds."""
    warm_up: Annotated[int, Interval(0, 10**11)] = 100
    """Random environment steps before learning starts."""
    rollout_length: Annotated[int, Interval(1, 10**7)] = 1
    """Steps of each environment between two groups of updates."""
    updates: Annotated[int, Interval(1, 10**6)] = 1
    """Updates in a group."""
    temperature: Literal["learnt", "fixed"] = "learnt"
    """Whether alpha moves the policy's entropy to its target, or stays."""
    initial_temperature: Annotated[float, Interval(over=0, high=1e6)] = 1.0
    """Alpha at the start: what a nat of entropy is worth, in units of the reward."""
    target_entropy: Annotated[float | None, Interval(-1e6, 1e6)] = None
    """Of the learnt temperature, in nats of actions within -1 and 1; None is minus the action's dimensions."""
    hidden: Annotated[tuple[int, ...], Interval(1, 10**5)] = (256, 256)
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
        validation.require(self.hidden, "hidden", "at least one layer", self.hidden)
        if self.temperature == "fixed":
            validation.require(
                self.target_entropy is None, "target_entropy", "none with --temperature fixed", self.target_entropy
            )
        validation.require(self.warm_up < self.steps, "warm_up", f"less than steps, {self.steps}", self.warm_up)
        shared.require_environment(self, space="Box")

    def memory(self):
        """What the run holds."""
        return shared.needs(self, networks=5, replay=self.buffer_size)

    @property
    def total_steps(self):
        """Environment steps of the whole run."""
        return shared.total_steps(self)


def run(config, track):
    """Trains SAC, evaluates greedily, records; see `experiments.common.policy_gradient`."""
    from lab.agents import SAC, Critics, FixedTemperature, LearntTemperature, UniformReplay
    from lab.models import critic, gaussian_actor
    from lab.optimizers import Adam

    worlds = shared.Worlds(config)
    shape, dimensions = worlds.observations.shape, worlds.actions.shape[0]
    actor, *critics, memory, acting, world, check, test = shared.seeds(track, 8)
    temperatures = {
        "learnt": lambda: LearntTemperature(
            dimensions, Adam(config.learning_rate), target_entropy=config.target_entropy, initial=config.initial_temperature
        ),
        "fixed": lambda: FixedTemperature(config.initial_temperature),
    }
    agent = SAC(
        actor=gaussian_actor(shape, dimensions, config.hidden, seed=actor),
        critics=Critics(
            [critic(shape, dimensions, config.hidden, seed=seed) for seed in critics],
            [critic(shape, dimensions, config.hidden, seed=seed, name="target_critic") for seed in critics],
            Adam(config.learning_rate),
            polyak=config.polyak,
        ),
        optimizer=Adam(config.learning_rate),
        temperature=temperatures[config.temperature](),
        replay=UniformReplay(config.buffer_size, worlds.observations, worlds.actions, seed=memory),
        action_space=worlds.actions,
        discount=config.discount,
        batch_size=config.batch_size,
        rollout_length=config.rollout_length,
        updates=config.updates,
        warm_up=config.warm_up,
        seed=acting,
    )
    return shared.train_and_evaluate(config, track, agent, worlds, world=world, check=check, test=test)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 1_000, "batch_size": 32, "hidden": (32, 32), "evaluation_episodes": 2})
