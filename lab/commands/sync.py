"""`python -m lab sync`: delivers to MLflow what it does not have yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.commands import shared
from lab.runs import command_line, courier, mlflow_server


@dataclass(frozen=True)
class Sync:
    """The flags of `sync`."""

    tracking_uri: str | None = None
    """Deliver to this server, instead of the one with which each run was started."""


def main(argv: Sequence[str]) -> int:
    """Delivers what MLflow does not have yet."""
    (flags,) = command_line.parse("python -m lab sync", "Delivers to MLflow what it does not have yet.", argv, Sync())
    results = courier.sync(flags.tracking_uri and shared.server(flags.tracking_uri))
    for name, error in results.items():
        print(f"{name}: {mlflow_server.explain(error) if error else 'delivered'}")
    if not results:
        print("nothing to deliver")
    return 1 if any(results.values()) else 0
