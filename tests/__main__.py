"""Runs the tests: everything on TensorFlow, and on JAX what depends on the backend; several processes, two side by side.

python -m tests [--fast] [pytest arguments]
python -m tests --components    the components on JAX and on torch, which has to be installed
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAST_ON_JAX = ["tests/engine", "tests/agents/test_selection.py"]
COMPONENTS = [
    "tests/layers", "tests/losses", "tests/optimizers", "tests/test_activations.py", "tests/test_distributions.py",
    "tests/test_information.py", "tests/test_initializers_and_regularizers.py",
]  # fmt: skip
PLAIN_NUMPY = [f"tests/{name}.py" for name in (
    "agents/tabular/test_dynamic_programming", "agents/tabular/test_learners", "agents/tabular/test_linear",
    "envs/test_tabular_mdp", "envs/test_tabular_env", "gan/test_evaluation", "gan/test_sheet",
)]  # fmt: skip
ON_JAX = [
    "tests/engine", "tests/agents", "tests/envs", "tests/gan", "tests/supervised/test_training.py", "tests/runs/test_checkpoint.py", "tests/runs/test_resume.py",
    *(f"--ignore={path}" for path in PLAIN_NUMPY),
]  # fmt: skip
APART = ("agents", "envs", "experiments")

# The longest first, so that two processes end at about the same time.
EVERYTHING = [
    ("jax", ON_JAX),
    ("tensorflow", ["tests", *(f"--ignore=tests/{folder}" for folder in APART)]),
    ("tensorflow", ["tests/experiments"]),
    ("tensorflow", ["tests/agents", "tests/envs"]),
]
FAST = [
    ("tensorflow", ["tests/agents", "tests/envs", "tests/experiments"]),
    ("tensorflow", ["tests", *(f"--ignore=tests/{folder}" for folder in APART)]),
    ("jax", FAST_ON_JAX),
]

# Eager JAX compiles every operation for every shape; a test finds what another one compiled.
CACHE = {
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".cache" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
# Most programs here run for a moment: XLA compiles them faster than well.
QUICK = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}


def run(part):
    """Runs pytest on one backend and prints what it said, in one go. Returns its exit code."""
    backend, arguments = part
    environment = CACHE | QUICK | os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(f"{backend} {' '.join(arguments)}\n{done.stdout}", flush=True)
    return done.returncode


def main(arguments):
    fast, components = "--fast" in arguments, "--components" in arguments
    arguments = [argument for argument in arguments if argument not in ("--fast", "--components")]
    if components:
        parts = [("jax", COMPONENTS), ("torch", COMPONENTS)]
    elif any(not argument.startswith("-") for argument in arguments):
        parts = [("tensorflow", []), ("jax", [])]
    else:
        parts = FAST if fast else EVERYTHING
    selection = ["-m", "not slow and not browser"] if fast else []
    parts = [(backend, [*selection, *arguments, *paths]) for backend, paths in parts]
    print(f"{len(parts)} processes, two at a time; each shows its output when it has ended", flush=True)
    with ThreadPoolExecutor(2) as pool:
        return max(pool.map(run, parts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
