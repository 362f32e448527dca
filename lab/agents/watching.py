"""Pictures of a policy at work: an episode as a GIF or in a window."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np

from lab.agents import environments
from lab.agents.frozen import FrozenPolicy
from lab.agents.spaces import as_action

LAST = 1000  # milliseconds for which the last frame of an episode stays
READABLE = 200  # milliseconds for which a caption stays, where frames are shorter
GAP = 10  # pixels between two words of a caption


def greedy_policy(model: Any, action_space: gymnasium.Space) -> Callable[[np.ndarray], Any]:
    """A function observation -> action, for one episode; see `lab.agents.frozen.FrozenPolicy`.

    Args:
        model: an agent's `policy_model`.
    """
    policy, start = FrozenPolicy(model, action_space).host_policy(), np.ones(1, bool)

    def act(observation):
        action = policy(np.asarray(observation)[None], start.copy())[0][0]
        start[:] = False
        return as_action(action_space, action)

    return act


def record_episode(
    environment: Any,
    model: Any,
    path: Any,
    *,
    seed: int,
    max_frames: int = 500,
    every: int = 2,
    label: str = "",
    **arguments: Any,
) -> float:
    """Plays a greedy episode and writes it as a GIF. Returns the undiscounted return.

    Below each frame stand the label, the step and the return so far. They change at most five
    times a second, so that they can be read. The last frame stays for a second.

    Args:
        environment: as in `lab.agents.environments.make`; it must render "rgb_array".
        model: an agent's `policy_model`.
        path: of the GIF.
        seed: of the episode.
        max_frames: of the GIF. Later steps are not drawn.
        every: steps from one frame to the next.
        label: what is shown; by default the name of the environment.
        **arguments: of `lab.agents.environments.make`: frame_stack, options, wrappers.
    """
    env = environments.make(environment, render_mode="rgb_array", **arguments)
    policy = greedy_policy(model, env.action_space)
    return _record(
        env,
        lambda seen, start: policy(seen),
        path,
        seed=seed,
        max_frames=max_frames,
        every=every,
        label=label or _name(environment),
    )


def record(agent: Any, path: Any, *, seed: int, max_frames: int = 500, every: int = 2, label: str = "") -> float:
    """`record_episode` of a `lab.agents.Agent`, in a fresh environment of its kind."""
    env, policy = agent.source.single("rgb_array"), agent.algorithm.host_policy()

    def act(observation, start):
        return as_action(env.action_space, policy(np.asarray(observation)[None], np.array([start]))[0][0])

    return _record(env, act, path, seed=seed, max_frames=max_frames, every=every, label=label or agent.source.name)


def _record(env, policy, path, *, seed, max_frames, every, label):
    """Plays an episode of (observation, whether it is the first) -> action, writes it as a GIF."""
    from PIL import Image

    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # pygame looks for a screen even where it draws into an array
    frames: list[Image.Image] = []
    captions: list[tuple[str, ...]] = []

    def keep(step, total, ended):
        if (step % every == 0 or ended) and len(frames) < max_frames:
            frames.append(Image.fromarray(np.asarray(env.render())).convert("RGB"))
            captions.append((label, "step", f"{step:,}", "return", _number(total)))

    total = _play(env, policy, seed, keep)
    duration = max(int(1000 * every / env.metadata.get("render_fps", 30)), 20)  # milliseconds
    held = max(READABLE // duration, 1)  # frames
    shown = [captions[i - i % held] for i in range(len(captions) - 1)] + captions[-1:]
    pictures = in_one_palette(captioned(frames, shown))
    durations = [duration] * (len(pictures) - 1) + [max(duration, LAST)]
    colours = bytes(pictures[0].getpalette())
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True, palette=colours
    )
    return total


def captioned(frames: Sequence[Any], captions: Sequence[Sequence[str]]) -> list[Any]:
    """Frames of one size, each with a strip below it that holds a caption.

    A caption consists of words. Each word has the same place in all frames, so that few pixels
    change. Where the captions are wider than the frames, the first word has a line of its own. What
    is still too wide is cut off.

    Args:
        frames: PIL images, RGB.
        captions: the words of each frame, equally many.
    """
    from PIL import Image, ImageDraw, ImageFont

    width, height = frames[0].size
    font: Any = ImageFont.load_default(min(max(width // 40, 11), 16))
    line = sum(font.getmetrics()) + 2
    widths = [max(map(font.getlength, words)) + GAP for words in zip(*captions, strict=True)]
    lines = [widths] if sum(widths) <= width else [widths[:1], widths[1:]]
    places = []
    for row, group in enumerate(lines):
        left = max((width - sum(group) + GAP) / 2, 2)
        places += [(round(left + sum(group[:i])), height + row * line) for i in range(len(group))]
    shown = []
    for frame, words in zip(frames, captions, strict=True):
        image = Image.new("RGB", (width, height + len(lines) * line), "white")
        image.paste(frame, (0, 0))
        draw = ImageDraw.Draw(image)
        draw.fontmode = "1"  # no grey pixels: they would take room in the file
        for place, word in zip(places, words, strict=True):
            draw.text(place, word, "black", font)
        shown.append(image)
    return shown


def in_one_palette(frames: Sequence[Any]) -> list[Any]:
    """Frames of one size with the same 63 colours, which makes a GIF smaller.

    The 64th index is left for pixels that do not change.
    """
    from PIL import Image

    width, height = frames[0].size
    chosen = [frames[i] for i in sorted({round(i) for i in np.linspace(0, len(frames) - 1, 12)})]
    together = Image.new("RGB", (width, height * len(chosen)))
    for place, frame in enumerate(chosen):
        together.paste(frame, (0, place * height))
    palette = together.quantize(63, method=Image.Quantize.FASTOCTREE)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


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
    env = environments.make(environment, render_mode="human", **arguments)
    policy = greedy_policy(model, env.action_space)
    return _play(env, lambda seen, start: policy(seen), seed, lambda *seen: None)


def _play(env, policy, seed, look):
    """The return of an episode of a policy. Closes the environment."""
    try:
        observation, _ = env.reset(seed=seed)
        total = 0.0
        ended = False
        step = 0
        while not ended:
            look(step, total, False)
            observation, reward, terminated, truncated, _ = env.step(policy(observation, step == 0))
            total, ended, step = total + float(reward), terminated or truncated, step + 1
        look(step, total, True)
        return total
    finally:
        env.close()


def _name(environment):
    """The name of an environment that is given as `lab.agents.environments.make` takes it."""
    return environment if isinstance(environment, str) else getattr(environment, "__name__", type(environment).__name__)


def _number(value):
    """A return as a short text: 1,234 or 12.35."""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.2f}"
