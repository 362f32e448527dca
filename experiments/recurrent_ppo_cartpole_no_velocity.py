"""Recurrent proximal policy optimisation balances CartPole without seeing velocities, with RL-zoo's hyper-parameters.

Expected: greedy_return >= 475 (optimal 500, random policy 22)
Time: two minutes with --device, five minutes without, on two cores
Source: Schulman et al. 2017; hyper-parameters of RL Baselines3 Zoo, RecurrentPPO on CartPoleNoVel-v1, but for half as many epochs, normalised
observations, smaller networks (64 units and a dense layer of 64), and the policy that is evaluated: the best one in greedy checks during training.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from experiments.common import policy_gradient as shared
from lab import validation
from lab.runs import experiment, memory
from lab.validation import Interval


@dataclass(frozen=True)
class Config(shared.Environment):
    """Settings of recurrent PPO."""

    environment: str = "lab/CartPoleNoVelocity-v1"
    """Gymnasium id of an environment with Discrete, MultiDiscrete or bounded Box actions."""
    device: bool = False
    """Put environments, acting and learning into one compiled program (those of the laboratory only)."""
    steps: Annotated[int, Interval(1, 10**11)] = 100_000
    """Environment steps to train for, over all environments, rounded up to whole reports."""
    num_envs: Annotated[int, Interval(1, 10**6)] = 8
    """Environments side by side."""
    rollout_length: Annotated[int, Interval(1, 10**7)] = 32
    """Steps of each environment between two groups of updates, and through which gradients flow."""
    epochs: Annotated[int, Interval(1, 10**6)] = 10
    """Passes over each rollout."""
    minibatches: Annotated[int, Interval(1, 10**7)] = 1
    """Parts of a pass, made of whole environments; they must divide num_envs."""
    discount: Annotated[float, Interval(0, 1)] = 0.98
    """Gamma, per environment step."""
    gae_lambda: Annotated[float, Interval(0, 1)] = 0.8
    """Lambda of generalised advantage estimation."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 1e-3
    """Adam's step size at the start."""
    learning_rate_end: Annotated[float, Interval(0, 1e6)] = 0.0
    """Adam's step size at the end; it falls linearly."""
    clip: Annotated[float, Interval(over=0, high=1e6)] = 0.2
    """Clipping range of the probability ratio at the start; it falls linearly to 0."""
    entropy_weight: Annotated[float, Interval(0, 1e6)] = 0.0
    """Weight of the policy's entropy."""
    max_gradient_norm: Annotated[float, Interval(over=0, high=1e12)] = 0.5
    """Gradients longer than this are shortened to it."""
    normalize_observations: bool = True
    """Normalise observations by their running mean and deviation."""
    cell: Literal["lstm", "gru", "layer_norm_lstm", "layer_norm_gru", "peephole_lstm"] = "lstm"
    """Kind of memory."""
    units: Annotated[int, Interval(1, 10**5)] = 64
    """Units of the recurrent layers."""
    hidden: Annotated[tuple[int, ...], Interval(1, 10**5)] = (64,)
    """Units of each dense layer after them, ReLU."""
    check_episodes: Annotated[int, Interval(0, 10**5)] = 50
    """Greedy episodes after every hundredth of the run or, if that is more, thousand steps, on seeds of their own, that choose the policy; 0 takes the last one."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 100
    """Greedy episodes, in fresh environments, that make the result."""

    def __post_init__(self):
        validation.check_fields(self)
        expected = f"a divisor of num_envs, {self.num_envs}"
        validation.require(self.num_envs % self.minibatches == 0, "minibatches", expected, self.minibatches)
        shared.require_environment(self)

    def memory(self):
        """What the run holds."""
        return [
            *shared.needs(self, networks=2),
            memory.Need("recurrent layers", 2 * memory.dense(2 * self.units, 4 * self.units), "--units"),
        ]

    @property
    def total_steps(self):
        """Environment steps of the whole run."""
        return shared.total_steps(self)


def run(config, track):
    """Trains, evaluates greedily, records; see `experiments.common.policy_gradient`."""
    import keras

    from lab import layers
    from lab.agents import policy_for, recurrent_ppo
    from lab.models import recurrent_actor_critic
    from lab.optimizers import Adam

    worlds = shared.Worlds(config)
    network, acting, world, check, test = shared.seeds(track, 5)
    policy = policy_for(worlds.actions)
    cells = {
        "lstm": keras.layers.LSTMCell,
        "gru": keras.layers.GRUCell,
        "layer_norm_lstm": layers.LayerNormLSTMCell,
        "layer_norm_gru": layers.LayerNormGRUCell,
        "peephole_lstm": layers.PeepholeLSTMCell,
    }
    agent = recurrent_ppo(
        build=recurrent_actor_critic(
            worlds.observations.shape,
            policy.head,
            cell=cells[config.cell],
            units=config.units,
            hidden=config.hidden,
            activation="relu",
            normalize=config.normalize_observations,
            seed=network,
        ),
        policy=policy,
        num_envs=config.num_envs,
        optimizer=Adam(
            shared.linear_rate(config, config.epochs * config.minibatches),
            global_clipnorm=config.max_gradient_norm,
            epsilon=1e-5,
        ),
        discount=config.discount,
        lambda_=config.gae_lambda,
        rollout_length=config.rollout_length,
        epochs=config.epochs,
        minibatches=config.minibatches,
        clip=shared.linear(config, config.clip, 0.0),
        entropy_weight=config.entropy_weight,
        seed=acting,
    )
    return shared.train_and_evaluate(config, track, agent, worlds, world=world, check=check, test=test)


if __name__ == "__main__":
    experiment.main(Config, run, smoke={"steps": 1_024, "evaluation_episodes": 2, "units": 16, "hidden": (16,), "epochs": 2})
