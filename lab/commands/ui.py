"""`python -m lab ui`: shows the runs in the MLflow UI."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from lab import validation
from lab.commands import shared
from lab.runs import command_line, mlflow_ui, run_folder


@dataclass(frozen=True)
class Ui:
    """The flags of `ui`."""

    port: Annotated[int, validation.Interval(1, 65535)] = 5000
    """Port on 127.0.0.1. If it is in use, the next free one is taken."""
    tracking_uri: str | None = None
    """The store to show, instead of $MLFLOW_TRACKING_URI or the local store."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


def main(argv: Sequence[str]) -> int:
    """Serves the MLflow UI."""
    run_id, rest = shared.run_id("ui", argv) if argv and not argv[0].startswith("-") else ("", argv)
    (flags,) = command_line.parse("python -m lab ui [RUN_ID]", "Shows the runs in the MLflow UI.", rest, Ui())
    folder = run_folder.find(run_id) if run_id else None
    if folder and not folder.delivery().get("experiment_id"):
        raise ValueError(f"run id: expected a run that MLflow has, received {folder.name}; deliver it: python -m lab sync")
    port = next((port for port in range(flags.port, flags.port + 20) if _free(port)), 0)
    validation.require(port, "port", "a free port among this and the next 19", flags.port)
    uri = shared.server(flags.tracking_uri or (folder.delivery()["uri"] if folder else None))
    with shared.whatever_fails("tracking URI: expected a store that can be opened", uri):
        return mlflow_ui.ui(port, uri, folder)


def _free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
