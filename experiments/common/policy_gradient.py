"""What the experiments of policy gradients share: their environments, the loop, the evaluation and the pictures."""

import functools
import math
from dataclasses import dataclass

from lab import validation
from lab.agents import environment_checks, environments
from lab.agents.steps import round_up, whole_steps
from lab.runs import keras_settings, memory


@dataclass(frozen=True)
class Environment:
    """Settings of an environment that all deep agents have."""

    environment_options: tuple[str, ...] = ()
    """Keyword arguments of the environment, as name=value; values are JSON, such as 3, true or [1,2], or else text."""
    wrappers: tuple[str, ...] = ()
    """Wrappers of the environment, the innermost first, each as "module:name" or "module:name argument=value ..."."""


def require_environment(config, check=environment_checks.check, space=None):
    """Stops at an environment that the agents cannot learn in, or that is not to be had on the device.

    Args:
        space: the type of action space that the agent needs, if not any of `environments.check_actions`.
    """
    from envs import FUNCTIONAL

    arguments = environments.arguments(vars(config))
    frame_stack, changed = arguments["frame_stack"], bool(arguments["options"] or arguments["wrappers"])
    ours = config.environment.removeprefix("lab/") in FUNCTIONAL
    named = ours and config.environment.startswith("lab/")
    if changed or space or not named:  # the others are fit
        if named:  # to make one imports Keras
            keras_settings.choose_backend(keras_settings.backend())
            keras_settings.import_keras()
        environment_checks.require_environment(
            config.environment, space, check=check, make=lambda name: environments.make(name, **arguments)
        )
    if config.device:
        validation.require(not changed, "device", "no --environment-options and no --wrappers with --device", config.device)
        validation.require(ours, "environment", f"one of {', '.join(FUNCTIONAL)} with --device", config.environment)
        validation.require(frame_stack == 1, "frame_stack", "1 with --device", frame_stack)


@functools.cache
def sizes(name, frame_stack, options, wrappers):
    """(numbers in an observation, its bytes, bytes of an action, bytes of an environment)."""
    from gymnasium.spaces import utils

    if (
        name.startswith("lab/") and not options and not wrappers
    ):  # those of ours that step together are a few arrays, and to make one imports Keras
        return 8, 32, 4, 1_000

    def make():
        arguments = {"frame_stack": frame_stack, "environment_options": options, "wrappers": wrappers}
        env = environments.make(name, **environments.arguments(arguments))
        env.reset(seed=0)
        return env

    env = make()
    space = env.observation_space
    numbers, action = math.prod(space.shape), 4 * utils.flatdim(env.action_space)
    env.close()
    return numbers, numbers * min(space.dtype.itemsize, memory.FLOAT), action, memory.of_each(make)


def needs(config, networks=1, replay=0):
    """What a run of a deep agent holds: `memory.Need` of each kind.

    Args:
        networks: how many of `hidden` layers there are.
        replay: transitions held.
    """
    numbers, observation, action, each = sizes(
        config.environment, getattr(config, "frame_stack", 1), config.environment_options, config.wrappers
    )
    transition = 2 * observation + action + 5  # reward and termination
    num_envs = getattr(config, "num_envs", 1)
    envs = num_envs + config.check_episodes + config.evaluation_episodes
    steps = num_envs * config.rollout_length
    return [
        memory.Need("replay and its checkpoints", memory.CHECKPOINTED * replay * transition, "--buffer-size"),
        memory.Need("environments", envs * each, "--num-envs, --check-episodes, --evaluation-episodes"),
        memory.Need("rollouts", 2 * steps * (transition + 4 * memory.FLOAT), "--num-envs, --rollout-length"),
        memory.Need("networks", networks * memory.dense(numbers, *config.hidden, 1), "--hidden"),
    ]


class Worlds:
    """The environments of a run: to learn in and to be tested in.

    Args:
        config: has environment, device, num_envs and, where observations are stacked, frame_stack.
    """

    def __init__(self, config):
        self.config, self.arguments = config, environments.arguments(vars(config))
        self.training = self.vector(1 if config.device else config.num_envs, training=True)
        self.observations, self.actions = self.training.single_observation_space, self.training.single_action_space

    def vector(self, count, **options):
        """So many environments side by side."""
        return environments.make_vector(self.config.environment, count, **self.arguments, **options)

    def longest_episode(self):
        """The time limit of an episode, in steps; 1,000 where the environment has none of its own."""
        return environments.time_limit(self.config.environment) or 1_000

    def rollout(self, agent, seed):
        """Where the agent learns: on the host or, with --device, in one compiled program."""
        from envs.functional import functional
        from lab.agents import DeviceRollout, HostRollout

        if not self.config.device:
            return HostRollout(agent, self.training, seed=seed)
        env, limit = functional(self.config.environment, self.config.num_envs)
        return DeviceRollout(agent, env, max_episode_steps=limit, seed=seed)


def seeds(track, count):
    """Independent seeds from the run's."""
    import numpy as np

    return np.random.SeedSequence(track.seed).generate_state(count).tolist()


def report_every(config):
    """Environment steps between two reports: a hundredth of the run, but at least 1,000 and at most 100,000."""
    return min(max(config.steps // 100, 1_000), 100_000)


def total_steps(config):
    """Environment steps of the whole run, which `train` rounds up to whole reports, and these to whole rollouts."""
    per_iteration = config.num_envs * config.rollout_length
    return whole_steps(config.steps, getattr(config, "warm_up", 0), per_iteration, report_every(config))[1]


def linear(config, start, end):
    """A function of environment steps that goes from `start` to `end` over the whole run."""
    from lab.agents import exploration

    return exploration.linear(start, end, total_steps(config))


def linear_rate(config, updates_per_rollout):
    """Keras's schedule from learning_rate to learning_rate_end, over all updates of the run."""
    import keras

    rollouts = total_steps(config) // (config.num_envs * config.rollout_length)
    return keras.optimizers.schedules.PolynomialDecay(
        config.learning_rate, rollouts * updates_per_rollout, config.learning_rate_end
    )


def train_and_evaluate(config, track, agent, worlds, *, world, check, test):
    """Trains, evaluates greedily, records. Returns the mean undiscounted return of the greedy policy in fresh environments.

    With check_episodes the policy is the best one in greedy checks during training, on seeds of their own, and `last_greedy_return` that of
    the last one.

    Args:
        world, check, test: seeds of training, checks and the evaluation.
    """
    from lab.agents import BestSnapshot, evaluate, train
    from lab.agents.watching import log_episode

    rollout, checks = worlds.rollout(agent, world), config.check_episodes
    best = BestSnapshot(agent.model)
    state = [*agent.variables, *rollout.variables, *(best.variables if checks else ())]
    start = track.restore(state)
    looking = worlds.vector(max(checks, 1))
    whole_reports = round_up(report_every(config), config.num_envs * config.rollout_length)
    episodes = 0 if config.device else 10 * config.num_envs * worlds.longest_episode()
    boundaries = track.checkpoint_interval(episodes, whole_reports)
    for report in train(
        agent, rollout, steps=config.steps, start=start, report_every=report_every(config), checkpoint_every=boundaries
    ):
        checked = {}
        if checks:
            checked = {"check_return": float(evaluate(agent, looking, episodes=checks, seed=check).mean())}
            best.offer(checked["check_return"])
        track.log(report.metrics | checked, report.step)
        if report.boundary:
            track.checkpoint(state, report.step)
    tests, episodes = worlds.vector(config.evaluation_episodes), config.evaluation_episodes
    results = {"greedy_return": float(evaluate(agent, tests, episodes=episodes, seed=test).mean())}
    if checks:
        best.restore()
        chosen = float(evaluate(agent, tests, episodes=episodes, seed=test).mean())
        results = {"greedy_return": chosen, "last_greedy_return": results["greedy_return"]}
    model = agent.policy_model()
    track.model(model)
    track.curve("episode_return", label="return of training episodes", x_label="environment steps")
    log_episode(config.environment, model, track, seed=test, **worlds.arguments)
    return results
