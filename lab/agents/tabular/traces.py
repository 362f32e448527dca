"""Eligibility traces."""

from collections.abc import Hashable, ItemsView

KINDS = ("accumulating", "replacing", "dutch")


class Traces:
    """Eligibility traces e of table entries.

    In each step all traces decay, e <- gamma lambda e, and the trace of the visited entry grows:

        accumulating: e <- e + 1
        replacing:    e <- 1                  (Singh and Sutton 1996)
        dutch:        e <- (1 - alpha) e + 1  (van Seijen and Sutton 2014)

    Traces below 1e-12 are set to 0.

    Args:
        kind: "accumulating", "replacing" or "dutch".
    """

    def __init__(self, kind: str) -> None:
        if kind not in KINDS:
            raise ValueError(f"trace: expected one of {', '.join(KINDS)}, received {kind!r}.")
        self.kind = kind
        self._entries: dict[Hashable, float] = {}

    def clear(self) -> None:
        """Sets all traces to 0."""
        self._entries.clear()

    def decay(self, factor: float) -> None:
        """e <- factor e, for all entries."""
        entries = self._entries
        for key in list(entries):
            entries[key] *= factor
            if entries[key] < 1e-12:
                del entries[key]

    def visit(self, key: Hashable, alpha: float) -> None:
        """The update of the visited entry, a state or a pair of state and action."""
        e = self._entries.get(key, 0.0)
        self._entries[key] = {"accumulating": e + 1.0, "replacing": 1.0, "dutch": (1.0 - alpha) * e + 1.0}[self.kind]

    def items(self) -> ItemsView:
        """(entry, e) for all entries with e > 0."""
        return self._entries.items()
