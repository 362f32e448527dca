"""Targets and losses of reinforcement learning: pure functions over batches. Gradients flow where a docstring does not say otherwise."""

import keras
from keras import ops

from lab import renamed, validation
from lab.losses.huber import huber_error


def td_error(value, reward, discount, next_value):
    """delta = r + gamma V(s') - V(s), elementwise; the discount is 0 where the episode terminated (Sutton and Barto 2018, eq. 6.5)."""
    validation.same_shape(value=value, reward=reward, next_value=next_value)
    return reward + discount * next_value - value


def q_learning_bootstrap(online_next, target_next):
    """max_a Q_target(s', a), `[B]` (Mnih et al. 2015), from action values `[B, A]` of both networks.

    A *bootstrap* is the value of the next state that a target r + gamma V(s') is made of; the TD error is `td_error` of it.
    """
    return ops.max(target_next, axis=-1)


def double_q_learning_bootstrap(online_next, target_next):
    """Q_target(s', argmax_a Q_online(s', a)), `[B]` (van Hasselt et al. 2016, eq. 4)."""
    best = ops.argmax(online_next, axis=-1)
    return ops.take_along_axis(target_next, best[:, None], axis=-1)[:, 0]


def clipped_double_q_learning_bootstrap(online_next, target_next):
    """min(Q_online(s', a), Q_target(s', a)) with a = argmax_a Q_online(s', a), `[B]` (Fujimoto et al. 2018, eq. 10).

    The paper's two estimates are here the online and the target network.
    """
    best = ops.argmax(online_next, axis=-1)[:, None]
    return ops.take_along_axis(ops.minimum(online_next, target_next), best, axis=-1)[:, 0]


def expected_sarsa_bootstrap(values_next, policy_next):
    """sum_a pi(a|s') Q(s', a), `[B]` (Sutton and Barto 2018, eq. 6.9), from action values and probabilities `[B, A]`."""
    return ops.sum(policy_next * values_next, axis=-1)


def quantile_huber(quantiles, target, *, kappa=1.0):
    """sum_i E_j |tau_i - 1{u_ij < 0}| L_kappa(u_ij) / kappa with u_ij = target_j - theta_i (Dabney et al. 2018, eq. 9-10).

    tau_i = (i - 1/2)/N, the midpoints. With kappa=0 the loss is the quantile regression loss itself, |u| for L/kappa.

    Args:
        quantiles: theta, `[B, N]`.
        target: samples of the target's distribution, `[B, M]`; no gradient flows through them.
        kappa: where Huber's loss becomes linear, >= 0.

    Returns:
        `[B]`.
    """
    validation.NOT_NEGATIVE.check("kappa", kappa)
    count = quantiles.shape[-1]
    tau = (ops.arange(count, dtype=quantiles.dtype) + 0.5) / count  # tau^_i
    error = ops.stop_gradient(target)[:, None, :] - quantiles[:, :, None]  # [B, N, M]
    size = huber_error(error, kappa) / kappa if kappa else ops.abs(error)
    weight = ops.abs(tau[:, None] - ops.cast(ops.stop_gradient(error) < 0, error.dtype))
    return ops.sum(ops.mean(weight * size, axis=-1), axis=-1)


def categorical_projection(probabilities, reward, discount, support):
    """The distribution of r + gamma Z, laid on Z's own support again (Bellemare et al. 2017, Algorithm 1).

    Args:
        probabilities: P(Z = z_k), `[B, K]`.
        reward, discount: `[B]`; the discount is 0 where the episode terminated.
        support: z, `[K]`, evenly spaced and ascending.

    Returns:
        `[B, K]`.
    """
    probabilities, support = ops.convert_to_tensor(probabilities), ops.convert_to_tensor(support)
    spacing = support[1] - support[0]
    moved = ops.clip(reward[:, None] + discount[:, None] * support, support[0], support[-1])  # [B, K]
    distance = ops.abs(moved[:, :, None] - support[None, None, :]) / spacing  # [B, from, to]
    return ops.sum(probabilities[:, :, None] * ops.relu(1.0 - distance), axis=1)


def policy_gradient(log_prob, advantage):
    """-log pi(a|s) A, elementwise (Williams 1992); no gradient flows through the advantage."""
    validation.same_shape(log_prob=log_prob, advantage=advantage)
    return -log_prob * ops.stop_gradient(advantage)


def probability_ratio(log_prob, old_log_prob):
    """rho = pi(a|s) / pi_old(a|s) = exp(log pi - log pi_old), elementwise; no gradient flows through the old policy.

    A log-ratio above 20, in float16 10, counts as that, and so does its gradient: exp is infinite from 88 on, and infinity times 0 not a number.
    """
    change = log_prob - ops.stop_gradient(old_log_prob)
    most = 10.0 if keras.backend.standardize_dtype(change.dtype) == "float16" else 20.0
    return ops.exp(change - ops.stop_gradient(ops.relu(change - most)))


def clipped_surrogate(log_prob, old_log_prob, advantage, *, clip=0.2):
    """-min(rho A, clip(rho, 1-c, 1+c) A) with rho of `probability_ratio`, elementwise (Schulman et al. 2017, eq. 7).

    No gradient flows through the old policy or the advantage.
    """
    validation.same_shape(log_prob=log_prob, old_log_prob=old_log_prob, advantage=advantage)
    ratio = probability_ratio(log_prob, old_log_prob)
    advantage = ops.stop_gradient(advantage)
    return -ops.minimum(ratio * advantage, ops.clip(ratio, 1.0 - clip, 1.0 + clip) * advantage)


def entropy_loss(policy):
    """-H(pi), whose minimum is the most random policy, elementwise (Williams and Peng 1991).

    Args:
        policy: one of `lab.distributions`.
    """
    return -policy.entropy()


OLD = {name: f"{name}_bootstrap" for name in ("q_learning", "double_q_learning", "expected_sarsa")} | {
    "entropy": "entropy_loss"
}
__getattr__ = renamed(__name__, OLD)
