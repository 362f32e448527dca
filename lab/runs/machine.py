"""The machine that runs: its processor, its GPUs and its disk, found without a backend."""

import contextlib
import os
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
NVIDIA = Path("/proc/driver/nvidia/gpus")
SETS = {"avx2": "avx2", "avx512": "avx512f", "amx": "amx_tile", "amx_bf16": "amx_bf16"}  # {set: the flag of Linux}


def processor() -> str:
    """The name of the processor. Where the system does not tell, its architecture."""
    found = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def shared_out(jobs: int, wanted: int = 0) -> list[list[int]]:
    """The cores of each of `jobs` processes side by side: `wanted`, or an equal share of all.

    Jobs share a core only where there are fewer cores than they want.
    """
    mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    each = min(wanted or max(len(mine) // jobs, 1), len(mine))
    return [[mine[(job * each + place) % len(mine)] for place in range(each)] for job in range(jobs)]


def use(cores: Sequence[int]) -> None:
    """Lets this process use these cores alone. Call it before a backend makes its threads.

    The number of threads decides bits: oneDNN adds up in another order.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(name, str(len(cores)))


def use_as_recorded(header: Mapping[str, Any]) -> None:
    """Lets this process use as many cores as the header of a run says, if it says so."""
    if header.get("threads"):
        use(shared_out(1, header["threads"])[0])


def flags() -> list[str] | None:
    """What Linux says that the processor has, None where the system does not tell."""
    found = re.search(r"^flags\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    return found[1].split() if found else None


def instruction_sets() -> list[str] | None:
    """Those of `SETS` that the processor has, None where the system does not tell."""
    found = flags()
    return None if found is None else [name for name, flag in SETS.items() if flag in found]


def gpus() -> list[str]:
    """The names of the NVIDIA GPUs that this process may see. A backend may still lack CUDA."""
    names = []
    for path in sorted(NVIDIA.glob("*/information")):
        with contextlib.suppress(OSError):
            found = re.search(r"^Model:\s*(.+)$", path.read_text(), re.MULTILINE)
            names.append(found[1].strip() if found else "NVIDIA")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return names if visible is None or (visible and not visible.startswith("-1")) else []


def device() -> str:
    """What a run computes on: "CPU", or the GPUs that its backend finds if it has CUDA."""
    found = gpus()
    return f"GPU {', '.join(found)} if the backend has CUDA, else CPU" if found else "CPU"


def free_disk(path: Path) -> int | None:
    """Free bytes on the disk of a path, or of the folder that it will be made in."""
    for place in (path, *path.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(place).free
    return None


def _cpuinfo():
    try:
        return CPUINFO.read_text(errors="replace")
    except OSError:
        return ""
