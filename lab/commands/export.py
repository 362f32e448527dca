"""`python -m lab export`: writes the model of a run or of a saved agent, for use elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lab import validation
from lab.commands import shared
from lab.runs import command_line

NAMES = {"keras": "keras", "savedmodel": "tf_saved_model", "onnx": "onnx", "litert": "litert"}  # ours -> Keras's


@dataclass(frozen=True)
class Export:
    """The flags of `export`."""

    format: str = "keras"
    """keras, savedmodel, onnx or litert."""
    output: str = ""
    """The file to write, or the folder of savedmodel. The default is the name of the run, in the
    current folder. What was exported there before is replaced."""
    policy: Literal["best", "last"] | None = None
    """Of agents with check_episodes: the best policy in the checks, or the last one. The default is
    the one that the run logged as its model."""
    tracking_uri: str | None = None
    """The server that has the run, if it is not on this disk. RUN is then its MLflow run id."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require_name("--format", self.format, tuple(NAMES))


def main(argv: Sequence[str]) -> int:
    """Writes a model. That of an agent takes observations and gives actions."""
    run, rest = shared.run_id("export", argv)
    (flags,) = command_line.parse("python -m lab export RUN", "Writes the model of a run, for use elsewhere.", rest, Export())
    format = NAMES[flags.format]
    if shared.is_saved_agent(run):
        name, write = Path(run).stem, shared.saved_agent(run, flags).export
    else:
        name, write = _of_run(run, flags, "" if format == "keras" else "tensorflow")
    from lab.models import exporting

    output = exporting.with_ending(Path(flags.output or name).resolve(), format)
    exporting.require_place(output, format)
    replaced = output.exists()
    with shared.whatever_fails("format: expected a model that can be written as this", flags.format, ImportError):
        write(output, format=format)
    print(f"{flags.format}, {'replaced' if replaced else 'written to'} {output}")
    return 0


def _of_run(run, flags, backend) -> tuple[str, Callable[..., Any]]:
    """(name, a function that writes) of a run of anything that has a model."""
    name, model, settings = shared.model(run, flags.tracking_uri, flags.policy, backend)
    if settings.get("environment"):
        from lab.agents.frozen import frozen_agent

        environment = shared.environment_of("", settings, "")
        return name, frozen_agent(model, environment, settings).export
    from lab.models import exporting

    return name, lambda path, *, format: exporting.export(model, path, format=format)
