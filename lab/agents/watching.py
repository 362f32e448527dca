"""Pictures of a policy at work: an episode as a GIF or in a window."""

import os
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from lab.agents import environments
from lab.agents.spaces import as_action


def greedy_policy(model: Any, action_space: gymnasium.Space) -> Callable[[np.ndarray], Any]:
    """A function observation -> action, from an agent's `policy_model`, for one episode.

    The model gives the action of a Box, which is clipped to the bounds, or a score of each discrete
    action, of which the highest wins. For a `MultiDiscrete` the highest of each part wins. A
    recurrent model takes [observation, start, *memory] and gives [action or scores, *memory].
    """
    from lab import engine

    forward = _remembering(model) if len(model.inputs) > 1 else engine.host_forward(model)
    if isinstance(action_space, gymnasium.spaces.Discrete):
        return lambda observation: as_action(action_space, action_space.start + forward(observation[None])[0].argmax())
    if isinstance(action_space, gymnasium.spaces.Box):
        low, high = action_space.low, action_space.high
        return lambda observation: as_action(action_space, np.clip(forward(observation[None])[0], low, high))
    space: Any = action_space
    counts = space.nvec if hasattr(space, "nvec") else np.full(space.shape, 2)
    ends = np.cumsum(counts)[:-1]

    def choose(observation):
        return as_action(action_space, [part.argmax() for part in np.split(forward(observation[None])[0], ends)])

    return choose


def record_episode(
    environment: Any, model: Any, path: Any, *, seed: int, max_frames: int = 500, every: int = 2, **arguments: Any
) -> float:
    """Plays a greedy episode and writes it as a GIF. Returns the undiscounted return.

    Args:
        environment: as in `lab.agents.environments.make`; it must render "rgb_array".
        model: an agent's `policy_model`.
        path: of the GIF.
        seed: of the episode.
        max_frames: of the GIF. Later steps are not drawn.
        every: steps from one frame to the next.
        **arguments: of `lab.agents.environments.make`: frame_stack, options, wrappers.
    """
    from PIL import Image

    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # pygame looks for a screen even where it draws into an array
    frames: list[Image.Image] = []

    def keep(env, step):
        if step % every == 0 and len(frames) < max_frames:
            frames.append(Image.fromarray(np.asarray(env.render())))

    total, fps = _play(environment, model, seed, "rgb_array", keep, arguments)
    frames = [frame.quantize(64, method=Image.Quantize.FASTOCTREE) for frame in frames]
    duration = max(int(1000 * every / fps), 20)  # milliseconds
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=duration, loop=0, optimize=True)
    return total


def log_episode(environment: Any, model: Any, track: Any, **options: Any) -> None:
    """Writes `record_episode` to episode.gif of a run, and logs it.

    Where that fails the run only says so: some environments need a screen, others cannot be drawn.

    Args:
        track: the run.
        **options: the other arguments of `record_episode`.
    """
    try:
        record_episode(environment, model, track.artifacts / "episode.gif", **options)
    except Exception as error:
        track.say(f"no picture of an episode: {str(error) or type(error).__name__}")
    else:
        track.artifact("episode.gif")


def show_episode(environment: Any, model: Any, *, seed: int, **arguments: Any) -> float:
    """Plays a greedy episode in a window. Returns the undiscounted return.

    The arguments are those of `record_episode`.
    """
    return _play(environment, model, seed, "human", lambda env, step: None, arguments)[0]


def _play(environment, model, seed, render_mode, look, arguments):
    env = environments.make(environment, render_mode=render_mode, **arguments)
    try:
        policy = greedy_policy(model, env.action_space)
        observation, _ = env.reset(seed=seed)
        total = 0.0
        ended = False
        step = 0
        while not ended:
            look(env, step)
            observation, reward, terminated, truncated, _ = env.step(policy(observation))
            total, ended, step = total + float(reward), terminated or truncated, step + 1
        return total, env.metadata.get("render_fps", 30)
    finally:
        env.close()


def _remembering(model):
    """The forward pass of a recurrent model through one episode, step by step."""
    import keras

    memory = [np.zeros((1, *tensor.shape[1:]), np.float32) for tensor in model.inputs[2:]]
    start = np.ones(1, bool)

    def forward(observation):
        output, *memory[:] = (keras.ops.convert_to_numpy(x) for x in model([observation, start, *memory], training=False))
        start[:] = False
        return output

    return forward
