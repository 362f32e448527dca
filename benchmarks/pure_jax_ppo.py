"""PPO on CartPole-v1 in plain JAX, one program without a library, for `rl_throughput`.

It shows what an algorithm written in the way of PureJaxRL costs (Lu et al. 2022, "Discovered
policy optimisation"). It is the algorithm of `lab.agents.PPO` with the same settings: two
networks of 64-64 units, 128 steps, 4 epochs of 4 minibatches, Adam 3e-4, clip 0.2, entropy 0,
gradient norm 0.5, lambda 0.95, time limits bootstrapped. Only the diagnostics are missing.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

LENGTH = 128
EPOCHS = 4
MINIBATCHES = 4
LIMIT = 500
DISCOUNT = 0.99
LAMBDA = 0.95
CLIP = 0.2
RATE = 3e-4
NORM = 0.5


class State(NamedTuple):
    """All there is between two iterations."""

    weights: dict  # actor and critic, lists of (kernel, bias)
    moments: tuple  # of Adam: step, first and second moments
    pole: jax.Array  # [B, 4]
    time: jax.Array  # [B]
    key: jax.Array


class Step(NamedTuple):
    """One step of all environments, `[B, ...]`."""

    observation: jax.Array
    action: jax.Array
    log_prob: jax.Array
    value: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    next_observation: jax.Array


def dense(layers, x):
    """Dense layers with tanh between them."""
    for kernel, bias in layers[:-1]:
        x = jnp.tanh(x @ kernel + bias)
    kernel, bias = layers[-1]
    return x @ kernel + bias


def start(num_envs, seed=0):
    """The first state."""
    key, reset, *keys = jax.random.split(jax.random.key(seed), 8)
    start = jax.nn.initializers.orthogonal

    def layers(keys, units, gain):
        sizes = zip((4, 64, 64), (64, 64, units), (2**0.5, 2**0.5, gain), keys, strict=True)
        return [(start(scale)(key, (rows, columns)), jnp.zeros(columns)) for rows, columns, scale, key in sizes]

    weights = {"actor": layers(keys[:3], 2, 0.01), "critic": layers(keys[3:], 1, 1.0)}
    zeros = jax.tree.map(jnp.zeros_like, weights)
    pole = jax.random.uniform(reset, (num_envs, 4), minval=-0.05, maxval=0.05)
    return State(weights, (jnp.zeros((), int), zeros, jax.tree.map(jnp.copy, zeros)), pole, jnp.zeros(num_envs, int), key)


def physics(pole, action):
    """One Euler step of Gymnasium's CartPole."""
    x, speed, angle, turn = pole.T
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    push = (jnp.where(action == 1, 10.0, -10.0) + 0.05 * turn**2 * sine) / 1.1
    angular = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
    linear = push - 0.05 * angular * cosine / 1.1
    return jnp.stack([x + 0.02 * speed, speed + 0.02 * linear, angle + 0.02 * turn, turn + 0.02 * angular], axis=-1)


def act(carry, _):
    """One step of all environments with the current policy."""
    weights, pole, time, key = carry
    key, draw, reset = jax.random.split(key, 3)
    log_policy = jax.nn.log_softmax(dense(weights["actor"], pole))
    action = jax.random.categorical(draw, log_policy)
    following = physics(pole, action)
    time = time + 1
    terminated = (jnp.abs(following[:, 0]) > 2.4) | (jnp.abs(following[:, 2]) > 12 * jnp.pi / 180)
    truncated = time >= LIMIT
    ended = terminated | truncated
    log_prob = jnp.take_along_axis(log_policy, action[:, None], -1)[:, 0]
    value = dense(weights["critic"], pole)[:, 0]
    step = Step(pole, action, log_prob, value, jnp.ones(len(pole)), terminated, truncated, following)
    fresh = jax.random.uniform(reset, pole.shape, minval=-0.05, maxval=0.05)
    return (weights, jnp.where(ended[:, None], fresh, following), jnp.where(ended, 0, time), key), step


def advantages(weights, steps):
    """Generalised advantage estimation, `[T, B]`."""
    next_value = dense(weights["critic"], steps.next_observation)[..., 0]
    delta = steps.reward + DISCOUNT * ~steps.terminated * next_value - steps.value
    going_on = ~(steps.terminated | steps.truncated)

    def backward(later, step):
        delta, going_on = step
        now = delta + DISCOUNT * LAMBDA * going_on * later
        return now, now

    return jax.lax.scan(backward, jnp.zeros_like(delta[0]), (delta, going_on), reverse=True)[1]


def loss(weights, batch):
    """The clipped objective plus half the value's squared error."""
    steps, advantage, target = batch
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    log_policy = jax.nn.log_softmax(dense(weights["actor"], steps.observation))
    ratio = jnp.exp(jnp.take_along_axis(log_policy, steps.action[:, None], -1)[:, 0] - steps.log_prob)
    surrogate = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage)
    return 0.5 * jnp.mean((target - dense(weights["critic"], steps.observation)[:, 0]) ** 2) - surrogate.mean()


def update(carry, batch):
    """One step of Adam on a minibatch."""
    weights, (count, first, second) = carry
    gradient = jax.grad(loss)(weights, batch)
    norm = jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient)))
    gradient = jax.tree.map(lambda g: g * jnp.minimum(1.0, NORM / norm), gradient)
    count += 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, second, gradient)
    eta, root = RATE / (1 - 0.9**count), 1 - 0.999**count
    weights = jax.tree.map(lambda w, m, v: w - eta * m / (jnp.sqrt(v / root) + 1e-5), weights, first, second)
    return (weights, (count, first, second)), None


def iterate(state, _):
    """A rollout and its updates. Also returns the mean age of the episodes."""
    (_, pole, time, key), steps = jax.lax.scan(act, (state.weights, state.pole, state.time, state.key), None, LENGTH)
    advantage = advantages(state.weights, steps)
    batch = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), (steps, advantage, advantage + steps.value))
    key, *keys = jax.random.split(key, EPOCHS + 1)

    def epoch(carry, key):
        order = jax.random.permutation(key, batch[1].size)
        parts = jax.tree.map(lambda x: x[order].reshape(MINIBATCHES, -1, *x.shape[1:]), batch)
        return jax.lax.scan(update, carry, parts)

    (weights, moments), _ = jax.lax.scan(epoch, (state.weights, state.moments), jnp.stack(keys))
    return State(weights, moments, pole, time, key), time.mean()


def trainer(num_envs, iterations):
    """A function that trains for at least so many more steps. Returns how many."""
    run = jax.jit(lambda state: jax.lax.scan(iterate, state, None, iterations), donate_argnums=0)
    state = start(num_envs)

    def go(steps):
        nonlocal state
        done = 0
        while done < steps:
            state, age = run(state)
            age.block_until_ready()
            done += iterations * LENGTH * num_envs
        return done

    return go
