"""Pictures of a policy at work: an episode as GIF or in a window."""

import os

import gymnasium
import numpy as np


def greedy_policy(model, action_space):
    """The function observation -> action, from a model of observations `[B, ...]`: scores of discrete actions, or the action itself."""
    from lab import engine

    forward = engine.host_forward(model)
    if isinstance(action_space, gymnasium.spaces.Discrete):
        return lambda observation: int(action_space.start + forward(observation[None])[0].argmax())
    return lambda observation: forward(observation[None])[0]


def record_episode(environment, model, path, *, seed, max_frames=500, every=2):
    """Plays a greedy episode and writes it as a GIF. Returns the undiscounted return.

    Args:
        environment: Gymnasium id of an environment with rgb_array rendering.
        every: one frame of the GIF for so many steps.
    """
    from PIL import Image

    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # pygame looks for a screen even where it draws into an array
    env = gymnasium.make(environment, render_mode="rgb_array")
    try:
        policy = greedy_policy(model, env.action_space)
        observation, _ = env.reset(seed=seed)
        frames: list[Image.Image] = []
        total, ended, step = 0.0, False, 0
        while not ended:
            if step % every == 0 and len(frames) < max_frames:
                frames.append(Image.fromarray(np.asarray(env.render())))
            observation, reward, terminated, truncated, _ = env.step(policy(observation))
            total, ended, step = total + float(reward), terminated or truncated, step + 1
        milliseconds = 1000 * every / env.metadata.get("render_fps", 30)
    finally:
        env.close()
    frames = [frame.quantize(64, method=Image.Quantize.FASTOCTREE) for frame in frames]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=max(int(milliseconds), 20), loop=0, optimize=True)
    return total


def show_episode(environment, model, *, seed):
    """Plays a greedy episode in a window. Returns the undiscounted return."""
    env = gymnasium.make(environment, render_mode="human")
    try:
        policy = greedy_policy(model, env.action_space)
        observation, _ = env.reset(seed=seed)
        total, ended = 0.0, False
        while not ended:
            observation, reward, terminated, truncated, _ = env.step(policy(observation))
            total, ended = total + float(reward), terminated or truncated
    finally:
        env.close()
    return total
