"""Small learners of every family whose seeds can be one program."""

from types import SimpleNamespace

import numpy as np

from experiments import a2c_cartpole, dqn_cartpole, ppo_cartpole, sac_pendulum
from experiments.common import deep_agents, mixture
from lab.agents import building
from lab.data import grid

SMALL = {"device": True, "hidden": (8, 8), "evaluation_episodes": 3}
REPLAY = {"buffer_size": 256, "learning_starts": 64}
AGENTS = {
    "ppo": (ppo_cartpole.Config(steps=512, rollout_length=8, epochs=2, **SMALL), building.ppo, 2),
    "a2c": (a2c_cartpole.Config(steps=512, **SMALL), building.a2c, 2),
    "dqn": (dqn_cartpole.Config(steps=512, updates=4, batch_size=16, **REPLAY, **SMALL), building.dqn, 3),
    "sac": (sac_pendulum.Config(steps=512, batch_size=16, **REPLAY, **SMALL), building.sac, 5),
}
MIXTURE = mixture.Mixture(epochs=1, samples=640, batch_size=8, generator_units=8, discriminator_units=4)
FAMILIES = [*AGENTS, "gan"]


def train(family, seed):
    """The variables of a learner after a few updates, and the returns of greedy episodes."""
    return _gan(seed) if family == "gan" else _agent(*AGENTS[family], seed)


def _agent(config, build, count, seed):
    environments = deep_agents.Environments(config)
    parts = np.random.SeedSequence(seed).generate_state(count + 1).tolist()
    agent = build(config, environments.observations, environments.actions, parts[:count], deep_agents.Schedules(config))
    rollout = environments.rollout(agent, parts[count])
    returns = environments.evaluation(agent, [3], together=True)  # PPO's Discrete actions, SAC's Box
    if agent.learning_starts:
        rollout.run(agent.learning_starts // (rollout.num_envs * agent.rollout_length), learn=False)
    seen = []
    for _ in range(2):
        rollout.run(2, learn=True)
        seen += [returns(episodes=3, seed=4)] if type(agent).__name__ in ("PPO", "SAC") else []
    return [*agent.variables, *rollout.variables, *seen]


def _gan(seed):
    found = SimpleNamespace(seed=seed, together=True)
    gan, x, _ = mixture.prepare(MIXTURE, found, grid())
    gan.fit(x, None, MIXTURE.turn_size, epochs=1, verbose=0)
    return gan.state
