"""Policies: their samples against scipy's distributions, and the actions that come from them."""

import keras
import numpy as np
import pytest
from gymnasium import spaces
from keras import ops
from scipy import special, stats

from lab import engine
from lab.agents import GSDEPolicy, NormalPolicy, policy_for
from tests.contracts import as_array, raises, uniform

pytestmark = pytest.mark.slow  # compiles many programs

COUNT, DRAWS = 3, 20_000
BOX = spaces.Box(np.array([-3.0, 0.5], np.float32), np.array([1.0, 10.5], np.float32))
CHOICES = {
    "Discrete": (spaces.Discrete(3), [3]),
    "MultiDiscrete": (spaces.MultiDiscrete([2, 3]), [2, 3]),
    "MultiDiscrete of one part": (spaces.MultiDiscrete([3]), [3]),
    "MultiBinary": (spaces.MultiBinary(2), [2, 2]),
    "MultiBinary of one part": (spaces.MultiBinary(1), [2]),
}
LOGITS = np.array([1.0, -0.5, 0.3, 0.0, -1.5], np.float32)


def drawn(policy, place, parameters, seed=0):
    """(samples, actions), `[B, ...]` each, of parameters `[B, ...]`."""
    if place == "device":
        samples = policy.sample(keras.random.SeedGenerator(seed), *map(ops.convert_to_tensor, parameters))
        return as_array(samples), as_array(policy.action(samples))
    return policy.host_sampler(np.random.default_rng(seed))(*parameters)


def actions(policy, place, samples):
    """The actions of samples of a normal policy."""
    if place == "device":
        return as_array(policy.action(ops.convert_to_tensor(samples)))
    others = [None] * (len(policy.shapes) - 1)  # without a generator, samples are the means alone
    return policy.host_sampler(None)(samples, *others)[1]


def joint(logits, counts):
    """(all combinations `[M, D]`, their probabilities `[M]`), in float64."""
    parts = [special.softmax(part) for part in np.split(logits.astype(float), np.cumsum(counts)[:-1])]
    grid = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).reshape(-1, len(counts))
    return grid, np.prod([part[grid[:, d]] for d, part in enumerate(parts)], axis=0)


@pytest.mark.parametrize("place", ["host", "device"])
@pytest.mark.parametrize("name", CHOICES)
def test_discrete_samples_have_the_probabilities_of_the_logits(name, place):
    space, counts = CHOICES[name]
    policy, logits = policy_for(space), LOGITS[: sum(counts)]
    grid, expected = joint(logits, counts)
    samples, acted = drawn(policy, place, [np.tile(logits, (DRAWS, 1))])
    cells = np.ravel_multi_index(samples.reshape(DRAWS, -1).T, counts)
    seen = np.bincount(cells, minlength=len(expected))
    assert stats.chisquare(seen, expected * DRAWS).pvalue > 0.01
    indices = grid[:, 0] if name == "Discrete" else grid
    log_prob = policy.distribution(ops.convert_to_tensor(np.tile(logits, (len(grid), 1)))).log_prob(indices)
    np.testing.assert_allclose(as_array(log_prob), np.log(expected), rtol=1e-5)
    for action in acted[:50]:
        assert space.contains(action)


def gaussians():
    """name -> (policy, its parameters for DRAWS environments in one state).

    Means are (-0.4, 0.7), standard deviations (0.3, 1.2).
    """
    loc, scale = (np.tile(np.array(x, np.float32), (DRAWS, 1)) for x in ([-0.4, 0.7], [0.3, 1.2]))
    features = np.array([0.6, -0.8, 1.0], np.float32)  # the squares of the first two sum to 1
    sigma = np.array([[0.3, 1.2], [0.3, 1.2], [0.0, 0.0]], np.float32)
    factors = np.tile(features[:, None] * sigma, (DRAWS, 1, 1))
    noisy = GSDEPolicy(BOX, num_envs=DRAWS, features=3, redraw_every=1)
    return {"normal": (NormalPolicy(BOX), [loc, scale]), "state-dependent": (noisy, [loc, scale, factors])}


@pytest.mark.parametrize("place", ["host", "device"])
@pytest.mark.parametrize("name", ["normal", "state-dependent"])
def test_continuous_samples_are_normal(name, place):
    policy, parameters = gaussians()[name]
    samples, _ = drawn(policy, place, parameters)
    assert samples.shape == (DRAWS, 2) and samples.dtype == np.float32
    for d, (loc, scale) in enumerate(((-0.4, 0.3), (0.7, 1.2))):
        assert stats.kstest(samples[:, d], stats.norm(loc, scale).cdf).pvalue > 0.01
    assert abs(stats.pearsonr(*samples.T).statistic) < 4 / DRAWS**0.5  # dimensions are independent,
    assert abs(stats.pearsonr(samples[1:, 0], samples[:-1, 0]).statistic) < 4 / DRAWS**0.5  # and environments
    theirs = stats.multivariate_normal([-0.4, 0.7], np.diag([0.3**2, 1.2**2]))
    ours = policy.distribution(*(x[:9] for x in parameters)).log_prob(samples[:9])
    np.testing.assert_allclose(as_array(ours), theirs.logpdf(samples[:9]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("place", ["host", "device"])
@pytest.mark.parametrize("name", ["normal", "state-dependent"])
def test_actions_are_in_the_units_of_the_box_and_within_its_bounds(name, place):
    policy = gaussians()[name][0]
    samples = np.array([[0, 0], [-1, 1], [0.5, -0.5], [-7, 9]], np.float32)
    expected = [[-1, 5.5], [-3, 10.5], [0, 3], [-3, 10.5]]
    np.testing.assert_allclose(actions(policy, place, samples), expected, atol=1e-6)


@pytest.mark.parametrize("place", ["host", "device"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_action_is_outside_of_the_bounds_by_rounding(dtype, place):
    low = np.random.default_rng(0).normal(size=500).astype(dtype)
    space = spaces.Box(low, low + np.abs(uniform(1, 500)).astype(dtype) + dtype(1e-3), dtype=dtype)
    policy = NormalPolicy(space)
    for extreme in (-3.0, 3.0):
        action = actions(policy, place, np.full((1, 500), extreme, np.float32))[0]
        assert space.contains(action)


@pytest.mark.parametrize("name", [*CHOICES, "normal", "state-dependent"])
def test_without_a_generator_the_likeliest_sample_is_taken(name):
    if name in CHOICES:
        space, counts = CHOICES[name]
        policy, logits = policy_for(space), uniform(0, 40, sum(counts))
        parameters = [logits]
        best = np.stack([part.argmax(-1) for part in np.split(logits, np.cumsum(counts)[:-1], axis=-1)], -1)
        expected = best[:, 0] if name == "Discrete" else best
    else:
        policy, parameters = gaussians()[name]
        parameters = [x[:40] for x in parameters]
        expected = parameters[0]
    np.testing.assert_array_equal(policy.host_sampler(None)(*parameters)[0], expected)
    drawn_twice = [policy.host_sampler(np.random.default_rng(seed))(*parameters)[0] for seed in (0, 1)]
    assert np.any(drawn_twice[0] != expected) and np.any(drawn_twice[0] != drawn_twice[1])


ENVS, FEATURES, PERIOD = 4, 3, 3


def state_dependent():
    """(policy, head), with a log sigma that differs in every entry."""
    policy = GSDEPolicy(BOX, num_envs=ENVS, features=FEATURES, redraw_every=PERIOD)
    head = policy.head(keras.initializers.Zeros())
    head.build((None, FEATURES))
    head.log_scale.assign(0.5 * uniform(3, FEATURES, 2))
    return policy, head


def noises(place, steps, states):
    """Samples minus their mean, `[steps, ENVS, 2]`. All environments are in the state states[t]."""
    policy, head = state_dependent()
    seed, draw = keras.random.SeedGenerator(0), policy.host_sampler(np.random.default_rng(0))
    result = []
    for t in range(steps):
        loc, scale, factors = head(np.tile(states[t], (ENVS, 1)))
        if place == "device":
            sample = as_array(policy.sample(seed, loc, scale, factors))
        else:
            sample, _ = draw(*map(as_array, (loc, scale, factors)))
        result.append(sample - as_array(loc))
    return np.stack(result)


@pytest.mark.parametrize("place", ["host", "device"])
def test_noise_is_a_fixed_linear_function_of_the_state_until_it_is_redrawn(place):
    one, other = uniform(0, FEATURES), uniform(1, FEATURES)
    noise = noises(place, 7, [one, other, 2 * one - other, one, one, one, one])
    np.testing.assert_allclose(noise[2], 2 * noise[0] - noise[1], atol=1e-6)
    np.testing.assert_array_equal(noise[3], noise[4])
    np.testing.assert_array_equal(noise[3], noise[5])
    for before, after in ((0, 3), (5, 6)):
        assert np.all(noise[before] != noise[after])
    assert len(np.unique(noise[3, :, 0])) == ENVS  # each environment explores on its own


def test_a_host_rollout_starts_with_new_noise():
    policy, head = state_dependent()
    parameters = [as_array(x) for x in head(np.tile(uniform(0, FEATURES), (ENVS, 1)))]
    generator = np.random.default_rng(0)
    first, second = (policy.host_sampler(generator)(*parameters)[0] for _ in range(2))
    assert np.all(first != second)


def test_scale_is_the_standard_deviation_of_a_single_step_and_only_sigma_feels_it():
    policy, head = state_dependent()
    features = uniform(4, ENVS, FEATURES)
    sigma = np.exp(as_array(head.log_scale))
    expected = np.sqrt((features[:, :, None] ** 2 * sigma**2).sum(1) + 1e-6)
    np.testing.assert_allclose(as_array(head(features)[1]), expected, rtol=1e-5)
    np.testing.assert_allclose(as_array(head(features)[2]), features[:, :, None] * sigma, rtol=1e-5)

    def log_prob(features):
        return ops.sum(policy.distribution(*head(features)).log_prob(np.full((ENVS, 2), 0.4, np.float32))), ()

    for_sigma = as_array(engine.value_and_grad(lambda: log_prob(ops.convert_to_tensor(features)), [head.log_scale])()[1][0])
    # For each state: d log N(x; 0, s_a^2) / d log sigma_da
    # = (x^2 / s_a^2 - 1) z_d^2 sigma_da^2 / s_a^2
    by_hand = ((0.4**2 / expected**2 - 1) / expected**2)[:, None, :] * features[:, :, None] ** 2 * sigma**2
    np.testing.assert_allclose(for_sigma, by_hand.sum(0), rtol=1e-3, atol=1e-5)
    # The kernel of loc is 0, so features could move the log-probability only through the scale.
    np.testing.assert_array_equal(as_array(engine.value_and_grad(log_prob)(ops.convert_to_tensor(features))[1]), 0)
    head.loc.kernel.assign(np.ones((FEATURES, 2)))
    assert np.all(as_array(engine.value_and_grad(log_prob)(ops.convert_to_tensor(features))[1]) != 0)


def bounds_that_are_no_numbers():
    space = spaces.Box(-1, 1, (2,))
    space.low[0] = np.nan  # Gymnasium checks bounds when a Box is made, not when they are changed
    return space


@pytest.mark.parametrize(
    "make", [policy_for, NormalPolicy, lambda space: GSDEPolicy(space, num_envs=1, features=1, redraw_every=1)]
)
@pytest.mark.parametrize(
    ("space", "words"),
    [
        (spaces.Box(-np.inf, np.inf, (2,)), "expected finite bounds, low below high, received low"),
        (spaces.Box(-1, np.inf, (2,)), "expected finite bounds"),
        (bounds_that_are_no_numbers(), "expected finite bounds"),
        (spaces.Box(1, 1, (2,)), "expected finite bounds, low below high"),
        (spaces.Box(0, 5, (2,), np.int64), "expected a Box of floats with one axis, received Box"),
        (spaces.Box(0, 1, (2, 2)), "expected a Box of floats with one axis, received Box"),
        (spaces.Box(0, 1, ()), "expected a Box of floats with one axis, received Box"),
    ],
)
def test_boxes_that_cannot_be_acted_in(make, space, words):
    with raises(words) as error:
        make(space)
    assert str(error.value).startswith("action space: ")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (spaces.Discrete(3, start=1), "expected actions that count from 0, received Discrete"),
        (spaces.MultiDiscrete([2, 2], start=[0, 1]), "expected actions that count from 0, received MultiDiscrete"),
        (spaces.MultiDiscrete(np.full((2, 2), 3)), "expected one axis, received MultiDiscrete"),
        (spaces.MultiBinary((2, 2)), "expected one axis, received MultiBinary"),
        (spaces.Dict(a=spaces.Discrete(2)), "expected Discrete, MultiDiscrete, MultiBinary or Box, received Dict"),
        (spaces.Text(3), "expected Discrete, MultiDiscrete, MultiBinary or Box, received Text"),
    ],
)
def test_spaces_that_cannot_be_acted_in(space, words):
    with raises(words) as error:
        policy_for(space)
    assert len(str(error.value).splitlines()) == 1


def test_redrawing_needs_a_number_of_steps():
    with raises("redraw_every: expected an integer >= 1, received 0"):
        GSDEPolicy(BOX, num_envs=1, features=1, redraw_every=0)
