"""`python -m lab sample`: draws samples from the generator of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from lab import validation
from lab.commands import shared
from lab.runs import command_line


@dataclass(frozen=True)
class Sample:
    """The flags of `sample`."""

    count: Annotated[int, validation.Interval(1, 10**4)] = 64
    """How many samples to draw."""
    label: Annotated[int | None, validation.Interval(0, 10**6)] = None
    """The class of the samples, if the generator takes labels. By default each class in turn."""
    truncation: Annotated[float | None, validation.Interval(over=0, high=100)] = None
    """Latent numbers beyond this bound are drawn again: less variety, better samples."""
    seed: Annotated[int, validation.Interval(0, 2**32 - 1)] = 0
    """Seed of the latents."""
    output: str = ""
    """The PNG to write. The default is <run name>.png in the current folder."""
    tracking_uri: str | None = None
    """The server that has the run, if it is not on this disk. RUN_ID is then its MLflow run id."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


def main(argv: Sequence[str]) -> int:
    """Draws samples from the generator of a run."""
    run_id, rest = shared.run_id("sample", argv)
    (flags,) = command_line.parse("python -m lab sample RUN_ID", "Draws samples of a run.", rest, Sample())
    name, model, settings = shared.model(run_id, flags.tracking_uri)
    from lab.gan import sheet

    output = Path(flags.output or f"{name}.png").resolve()
    options = {"label": flags.label, "truncation": flags.truncation, "seed": flags.seed}
    sheet.draw(output, model, settings, flags.count, **options)
    print(f"{flags.count} samples, written to {output}")
    return 0
