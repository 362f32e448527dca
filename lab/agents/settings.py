"""The settings of each deep agent. Experiments and constructors take their defaults from here.

The settings of an algorithm are one dataclass. It inherits groups of fields
(`lab/agents/setting_groups.py`) and adds fields of its own. An experiment inherits it and states
only what differs. Command lines and run.json have each field under its plain name.

This module does not import Keras: a command line reads its flags and their help from these classes
before Keras is imported.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from lab.agents.setting_groups import (
    Checked,
    Count,
    Critic,
    Environment,
    Evaluation,
    Gradient,
    Loss,
    Network,
    Rate,
    Replay,
    Size,
    Target,
    Unit,
    Units,
    Weight,
)
from lab.validation import Interval, require


@dataclass(frozen=True)
class DQN(Checked, Evaluation, Network, Replay, Environment):
    """Deep Q-learning (`lab.agents.DQN`), for discrete actions."""

    actions: ClassVar[str | None] = "Discrete"
    rollout_length: int = 4
    batch_size: int = 64
    target: Target = "plain"
    """Value of the next state. plain: the maximum of the target network. double: its value of the
    action that is best by the online network. clipped: the lower value of that action by the two
    networks."""
    loss: Loss = "huber"
    """Loss of the TD error."""
    learning_rate: Rate = 1e-3
    """Adam's step size at the start."""
    learning_rate_power: Annotated[float, Interval(0, 10)] = 0.0
    """Adam's step size is scaled by this power of the share of updates that are left. 0 leaves it
    constant, 1 lets it fall linearly to 0."""
    max_gradient_norm: Size = 10.0
    """Greatest norm of the gradient. A longer one is scaled down to it."""
    target_every: Annotated[int, Interval(1, 10**9)] = 250
    """Updates between two moves of the target network towards the online network."""
    polyak: Annotated[float, Interval(over=0, high=1)] = 1.0
    """Share of the online weights in each move of the target network; 1 copies them."""
    averaging: Unit = 0.0
    """The greedy policy has averaged weights, in which this newest share of all updates counts
    most. 0 averages nothing."""
    epsilon_end: Unit = 0.05
    """Probability of a random action at the end. It falls to this linearly from 1."""
    exploration_fraction: Unit = 0.1
    """Share of the run's steps over which the probability of a random action falls."""

    def network_count(self) -> int:
        """The online, the target and, with averaging, the averaged network."""
        return 2 + (self.averaging > 0)

    def check(self) -> None:
        """Replay and batch must fit each other."""
        self.check_replay(self.rollout_length * self.num_envs, self.steps)


@dataclass(frozen=True)
class ActorCritic(Checked, Evaluation, Network, Critic, Gradient, Environment):
    """What A2C and PPO have in common."""


@dataclass(frozen=True)
class A2C(ActorCritic):
    """Advantage actor-critic (`lab.agents.A2C`)."""

    num_envs: int = 8
    rollout_length: int = 5
    gae_lambda: float = 1.0
    learning_rate: float = 7e-4


@dataclass(frozen=True)
class REINFORCE(Checked, Evaluation, Network, Gradient, Environment):
    """REINFORCE (`lab.agents.REINFORCE`). A rollout should hold several episodes."""

    num_envs: int = 4
    rollout_length: int = 500
    baseline: bool = True
    """Whether a learnt value is subtracted from the returns."""
    normalize_advantage: bool = False
    """Shift and scale returns minus baseline to mean 0 and standard deviation 1, in each update."""
    entropy_weight: Weight = 0.0
    """Weight of the policy's entropy in the loss."""


@dataclass(frozen=True)
class PPO(ActorCritic):
    """Proximal policy optimisation (`lab.agents.PPO`)."""

    num_envs: int = 8
    rollout_length: int = 128
    epochs: Count = 10
    """Passes over each rollout."""
    minibatches: Annotated[int, Interval(1, 10**7)] = 16
    """Parts of each pass, one update for each. Must divide num_envs x rollout_length."""
    clip: Rate = 0.2
    """Clipping range of the probability ratio, at the start."""
    clip_end: Annotated[float | None, Interval(0, 1e6)] = None
    """Clipping range of the probability ratio, at the end. It changes linearly. None keeps it."""
    value_clip: Annotated[float | None, Interval(over=0, high=1e12)] = None
    """Clipping range of the value's change in each call of learn. None does not clip it."""
    entropy_weight_end: Weight = 0.0
    """Weight of the policy's entropy in the loss, at the end. It changes linearly."""
    target_kl: Annotated[float | None, Interval(over=0, high=1e6)] = None
    """Updates on a rollout stop when the KL divergence exceeds 1.5 times this. None never stops."""
    normalize_advantage: bool = True
    normalize_rewards: bool = False
    """Divide rewards by the running standard deviation of their discounted sums."""
    network: Literal["dense", "flat", "nature"] = "dense"
    """dense: dense layers, for images after convolutions, for sequences after a GRU. flat: dense
    layers over all numbers. nature: the convolutions of Mnih et al. 2015 alone, for images."""
    activation: Literal["tanh", "relu"] = "tanh"
    """Activation of the dense layers."""
    orthogonal: bool = True
    """Whether dense layers start from orthogonal weights. Otherwise these are uniform."""
    shared: bool = False
    """Whether actor and critic share their layers."""
    initial_log_scale: Annotated[float, Interval(-20, 20)] = 0.0
    """Logarithm of the standard deviation of Box actions at the start, where the bounds are -1 and
    1."""
    gsde: Annotated[int, Interval(0, 10**9)] = 0
    """Steps between two draws of state-dependent noise, for Box actions. 0 means independent
    noise."""
    frame_stack: Annotated[int, Interval(1, 1_000)] = 1
    """Number of the last observations that the agent sees at once."""

    def check(self) -> None:
        """Minibatches must divide a rollout, and the network must fit its options."""
        size = self.num_envs * self.rollout_length
        divides = f"a divisor of num_envs x rollout_length, {size}"
        require(size % self.minibatches == 0, "minibatches", divides, self.minibatches)
        single = self.normalize_advantage and size == self.minibatches
        require(not single, "minibatches", "parts of two steps and more to normalise", self.minibatches)
        images = self.network == "nature"
        require(images or self.hidden, "hidden", "at least one layer", self.hidden)
        require(not (images and self.gsde), "gsde", "0 with --network nature", self.gsde)
        normalized = self.normalize_observations
        require(not (images and normalized), "normalize_observations", "False with --network nature", normalized)


@dataclass(frozen=True)
class RecurrentPPO(Checked, Evaluation, Network, Gradient, Environment):
    """Recurrent PPO (`lab.agents.RecurrentPPO`). Gradients flow through a whole rollout."""

    num_envs: int = 8
    rollout_length: int = 128
    epochs: Count = 4
    """Passes over each rollout."""
    minibatches: Annotated[int, Interval(1, 10**7)] = 4
    """Parts of each pass, made of whole environments. Must divide num_envs."""
    gae_lambda: Unit = 0.95
    """Lambda of generalised advantage estimation."""
    clip: Rate = 0.2
    """Clipping range of the probability ratio, at the start. It falls linearly to 0."""
    entropy_weight: Weight = 0.0
    """Weight of the policy's entropy in the loss."""
    cell: Literal["lstm", "gru", "layer_norm_lstm", "layer_norm_gru", "peephole_lstm"] = "lstm"
    """The recurrent cell."""
    units: Annotated[int, Interval(1, 10**5)] = 64
    """Units of the recurrent layers."""
    hidden: Units = (64,)
    """Units of each dense layer after the recurrent ones."""

    def check(self) -> None:
        """Minibatches must divide the environments."""
        divides = f"a divisor of num_envs, {self.num_envs}"
        require(self.num_envs % self.minibatches == 0, "minibatches", divides, self.minibatches)


@dataclass(frozen=True)
class OffPolicy(Checked, Evaluation, Replay, Environment):
    """What SAC and TD3 have in common: an actor and critics that learn from a replay."""

    actions: ClassVar[str | None] = "Box"
    learning_rate: Rate = 1e-3
    """Adam's step size, for actor, critics and SAC's temperature."""
    polyak: Unit = 0.005
    """Share of the online weights in each move of the target networks."""
    hidden: Units = (256, 256)
    """Units of each hidden dense layer."""

    def check(self) -> None:
        """Replay and batch must fit each other, and networks need a hidden layer."""
        self.check_replay(self.rollout_length * self.num_envs, self.steps)
        require(self.hidden, "hidden", "at least one layer", self.hidden)


@dataclass(frozen=True)
class SAC(OffPolicy):
    """Soft actor-critic (`lab.agents.SAC`), for bounded Box actions."""

    learning_starts: int = 100
    temperature: Literal["learnt", "fixed"] = "learnt"
    """Alpha is learnt, so that the policy's entropy comes to its target, or it is fixed."""
    initial_temperature: Rate = 1.0
    """Alpha at the start: the reward that a nat of entropy is worth."""
    target_entropy: Annotated[float | None, Interval(-1e6, 1e6)] = None
    """Target of the entropy in nats, where the bounds of actions are -1 and 1. None means minus
    their number of dimensions."""

    def network_count(self) -> int:
        """The actor, two critics and their targets."""
        return 5

    def check(self) -> None:
        """A fixed temperature has no target."""
        super().check()
        if self.temperature == "fixed":
            require(self.target_entropy is None, "target_entropy", "none with --temperature fixed", self.target_entropy)


@dataclass(frozen=True)
class TD3(OffPolicy):
    """Twin delayed DDPG (`lab.agents.TD3`), for bounded Box actions."""

    rollout_length: int = 2
    learning_starts: int = 10_000
    updates: int = 2
    hidden: tuple[int, ...] = (400, 300)
    policy_delay: Annotated[int, Interval(1, 10**4)] = 2
    """Updates of the critics for each one of the actor and the targets. Must divide updates."""
    critics: Annotated[int, Interval(1, 100)] = 2
    """Number of critics. The lowest value of their target networks bootstraps."""
    noise: Annotated[float, Interval(0, 1000)] = 0.1
    """Standard deviation of the exploration noise, where the bounds of actions are -1 and 1."""
    smoothing: Annotated[float, Interval(0, 1000)] = 0.2
    """Standard deviation of the noise on the target actor's actions."""
    smoothing_clip: Annotated[float, Interval(0, 1000)] = 0.5
    """Greatest size of the noise on the target actor's actions."""

    def network_count(self) -> int:
        """The actor, the critics and their targets."""
        return 2 * (self.critics + 1)

    def check(self) -> None:
        """The actor must learn a whole number of times in each call of learn."""
        super().check()
        multiple = f"a multiple of policy_delay, {self.policy_delay}"
        require(self.updates % self.policy_delay == 0, "updates", multiple, self.updates)


@dataclass(frozen=True)
class DDPG(TD3):
    """DDPG (`lab.agents.DDPG`): TD3 with one critic, without delay and smoothing."""

    rollout_length: int = 1
    learning_starts: int = 1_000
    updates: int = 1
    policy_delay: int = 1
    critics: int = 1
    smoothing: float = 0.0
