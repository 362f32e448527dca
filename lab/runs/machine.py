"""The machine that runs: its processor, its GPUs and its disk, found without a backend."""

import contextlib
import os
import platform
import re
import shutil
from pathlib import Path

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
