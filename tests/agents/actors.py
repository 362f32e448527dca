"""What tests of policy gradients share: small agents, trajectories, an oracle in NumPy, checks."""

import keras
import numpy as np
from gymnasium.spaces import Discrete
from scipy import special

from lab import engine
from lab.agents import DeviceRollout, FeedForward, HostRollout, Trajectory, evaluate, policy_for, train
from lab.models import actor_critic, dense_torso
from tests.agents.identity import (
    ACTIONS,
    ContinuousIdentity,
    DeviceContinuousIdentity,
    DeviceIdentity,
    Identity,
    TwofoldIdentity,
    vectorize,
)
from tests.contracts import as_array


def make(kind, *, shape=(1,), space=None, policy=None, hidden=(), torso=None, optimizer=None, model=None, seed=0, **options):
    """An agent of a class. Without `hidden` its actor and critic are linear."""
    policy = policy or policy_for(space or Discrete(2))
    layers = {"torso": torso or dense_torso(hidden), "seed": seed} | (model or {})
    network = FeedForward(actor_critic(shape, policy.head, **layers), policy)
    return kind(network=network, optimizer=optimizer or keras.optimizers.SGD(1.0), seed=seed, **options)


def assign(agent, **kernels):
    """Sets kernels of layers, by name, such as logits=[[1, -1]]."""
    for name, kernel in kernels.items():
        agent.model.get_layer(name).kernel.assign(np.array(kernel, np.float32))
    return agent


def trajectory(*, observation, sample, reward, next_observation, terminated=False, truncated=False):
    """A trajectory. Rows are steps, columns are environments, and an observation is one number.

    Smaller arrays are broadcast. All environments begin an episode at the first step.
    """
    reward = np.array(reward, np.float32)
    observation, next_observation = (
        np.broadcast_to(np.array(x, np.float32), reward.shape)[..., None] for x in (observation, next_observation)
    )
    sample, terminated, truncated = (np.array(np.broadcast_to(x, reward.shape)) for x in (sample, terminated, truncated))
    start = np.vstack([np.ones_like(terminated[:1]), (terminated | truncated)[:-1]])
    return Trajectory(observation, sample, reward, terminated, truncated, next_observation, {"sample": sample, "start": start})


def at_random(seed=0, shape=(6, 4)):
    """A random trajectory of two actions, with terminations, truncations and both at once.

    Where an episode goes on, the next observation is the observation of the next step.
    """
    rng = np.random.default_rng(seed)
    observation, reward, following = rng.normal(size=(3, *shape))
    terminated, truncated = rng.random((2, *shape)) < 0.2
    following[:-1] = np.where(terminated | truncated, following, np.roll(observation, -1, axis=0))[:-1]
    return trajectory(
        observation=observation,
        sample=rng.integers(2, size=shape),
        reward=reward,
        next_observation=following,
        terminated=terminated,
        truncated=truncated,
    )


def compiled(program, agent):
    """An agent's program, compiled. It returns arrays.

    On TensorFlow it is compiled without XLA, whose compiling takes longer than a few calls.
    """
    xla = False if keras.backend.backend() == "tensorflow" else None
    function = engine.compile(program, agent.variables, xla=xla)
    return lambda *arguments: keras.tree.map_structure(as_array, function(*arguments))


def run(program, agent, *arguments):
    """One compiled call of an agent's program."""
    return compiled(program, agent)(*arguments)


def flat(variables):
    """Variables, copied into one array."""
    return np.concatenate([np.array(as_array(variable), np.float64).ravel() for variable in variables])


class LinearOracle:
    """A linear actor-critic of two actions in NumPy. Its gradient is derived by hand.

    Args:
        agent: starts from the same weights.
        trajectory, target: what it learns from. The targets are `[T, B]`.
        clip, value_clip, value_weight, entropy_weight, normalize_advantage: those of PPO. Without
            `clip` the policy's loss is that of A2C, for one update.
        weight: the weight of each step, `[T, B]`.
    """

    def __init__(
        self,
        agent,
        trajectory,
        target,
        *,
        clip=None,
        value_clip=np.inf,
        value_weight=0.5,
        entropy_weight=0.0,
        normalize_advantage=False,
        weight=None,
    ):
        layers = [agent.model.get_layer(name) for name in ("logits", "value")]
        self.weights = [np.array(as_array(x), np.float64) for layer in layers for x in (layer.kernel, layer.bias)]
        self.state, self.sample = trajectory.observation.ravel(), trajectory.extras["sample"].ravel()
        self.weight = np.ones(self.state.shape) if weight is None else np.ravel(weight)
        self.normalize_advantage = normalize_advantage
        self.target, self.value_clip = np.ravel(target), value_clip
        self.plain, self.clip = clip is None, np.inf if clip is None else clip
        self.value_weight, self.entropy_weight = value_weight, entropy_weight
        _, self.old_log_prob, self.old_value = self.forward()

    def forward(self):
        """(log-probabilities of both actions, that of the sample, value)."""
        kernel, bias, value_kernel, value_bias = self.weights
        log_p = special.log_softmax(self.state[:, None] * kernel + bias, axis=-1)
        return log_p, log_p[np.arange(len(log_p)), self.sample], self.state * value_kernel[0, 0] + value_bias[0]

    def update(self, rate=1.0, part=slice(None)):
        """One step of gradient descent on a part of the steps. Returns the diagnostics before."""
        log_p, log_prob, value = (x[part] for x in self.forward())
        old_value, target, weight = self.old_value[part], self.target[part], self.weight[part] / self.weight[part].sum()
        advantage = target - old_value
        if self.normalize_advantage:
            centred = advantage - weight @ advantage
            advantage = centred / np.sqrt(weight @ centred**2)
        p, ratio = np.exp(log_p), np.exp(log_prob - self.old_log_prob[part])
        entropy = -(p * log_p).sum(-1)
        near = old_value + np.clip(value - old_value, -self.value_clip, self.value_clip)
        error, near_error = (target - value) ** 2, (target - near) ** 2
        surrogate = np.minimum(ratio * advantage, np.clip(ratio, 1 - self.clip, 1 + self.clip) * advantage)
        metrics = {
            "policy_loss": -log_prob * advantage if self.plain else -surrogate,
            "value_loss": np.maximum(error, near_error),
            "entropy": entropy,
            "approximate_kl": ratio - 1 - np.log(ratio),
            "clip_fraction": abs(ratio - 1) > self.clip,
        }
        pushed_too_far = np.where(advantage > 0, ratio > 1 + self.clip, ratio < 1 - self.clip)
        moved_too_far = np.abs(value - old_value) > self.value_clip
        for_log_prob = -ratio * advantage * ~pushed_too_far
        for_logits = for_log_prob[:, None] * (np.eye(2)[self.sample[part]] - p)
        for_logits += self.entropy_weight * p * (log_p + entropy[:, None])  # dH/dlogit_k = -p_k (log p_k + H)
        for_value = self.value_weight * -2 * (target - value) * ~(moved_too_far & (near_error > error))
        gradients = []
        for slope in (for_logits, for_value[:, None]):
            gradients += [(weight * self.state[part]) @ slope, weight @ slope]
        gradients = [gradient.reshape(w.shape) for gradient, w in zip(gradients, self.weights, strict=True)]
        self.weights = [w - rate * gradient for w, gradient in zip(self.weights, gradients, strict=True)]
        means = {name: weight @ values for name, values in metrics.items()}
        return means | {"gradient_norm": np.sqrt(sum((g**2).sum() for g in gradients))}


def agrees(agent, oracle, metrics, updates):
    """Compares an agent that learnt by plain gradient descent with the oracle.

    Args:
        metrics: the diagnostics of the agent.
        updates: those of each update of the oracle.
    """
    ours = [x for name in ("logits", "value") for x in (agent.model.get_layer(name).kernel, agent.model.get_layer(name).bias)]
    for one, other in zip(ours, oracle.weights, strict=True):
        np.testing.assert_allclose(as_array(one), other, rtol=1e-3, atol=1e-5)
    for name in updates[0].keys() & metrics.keys():
        expected = np.mean([update[name] for update in updates])
        np.testing.assert_allclose(metrics[name], expected, rtol=1e-3, atol=1e-5, err_msg=name)


def bandit(agent, pulls=20_000, rewards=(1.0, 3.0)):
    """Learns from single pulls of a two-armed bandit, by gradient descent with step size 1.

    Returns:
        (change of the logits, exact gradient of the expected reward, standard errors of the
        change), each `[2]`.
    """
    observation = np.ones((pulls, 1), np.float32)
    sample = run(agent.act, agent, observation, np.ones(pulls, bool))[1]["sample"]
    reward = np.array(rewards, np.float32)[sample]
    bias, value = agent.model.get_layer("logits").bias, as_array(agent.model(observation[:1])[-1])
    p = special.softmax(as_array(agent.model(observation[:1])[0])[0].astype(float))
    each = (np.eye(2)[sample] - p) * (reward - value)[:, None]
    before = np.array(as_array(bias))
    run(
        agent.learn, agent, trajectory(observation=1.0, sample=[sample], reward=[reward], next_observation=0.0, terminated=True)
    )
    return as_array(bias) - before, p * (rewards - p @ rewards), each.std(axis=0) / pulls**0.5


def is_unbiased(kind, *, baseline, **options):
    """The update on a bandit is the exact gradient, within its errors. Returns the errors."""
    agent = make(kind, model={"critic": baseline > 0}, **options)
    assign(agent, logits=[[0.3, -0.5]], **({"value": [[baseline]]} if baseline else {}))
    moved, exact, error = bandit(agent)
    assert np.all(np.abs(exact) > 30 * error)  # the estimate is precise enough to tell
    assert np.all(np.abs(moved - exact) < 4 * error), (moved, exact, error)
    return error


def convolution(seed):
    """The torso for images of `Identity`."""
    start = keras.initializers.GlorotUniform(seed=seed)
    return [keras.layers.Conv2D(8, (1, 4), activation="relu", kernel_initializer=start), keras.layers.Flatten()]


# name: (place, environment, parts of the agent's network, least mean return of a good policy)
IDENTITIES = {
    "host": ("host", Identity, {"hidden": (16,)}, 4.9),
    "device": ("device", Identity, {"hidden": (16,)}, 4.9),
    "MultiDiscrete": ("host", TwofoldIdentity, {"hidden": (16,), "model": {"normalize": True}}, 4.9),
    "Box": ("host", ContinuousIdentity, {"hidden": (16,), "model": {"normalize": True}}, -0.5),
    "image": ("host", lambda: Identity(shape=(ACTIONS, 4, 1)), {"torso": convolution}, 4.9),
}


def place(agent, kind, env=Identity, *, num_envs=4, seed=1):
    """A rollout of an identity environment, on the "host" or on the "device"."""
    if kind == "host":
        return HostRollout(agent, vectorize(env, num_envs), seed=seed)
    twin = DeviceContinuousIdentity if env is ContinuousIdentity else DeviceIdentity
    return DeviceRollout(agent, twin(num_envs), max_episode_steps=100, seed=seed)


def identity_agent(kind, env=Identity, **options):
    """An agent for an identity environment, with settings that suit all of them."""
    options = {"optimizer": keras.optimizers.Adam(0.02), "discount": 0.5, "rollout_length": 10} | options
    world = env()
    return make(kind, shape=world.observation_space.shape, space=world.action_space, **options)


def solves(kind, name, *, steps=4_000, **options):
    """Trains on one of the IDENTITIES. The policy must get the return of a good one."""
    where, env, network, least = IDENTITIES[name]
    agent = identity_agent(kind, env, **network | options)
    assert evaluate(agent, vectorize(env, 5), episodes=20, seed=2).mean() < least - 0.5
    for _ in train(agent, place(agent, where, env), steps=steps, report_every=steps):
        pass
    returns = evaluate(agent, vectorize(env, 5), episodes=20, seed=2)
    assert returns.mean() >= least, returns
