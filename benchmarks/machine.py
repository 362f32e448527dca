"""What a measurement was made on, and where it is kept."""

import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from lab.runs import machine

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).resolve().parent.parent


def processor() -> str:
    """The processor's name, and which of AVX2, AVX-512 and AMX it has.

    The same program rounds differently with each of them.
    """
    found = machine.flags() or ()
    return ", ".join([machine.processor(), *(flag for flag in ("avx2", "avx512f", "amx_bf16") if flag in found)])


def describe(*packages: str) -> dict[str, Any]:
    """Commit, Python, machine, processor and the packages' versions, for this measurement."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    dirty = subprocess.run(
        ["git", "status", "--porcelain", "--", "lab", "envs", "experiments"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    return {
        "commit": commit + ("-dirty" if dirty.strip() else ""),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "processor": processor(),
        "versions": {package: importlib.metadata.version(package) for package in packages},
    }


def keep(name: str, content: dict[str, Any]) -> None:
    """Writes results/<name>.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(content, indent=2) + "\n")
    print(f"kept in {path.relative_to(ROOT)}")
