"""One experiment three ways: on TensorFlow as the processor is, on TensorFlow with other bits, and on JAX.

Different processors give different bits: a claim about learning must hold on all of them. The second way keeps XLA, oneDNN and
OpenBLAS from the processor's newest instructions, so that sums are taken in another order, as an older processor does.
"""

import contextlib
import dataclasses
import hashlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.runs.run_folder import RunFolder

# newest instructions: (flag in /proc/cpuinfo, what XLA, oneDNN and OpenBLAS call the next older set)
OLDER = [
    ("avx512f", ("AVX2", "AVX2", "Haswell")),
    ("avx2", ("AVX", "AVX", "Sandybridge")),
    ("avx", ("SSE4_2", "SSE41", "Nehalem")),
]


def other_bits() -> dict[str, str]:
    """The environment variables of the second way, on this processor."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        flags = ["avx2"]
    xla, onednn, blas = next((names for flag, names in OLDER if flag in flags), OLDER[-1][1])
    return {"XLA_FLAGS": f"--xla_cpu_max_isa={xla}", "ONEDNN_MAX_CPU_ISA": onednn, "OPENBLAS_CORETYPE": blas}


def ways() -> dict[str, dict[str, str]]:
    """{name: environment variables}."""
    return {
        "TensorFlow": {"KERAS_BACKEND": "tensorflow"},
        "TensorFlow, other bits": {"KERAS_BACKEND": "tensorflow", **other_bits()},
        "JAX": {"KERAS_BACKEND": "jax"},
    }


def results(experiment, flags, first, seeds, environment):
    """One dict of results a seed of `python -m experiments.<experiment> <flags>`, and the greedy checks of each, where it has some."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", f"experiments.{experiment}", "--seed", str(first), "--seeds", str(seeds)]
        subprocess.run(
            [*command, "--tracking-uri", "none", *flags], env=os.environ | environment | {"LAB_HOME": home}, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        folders = [RunFolder(path.parent) for path in Path(home).glob("mlruns/runs/*/run.json")]
        children = sorted((f for f in folders if seeds == 1 or f.header().get("parent")), key=lambda f: f.header()["seed"])
        found = []
        for child in children:
            checks = [value for _, value in child.metrics().get("check_return", [])]
            found.append(child.results() | {"seed": child.header()["seed"], "last_checks": checks[-5:]})
        return found


def digest(experiment, flags):
    """Of an experiment's default settings and flags: what was measured with others is no result of these."""
    config = importlib.import_module(f"experiments.{experiment}").Config()
    words = json.dumps([experiment, dataclasses.asdict(config), list(flags)], sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def measure(path, experiment, flags, seeds, ways, about):
    """Runs what a file of results lacks, of each seed and way; prints each run, and appends it to the file."""
    names = {key: about[key] for key in ("commit", "processor")}
    for seed in range(seeds):
        for way, environment in ways.items():
            if (way, seed) not in {(run["way"], run["seed"]) for run in kept(path, experiment, flags)}:
                [run] = results(experiment, flags, seed, 1, environment)
                append(path, {"experiment": experiment, "digest": digest(experiment, flags), "way": way} | run | names)
                print(experiment, *flags, way, seed, run, flush=True)


def kept(path, experiment, flags):
    """The rows of a file of results that are of an experiment's settings and flags today, one for each way and seed.

    A line that a stopped measurement did not end is passed over.
    """
    rows, today = {}, digest(experiment, flags)
    for line in path.read_text().splitlines() if path.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):
            run = json.loads(line)
            if run["digest"] == today:
                rows[run["way"], run["seed"]] = run
    return list(rows.values())


def append(path, row):
    """Adds a line to a file of results, so that a stopped measurement loses nothing."""
    with open(path, "a+") as file:
        file.seek(0)
        whole = file.read()[-1:] in ("\n", "")
        file.write("\n" * (not whole) + json.dumps(row) + "\n")
