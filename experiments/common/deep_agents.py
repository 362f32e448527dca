"""What experiments of deep agents share: environments, the loop, the evaluation, pictures."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from lab import validation
from lab.agents import environment_checks, environments
from lab.agents.training import round_up, whole_steps
from lab.runs import keras_settings, memory
from lab.runs.curves import reference_lines


class DeepAgent:
    """What `experiment.main` asks of a configuration, beside the settings of an agent.

    A `Config` inherits this and one of `lab.agents.settings`.
    """

    together: ClassVar[bool] = True  # its seeds can be one program; see `lab.runs.together`

    def __post_init__(self) -> None:
        super().__post_init__()  # type: ignore[misc]  # of the settings
        require_environment(self, self.check_environment, self.actions)  # type: ignore[attr-defined]

    def check_environment(self, env: Any) -> None:
        """ValueError where the agent cannot learn in the environment."""
        environment_checks.check(env)

    def memory(self) -> list[memory.Need]:
        """What the run holds."""
        return needs(self)

    @property
    def total_steps(self) -> int:
        """Environment steps of the whole run, rounded up to whole reports of whole rollouts."""
        starts = getattr(self, "learning_starts", 0)
        return whole_steps(self.steps, starts, steps_per_rollout(self), report_every(self))[1]  # type: ignore[attr-defined]


def require_environment(config: Any, check: Callable, actions: str | None) -> None:
    """ValueError where the agent cannot learn in the environment, or not on the device.

    Args:
        check: a function of the environment.
        actions: the type of action space that the agent needs, if there is only one.
    """
    from envs import FUNCTIONAL

    arguments = environments.arguments(vars(config))
    frame_stack = arguments["frame_stack"]
    changed = bool(arguments["options"] or arguments["wrappers"])
    ours = config.environment.removeprefix("lab/") in FUNCTIONAL
    named = ours and config.environment.startswith("lab/")
    if changed or actions or not named:  # the others are fit
        if named:  # making one imports Keras
            keras_settings.choose_backend(keras_settings.backend())
            keras_settings.import_keras()
        environment_checks.require_environment(
            config.environment, actions, check=check, make=lambda name: environments.make(name, **arguments)
        )
    if config.device:
        expected = "no --environment-options and no --wrappers with --device"
        validation.require(not changed, "device", expected, config.device)
        expected = f"one of {', '.join(FUNCTIONAL)} with --device"
        validation.require(ours, "environment", expected, config.environment)
        validation.require(frame_stack == 1, "frame_stack", "1 with --device", frame_stack)


@functools.cache
def sizes(name: str, frame_stack: int, options: tuple[str, ...], wrappers: tuple[str, ...]) -> tuple[int, int, int, int]:
    """(numbers in an observation, its bytes, bytes of an action, bytes of an environment)."""
    from gymnasium.spaces import utils

    if name.startswith("lab/") and not options and not wrappers:
        return 8, 32, 4, 1_000  # ours step together in a few arrays, and making one imports Keras

    def make():
        settings = {"frame_stack": frame_stack, "environment_options": options, "wrappers": wrappers}
        env = environments.make(name, **environments.arguments(settings))
        env.reset(seed=0)
        return env

    env = make()
    space = env.observation_space
    numbers = math.prod(space.shape)
    action = 4 * utils.flatdim(env.action_space)
    env.close()
    return numbers, numbers * min(space.dtype.itemsize, memory.FLOAT), action, memory.of_each(make)


def needs(config: Any) -> list[memory.Need]:
    """What a run of a deep agent holds: a `memory.Need` of each kind."""
    numbers, observation, action, each = sizes(
        config.environment, getattr(config, "frame_stack", 1), config.environment_options, config.wrappers
    )
    transition = 2 * observation + action + 5  # reward and termination
    held = memory.CHECKPOINTED * getattr(config, "buffer_size", 0) * transition
    envs = config.num_envs + config.check_episodes + config.evaluation_episodes
    rollout = 2 * steps_per_rollout(config) * (transition + 4 * memory.FLOAT)
    networks = config.network_count() * memory.dense(numbers, *config.hidden, 1)
    return [
        memory.Need("replay and its checkpoints", held, "--buffer-size"),
        memory.Need("environments", envs * each, "--num-envs, --check-episodes, --evaluation-episodes"),
        memory.Need("rollouts", rollout, "--num-envs, --rollout-length"),
        memory.Need("networks", networks, "--hidden"),
    ]


class Environments:
    """The environments of a run: one set to learn in, others to be tested in.

    Args:
        config: the settings of an agent.
    """

    def __init__(self, config: Any):
        self.config = config
        self.arguments = environments.arguments(vars(config))
        self.training = self.vector(1 if config.device else config.num_envs, training=True)
        self.observations = self.training.single_observation_space
        self.actions = self.training.single_action_space

    def vector(self, count: int, **options: Any) -> Any:
        """So many environments side by side."""
        return environments.make_vector(self.config.environment, count, **self.arguments, **options)

    def longest_episode(self) -> int:
        """The time limit of an episode, in steps; 1,000 where the environment has none."""
        return environments.time_limit(self.config.environment) or 1_000

    def rollout(self, agent: Any, seed: int) -> Any:
        """Where the agent learns: on the host or, with --device, in one compiled program."""
        from envs.functional import functional
        from lab.agents import DeviceRollout, HostRollout

        if not self.config.device:
            return HostRollout(agent, self.training, seed=seed)
        env, limit = functional(self.config.environment, self.config.num_envs)
        return DeviceRollout(agent, env, max_episode_steps=limit, seed=seed)

    def evaluation(self, agent: Any, counts: Sequence[int], together: bool) -> Callable:
        """A function of (episodes, seed): the returns of greedy episodes, the same ones each time.

        They are Gymnasium's environments, on the host. But seeds that run together on the device
        are also evaluated there, in one program.

        Args:
            counts: how many episodes will be asked for.
        """
        from envs.functional import functional
        from lab.agents import DeviceEvaluation, evaluate

        if together and self.config.device and len(agent.policy_model().inputs) == 1:
            env, limit = functional(self.config.environment, math.gcd(*counts))
            return DeviceEvaluation(agent, env, max_episode_steps=limit)
        vectors = {count: self.vector(count) for count in counts}
        return lambda episodes, seed: evaluate(agent, vectors[episodes], episodes=episodes, seed=seed)


def seeds(track: Any, count: int) -> list[int]:
    """Independent seeds from the run's."""
    import numpy as np

    return np.random.SeedSequence(track.seed).generate_state(count).tolist()


def steps_per_rollout(config: Any) -> int:
    """Environment steps between two calls of learn, over all environments."""
    return config.num_envs * config.rollout_length


def report_every(config: Any) -> int:
    """Environment steps between two reports: a hundredth of the run, from 1,000 to 100,000."""
    return min(max(config.steps // 100, 1_000), 100_000)


def rollouts(config: Any) -> int:
    """How many times the agent learns in the whole run."""
    starts = round_up(getattr(config, "learning_starts", 0), steps_per_rollout(config))
    return max((config.total_steps - starts) // steps_per_rollout(config), 1)


class Schedules:
    """How settings change linearly over a run; see `lab.agents.building`."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def learning_rate(self, updates: int) -> Any:
        """Keras's schedule from learning_rate to learning_rate_end, over all updates of the run."""
        import keras

        config = self.config
        end, power = getattr(config, "learning_rate_end", 0.0), getattr(config, "learning_rate_power", 1.0)
        return keras.optimizers.schedules.PolynomialDecay(config.learning_rate, rollouts(config) * updates, end, power)

    def linear(self, start: float, end: float) -> Callable:
        """A function of environment steps that goes from `start` to `end` over the whole run."""
        from lab.agents import exploration

        return exploration.linear(start, end, self.config.total_steps)

    def epsilon(self) -> Callable:
        """From 1 to epsilon_end over a share of the steps, exploration_fraction."""
        from lab.agents import exploration

        return exploration.linear(1.0, self.config.epsilon_end, self.config.exploration_fraction * self.config.steps)


def run(config: Any, track: Any, build: Callable, count: int, more: int = 0) -> dict[str, float]:
    """Builds an agent, trains and evaluates it; see `train_and_evaluate`.

    Args:
        build: a function of `lab.agents.building`.
        count, more: how many seeds it needs: `count`, and `more` that come after those of the
            environments.
    """
    environments = Environments(config)
    drawn = seeds(track, count + 3 + more)
    training, check, test = drawn[count : count + 3]
    parts = drawn[:count] + drawn[count + 3 :]
    agent = build(config, environments.observations, environments.actions, parts, Schedules(config))
    return train_and_evaluate(config, track, agent, environments, training=training, check=check, test=test)


def train_and_evaluate(
    config: Any, track: Any, agent: Any, environments: Environments, *, training: int, check: int, test: int
) -> dict[str, float]:
    """Trains, evaluates greedily, records.

    With check_episodes the policy is the best one in greedy checks during training, on seeds of
    their own, and `last_greedy_return` is the return of the last policy.

    Args:
        training, check, test: seeds of the environments for training, checks and evaluation.

    Returns:
        the mean undiscounted return of the greedy policy in fresh environments.
    """
    from lab.agents import BestSnapshot, train
    from lab.agents.watching import log_episode

    rollout = environments.rollout(agent, training)
    checks, episodes = config.check_episodes, config.evaluation_episodes
    best = BestSnapshot(agent.model)
    state = [*agent.variables, *rollout.variables, *(best.variables if checks else ())]
    start = track.restore(state)
    returns = environments.evaluation(agent, [episodes, *[checks] * bool(checks)], track.together)
    whole_reports = round_up(report_every(config), steps_per_rollout(config))
    ten_episodes = 0 if config.device else 10 * config.num_envs * environments.longest_episode()
    boundaries = track.checkpoint_interval(ten_episodes, whole_reports)
    loop = {"start": start, "report_every": report_every(config), "checkpoint_every": boundaries}
    for report in train(agent, rollout, steps=config.steps, **loop):
        checked = {}
        if checks:
            checked = {"check_return": float(returns(episodes=checks, seed=check).mean())}
            best.offer(checked["check_return"])
        track.log(report.metrics | checked, report.step)
        if report.boundary:
            track.checkpoint(state, report.step)
    results = {"greedy_return": float(returns(episodes=episodes, seed=test).mean())}
    if checks:
        track.other_model(agent.policy_model(), "last_model.keras")  # for `python -m lab evaluate --policy last`
        best.restore()
        chosen = float(returns(episodes=episodes, seed=test).mean())
        results = {"greedy_return": chosen, "last_greedy_return": results["greedy_return"]}
    model = agent.policy_model()
    track.model(model)
    draw_curve(config, track, agent)
    if track.first:  # it takes a second; `python -m lab watch` draws the others
        log_episode(config.environment, model, track, seed=test, **environments.arguments)
    return results


def draw_curve(config: Any, track: Any, agent: Any) -> None:
    """Logs the returns of training, with the greedy checks and the scores to compare with."""
    track.curve(
        "episode_return",
        label="return of an episode (sum of rewards)",
        x_label="environment steps",
        title=f"Return of training episodes: {type(agent).__name__} on {config.environment}",
        lines=reference_lines(config, "greedy_return", "last_greedy_return"),
        dots={"check_return": f"greedy policy, mean of {config.check_episodes} episodes"},
    )
