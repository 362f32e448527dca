"""Settings of PPO and the run that all its experiments make; each has its own defaults."""

from dataclasses import dataclass
from typing import Annotated, Literal

from experiments.common import policy_gradient as shared
from lab import validation
from lab.agents import environment_checks
from lab.validation import Interval


@dataclass(frozen=True)
class Config(shared.Environment):
    """Settings of proximal policy optimisation."""

    environment: str = "CartPole-v1"
    """Gymnasium id of an environment with Discrete, MultiDiscrete or bounded Box actions."""
    device: bool = False
    """Put environments, acting and learning into one compiled program (those of the laboratory only)."""
    steps: Annotated[int, Interval(1, 10**11)] = 100_000
    """Environment steps to train for, over all environments, rounded up to whole reports."""
    num_envs: Annotated[int, Interval(1, 10**6)] = 8
    """Environments side by side."""
    rollout_length: Annotated[int, Interval(1, 10**7)] = 128
    """Steps of each environment between two groups of updates."""
    epochs: Annotated[int, Interval(1, 10**6)] = 4
    """Passes over each rollout."""
    minibatches: Annotated[int, Interval(1, 10**7)] = 4
    """Parts of a pass, one update each; they must divide num_envs x rollout_length."""
    discount: Annotated[float, Interval(0, 1)] = 0.99
    """Gamma, per environment step."""
    gae_lambda: Annotated[float, Interval(0, 1)] = 0.95
    """Lambda of generalised advantage estimation."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 3e-4
    """Adam's step size at the start."""
    learning_rate_end: Annotated[float, Interval(0, 1e6)] = 0.0
    """Adam's step size at the end; it falls linearly."""
    clip: Annotated[float, Interval(over=0, high=1e6)] = 0.2
    """Clipping range of the probability ratio at the start."""
    clip_end: Annotated[float, Interval(0, 1e6)] = 0.2
    """Clipping range at the end; it changes linearly."""
    value_clip: Annotated[float | None, Interval(over=0, high=1e12)] = None
    """How far a value may move in one group of updates; None leaves it free."""
    entropy_weight: Annotated[float, Interval(0, 1e6)] = 0.0
    """Weight of the policy's entropy at the start."""
    entropy_weight_end: Annotated[float, Interval(0, 1e6)] = 0.0
    """Weight of the policy's entropy at the end; it changes linearly."""
    value_weight: Annotated[float, Interval(0, 1e6)] = 0.5
    """Weight of the value's squared error."""
    max_gradient_norm: Annotated[float, Interval(over=0, high=1e12)] = 0.5
    """Gradients longer than this are shortened to it."""
    target_kl: Annotated[float | None, Interval(over=0, high=1e6)] = None
    """A group of updates stops once the approximate KL divergence exceeds 1.5 times this; None never stops."""
    normalize_advantage: bool = True
    """Make the advantages of a minibatch mean 0 and deviation 1."""
    normalize_observations: bool = False
    """Normalise observations by their running mean and deviation."""
    normalize_rewards: bool = False
    """Divide rewards by the running deviation of their discounted sums."""
    network: Literal["dense", "nature"] = "dense"
    """Dense layers, or the convolutions of Mnih et al. 2015 for images."""
    hidden: Annotated[tuple[int, ...], Interval(1, 10**5)] = (64, 64)
    """Units of each dense layer."""
    activation: Literal["tanh", "relu"] = "tanh"
    """Of the dense layers."""
    orthogonal: bool = True
    """Start from orthogonal dense layers, or from uniform ones."""
    shared: bool = False
    """Whether actor and critic share their layers."""
    initial_log_scale: Annotated[float, Interval(-20, 20)] = 0.0
    """Logarithm of a Box policy's deviation at the start; the bounds are at -1 and 1."""
    gsde: Annotated[int, Interval(0, 10**9)] = 0
    """Explore a Box by noise that is a function of the state, redrawn every so many steps; 0 draws independent noise. Other actions have none."""
    frame_stack: Annotated[int, Interval(1, 1_000)] = 1
    """Observations seen at once."""
    check_episodes: Annotated[int, Interval(0, 10**5)] = 0
    """Greedy episodes after every hundredth of the run or, if that is more, thousand steps, on seeds of their own, that choose the policy; 0 takes the last one."""
    evaluation_episodes: Annotated[int, Interval(1, 10**6)] = 100
    """Greedy episodes, in fresh environments, that make the result."""

    def __post_init__(self):
        validation.check_fields(self)
        size = self.num_envs * self.rollout_length
        expected = f"a divisor of num_envs x rollout_length, {size}"
        validation.require(size % self.minibatches == 0, "minibatches", expected, self.minibatches)
        single = self.normalize_advantage and size == self.minibatches
        validation.require(not single, "minibatches", "parts of two steps and more to normalise", self.minibatches)
        images = self.network == "nature"
        validation.require(images or self.hidden, "hidden", "at least one layer", self.hidden)
        validation.require(not (images and self.gsde), "gsde", "0 with --network nature", self.gsde)
        normalized = self.normalize_observations
        validation.require(not (images and normalized), "normalize_observations", "False with --network nature", normalized)
        shared.require_environment(self, check_images if images else environment_checks.check)

    def memory(self):
        """What the run holds."""
        return shared.needs(self, networks=2)

    @property
    def total_steps(self):
        """Environment steps of the whole run."""
        return shared.total_steps(self)


def check_images(env):
    """`environment_checks.check`, of an environment of images."""
    environment_checks.check(env)
    shape = env.observation_space.shape
    dtype = env.observation_space.dtype
    if len(shape) != 3 or min(shape[:2]) < 36 or dtype != "uint8":
        raise ValueError(
            f"expected uint8 images of at least 36 x 36 pixels for --network nature, received shape {shape}, {dtype}"
        )


def run(config, track):
    """Trains PPO, evaluates greedily, records; see `experiments.common.policy_gradient`."""
    from lab.agents import PPO, FeedForward, RewardScaling
    from lab.models import actor_critic, dense_torso, nature_torso
    from lab.optimizers import Adam

    worlds = shared.Worlds(config)
    network, acting, world, check, test = shared.seeds(track, 5)
    policy = make_policy(config, worlds.actions)
    dense = dense_torso(config.hidden, config.activation, orthogonal=config.orthogonal)
    agent = PPO(
        network=FeedForward(
            actor_critic(
                worlds.observations.shape,
                policy.head,
                torso=nature_torso() if config.network == "nature" else dense,
                shared=config.shared,
                normalize=config.normalize_observations,
                seed=network,
            ),
            policy,
        ),
        optimizer=Adam(
            shared.linear_rate(config, config.epochs * config.minibatches),
            global_clipnorm=config.max_gradient_norm,
            epsilon=1e-5,
        ),
        rewards=RewardScaling(config.num_envs, config.discount) if config.normalize_rewards else None,
        discount=config.discount,
        lambda_=config.gae_lambda,
        rollout_length=config.rollout_length,
        epochs=config.epochs,
        minibatches=config.minibatches,
        clip=shared.linear(config, config.clip, config.clip_end),
        value_clip=config.value_clip,
        value_weight=config.value_weight,
        entropy_weight=shared.linear(config, config.entropy_weight, config.entropy_weight_end),
        target_kl=config.target_kl,
        normalize_advantage=config.normalize_advantage,
        seed=acting,
    )
    return shared.train_and_evaluate(config, track, agent, worlds, world=world, check=check, test=test)


def make_policy(config, space):
    """The policy for an action space under these settings."""
    from gymnasium.spaces import Box

    from lab.agents import GSDEPolicy, NormalPolicy, policy_for

    if not isinstance(space, Box):
        return policy_for(space)
    if config.gsde:
        noise = {"num_envs": config.num_envs, "features": config.hidden[-1], "redraw_every": config.gsde}
        return GSDEPolicy(space, initial_log_scale=config.initial_log_scale, **noise)
    return NormalPolicy(space, initial_log_scale=config.initial_log_scale)
