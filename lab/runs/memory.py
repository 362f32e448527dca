"""How much memory a run needs for what it holds, and how much is free."""

import itertools
import math
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FLOAT = 4  # bytes of a float32
# Arrays for each weight that is trained: itself, its gradient, two moments of the optimizer.
TRAINED = 4
# Bytes for each pixel of a glyph while it is drawn: a float64 and more, before it becomes one byte.
DRAWN = 13
# Arrays at most while a variable is saved: itself, its copy, the bytes to digest and to write.
CHECKPOINTED = 4


class Need(NamedTuple):
    """Something that a run holds in memory."""

    what: str
    size: int  # bytes
    flags: str  # the settings that make it smaller, as flags


def require(needs: Sequence[Need], free: int | None = None) -> str:
    """Checks that the needs fit into `free` bytes. Returns a sentence with what they take.

    Args:
        free: all the bytes that are available, if None.

    Raises:
        ValueError: they take more. The message has the amounts.
    """
    free = available() if free is None else free
    parts = sorted((need for need in needs if need.size), key=lambda need: -need.size)
    if total(needs) > free:
        listed = ", ".join(f"{amount(need.size)} for {need.what} ({need.flags})" for need in parts)
        raise ValueError(
            f"memory: expected a run for the {amount(free)} that are free, received one of {amount(total(needs))}: {listed}"
        )
    listed = ", ".join(f"{need.what} {amount(need.size)}" for need in parts)
    return f"memory: {listed}; {amount(free)} are free"


def total(needs: Iterable[Need]) -> int:
    """Bytes of all needs."""
    return sum(need.size for need in needs)


def times(needs: Iterable[Need], count: int) -> list[Need]:
    """The needs of so many runs at the same time."""
    return [need._replace(size=count * need.size) for need in needs]


def dense(*units: int) -> int:
    """Bytes of dense layers while they are trained: between each number of units and the next."""
    return TRAINED * FLOAT * sum((before + 1) * after for before, after in itertools.pairwise(units))


def array(*shape: int, item: int = FLOAT) -> int:
    """Bytes of an array of this shape, whose items have `item` bytes."""
    return math.prod(shape) * item


def glyphs(count: int, size: int, flags: str) -> Need:
    """The memory in which `count` grey glyphs of `size` x `size` pixels are drawn."""
    return Need("glyphs", DRAWN * count * size**2, flags)


def players(filters: int, latent: int) -> Need:
    """The memory that both players of a GAN on images take at least.

    Their widest feature maps are 7 x 7, with twice as many channels as the narrowest.
    """
    weights = dense(latent, 49 * 2 * filters) + 2 * TRAINED * FLOAT * 16 * 2 * filters**2
    return Need("players", weights, "--filters, --latent")


def of_each(make: Callable[[], Any], copies: int = 4) -> int:
    """Bytes of one more object of `make()`, at least 10 kB.

    Makes a few and measures by how much the process grows.
    """
    kept = [make()]  # the first one also loads what all of them share
    before = _resident()
    kept += [make() for _ in range(copies)]
    grown = _resident() - before
    for each in kept:
        each.close()
    return max(grown // copies, 10_000)


def available(root: Path = Path("/")) -> int:
    """Bytes that this process may still take.

    They are the free bytes of the machine, or those of the process's control groups if they are
    fewer.
    """
    return min([_free_of_machine(root), *_free_of_groups(root)])


def amount(size: float) -> str:
    """A number of bytes as text: 12.3 MB."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{size:,.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} PB" if size < 1000 else f"{size:,.0f} PB"


def _free_of_machine(root):
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux
        return _installed()


def _installed():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**63  # this system does not tell


def _free_of_groups(root):
    """Yields the free bytes of each control group of this process: its limit minus its usage.

    Cached pages of files count as free, because the group can give them back.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            top = root / "sys/fs/cgroup"
            limit = "memory.max"
            usage = "memory.current"
            cache = "inactive_file"
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
            limit = "memory.limit_in_bytes"
            usage = "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        group = top / path.strip("/")
        for folder in (group, *group.parents):  # in a container, the root may be the group itself
            if folder == top.parent:
                break
            try:
                most = (folder / limit).read_text().strip()
                used = int((folder / usage).read_text())
                kept = dict(pair.split() for pair in (folder / "memory.stat").read_text().splitlines())
            except OSError:
                continue
            if most != "max":
                yield max(int(most) - used + int(kept.get(cache, 0)), 0)


def _resident():
    """Bytes of this process in memory, 0 if the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
