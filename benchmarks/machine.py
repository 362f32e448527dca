"""What a measurement was made on, and where it is kept."""

import importlib.metadata
import json
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).resolve().parent.parent


def processor() -> str:
    """The processor's name, and which of AVX2, AVX-512 and AMX it has.

    The same program rounds differently with each of them.
    """
    try:
        about = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    name = re.search(r"^model name\s*: (.+)$", about, re.MULTILINE)
    has = [flag for flag in ("avx2", "avx512f", "amx_bf16") if re.search(rf"^flags\b.*\b{flag}\b", about, re.MULTILINE)]
    return ", ".join([name.group(1) if name else platform.processor(), *has])


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
