"""`python -m lab watch`: plays an episode with the greedy policy of a run."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from lab import validation
from lab.commands import shared
from lab.runs import command_line


@dataclass(frozen=True)
class Watch:
    """The flags of `watch`."""

    seed: Annotated[int, validation.Interval(0, 2**32 - 1)] = 0
    """Seed of the episode."""
    window: bool = False
    """Show the episode in a window."""
    environment: str = ""
    """Gymnasium id. The default is the setting `environment` of the run."""
    output: str = ""
    """The GIF to write. The default is <run name>.gif in the current folder."""
    tracking_uri: str | None = None
    """The server that has the run, if it is not on this disk. RUN_ID is then its MLflow run id."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


def main(argv: Sequence[str]) -> int:
    """Plays one episode with the greedy policy of a run."""
    run_id, rest = shared.run_id("watch", argv)
    (flags,) = command_line.parse("python -m lab watch RUN_ID", "Plays one episode of a run.", rest, Watch())
    if flags.window:
        _require_screen()
    name, model, settings = shared.model(run_id, flags.tracking_uri)
    refusal = f"run id: expected a run with the setting environment, received {name}; name one with --environment"
    environment = shared.environment_of(flags.environment, settings, refusal)
    import gymnasium

    from lab.agents import environments
    from lab.agents.watching import record_episode, show_episode

    output = Path(flags.output or f"{name}.gif").resolve()
    options = {"seed": flags.seed, **environments.arguments(settings)}
    kinds = (RuntimeError, ImportError, gymnasium.error.Error)  # pygame raises RuntimeErrors
    with shared.whatever_fails("run id: expected an environment that can be shown here", environment, kinds):
        if flags.window:
            print(f"return {show_episode(environment, model, **options):.6g}")
        else:
            print(f"return {record_episode(environment, model, output, **options):.6g}, written to {output}")
    return 0


def _require_screen():
    """Raises a ValueError without a screen. pygame would draw a window that nobody sees."""
    variables = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    hidden = os.environ.get("SDL_VIDEODRIVER") in ("dummy", "offscreen")
    if hidden or (sys.platform == "linux" and not any(map(os.environ.get, variables))):
        raise ValueError("--window: expected a screen ($DISPLAY), received none; leave the flag out for a GIF")
