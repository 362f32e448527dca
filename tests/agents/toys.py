"""A small environment with every kind of observation and action, and agents with tiny networks."""

import gymnasium
import numpy as np
from gymnasium import spaces

from lab import agents

VECTOR = spaces.Box(-1, 1, (3,), np.float32)
IMAGE = spaces.Box(0, 255, (6, 6, 3), np.uint8)
SEEN = {
    "vector": VECTOR,
    "image": IMAGE,
    "dict": spaces.Dict(camera=IMAGE, gear=spaces.Discrete(3), speed=VECTOR),
    "discrete": spaces.Discrete(5),
    "sequence": spaces.Box(-1, 1, (2, 3), np.float32),
}
DONE = {
    "discrete": spaces.Discrete(3),
    "multi": spaces.MultiDiscrete([2, 3]),
    "binary": spaces.MultiBinary(2),
    "box": spaces.Box(np.array([-2.0, 0.0], np.float32), np.array([2.0, 1.0], np.float32)),
}


class Toy(gymnasium.Env):
    """Episodes of `length` random observations. With masks it refuses the actions they forbid."""

    def __init__(self, seen="vector", done="discrete", masked=False, length=4):
        self.observation_space, self.action_space = SEEN[seen], DONE[done]
        self.masked, self.length = masked, length

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._t = 0
        return self._next(), self._info()

    def step(self, action):
        assert self.action_space.contains(action), action
        if self.masked:
            allowed = zip(self._masks, np.atleast_1d(action), strict=True)
            assert all(mask[part] for mask, part in allowed), f"{action} is forbidden by {self._masks}"
        self._t += 1
        return self._next(), float(np.sum(action)), self._t == self.length, False, self._info()

    def _next(self):
        self.observation_space.seed(int(self.np_random.integers(2**31)))
        return self.observation_space.sample()

    def _info(self):
        if not self.masked:
            return {}
        counts = [self.action_space.n] if isinstance(self.action_space, spaces.Discrete) else self.action_space.nvec
        self._masks = [self._mask(int(count)) for count in counts]
        return {"action_mask": self._masks[0] if len(self._masks) == 1 else tuple(self._masks)}

    def _mask(self, count):
        mask = self.np_random.integers(2, size=count).astype(np.int8)
        mask[self.np_random.integers(count)] = 1
        return mask


NETWORK = {"rollout_length": 4, "hidden": (4,), "num_envs": 2}
REPLAY = NETWORK | {"learning_starts": 8, "batch_size": 4, "buffer_size": 40}
UPDATES = {"epochs": 1, "minibatches": 1}
ANY = ("discrete", "multi", "binary", "box")
# {algorithm: (small settings, kinds of actions)}
SMALL = {
    agents.DQN: (REPLAY, ("discrete",)),
    agents.REINFORCE: (NETWORK, ANY),
    agents.A2C: (NETWORK, ANY),
    agents.PPO: (NETWORK | UPDATES, ANY),
    agents.RecurrentPPO: (NETWORK | UPDATES | {"rollout_length": 2, "units": 2}, ANY),
    agents.DDPG: (REPLAY, ("box",)),
    agents.TD3: (REPLAY, ("box",)),
    agents.SAC: (REPLAY, ("box",)),
}


def small(algorithm, environment=Toy, **arguments):
    """An agent with a tiny network."""
    return algorithm.for_env(environment, **SMALL[algorithm][0] | arguments)


def same(one, other):
    """Whether two agents have the same bits."""
    pairs = zip(one.variables, other.variables, strict=True)
    return one.step == other.step and all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)


def fit(agent, steps=16, **options):
    """Learns for two reports, without a progress bar."""
    return agent.fit(steps, **{"verbose": 0, "report_every": 8} | options)
