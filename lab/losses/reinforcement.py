"""Targets and losses of reinforcement learning, as pure functions over batches.

The *TD target* is r + gamma V(s'). The *TD error* is the TD target minus V(s). The *bootstrap
value* is V(s'), the value of the next state. The discount gamma is 0 where the episode terminated.

Gradients flow through all arguments unless a docstring says otherwise.
"""

import keras
from keras import ops

from lab import renamed, validation
from lab.distributions import Distribution
from lab.engine.types import Tensor
from lab.losses.huber import huber_error


def td_error(value: Tensor, reward: Tensor, discount: Tensor, next_value: Tensor) -> Tensor:
    """delta = r + gamma V(s') - V(s), elementwise (Sutton and Barto 2018, eq. 6.5).

    Args:
        value: V(s), of any shape.
        reward: r, of the same shape.
        discount: gamma, 0 where the episode terminated.
        next_value: the bootstrap value V(s'), of V(s)'s shape.
    """
    validation.same_shape(value=value, reward=reward, next_value=next_value)
    return reward + discount * next_value - value


def q_learning_bootstrap(online_next: Tensor, target_next: Tensor) -> Tensor:
    """The bootstrap value max_a Q_target(s', a) of deep Q-learning (Mnih et al. 2015).

    Args:
        online_next: action values Q_online(s', a), `[B, A]`; unused here.
        target_next: action values Q_target(s', a), `[B, A]`.

    Returns:
        `[B]`.
    """
    return ops.max(target_next, axis=-1)


def double_q_learning_bootstrap(online_next: Tensor, target_next: Tensor) -> Tensor:
    """The bootstrap value Q_target(s', argmax_a Q_online(s', a)) (van Hasselt et al. 2016, eq. 4).

    Arguments and shapes are those of `q_learning_bootstrap`.
    """
    best = ops.argmax(online_next, axis=-1)
    return ops.take_along_axis(target_next, best[:, None], axis=-1)[:, 0]


def clipped_double_q_learning_bootstrap(online_next: Tensor, target_next: Tensor) -> Tensor:
    """The smaller of both networks' values of the action that the online network prefers.

        min(Q_online(s', a), Q_target(s', a))  with a = argmax_a Q_online(s', a)

    Arguments and shapes are those of `q_learning_bootstrap`. Source: Fujimoto et al. 2018, eq. 10;
    the paper's two estimates are here the online and the target network.
    """
    best = ops.argmax(online_next, axis=-1)[:, None]
    return ops.take_along_axis(ops.minimum(online_next, target_next), best, axis=-1)[:, 0]


def expected_sarsa_bootstrap(values_next: Tensor, policy_next: Tensor) -> Tensor:
    """The bootstrap value sum_a pi(a|s') Q(s', a), `[B]` (Sutton and Barto 2018, eq. 6.9).

    Args:
        values_next: action values Q(s', a), `[B, A]`.
        policy_next: probabilities pi(a|s'), `[B, A]`.
    """
    return ops.sum(policy_next * values_next, axis=-1)


def quantile_huber(quantiles: Tensor, td_target: Tensor, *, kappa: float = 1.0) -> Tensor:
    """The quantile Huber loss (Dabney et al. 2018, eq. 9-10).

        sum_i E_j |tau_i - 1{u_ij < 0}| L_kappa(u_ij) / kappa  with u_ij = td_target_j - theta_i

    tau_i = (i - 1/2) / N are the midpoints and L_kappa is the Huber loss. With kappa=0 it is the
    quantile regression loss, with |u_ij| in place of L_kappa(u_ij) / kappa.

    Args:
        quantiles: theta, `[B, N]`.
        td_target: samples or quantiles of the TD target's distribution, `[B, M]`. No gradient
            flows through them.
        kappa: the |u| from which the Huber loss is linear, >= 0.

    Returns:
        `[B]`.
    """
    validation.NOT_NEGATIVE.check("kappa", kappa)
    count = quantiles.shape[-1]
    tau = (ops.arange(count, dtype=quantiles.dtype) + 0.5) / count  # tau^_i
    error = ops.stop_gradient(td_target)[:, None, :] - quantiles[:, :, None]  # [B, N, M]
    size = huber_error(error, kappa) / kappa if kappa else ops.abs(error)
    weight = ops.abs(tau[:, None] - ops.cast(ops.stop_gradient(error) < 0, error.dtype))
    return ops.sum(ops.mean(weight * size, axis=-1), axis=-1)


def categorical_projection(probabilities: Tensor, reward: Tensor, discount: Tensor, support: Tensor) -> Tensor:
    """The distribution of the TD target r + gamma Z, projected onto the support of Z.

    Source: Bellemare et al. 2017, Algorithm 1.

    Args:
        probabilities: P(Z = z_k), `[B, K]`.
        reward: r, `[B]`.
        discount: gamma, `[B]`, 0 where the episode terminated.
        support: z, `[K]`, evenly spaced and ascending.

    Returns:
        `[B, K]`.
    """
    probabilities, support = ops.convert_to_tensor(probabilities), ops.convert_to_tensor(support)
    spacing = support[1] - support[0]
    moved = ops.clip(reward[:, None] + discount[:, None] * support, support[0], support[-1])  # [B, K]
    distance = ops.abs(moved[:, :, None] - support[None, None, :]) / spacing  # [B, from, to]
    return ops.sum(probabilities[:, :, None] * ops.relu(1.0 - distance), axis=1)


def policy_gradient(log_prob: Tensor, advantage: Tensor) -> Tensor:
    """-log pi(a|s) A, elementwise (Williams 1992). No gradient flows through the advantage A."""
    validation.same_shape(log_prob=log_prob, advantage=advantage)
    return -log_prob * ops.stop_gradient(advantage)


def probability_ratio(log_prob: Tensor, old_log_prob: Tensor) -> Tensor:
    """rho = pi(a|s) / pi_old(a|s) = exp(log pi - log pi_old), elementwise.

    No gradient flows through the old policy. Value and gradient are those of a log-ratio of at most
    20, or 10 in float16. Without that bound exp would overflow, and infinity times 0 is NaN.
    """
    log_ratio = log_prob - ops.stop_gradient(old_log_prob)
    most = 10.0 if keras.backend.standardize_dtype(log_ratio.dtype) == "float16" else 20.0
    return ops.exp(log_ratio - ops.stop_gradient(ops.relu(log_ratio - most)))


def clipped_surrogate(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, *, clip: float = 0.2) -> Tensor:
    """The clipped objective of PPO as a loss, elementwise (Schulman et al. 2017, eq. 7).

        -min(rho A, clip(rho, 1 - c, 1 + c) A)

    rho is `probability_ratio`. No gradient flows through the old policy or the advantage A.

    Args:
        log_prob: log pi(a|s), of any shape.
        old_log_prob: log pi_old(a|s), of the same shape.
        advantage: A, of the same shape.
        clip: c, > 0.
    """
    validation.same_shape(log_prob=log_prob, old_log_prob=old_log_prob, advantage=advantage)
    ratio = probability_ratio(log_prob, old_log_prob)
    advantage = ops.stop_gradient(advantage)
    return -ops.minimum(ratio * advantage, ops.clip(ratio, 1.0 - clip, 1.0 + clip) * advantage)


def entropy_loss(policy: Distribution) -> Tensor:
    """-H(pi), elementwise. The most random policy minimises it (Williams and Peng 1991)."""
    return -policy.entropy()


OLD = {name: f"{name}_bootstrap" for name in ("q_learning", "double_q_learning", "expected_sarsa")} | {
    "entropy": "entropy_loss"
}
__getattr__ = renamed(__name__, OLD)
