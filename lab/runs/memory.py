"""How much memory a run needs for what it holds, and how much there is for it."""

import itertools
import math
import os
from pathlib import Path
from typing import NamedTuple

FLOAT = 4  # bytes of a float32
TRAINED = 4  # arrays of each weight that is trained: itself, its gradient and two moments of the optimizer
DRAWN = 13  # bytes of each pixel of a glyph while it is drawn: float64, before it is rounded to one
CHECKPOINTED = 4  # arrays at most while a variable is saved: itself, its copy, the bytes to digest and those to write


class Need(NamedTuple):
    """Something a run holds in memory."""

    what: str
    size: int  # bytes
    flags: str  # the settings that make it smaller, as flags


def require(needs, free=None):
    """What the needs take, as a sentence; a ValueError with the amounts where that is more than `free` bytes, by default all there are."""
    free = available() if free is None else free
    parts = sorted((need for need in needs if need.size), key=lambda need: -need.size)
    if total(needs) > free:
        listed = ", ".join(f"{amount(need.size)} for {need.what} ({need.flags})" for need in parts)
        raise ValueError(
            f"memory: expected a run for the {amount(free)} that are free, received one of {amount(total(needs))}: {listed}"
        )
    listed = ", ".join(f"{need.what} {amount(need.size)}" for need in parts)
    return f"memory: {listed}; {amount(free)} are free"


def total(needs):
    """Bytes of all needs."""
    return sum(need.size for need in needs)


def dense(*units):
    """Bytes of dense layers from the first number of units to the last, while they are trained."""
    return TRAINED * FLOAT * sum((before + 1) * after for before, after in itertools.pairwise(units))


def array(*shape, item=FLOAT):
    """Bytes of an array."""
    return math.prod(shape) * item


def glyphs(count, size, flags):
    """What it takes to draw so many grey glyphs."""
    return Need("glyphs", DRAWN * count * size**2, flags)


def players(filters, latent):
    """What both players of a GAN on images take at least: their widest maps are twice as wide as the narrowest and 7 x 7."""
    return Need("players", dense(latent, 49 * 2 * filters) + 2 * TRAINED * FLOAT * 16 * 2 * filters**2, "--filters, --latent")


def of_each(make, copies=4):
    """Bytes that each further object of `make()` takes, from what a few make the process grow; at least 10 kB."""
    kept = [make()]  # the first pays for what all share
    before = _resident()
    kept += [make() for _ in range(copies)]
    grown = _resident() - before
    for each in kept:
        each.close()
    return max(grown // copies, 10_000)


def available(root=Path("/")):
    """Bytes that this process may still take: the machine's free ones or, where they are fewer, those of its control groups."""
    return min([_free_of_machine(root), *_free_of_groups(root)])


def amount(size):
    """Bytes in words: 12.3 MB."""
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if size < 1000 or unit == "PB":
            return f"{size:,.3g} {unit}" if size < 1000 else f"{size:,.0f} {unit}"
        size /= 1000
    raise AssertionError


def _free_of_machine(root):
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # no Linux
        return _installed()


def _installed():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**63  # this system does not say


def _free_of_groups(root):
    """What each control group that this process is in leaves of its limit; pages of files that it can give back count as free."""
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
        for folder in (group, *group.parents):  # a container may see its own group as the root
            if folder == top.parent:
                break
            try:
                most, used = (folder / limit).read_text().strip(), int((folder / usage).read_text())
                kept = dict(pair.split() for pair in (folder / "memory.stat").read_text().splitlines())
            except OSError:
                continue
            if most != "max":
                yield max(int(most) - used + int(kept.get(cache, 0)), 0)


def _resident():
    """Bytes of this process in memory; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
