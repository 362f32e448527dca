"""Returns: pure functions of time-major arrays. All are special cases of the lambda-return.

Arguments that all of them have, each `[T, B]`:

- `reward`: r_t, in the environment's units;
- `discount`: gamma, but 0 where the step terminated;
- `next_value`: V(s'_t), the value of the true next observation, before any reset;
- `cut`: true where the episode is broken off after step t, by truncation. The last step counts as
  cut, whatever is given.

A terminated step ends the return. A cut step bootstraps from `next_value`. A step that is both ends
the return, because its discount is zero.
"""

from keras import ops

from lab import validation
from lab.engine.types import Tensor


def lambda_return(reward: Tensor, discount: Tensor, next_value: Tensor, cut: Tensor, lambda_: Tensor | float) -> Tensor:
    r"""The lambda-return, by its backward recursion (Sutton & Barto 2018, eq. 12.18).

        G_t = r_t + gamma_t ((1 - lambda) V(s'_t) + lambda G_{t+1})
        G_t = r_t + gamma_t V(s'_t)  at a cut

    Args:
        lambda_: trace decay in [0, 1]; a number or `[T, B]`.

    Returns:
        G, `[T, B]`.
    """
    validation.same_shape(reward=reward, discount=discount, next_value=next_value, cut=cut)
    if len(ops.shape(reward)) != 2:
        raise ValueError(f"reward: expected the shape [T, B], received {tuple(ops.shape(reward))}.")
    reward, discount, next_value = (ops.convert_to_tensor(x, dtype="float32") for x in (reward, discount, next_value))
    cut = ops.concatenate([ops.cast(cut, "bool")[:-1], ops.ones_like(cut[:1], dtype="bool")])
    weight = ops.where(cut, 0.0, ops.ones_like(reward) * lambda_)

    def backward(future, step):
        reward, discount, next_value, weight = step
        future = reward + discount * ((1.0 - weight) * next_value + weight * future)  # G_t
        return future, future

    steps = (reward, discount, next_value, weight)
    return ops.scan(backward, ops.zeros_like(reward[0]), steps, reverse=True)[1]


def monte_carlo_return(reward: Tensor, discount: Tensor, next_value: Tensor, cut: Tensor) -> Tensor:
    """The lambda-return with lambda = 1: the rewards until the end of the episode.

    V stands for the rewards that would follow only where the trajectory is cut.
    """
    return lambda_return(reward, discount, next_value, cut, 1.0)


def td0_target(reward: Tensor, discount: Tensor, next_value: Tensor, cut: Tensor) -> Tensor:
    """The lambda-return with lambda = 0: r_t + gamma_t V(s'_t) (Sutton & Barto 2018, eq. 6.2)."""
    return lambda_return(reward, discount, next_value, cut, 0.0)


def generalized_advantage(
    reward: Tensor, discount: Tensor, value: Tensor, next_value: Tensor, cut: Tensor, lambda_: Tensor | float
) -> Tensor:
    """GAE(gamma, lambda): the lambda-return minus V(s_t), `[T, B]` (Schulman et al. 2016, eq. 16).

    Args:
        value: V(s_t), `[T, B]`.
    """
    returns = lambda_return(reward, discount, next_value, cut, lambda_)
    validation.same_shape(value=value, returns=returns)
    return returns - value


def n_step_return(reward: Tensor, discount: Tensor, next_value: Tensor, cut: Tensor, n: int) -> Tensor:
    """The n-step return: n rewards, then V (Sutton & Barto 2018, eq. 7.1).

    There are fewer rewards where a cut or the end of the episode comes first. It is computed as the
    lambda-return with lambda = 1 of windows of n steps: each window is a trajectory that is cut
    after its last step.

    Args:
        n: at least 1.
    """
    if n < 1:
        raise ValueError(f"n_step_return: expected n >= 1, received {n}.")
    length = ops.shape(reward)[0]
    n = min(n, length)
    # The end is padded with n - 1 steps. No return reaches them, because the step before is cut.
    cut = ops.concatenate([ops.cast(cut, "bool")[:-1], ops.ones_like(cut[:1], dtype="bool")])

    def windows(x):
        x = ops.convert_to_tensor(x)
        padded = ops.pad(x, [(0, n - 1)] + [(0, 0)] * (len(x.shape) - 1))
        stacked = ops.stack([padded[k : k + length] for k in range(n)])  # [n, T, B]
        return ops.reshape(stacked, (n, -1))

    returns = lambda_return(windows(reward), windows(discount), windows(next_value), windows(cut), 1.0)
    return ops.reshape(returns[0], ops.shape(reward))
