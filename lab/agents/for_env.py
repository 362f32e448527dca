"""`PPO.for_env(...)`: an algorithm, its networks and its environments in one call."""

import contextlib
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lab import validation

if TYPE_CHECKING:
    from lab.agents.agent import Agent

NOT_HERE = {  # settings of experiments that the face has as arguments
    "environment": "the first argument",
    "steps": "the argument of fit",
    "device": 'vectorization="device"',
    "check_episodes": "validation_episodes of fit",
    "evaluation_episodes": "episodes of evaluate",
    "wrappers": "functions",
    "environment_options": "a dict",
}

# {an argument of an algorithm, at the start of a message: the argument of for_env}
PARTS = (
    (r"^(online|target|actor|target_actor|model):", "network:"),
    (r"^(critics\.)?(online|targets)\[\d+\]:", "critic:"),
    (r"^env:", "environment:"),
)


# {a name in Stable-Baselines3: ours}
ELSEWHERE = {
    "gamma": "discount",
    "n_envs": "num_envs",
    "n_steps": "rollout_length",
    "n_epochs": "epochs",
    "batch_size": "minibatches, the number of parts",
    "ent_coef": "entropy_weight",
    "vf_coef": "value_weight",
    "clip_range": "clip",
    "max_grad_norm": "max_gradient_norm",
    "lr": "learning_rate",
    "tau": "polyak",
    "target_update_interval": "target_every, in updates",
    "train_freq": "rollout_length",
    "gradient_steps": "updates",
    "exploration_final_eps": "epsilon_end",
    "net_arch": "hidden",
    "policy_kwargs": "hidden, or network for a Keras model",
    "total_timesteps": "the argument of fit",
}


class ForEnv:
    """Gives an algorithm `for_env` and `load`, which make a `lab.agents.Agent`."""

    @classmethod
    def for_env(cls, environment: Any, **arguments: Any) -> "Agent":
        """An agent that learns in an environment by this algorithm.

        Args:
            environment: an id, a class or function that makes an environment, an environment, or a
                vector environment.
            **arguments: those of `lab.agents.for_env`: num_envs, vectorization, wrappers,
                environment_options, action_mask, network, critic, optimizer, epsilon, seed; and the
                fields of the class of the same name in `lab.agents.settings`, such as
                learning_rate, discount, hidden.
        """
        return for_env(cls, environment, **arguments)

    @classmethod
    def load(cls, path: Any, **arguments: Any) -> "Agent":
        """An agent of this algorithm from a file; see `lab.agents.load`."""
        from lab.agents import agent_file

        return agent_file.load(path, algorithm=cls, **arguments)


def for_env(
    algorithm: Any,
    environment: Any,
    *,
    num_envs: int | None = None,
    vectorization: str = "sync",
    wrappers: Iterable[Any] = (),
    environment_options: Mapping[str, Any] | None = None,
    action_mask: bool = True,
    network: Any = None,
    critic: Any = None,
    optimizer: Any = None,
    epsilon: Any = None,
    seed: int = 0,
    **settings: Any,
) -> "Agent":
    """An agent that learns in an environment by an algorithm.

        agent = PPO.for_env("LunarLander-v3", num_envs=16, learning_rate=3e-4, seed=0)

    Default networks fit the observations: dense layers for vectors, convolutions for images, a GRU
    for sequences, all of them side by side for a Dict.

    Args:
        algorithm: a class: DQN, REINFORCE, A2C, PPO, RecurrentPPO, DDPG, TD3 or SAC.
        environment: a Gymnasium id, a class or function that makes an environment, an environment,
            or a vector environment.
        num_envs: environments side by side.
        vectorization: "sync" steps them one after the other, "async" in processes of their own,
            "device" compiles the environments ("lab/..." ones) and the agent into one program.
        wrappers: functions, environment -> environment, the innermost first.
        environment_options: keyword arguments of the environment.
        action_mask: whether masks of actions, `info["action_mask"]`, are obeyed.
        network: a Keras model of your own, or a function (observation space, action space) ->
            model. For DQN, observation -> action values. For REINFORCE, A2C and PPO, observation
            -> features `[B, F]`, or -> [parameters of the policy, value `[B]`]. For SAC, TD3 and
            DDPG, the actor. For RecurrentPPO a function that returns what
            `lab.models.recurrent_actor_critic` does. A Dict's parts are the inputs, by name.
        critic: the same for the critics of SAC, TD3 and DDPG: [observation, action] -> value.
        optimizer: a Keras optimizer or its name, such as "adam". Where an agent needs several, the
            others are copies.
        epsilon: of DQN, the probability of a random action: a number, or a function of
            environment steps.
        seed: of all random numbers.
        **settings: fields of the algorithm's class in `lab.agents.settings`.

    Raises:
        ValueError: an argument is bad, or the algorithm cannot learn in the environment.
    """
    from lab.agents.agent import Agent
    from lab.agents.building import BUILDERS
    from lab.agents.own import Own
    from lab.agents.schedules import Horizon, Rate
    from lab.agents.source import Source

    if algorithm not in BUILDERS:
        names = ", ".join(each.__name__ for each in BUILDERS)
        raise ValueError(f"algorithm: expected one of {names}, received {getattr(algorithm, '__name__', algorithm)}.")
    builder, seed, epsilon = BUILDERS[algorithm], validation.integer("seed", seed, 0), _plain(epsilon)
    settings = {name: _plain(value) for name, value in settings.items()}
    if isinstance(network, str):
        settings["network"], network = network, None
    num_envs = getattr(environment, "num_envs", None) or num_envs
    config = _config(algorithm.__name__, builder.settings, settings | ({} if num_envs is None else {"num_envs": num_envs}))
    parts = np.random.SeedSequence(seed).generate_state(builder.count(config) + 2)
    *parts, training, testing = parts.tolist()
    with _in_words_of_the_user():
        source = Source(
            environment,
            num_envs=config.num_envs,
            vectorization=vectorization,
            wrappers=wrappers,
            options=environment_options,
            action_mask=action_mask,
        )
    _require_actions(algorithm.__name__, config, source.actions)
    own = Own(network, critic, optimizer, epsilon, (source.raw, source.actions))
    _require_used(algorithm.__name__, own, config)
    if "learning_rate" in settings and not isinstance(optimizer, str | None):
        raise ValueError("learning_rate: expected in the optimizer, which is given, received beside it.")
    horizon = Horizon(config)
    with _in_words_of_the_user():
        made = builder.build(config, source.observations, source.actions, parts, horizon, own)
    made.variables.append(horizon.steps)
    shown = {name: value for name, value in vars(config).items() if name not in NOT_HERE}
    agent = Agent(made, _rollout(made, source, training), source, shown, seed=seed, testing=testing)
    agent.horizon = horizon
    if not hasattr(made, "critics") and (optimizer is None or isinstance(optimizer, str)):
        agent.rates = [Rate(made.optimizer, horizon)]
    agent.recipe = {"settings": settings, "own": own}
    return agent


def _plain(value):
    """A number of NumPy as Python's, a list or an array as a tuple, so that a file can hold it."""
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(_plain(each) for each in value)
    return value.item() if isinstance(value, np.generic) else value


def _rollout(algorithm, source, seed):
    from lab.agents.rollout import DeviceRollout, HostRollout

    if source.vectorization != "device":
        return HostRollout(algorithm, source.training, seed=seed)
    envs = source.training
    return DeviceRollout(algorithm, envs.functional, max_episode_steps=envs.max_episode_steps, seed=seed)


def _config(name, kind, given):
    """The settings of an algorithm; a ValueError names the argument."""
    known = [field.name for field in dataclasses.fields(kind) if field.name not in NOT_HERE]
    for each in given:
        if each in NOT_HERE:
            raise ValueError(f"{each}: expected as {NOT_HERE[each]}, received as a setting of {name}.")
        if each in ELSEWHERE and each not in known:
            raise ValueError(f"{each}: expected its name here, {ELSEWHERE[each]}, received {each!r}.")
        validation.require_name(f"settings of {name}", each, known)
    with _in_words_of_the_user():
        return kind(steps=2 * 10**9, **given)


@contextlib.contextmanager
def _in_words_of_the_user() -> Iterator[None]:
    """Messages name the arguments of `for_env`, not flags and not parts of the algorithm."""
    try:
        yield
    except ValueError as error:
        message = re.sub(r"--([a-z][a-z-]*)", lambda match: match[1].replace("-", "_"), str(error))
        for pattern, name in PARTS:
            message = re.sub(pattern, name, message)
        raise type(error)(message) from error


def _require_actions(name, config, space):
    if config.actions and type(space).__name__ != config.actions:
        received = " ".join(str(space).split())
        raise ValueError(f"environment: expected a {config.actions} action space for {name}, received {received}.")


def _require_used(name, own, config):
    """ValueError for what the algorithm has not."""
    if own.epsilon is not None and not hasattr(config, "epsilon_end"):
        raise ValueError(f"epsilon: expected with DQN, received with {name}.")
    if isinstance(own.epsilon, int | float):
        validation.UNIT.check("epsilon", own.epsilon)
    if (own.critic is not None and not hasattr(config, "polyak")) or (own.critic is not None and name == "DQN"):
        raise ValueError(f"critic: expected with SAC, TD3 or DDPG, received with {name}.")
