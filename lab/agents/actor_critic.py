"""What policy-gradient agents share: how they act, and what a trajectory tells of advantages and returns."""

import abc
from typing import Any, NamedTuple

import keras
from keras import ops

from lab import validation
from lab.agents.passes import greedy, learning
from lab.agents.requirements import require_new, require_place
from lab.agents.returns import lambda_return


class Experience(NamedTuple):
    """A trajectory as a policy gradient wants it, in its network's layout: `[T B, ...]`, or `[B, T, ...]` of a recurrent one."""

    inputs: Any  # of the model
    sample: Any  # what the policy drew
    log_prob: Any  # log pi_old(sample | observation)
    value: Any  # V(s) before the update
    advantage: Any  # A
    target: Any  # G, the lambda-return


class ActorCritic(abc.ABC):
    """A policy and a value function in one network; a subclass says how they learn.

    Log-probabilities and values of the acting policy are computed when learning starts, from the weights that acted: they are unchanged until
    then. Running statistics of the observations are updated after learning, for the same reason.

    Noisy layers (`NoisyDense`, Dropout) draw anew at each step of acting and in each update. Log-probabilities and values of the acting
    policy are those without noise, as are the values that bootstrap.

    Args:
        network: `FeedForward(model, policy)` or `Recurrent(...)`.
        optimizer: a Keras optimizer; gradient clipping is its `global_clipnorm`.
        discount: gamma per environment step, in [0, 1].
        lambda_: of the lambda-return, in [0, 1]; generalised advantage estimation.
        rollout_length: T, steps of each environment in a trajectory.
        rewards: scales rewards, `RewardScaling`, or None.
        seed: of sampling inside compiled programs.
    """

    warm_up = 0

    def __init__(self, *, network, optimizer, discount, lambda_, rollout_length, rewards=None, seed):
        self.network = network
        self.model = network.model
        self.policy = network.policy
        self.optimizer, self.rewards = optimizer, rewards
        self.discount = validation.UNIT.check("discount", discount)
        self.lambda_ = validation.UNIT.check("lambda_", lambda_)
        self.rollout_length = validation.integer("rollout_length", rollout_length)
        self.steps = keras.Variable(0, dtype="int32", trainable=False, name="environment_steps")
        self.seed = keras.random.SeedGenerator(seed)
        require_new("optimizer", optimizer)
        optimizer.build(self.model.trainable_variables)
        self._learnt = [*self.model.variables, *optimizer.variables]
        others = [*network.variables, *(rewards.variables if rewards else ())]
        self.variables = [*self._learnt, *others, self.steps, self.seed.state]

    def require_place(self, *environments):
        """See `Agent.require_place`."""
        parts = self.network, self.policy, self.rewards
        require_place(self.network.observation_shape, self.policy.space, parts, environments)

    def act(self, observation, start):
        """Samples: observation `[B, ...]`, start `[B]` -> (action `[B, ...]`, {"sample", "start", ...}). A program."""
        return self.network.act(observation, start, self.seed)

    def host_policy(self, generator=None):
        """A function of arrays with the face of `act`, over the present weights.

        It samples with randomness from `generator`; it takes the likeliest action without one.
        """
        return self.network.host_policy(generator, self.seed)

    def policy_model(self):
        """The greedy policy as a Keras model, to be logged: observation -> logits, or the action of a Box before clipping."""
        return self.network.policy_model()

    def observe(self, trajectory):  # noqa: B027
        """Nothing: there is no warm-up."""

    @abc.abstractmethod
    def learn(self, trajectory):
        """Learns from a trajectory `[T, B]`; returns a dict of scalar diagnostics. A program."""

    def experience(self, trajectory):
        """The trajectory as an `Experience`. A program."""
        arrange = self.network.arrange
        inputs, sample = self.network.inputs(trajectory), arrange(trajectory.extras["sample"])
        policy, value = self._evaluate(inputs, greedy)
        target = arrange(self.target(trajectory, self.network.next_value(trajectory)))
        return Experience(inputs, sample, policy.log_prob(sample), value, target - value, target)

    def forward(self, inputs):
        """(the policy as a distribution, values) of the model's inputs, to learn from. A program."""
        return self._evaluate(inputs, learning)

    def _evaluate(self, inputs, run):
        parameters, value = self.network.forward(inputs, run)
        return self.policy.distribution(*parameters), value

    def target(self, trajectory, next_value):
        """The lambda-returns `[T, B]`; time limits and the end of the trajectory bootstrap from `next_value` `[T, B]`. A program."""
        reward = trajectory.reward
        if self.rewards is not None:
            reward = self.rewards(reward, trajectory.extras["start"])
        discount = self.discount * (1.0 - ops.cast(trajectory.terminated, "float32"))
        return lambda_return(reward, discount, next_value, trajectory.truncated, self.lambda_)

    def finish(self, trajectory):
        """Counts the steps and updates the observations' statistics. A program."""
        self.network.observe(trajectory)
        self.steps.assign_add(trajectory.reward.shape[0] * trajectory.reward.shape[1])


def standardize(advantage, weight):
    """(A - mean) / (deviation + 1e-8), under weights that sum to 1."""
    centred = advantage - ops.sum(weight * advantage)
    return centred / (ops.sqrt(ops.sum(weight * ops.square(centred))) + 1e-8)


def explained_variance(value, target):
    """1 - Var(target - value) / Var(target): 1 where the critic knows all, 0 where it knows nothing that a constant does not."""
    return 1.0 - ops.var(target - value) / (ops.var(target) + 1e-8)


def gradient_norm(gradients):
    """The Euclidean norm of all gradients together."""
    return ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))


def action_statistics(sample):
    """Mean and deviation of all samples together, over their dimensions too."""
    sample = ops.cast(sample, "float32")
    return {"action_mean": ops.mean(sample), "action_std": ops.std(sample)}


def schedule(value):
    """A number, or a function of environment steps, as such a function."""
    return value if callable(value) else lambda step: value
