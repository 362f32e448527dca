"""What policy-gradient agents share: how they act, and the advantages of a trajectory."""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.agents.algorithm import Trajectory
from lab.agents.for_env import ForEnv
from lab.agents.requirements import require_new, require_place
from lab.agents.returns import lambda_return
from lab.engine.types import Tensor


class Experience(NamedTuple):
    """What a policy gradient needs of a trajectory, in the layout of the network.

    The layout is `[T B, ...]`, or `[B, T, ...]` for a recurrent network.
    """

    inputs: Any  # inputs of the model
    sample: Any  # what the policy drew
    log_prob: Any  # log pi_old(sample | observation)
    value: Any  # V(s) before the update
    advantage: Any  # A
    target: Any  # G, the lambda-return


class ActorCritic(ForEnv, abc.ABC):
    """A policy and a value function in one network. A subclass says how they learn.

    Log-probabilities and values of the acting policy are computed at the beginning of `learn`, from
    the weights that acted. The running statistics of observations are updated at the end of
    `learn`, so that until then they are those that acted, too.

    Layers with noise (`NoisyDense`, Dropout) draw it at each step of acting and in each update. The
    log-probabilities and values of the acting policy are computed without noise. So are the values
    that bootstrap.

    Args:
        network: `FeedForward(model, policy)` or `Recurrent(...)`.
        optimizer: a Keras optimizer. Its `global_clipnorm` clips gradients.
        rewards: `RewardScaling`, or None for rewards as they are.
        seed: seeds the samples inside compiled programs.
        discount, gae_lambda, rollout_length: as in `lab.agents.settings`.
    """

    learning_starts = 0

    def __init__(
        self,
        *,
        network: Any,
        optimizer: keras.optimizers.Optimizer,
        discount: float,
        gae_lambda: float,
        rollout_length: int,
        rewards: Any = None,
        seed: int,
    ) -> None:
        self.network = network
        self.model = network.model
        self.optimizer, self.rewards = optimizer, rewards
        self.discount = validation.UNIT.check("discount", discount)
        self.gae_lambda = validation.UNIT.check("gae_lambda", gae_lambda)
        self.rollout_length = validation.integer("rollout_length", rollout_length)
        self.steps = keras.Variable(0, dtype="int32", trainable=False, name="environment_steps")
        self.seed = keras.random.SeedGenerator(seed)
        require_new("optimizer", optimizer)
        optimizer.build(self.model.trainable_variables)
        self._learnt = [*self.model.variables, *optimizer.variables]
        others = [*network.variables, *(rewards.variables if rewards else ())]
        self.variables = [*self._learnt, *others, self.steps, self.seed.state]

    def require_place(self, *environments: Any) -> None:
        """See `Algorithm.require_place`."""
        policy = self.network.policy
        parts = self.network, policy, self.rewards
        require_place(self.network.observation_shape, policy.space, parts, environments)

    def act(self, observation: Tensor, start: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Samples: observation `[B, ...]`, start `[B]` -> (action, extras). A program."""
        return self.network.act(observation, start, self.seed)

    def host_policy(self, generator: np.random.Generator | None = None) -> Callable[..., Any]:
        """See `Algorithm.host_policy`. The greedy action is the most likely one."""
        return self.network.host_policy(generator, self.seed)

    def policy_model(self) -> keras.Model:
        """The greedy policy as a Keras model: observation -> logits, or action before clipping."""
        return self.network.policy_model()

    def observe(self, trajectory: Trajectory) -> None:
        """Does nothing. Learning starts with the first trajectory."""

    @abc.abstractmethod
    def learn(self, trajectory: Trajectory) -> dict[str, Tensor]:
        """Learns from a trajectory `[T, B]`; returns scalar diagnostics. A program."""

    def experience(self, trajectory: Trajectory) -> Experience:
        """The `Experience` of a trajectory. A program."""
        seen = self.network.evaluate(trajectory)
        target = self.network.arrange(self.target(trajectory, seen.next_value))
        log_prob = seen.policy.log_prob(seen.sample)
        return Experience(seen.inputs, seen.sample, log_prob, seen.value, target - seen.value, target)

    def target(self, trajectory: Trajectory, next_value: Tensor) -> Tensor:
        """The lambda-returns `[T, B]`. A program.

        At time limits and at the end of the trajectory they bootstrap from `next_value` `[T, B]`.
        """
        reward = trajectory.reward
        if self.rewards is not None:
            reward = self.rewards(reward, trajectory.extras["start"])
        discount = self.discount * (1.0 - ops.cast(trajectory.terminated, "float32"))
        return lambda_return(reward, discount, next_value, trajectory.truncated, self.gae_lambda)

    def finish(self, trajectory: Trajectory, batch: Experience) -> dict[str, Tensor]:
        """Counts the steps, and updates the statistics of observations. A program.

        Returns diagnostics: `action_mean` and `action_std` of all samples together, and

            explained_variance = 1 - Var(G - V) / Var(G)

        This is 1 for a perfect critic, and 0 for one that is no better than a constant.
        """
        for layer in self.network.statistics:
            layer.update(trajectory.observation)
        self.steps.assign_add(trajectory.reward.shape[0] * trajectory.reward.shape[1])
        explained = 1.0 - ops.var(batch.target - batch.value) / (ops.var(batch.target) + 1e-8)
        return {"explained_variance": explained} | action_statistics(batch.sample)


def standardize(advantage: Tensor, weight: Tensor | float) -> Tensor:
    """(A - mean) / (standard deviation + 1e-8), both weighted by weights that sum to 1."""
    centred = advantage - ops.sum(weight * advantage)
    return centred / (ops.sqrt(ops.sum(weight * ops.square(centred))) + 1e-8)


def gradient_norm(gradients: list[Tensor]) -> Tensor:
    """The Euclidean norm of all gradients together."""
    return ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))


def action_statistics(sample: Tensor) -> dict[str, Tensor]:
    """Mean and standard deviation of all samples together, over their dimensions too."""
    sample = ops.cast(sample, "float32")
    return {"action_mean": ops.mean(sample), "action_std": ops.std(sample)}
