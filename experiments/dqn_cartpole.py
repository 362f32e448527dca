"""Deep Q-learning balances CartPole, and does not forget it.

Expected: last_greedy_return >= 475 (optimal 500, random policy 22)
Time: half a minute on two cores
Source: Mnih et al. 2015, Algorithm 1, with clipped double targets (Fujimoto et al. 2018). The settings begin from RL Baselines3
Zoo's for CartPole-v1, with which the solution is found and lost again. Differences from them: the greedy policy has averaged
weights, in which the newest fifth of all updates counts most; clipped double targets, copied every 32 updates; squared loss,
and no clipping that cuts the large errors where an episode ends; normalised observations; batches of 128 in place of 64, layers
of 64 units in place of 256. `benchmarks/dqn_scores.py` measures what each of them does.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from experiments.common import policy_gradient as shared
from lab import validation
from lab.agents import environments
from lab.agents.steps import whole_steps
from lab.runs import experiment
from lab.validation import Interval


@dataclass(frozen=True)
class Config(shared.Environment):
    """Settings of deep Q-learning on CartPole."""

    environment: str = "CartPole-v1"
    """Gymnasium id of an environment with discrete actions."""
    device: bool = False
    """Put environment, acting and learning into one compiled program (lab/CartPole-v1 only)."""
    steps: Annotated[int, Interval(1, 10**11)] = 50_000
    """Environment steps to train for, rounded up to whole rollouts, after the warm-up to groups of a thousand steps and more."""
    discount: Annotated[float, Interval(0, 1)] = 0.99
    """Gamma, per environment step."""
    target: Literal["plain", "double", "clipped"] = "clipped"
    """Value of the next state: the target network's maximum, double Q-learning, or the lower of both networks' values."""
    loss: Literal["huber", "squared"] = "squared"
    """Loss of the TD error."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 2.3e-3
    """Adam's step size at the start."""
    learning_rate_power: Annotated[float, Interval(0, 10)] = 0.0
    """Adam's step size falls with this power of the share of updates that are left, to 0 at the end; 0 keeps it."""
    max_gradient_norm: Annotated[float, Interval(over=0, high=1e12)] = 1_000.0
    """Gradients longer than this are shortened to it."""
    batch_size: Annotated[int, Interval(1, 10**6)] = 128
    """Transitions per update."""
    buffer_size: Annotated[int, Interval(1, 10**10)] = 100_000
    """Transitions the replay holds."""
    warm_up: Annotated[int, Interval(0, 10**11)] = 1_000
    """Random environment steps before learning starts."""
    rollout_length: Annotated[int, Interval(1, 10**7)] = 256
    """Environment steps between two groups of updates."""
    updates: Annotated[int, Interval(1, 10**6)] = 128
    """Updates in a group."""
    target_every: Annotated[int, Interval(1, 10**9)] = 32
    """Updates between two moves of the target network towards the online network."""
    polyak: Annotated[float, Interval(over=0, high=1)] = 1.0
    """Share of the online weights that such a move takes over; 1 copies them."""
    averaging: Annotated[float, Interval(0, 1)] = 0.2
    """Share of the updates so far, the newest, that count most in the greedy policy's averaged weights; 0 averages nothing."""
    epsilon_end: Annotated[float, Interval(0, 1)] = 0.04
    """Probability of a random action after exploration; it falls linearly from 1."""
    exploration_fraction: Annotated[float, Interval(0, 1)] = 0.16
    """Share of the steps over which epsilon falls."""
    hidden: Annotated[tuple[int, ...], Interval(1, 10**5)] = (64, 64)
    """Units of each hidden layer."""
    normalize_observations: bool = True
    """Scale observations by their running mean and standard deviation, inside the network."""
    check_episodes: Annotated[int, Interval(0, 10**5)] = 10
    """Greedy episodes after every thousand steps, on seeds of their own, that choose the policy; 0 takes the last one."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 100
    """Greedy episodes, in fresh environments, that make the result."""

    def __post_init__(self):
        validation.check_fields(self)
        for large, small in (("buffer_size", "batch_size"), ("buffer_size", "rollout_length")):
            limit = getattr(self, large)
            validation.require(getattr(self, small) <= limit, small, f"at most {large}, {limit}", getattr(self, small))
        validation.require(self.warm_up < self.steps, "warm_up", f"less than steps, {self.steps}", self.warm_up)
        if self.device:
            validation.require("CartPole-v1" in self.environment, "environment", "CartPole-v1 with --device", self.environment)
        shared.require_environment(self, space="Discrete")

    def memory(self):
        """What the run holds."""
        return shared.needs(self, networks=2 + (self.averaging > 0), replay=self.buffer_size)

    @property
    def total_steps(self):
        """Environment steps of the whole run."""
        return whole_steps(self.steps, self.warm_up, self.rollout_length)[1]


def run(config, track):
    """Trains, evaluates greedily, records.

    Returns the mean undiscounted return over the evaluation episodes, in fresh environments: `greedy_return` of the policy
    chosen, `last_greedy_return` of the last one.
    """
    from functools import partial

    import keras
    import numpy as np

    from envs.cartpole import CartPole
    from lab.agents import DQN, BestSnapshot, DeviceRollout, HostRollout, UniformReplay, dqn, evaluate, exploration, train
    from lab.agents.watching import log_episode
    from lab.losses import huber_error, reinforcement
    from lab.models import mlp
    from lab.optimizers import Adam

    arguments = environments.arguments(vars(config))
    envs = environments.make_vector(config.environment, 1, **arguments)
    observations, actions = envs.single_observation_space, envs.single_action_space
    weights, memory, acting, world, check, test = np.random.SeedSequence(track.seed).generate_state(6).tolist()
    warm_up, steps = whole_steps(config.steps, config.warm_up, config.rollout_length)
    updates = max((steps - warm_up) // config.rollout_length, 1) * config.updates
    options = {"normalize": config.normalize_observations, "seed": weights}
    network = partial(mlp, observations.shape, config.hidden, int(actions.n), **options)
    agent = DQN(
        online=network(name="online"),
        target=network(name="target"),
        optimizer=Adam(
            keras.optimizers.schedules.PolynomialDecay(config.learning_rate, updates, 0.0, config.learning_rate_power),
            global_clipnorm=config.max_gradient_norm,
        ),
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
        warm_up=config.warm_up,
        epsilon=exploration.linear(1.0, config.epsilon_end, config.exploration_fraction * config.steps),
        seed=acting,
    )
    rollout = (
        DeviceRollout(agent, CartPole(1), max_episode_steps=500, seed=world)
        if config.device
        else HostRollout(agent, envs, seed=world)
    )
    policy = agent.policy_model()
    best = BestSnapshot(policy)
    state = [*agent.variables, *rollout.variables, *best.variables]
    checks = environments.make_vector(config.environment, max(config.check_episodes, 1), **arguments)

    start = track.restore(state)
    for report in train(agent, rollout, steps=config.steps, start=start, checkpoint_every=track.checkpoint_every):
        checked = {}
        if config.check_episodes:
            returns = evaluate(agent, checks, episodes=config.check_episodes, seed=check)
            checked = {"check_return": float(returns.mean())}
            best.offer(checked["check_return"])
        track.log(report.metrics | checked, report.step)
        if report.boundary:
            track.checkpoint(state, report.step)

    episodes = config.evaluation_episodes
    tests = environments.make_vector(config.environment, episodes, **arguments)
    last = evaluate(agent, tests, episodes=episodes, seed=test).mean()
    if config.check_episodes:
        best.restore()
    track.model(policy)
    chosen = evaluate(agent, tests, episodes=episodes, seed=test).mean()
    track.curve("episode_return", label="return of training episodes", x_label="environment steps")
    log_episode(config.environment, policy, track, seed=test, **arguments)
    return {"greedy_return": float(chosen), "last_greedy_return": float(last)}


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 3_000, "hidden": (32, 32), "check_episodes": 2, "evaluation_episodes": 5})
