import numpy as np
import pytest

from lab.agents import returns

RNG = np.random.default_rng(0)


def segment(length=12, envs=3, gamma=0.9):
    """A random time-major segment with terminations and truncations."""
    terminated = RNG.random((length, envs)) < 0.15
    cut = RNG.random((length, envs)) < 0.15
    reward, value, next_value = (RNG.normal(size=(length, envs)).astype("float32") for _ in range(3))
    return reward, (gamma * ~terminated).astype("float32"), value, next_value, cut


def oracle(reward, discount, next_value, cut, lambda_):
    """The definition in a plain loop: the weighted mean of n-step returns."""
    length, envs = reward.shape
    result = np.zeros((length, envs))
    for b in range(envs):
        for t in range(length):
            total, weight, product, rewards = 0.0, 1.0, 1.0, 0.0
            for k in range(t, length):
                rewards += product * reward[k, b]
                product *= discount[k, b]
                n_step = rewards + product * next_value[k, b]
                if cut[k, b] or k == length - 1:
                    total += weight * n_step
                    break
                total += weight * (1 - lambda_) * n_step
                weight *= lambda_
            result[t, b] = total
    return result


@pytest.mark.parametrize("lambda_", [0.0, 0.3, 0.95, 1.0])
def test_lambda_return_is_the_weighted_mean_of_n_step_returns(lambda_):
    reward, discount, _, next_value, cut = segment()
    ours = returns.lambda_return(reward, discount, next_value, cut, lambda_)
    np.testing.assert_allclose(ours, oracle(reward, discount, next_value, cut, lambda_), rtol=1e-4, atol=1e-5)


def test_terminated_truncated_and_cut_by_the_rollout_by_hand():
    # Three environments, two steps of reward 1, gamma 0.5, V(s') = 10 everywhere.
    reward = np.ones((2, 3), "float32")
    discount = np.array([[0.0, 0.5, 0.5], [0.5, 0.5, 0.5]], "float32")  # the first terminates at t = 0
    cut = np.array([[False, True, False], [False, False, False]])  # the second is truncated at t = 0
    result = np.asarray(returns.monte_carlo_return(reward, discount, np.full((2, 3), 10.0, "float32"), cut))
    np.testing.assert_allclose(result[0], [1.0, 1 + 0.5 * 10, 1 + 0.5 * (1 + 0.5 * 10)])
    np.testing.assert_allclose(result[1], [6.0, 6.0, 6.0])  # the end of the segment bootstraps


def test_termination_wins_over_truncation():
    one = np.ones((1, 1), "float32")
    assert float(returns.td0_target(one, 0 * one, 100 * one, one > 0)[0, 0]) == 1.0


def test_td0_is_one_step():
    reward, discount, _, next_value, cut = segment()
    ours = returns.td0_target(reward, discount, next_value, cut)
    np.testing.assert_allclose(ours, reward + discount * next_value, rtol=1e-6)


def test_gae_is_the_discounted_sum_of_td_errors():
    reward, discount, value, _, cut = segment()
    # GAE's recursion assumes that the next value is the value of the next step: so nothing is cut.
    cut[:] = False
    last = RNG.normal(size=(1, 3)).astype("float32")
    next_value = np.concatenate([value[1:], last])
    delta = reward + discount * next_value - value
    advantage, total = np.zeros_like(delta), 0.0
    for t in reversed(range(len(delta))):
        total = delta[t] + discount[t] * 0.95 * total
        advantage[t] = total
    ours = returns.generalized_advantage(reward, discount, value, next_value, cut, 0.95)
    np.testing.assert_allclose(ours, advantage, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 5, 12, 50])
def test_n_step_return(n):
    reward, discount, _, next_value, cut = segment()
    length, envs = reward.shape
    expected = np.zeros((length, envs))
    for b in range(envs):
        for t in range(length):
            product = 1.0
            for k in range(t, min(t + n, length)):
                expected[t, b] += product * reward[k, b]
                product *= discount[k, b]
                if cut[k, b]:
                    break
            expected[t, b] += product * next_value[k, b]
    ours = returns.n_step_return(reward, discount, next_value, cut, n)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_identities_between_them():
    reward, discount, _, next_value, cut = segment()
    one_step = returns.n_step_return(reward, discount, next_value, cut, 1)
    np.testing.assert_allclose(one_step, returns.td0_target(reward, discount, next_value, cut), rtol=1e-6)
    all_steps = returns.n_step_return(reward, discount, next_value, cut, len(reward))
    np.testing.assert_allclose(all_steps, returns.monte_carlo_return(reward, discount, next_value, cut), rtol=1e-5, atol=1e-5)


def test_bad_input():
    with pytest.raises(ValueError, match="expected reward, discount, next_value, cut of one shape"):
        returns.lambda_return(np.ones((3, 1)), np.ones((3, 1)), np.ones((2, 1)), np.ones((3, 1)), 0.5)
    with pytest.raises(ValueError, match=r"reward: expected the shape \[T, B\], received \(3,\)"):
        returns.lambda_return(*[np.ones(3, "float32")] * 4, 0.5)
    steps = [np.ones((3, 1), "float32")] * 2
    with pytest.raises(ValueError, match=r"value: expected value, returns of one shape, received value \(3, 1, 1\)"):
        returns.generalized_advantage(*steps, np.ones((3, 1, 1), "float32"), *steps, 0.5)
    with pytest.raises(ValueError, match="expected n >= 1, received 0"):
        returns.n_step_return(*[np.ones((3, 1), "float32")] * 4, 0)
