"""Groups of fields, of which `lab.agents.settings` puts the settings of agents together."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from lab import validation
from lab.validation import Interval, require

Steps = Annotated[int, Interval(1, 2 * 10**9)]  # agents count them in int32
Count = Annotated[int, Interval(1, 10**6)]
Units = Annotated[tuple[int, ...], Interval(1, 10**5)]
Rate = Annotated[float, Interval(over=0, high=1e6)]
Weight = Annotated[float, Interval(0, 1e6)]
Size = Annotated[float, Interval(over=0, high=1e12)]
Unit = Annotated[float, Interval(0, 1)]
Target = Literal["plain", "double", "clipped"]
Loss = Literal["huber", "squared"]


@dataclass(frozen=True)
class Environment:
    """In which environments an agent learns, and for how long."""

    environment: str = "CartPole-v1"
    """Gymnasium id of the environment."""
    environment_options: tuple[str, ...] = ()
    """Arguments of the environment, as name=value; values are JSON (3, true, [1,2]) or text."""
    wrappers: tuple[str, ...] = ()
    """Wrappers, the innermost first: "module:name" or "module:name argument=value ..."."""
    device: bool = False
    """Compile environments, acting and learning into one program (lab/... environments only)."""
    steps: Steps = 100_000
    """Environment steps to train for, over all environments, rounded up to whole reports."""
    num_envs: Count = 1
    """Environments side by side."""
    rollout_length: Annotated[int, Interval(1, 10**7)] = 1
    """Steps of each environment between two calls of learn."""
    discount: Unit = 0.99
    """Gamma, per environment step."""


@dataclass(frozen=True)
class Evaluation:
    """Greedy episodes during training and after it."""

    check_episodes: Annotated[int, Interval(0, 10**5)] = 0
    """Greedy episodes at each report, on seeds of their own. The policy that does best in them is
    kept; with 0, the last one. Reports are a hundredth of the run apart, from 1,000 to 100,000
    steps."""
    evaluation_episodes: Count = 100
    """Greedy episodes in fresh environments. Their mean return is the result."""


@dataclass(frozen=True)
class Replay:
    """Experience replay, and the updates from it."""

    buffer_size: Annotated[int, Interval(1, 7 * 10**8)] = 100_000
    """Transitions that the replay holds."""
    batch_size: Count = 256
    """Transitions in each update."""
    learning_starts: Annotated[int, Interval(0, 2 * 10**9)] = 1_000
    """Environment steps with random actions before learning starts."""
    updates: Count = 1
    """Updates in each call of learn."""

    def check_replay(self, rollout: int, steps: int) -> None:
        """ValueError where replay, batch, rollout and the run's steps do not fit each other."""
        limit = self.buffer_size
        require(self.batch_size <= limit, "batch_size", f"at most buffer_size, {limit}", self.batch_size)
        require(rollout <= limit, "buffer_size", f"at least rollout_length x num_envs, {rollout}", limit)
        require(self.learning_starts < steps, "learning_starts", f"less than steps, {steps}", self.learning_starts)


@dataclass(frozen=True)
class Gradient:
    """How the optimizer uses the gradient."""

    learning_rate: Rate = 3e-4
    """The optimizer's step size at the start."""
    learning_rate_end: Weight = 0.0
    """The optimizer's step size at the end. It changes linearly."""
    max_gradient_norm: Size = 0.5
    """Greatest norm of the gradient. A longer one is scaled down to it."""


@dataclass(frozen=True)
class Network:
    """The agent's network."""

    hidden: Units = (64, 64)
    """Units of each hidden dense layer."""
    normalize_observations: bool = False
    """Normalise observations by their running mean and standard deviation."""


@dataclass(frozen=True)
class Critic:
    """Advantages of actor-critics, and the weights in their loss."""

    gae_lambda: Unit = 0.95
    """Lambda of generalised advantage estimation."""
    value_weight: Weight = 0.5
    """Weight of the value's squared error in the loss."""
    entropy_weight: Weight = 0.0
    """Weight of the policy's entropy in the loss, at the start."""
    normalize_advantage: bool = False
    """Shift and scale the advantages of each update to mean 0 and standard deviation 1."""


class Checked:
    """Checks the fields against their intervals and against each other."""

    actions: ClassVar[str | None] = None  # the only type of action space; None allows all

    def __post_init__(self) -> None:
        validation.check_fields(self)
        self.check()

    def network_count(self) -> int:
        """How many networks the agent holds, for the estimate of memory."""
        return 2

    def check(self) -> None:
        """ValueError where two fields do not fit each other."""
