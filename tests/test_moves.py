"""How many calls go from file to file in one rollout and update: a reader follows each of them.

A move is one call in the traced run, whose caller and callee are in different files of lab/, envs/
or experiments/. The engine, components, networks and checks of arguments do not count: they are
used like Keras's own modules. A call that goes through them counts between the files at both ends.
"""

import collections
import sys
from functools import partial

import numpy as np
import pytest

from lab import agents
from lab.agents import environments, exploration
from lab.data import ring
from lab.gan import GAN, r1, r2
from lab.losses import adversarial
from lab.models import actor_critic, dense_torso, mixture_discriminator, mixture_generator, mlp
from lab.optimizers import Adam
from tests.processes import ROOT

PACKAGES = ("agents", "data", "gan", "metrics", "runs", "supervised", "visualize")
COUNTED = tuple(f"{ROOT}/{folder}/" for folder in (*(f"lab/{package}" for package in PACKAGES), "envs", "experiments"))


class Moves:
    """Counts the moves of a traced run."""

    def __init__(self):
        self.moves = collections.Counter()

    def __call__(self, frame, event, _):
        if event != "call" or not _counted(frame):
            return
        caller = frame.f_back
        while caller is not None and not _counted(caller):
            caller = caller.f_back
        if caller is not None and caller.f_code.co_filename != frame.f_code.co_filename:
            self.moves[_name(caller), _name(frame)] += 1

    def files(self):
        return {name.split(":")[0] for move in self.moves for name in move}

    def __str__(self):
        return "\n".join(f"{count} {caller} -> {callee}" for (caller, callee), count in self.moves.items())


def _counted(frame):
    return frame.f_code.co_filename.startswith(COUNTED)


def _name(frame):
    return f"{frame.f_code.co_filename.removeprefix(f'{ROOT}/')}:{frame.f_code.co_name}"


def traced(function):
    moves = Moves()
    sys.setprofile(moves)
    try:
        function()
    finally:
        sys.setprofile(None)
    return moves


def rollout(make):
    """An agent on CartPole, and its rollout of one step."""
    envs = environments.make_vector("CartPole-v1", 1)
    found = agents.HostRollout(make(envs), envs, seed=0)
    found.reset(0)
    return found


def dqn(envs):
    network = partial(mlp, (4,), (8,), 2, seed=0)
    return agents.DQN(
        online=network(),
        target=network(),
        optimizer=Adam(1e-3),
        replay=agents.UniformReplay(100, envs.single_observation_space, envs.single_action_space, seed=0),
        batch_size=4,
        rollout_length=1,
        learning_starts=0,
        epsilon=exploration.linear(1.0, 0.1, 100),
        seed=0,
    )


def ppo(envs):
    policy = agents.policy_for(envs.single_action_space)
    network = agents.FeedForward(actor_critic((4,), policy.head, torso=dense_torso((8,)), seed=0), policy)
    options = {"rollout_length": 1, "epochs": 1, "minibatches": 1, "normalize_advantage": False}
    return agents.PPO(network=network, optimizer=Adam(1e-3), seed=0, **options)


@pytest.mark.slow
@pytest.mark.parametrize(("make", "most", "most_files"), [(dqn, 12, 6), (ppo, 20, 8)])
def test_one_rollout_and_update_of_an_agent(module_graphs, make, most, most_files):
    found = rollout(make)
    moves = traced(lambda: found.run(1, True))
    assert moves.moves.total() <= most, f"{moves.moves.total()} moves, expected at most {most}:\n{moves}"
    assert len(moves.files()) <= most_files, f"{sorted(moves.files())}"


@pytest.mark.slow
def test_one_update_of_a_gan(module_graphs):
    gan = GAN(
        mixture_generator(seed=1),
        mixture_discriminator(seed=2),
        adversarial.relativistic,
        generator_optimizer=Adam(1e-3),
        discriminator_optimizer=Adam(1e-3),
        penalties=[r1(1.0), r2(1.0)],
        seed=0,
    )
    x = ring().sample(64, np.random.default_rng(0))
    moves = traced(lambda: gan.fit(x, batch_size=64, verbose=0))
    assert moves.moves.total() <= 15, f"{moves.moves.total()} moves, expected at most 15:\n{moves}"
