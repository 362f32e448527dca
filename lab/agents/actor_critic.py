"""What policy-gradient agents share: how they act, and what a trajectory tells of advantages and returns."""

import abc
from typing import Any, NamedTuple

import keras
from keras import ops

from lab import checks, engine
from lab.agents.returns import lambda_return
from lab.layers import RunningNormalization


class Experience(NamedTuple):
    """The N = T x B steps of a trajectory, as a policy gradient wants them."""

    observation: Any  # [N, ...]
    sample: Any  # [N, ...], what the policy drew
    log_prob: Any  # [N], log pi_old(sample | observation)
    value: Any  # [N], V(s) before the update
    advantage: Any  # [N]
    target: Any  # [N], the lambda-return


class ActorCritic(abc.ABC):
    """A policy and a value function in one Keras model; a subclass says how they learn.

    Log-probabilities and values of the acting policy are computed when learning starts, from the weights that acted: they are unchanged until
    then. Running statistics of the observations are updated after learning, for the same reason.

    Args:
        model: observation `[B, ...]` -> [*parameters of the policy, value `[B]`], such as `lab.models.actor_critic` makes.
        policy: what the parameters mean, of `lab.agents.policies`.
        optimizer: a Keras optimizer; gradient clipping is its `global_clipnorm`.
        discount: gamma per environment step, in [0, 1].
        lambda_: of the lambda-return, in [0, 1]; generalised advantage estimation.
        rollout_length: steps of each environment in a trajectory.
        rewards: scales rewards, `RewardScaling`, or None.
        seed: of sampling inside compiled programs.
    """

    warm_up = 0

    def __init__(self, *, model, policy, optimizer, discount, lambda_, rollout_length, rewards=None, seed):
        self.model, self.policy, self.optimizer, self.rewards = model, policy, optimizer, rewards
        self.discount, self.lambda_ = checks.between("discount", discount, 0, 1), checks.between("lambda_", lambda_, 0, 1)
        self.rollout_length = checks.integer("rollout_length", rollout_length)
        *parameters, value = model.outputs
        self.actor = keras.Model(model.inputs[0], parameters, name="actor")
        self.critic = keras.Model(model.inputs[0], value, name="critic")
        self._normalizations = [layer for layer in model.layers if isinstance(layer, RunningNormalization)]
        self.steps = keras.Variable(0, dtype="int32", trainable=False, name="environment_steps")
        self.seed = keras.random.SeedGenerator(seed)
        optimizer.build(model.trainable_variables)
        self._learnt = [*model.variables, *optimizer.variables]
        self.variables = [
            *self._learnt, *policy.variables, *(rewards.variables if rewards else ()), self.steps, self.seed.state
        ]  # fmt: skip
        self._host = engine.host_forward(self.actor)

    def act(self, observation, start):
        """Samples: observation `[B, ...]` -> (action `[B, ...]`, {"sample": ...}). A program."""
        sample = self.policy.sample(self.seed, *_several(self.actor(observation)))
        return self.policy.action(sample), {"sample": sample}

    def host_policy(self, generator=None):
        """A NumPy function, (observation `[B, ...]`, start `[B]`) -> (action, {"sample": ...}), over the present weights.

        It samples with randomness from `generator`; it takes the likeliest action without one.
        """
        forward, draw = self._host.refresh(), self.policy.host_sampler(generator)

        def act(observation, start):
            sample = draw(*_several(forward(observation)))
            return self.policy.host_action(sample), {"sample": sample}

        return act

    def policy_model(self):
        """The greedy policy as a Keras model, to be logged: observation -> logits, or the action of a Box before clipping."""
        return keras.Model(self.model.inputs[0], self.policy.greedy_output(*self.actor.outputs), name="policy")

    def observe(self, trajectory):
        """Nothing: there is no warm-up."""

    @abc.abstractmethod
    def learn(self, trajectory):
        """Learns from a trajectory `[T, B]`; returns a dict of scalar diagnostics. A program."""

    def experience(self, trajectory):
        """The trajectory as an `Experience`. A program."""
        shape = tuple(trajectory.reward.shape)
        observation, sample = merge(trajectory.observation), merge(trajectory.extras["sample"])
        *parameters, value = self.model(observation)
        log_prob = self.policy.distribution(*parameters).log_prob(sample)
        next_value = self.critic(merge(trajectory.next_observation))
        target = self.target(trajectory, ops.reshape(next_value, shape))
        return Experience(observation, sample, log_prob, value, target - value, target)

    def target(self, trajectory, next_value):
        """The lambda-returns `[T B]`; time limits and the end of the trajectory bootstrap from `next_value` `[T, B]`. A program."""
        reward, ended = trajectory.reward, ops.logical_or(trajectory.terminated, trajectory.truncated)
        if self.rewards is not None:
            reward = self.rewards(reward, ended)
        discount = self.discount * (1.0 - ops.cast(trajectory.terminated, "float32"))
        return merge(lambda_return(reward, discount, next_value, trajectory.truncated, self.lambda_))

    def finish(self, trajectory):
        """Counts the steps and updates the observations' statistics. A program."""
        for layer in self._normalizations:
            layer.update(merge(trajectory.observation))
        self.steps.assign_add(trajectory.reward.shape[0] * trajectory.reward.shape[1])


def merge(x):
    """`[T, B, ...]` -> `[T B, ...]`."""
    return ops.reshape(x, (-1, *x.shape[2:]))


def standardize(advantage, weight):
    """(A - mean) / (deviation + 1e-8), under weights `[N]` that sum to 1."""
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


def _several(outputs):
    return outputs if isinstance(outputs, list | tuple) else [outputs]
