"""An agent refuses models, optimizers and spaces that do not fit together, when it is made.

Nothing is compiled here.
"""

import keras
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete

from lab.agents import (
    A2C,
    DDPG,
    DQN,
    PPO,
    SAC,
    Critics,
    DeviceRollout,
    FeedForward,
    GaussianNoise,
    GSDEPolicy,
    HostRollout,
    LearntTemperature,
    OrnsteinUhlenbeckNoise,
    Recurrent,
    RewardScaling,
    UniformReplay,
    exploration,
    policy_for,
)
from lab.models import actor_critic, critic, dense_torso, deterministic_actor, gaussian_actor, mlp, recurrent_actor_critic
from tests.agents.identity import TORQUE, DeviceIdentity, Identity, vectorize
from tests.contracts import raises

SEEN = Box(-1, 1, (3,), np.float32)


def optimizer():
    return keras.optimizers.Adam()


def dqn(**changes):
    replay = UniformReplay(64, SEEN, changes.pop("actions", Discrete(2)), seed=0)
    parts = {"online": mlp((3,), (4,), 2, seed=0), "target": mlp((3,), (4,), 2, seed=1), "optimizer": optimizer()}
    return DQN(replay=replay, epsilon=exploration.constant(0.1), seed=0, **parts | changes)


def used():
    """An optimizer that another model uses."""
    made = optimizer()
    made.build(mlp((3,), (4,), 2, seed=0).trainable_variables)
    return made


ONLINE = mlp((3,), (4,), 2, seed=0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"online": mlp((3,), (4,), 5, seed=0)},
            r"online: expected outputs \[B, 2\], a value of each action of Discrete\(2\), received \[B, 5\]",
        ),
        (
            {"online": mlp((4,), (4,), 2, seed=0)},
            r"online: expected inputs \[B, 3\], the replay's observations, received \[B, 4\]",
        ),
        (
            {"online": ONLINE, "target": ONLINE},
            "target: expected a model with weights of its own, received one that shares 'mlp/hidden_0/kernel' with online",
        ),
        (
            {"target": mlp((3,), (8,), 2, seed=1)},
            r"target: expected the architecture of online, with weights \[\[3, 4\], .*, received \[\[3, 8\]",
        ),
        ({"target": mlp((3,), (4, 4), 2, seed=1)}, "target: expected the architecture of online"),
        ({"optimizer": used()}, "optimizer: expected an optimizer that is new, received one that already serves a model"),
        (
            {"actions": Discrete(2, start=1)},
            r"action space: expected actions that count from 0, received Discrete\(2, start=1\); gymnasium.wrappers",
        ),
        ({"actions": MultiDiscrete([2, 2])}, r"action space: expected Discrete, received MultiDiscrete"),
        ({"actions": TORQUE}, "action space: expected Discrete, received Box"),
        ({"batch_size": 65}, "batch_size: expected at most the replay's 64, received 65"),
    ],
)
def test_dqn(changes, words):
    with raises(words):
        dqn(**changes)


def critics(count=2, online=None, targets=None, made=None):
    one, two = ([critic((3,), 1, (4,), seed=10 * n + k) for k in range(count)] for n in range(2))
    return Critics(online or one, targets or two, made or optimizer())


SAME = critic((3,), 1, (4,), seed=0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"online": [SAME, SAME]},
            r"online\[1\]: expected a model with weights of its own, received one that shares .* with online\[0\]",
        ),
        ({"online": [SAME], "targets": [SAME]}, r"targets\[0\]: expected a model with weights of its own, .* with online\[0\]"),
        ({"count": 2, "targets": [SAME]}, "targets: expected one for each online network, 2 > 0, received 1"),
        ({"count": 1, "targets": [critic((3,), 1, (5,), seed=0)]}, r"targets\[0\]: expected the architecture of online\[0\]"),
        (
            {"count": 1, "online": [mlp((3,), (4,), 3, seed=0)]},
            r"online\[0\]: expected outputs \[B, 1\], one value, received \[B, 3\]",
        ),
        ({"made": used()}, "optimizer: expected an optimizer that is new"),
    ],
)
def test_critics(changes, words):
    with raises(words):
        critics(**changes)


def ddpg(**changes):
    parts = {
        "actor": deterministic_actor((3,), 1, (4,), seed=0),
        "target_actor": deterministic_actor((3,), 1, (4,), seed=1),
        "critics": critics(1),
        "optimizer": optimizer(),
        "replay": UniformReplay(64, SEEN, TORQUE, seed=0),
        "action_space": TORQUE,
    }
    return DDPG(batch_size=8, seed=0, **{"noise": GaussianNoise(0.1)} | parts | changes)


ACTOR, SHARED = deterministic_actor((3,), 1, (4,), seed=0), optimizer()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"actor": ACTOR, "target_actor": ACTOR}, "target_actor: expected a model with weights of its own"),
        ({"actor": gaussian_actor((3,), 1, (4,), seed=0)}, "target_actor: expected the architecture of actor"),
        (
            {"critics": critics(1, [critic((2,), 1, (4,), seed=0)], [critic((2,), 1, (4,), seed=1)])},
            r"critics.online\[0\]: expected inputs \[B, 3\] and \[B, 1\], observations and actions, "
            r"received \[B, 2\] and \[B, 1\]",
        ),
        (
            {"critics": critics(1, made=SHARED), "optimizer": SHARED},
            "optimizer: expected an optimizer that is new, .*; give each one its own",
        ),
        (
            {"replay": UniformReplay(64, SEEN, Box(-1, 1, (1,)), seed=0)},
            r"replay: expected the actions of Box\(-2.0, 4.0, \(1,\), float32\), received Box\(-1.0, 1.0",
        ),
        (
            {"replay": UniformReplay(64, Box(-1, 1, (2,)), TORQUE, seed=0)},
            r"actor: expected inputs \[B, 2\], the replay's observations, received \[B, 3\]",
        ),
    ],
)
def test_ddpg(changes, words):
    with raises(words):
        ddpg(**changes)


def test_actors_of_the_wrong_shape():
    wide = {"actor": deterministic_actor((3,), 2, (4,), seed=0), "target_actor": deterministic_actor((3,), 2, (4,), seed=1)}
    with raises(r"actor: expected outputs \[B, 1\], an action in the unit cube of Box.*, received \[B, 2\]"):
        ddpg(**wide)
    options = {"critics": critics(), "replay": UniformReplay(64, SEEN, TORQUE, seed=0), "action_space": TORQUE, "batch_size": 8}
    learnt = optimizer()
    with raises(
        r"actor: expected outputs \[B, 1\] and \[B, 1\], mean and standard deviation of an action of Box.*, received \[B, 1\]"
    ):
        SAC(actor=ACTOR, optimizer=learnt, temperature=LearntTemperature(1, optimizer()), seed=0, **options)
    with raises("optimizer: expected an optimizer that is new"):
        LearntTemperature(1, learnt)


def network(policy, outputs, **options):
    """A network for one policy, with a model that was made for another policy."""
    return FeedForward(actor_critic((3,), outputs.head, torso=dense_torso((4,)), seed=0, **options), policy)


@pytest.mark.parametrize(
    ("policy", "other", "words"),
    [
        (
            policy_for(Discrete(2)),
            policy_for(Discrete(5)),
            r"expected outputs \[B, 2\] and \[B\], the logits of Discrete\(2\) and a value, received \[B, 5\] and \[B\]",
        ),
        (
            policy_for(Discrete(2)),
            policy_for(TORQUE),
            r"expected outputs \[B, 2\] and \[B\], .* received \[B, 1\] and \[B, 1\] and \[B\]",
        ),
        (
            policy_for(MultiDiscrete([2, 3])),
            policy_for(Discrete(2)),
            r"expected outputs \[B, 5\] and \[B\], the logits of MultiDiscrete\(\[2 3\]\) and a value, received \[B, 2\]",
        ),
        (
            policy_for(TORQUE),
            policy_for(Box(-1, 1, (2,))),
            r"expected outputs \[B, 1\] and \[B, 1\] and \[B\], mean and standard deviation",
        ),
        (
            GSDEPolicy(TORQUE, num_envs=2, features=3, redraw_every=1),
            policy_for(TORQUE),
            r"expected outputs \[B, 1\] and \[B, 1\] and \[B, 3, 1\] and \[B\]",
        ),
    ],
)
def test_actor_critics(policy, other, words):
    with raises(f"model: {words}"):
        network(policy, other)


def test_recurrent_networks():
    build = recurrent_actor_critic((3,), policy_for(Discrete(5)).head, units=2, hidden=(), seed=0)
    with raises(
        r"model: expected outputs \[B, 4, 2\] and \[B, 4\] and \[B, 2\].*, a value and the memory, received \[B, 4, 5\]"
    ):
        Recurrent(build, policy_for(Discrete(2)), num_envs=2, length=4)


def ppo(policy, **options):
    return PPO(network=network(policy, policy), optimizer=optimizer(), seed=0, **options)


def recurrent():
    policy = policy_for(Discrete(2))
    build = recurrent_actor_critic((3,), policy.head, units=2, hidden=(), seed=0)
    return PPO(network=Recurrent(build, policy, num_envs=2, length=4), optimizer=optimizer(), seed=0)


@pytest.mark.parametrize("kind", [A2C, PPO])
def test_an_optimizer_of_two_agents(kind):
    policy, one = policy_for(Discrete(2)), optimizer()
    kind(network=network(policy, policy), optimizer=one, seed=0)
    with raises("optimizer: expected an optimizer that is new"):
        kind(network=network(policy, policy), optimizer=one, seed=0)


@pytest.mark.parametrize(
    ("make", "place", "words"),
    [
        (
            dqn,
            (Box(-1, 1, (4,)), Discrete(2), 1),
            r"agent: expected observations of shape \[3\], which its model takes, received Box",
        ),
        (
            dqn,
            (SEEN, Discrete(5), 1),
            r"agent: expected the actions of Discrete\(2\), for which it was made, received Discrete\(5\)",
        ),
        (ddpg, (SEEN, Box(-1, 1, (1,)), 1), "agent: expected the actions of Box"),
        (
            lambda: ddpg(noise=OrnsteinUhlenbeckNoise(2, 1)),
            (SEEN, TORQUE, 3),
            "agent: expected 2 environments, as its OrnsteinUhlenbeckNoise has, received 3",
        ),
        (lambda: ppo(policy_for(Discrete(2))), (SEEN, Discrete(3), 1), "agent: expected the actions of Discrete"),
        (
            lambda: ppo(policy_for(Discrete(2))),
            (Box(-1, 1, (3, 3)), Discrete(2), 1),
            r"agent: expected observations of shape \[3\]",
        ),
        (
            lambda: ppo(GSDEPolicy(TORQUE, num_envs=1, features=4, redraw_every=1)),
            (SEEN, TORQUE, 4),
            "agent: expected 1 environments, as its GSDEPolicy has, received 4",
        ),
        (
            lambda: ppo(policy_for(Discrete(2)), rewards=RewardScaling(1, 0.9)),
            (SEEN, Discrete(2), 4),
            "agent: expected 1 environments, as its RewardScaling has, received 4",
        ),
        (recurrent, (SEEN, Discrete(2), 4), "agent: expected 2 environments, as its Recurrent has, received 4"),
    ],
)
def test_environments_that_an_agent_was_not_made_for(make, place, words):
    with raises(words):
        make().require_place(*place)


@pytest.mark.parametrize("make", [dqn, ddpg, lambda: ppo(policy_for(Discrete(2)))], ids=["DQN", "DDPG", "PPO"])
def test_rollouts_ask_before_anything_is_compiled(make):
    envs = vectorize(Identity, 2)
    envs.single_action_space = Discrete(7)
    with raises("agent: expected the actions of"):
        HostRollout(make(), envs, seed=0)
    device = DeviceIdentity(2)
    device.action_space = Discrete(7)
    with raises("agent: expected the actions of"):
        DeviceRollout(make(), device, max_episode_steps=5, seed=0)
