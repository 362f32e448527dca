import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import SyncVectorEnv
from keras import ops

from envs.cartpole import CartPole
from lab import engine
from lab.agents import DeviceRollout, HostRollout
from lab.agents.rollout import EnvironmentFailure
from tests.agents.identity import DeviceIdentity, Identity, vectorize


class Constant:
    """An agent that always takes the same action."""

    variables = ()
    rollout_length, learning_starts = 5, 0

    def __init__(self, action=1):
        self.action = action

    def require_place(self, observation_space, action_space, num_envs):
        pass

    def act(self, observation, start):
        batch = ops.shape(observation)[0]
        return ops.full((batch,), self.action, dtype="int32"), {"value": ops.sum(observation, axis=-1)}

    def host_policy(self, generator=None):
        return lambda observation, start: (np.full(len(observation), self.action), {"value": observation.sum(-1)})

    def observe(self, trajectory):
        return None

    def learn(self, trajectory):
        return {"reward": ops.mean(trajectory.reward)}


class Counter(gymnasium.Env):
    """The observation is the number of the step within the episode."""

    observation_space, action_space = Box(0, 100, (1,), np.float32), Discrete(2)

    def __init__(self, length=3, end="terminated", poison=None):
        self.length, self.end, self.poison = length, end, poison

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        ended = self.t == self.length
        value = np.nan if self.poison == ("observation", self.t) else self.t
        reward = np.nan if self.poison == ("reward", self.t) else float(self.t)
        if self.poison == ("raise", self.t):
            raise RuntimeError("the machine is on fire")
        observation = np.array([value], np.float32)
        return observation, reward, ended and self.end == "terminated", ended and self.end == "truncated", {}


@pytest.mark.parametrize("end", ["terminated", "truncated"])
def test_the_last_observation_of_an_episode_is_the_true_one(end):
    rollout = HostRollout(Constant(), vectorize(lambda: Counter(end=end), 2), seed=0)
    rollout.reset(0)
    trajectory = rollout.collect(7)
    np.testing.assert_array_equal(trajectory.observation[:, 0, 0], [0, 1, 2, 0, 1, 2, 0])
    np.testing.assert_array_equal(trajectory.next_observation[:, 1, 0], [1, 2, 3, 1, 2, 3, 1])
    np.testing.assert_array_equal(trajectory.reward[:, 0], [1, 2, 3, 1, 2, 3, 1])
    ended = [False, False, True, False, False, True, False]
    np.testing.assert_array_equal(getattr(trajectory, end)[:, 0], ended)
    assert not getattr(trajectory, "truncated" if end == "terminated" else "terminated").any()
    np.testing.assert_array_equal(trajectory.extras["value"], trajectory.observation[..., 0])
    np.testing.assert_array_equal(rollout.collect(2).observation[:, 0, 0], [1, 2])  # goes on where it was


def test_episodes_are_counted_once_and_whole():
    rollout = HostRollout(Constant(), vectorize(Counter, 2), seed=0)
    rollout.reset(0)
    batch = rollout.run(3, True)  # 15 steps in each of 2 environments: 5 episodes each
    np.testing.assert_array_equal(batch.episode_returns, [6] * 10)
    np.testing.assert_array_equal(batch.episode_lengths, [3] * 10)
    assert batch.metrics["reward"] == pytest.approx(2.0)
    assert rollout.run(1, False).metrics == {}
    rollout.reset(5)  # cuts the running episodes; they are not reported
    assert set(rollout.run(3, True).episode_returns) == {6}


def test_resets_depend_on_seed_and_step_alone():
    def first(seed, step, before=()):
        rollout = HostRollout(Constant(), vectorize(Identity, 2), seed=seed)
        for earlier in before:
            rollout.reset(earlier)
            rollout.collect(3)
        rollout.reset(step)
        return rollout.collect(4).observation

    np.testing.assert_array_equal(first(1, 10), first(1, 10, before=(0, 5)))
    assert (first(1, 10) != first(1, 20)).any()
    assert (first(1, 10) != first(2, 10)).any()


def test_same_step_autoreset_is_required():
    with pytest.raises(ValueError, match=r"expected AutoresetMode.SAME_STEP, received .*NEXT_STEP"):
        HostRollout(Constant(), SyncVectorEnv([Counter]), seed=0)


@pytest.mark.parametrize("name", ["observation", "reward"])
def test_nan_from_an_environment_is_named(name):
    rollout = HostRollout(Constant(), vectorize(lambda: Counter(poison=(name, 2))), seed=0)
    rollout.reset(0)
    where = "observation|next_observation" if name == "observation" else name
    with pytest.raises(EnvironmentFailure, match=rf"environment 0: expected a finite ({where}), received \[?nan"):
        rollout.collect(5)


def test_an_environment_that_raises_is_heard():
    rollout = HostRollout(Constant(), vectorize(lambda: Counter(poison=("raise", 2))), seed=0)
    rollout.reset(0)
    with pytest.raises(RuntimeError, match="on fire"):
        rollout.collect(5)


def collect_on_device(rollout, length):
    program = engine.compile(lambda: rollout.collect(length), rollout.variables)
    trajectory = program()
    return type(trajectory)(*map(np.asarray, trajectory[:-1]), {k: np.asarray(v) for k, v in trajectory.extras.items()})


@pytest.mark.slow
def test_device_episodes_terminate_reset_and_go_on():
    rollout = DeviceRollout(Constant(0), DeviceIdentity(3, length=4), max_episode_steps=100, seed=0)
    trajectory = collect_on_device(rollout, 10)
    np.testing.assert_array_equal(np.flatnonzero(trajectory.terminated[:, 0]), [3, 7])
    assert not trajectory.truncated.any()
    assert trajectory.observation.shape == (10, 3, 3)
    # Within an episode the next observation is the observation of the next step.
    same = (trajectory.next_observation[:-1] == trajectory.observation[1:]).all(-1)
    assert same[~trajectory.terminated[:-1]].all()
    np.testing.assert_array_equal(trajectory.reward, trajectory.observation[..., 0])
    batch = rollout.run(4, True)  # 20 more steps: five episodes end in each environment
    np.testing.assert_array_equal(batch.episode_lengths, [4] * 15)


def test_device_time_limit_truncates():
    rollout = DeviceRollout(Constant(0), DeviceIdentity(2, length=50), max_episode_steps=3, seed=0)
    trajectory = collect_on_device(rollout, 7)
    np.testing.assert_array_equal(np.flatnonzero(trajectory.truncated[:, 1]), [2, 5])
    assert not trajectory.terminated.any()


def test_device_and_host_steps_of_cartpole_agree():
    device = DeviceRollout(Constant(1), CartPole(4), max_episode_steps=500, seed=0)
    trajectory = collect_on_device(device, 30)
    env = gymnasium.make("CartPole-v1").unwrapped
    env.reset(seed=0)
    for b in range(4):
        for t in range(30):
            env.state, env.steps_beyond_terminated = trajectory.observation[t, b].astype(float), None
            observation, reward, terminated, _, _ = env.step(1)
            np.testing.assert_allclose(trajectory.next_observation[t, b], observation, atol=1e-6)
            assert (trajectory.reward[t, b], trajectory.terminated[t, b]) == (reward, terminated)
    assert trajectory.terminated.any()
