"""Runs the tests: everything on TensorFlow, and on JAX what depends on the backend; one process per backend, side by side.

python -m tests [--fast] [pytest arguments]
python -m tests --torch         the components on torch, which has to be installed
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAST_ON_JAX = ["tests/engine", "tests/agents/test_selection.py"]
COMPONENTS = [
    "tests/layers", "tests/losses", "tests/optimizers", "tests/test_activations.py", "tests/test_distributions.py",
    "tests/test_information.py", "tests/test_initializers_and_regularizers.py",
]  # fmt: skip
PLAIN_NUMPY = [f"tests/{name}.py" for name in (
    "agents/tabular/test_dynamic_programming", "agents/tabular/test_learners", "agents/tabular/test_linear",
    "envs/test_tabular_mdp", "envs/test_tabular_env",
)]  # fmt: skip
ON_JAX = [
    "tests/engine", "tests/agents", "tests/envs", "tests/test_checkpoint.py", "tests/test_resume.py", *COMPONENTS,
    *(f"--ignore={path}" for path in PLAIN_NUMPY),
]  # fmt: skip


def start(backend, arguments, output):
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)


def main(arguments):
    if "--torch" in arguments:
        return start("torch", [*COMPONENTS, *(argument for argument in arguments if argument != "--torch")], None).wait()
    fast = "--fast" in arguments
    arguments = [argument for argument in arguments if argument != "--fast"]
    selection = ["-m", "not slow and not browser"] if fast else []
    named = any(not argument.startswith("-") for argument in arguments)
    with tempfile.TemporaryFile("w+") as output:
        jax = start("jax", [*selection, *arguments, *([] if named else FAST_ON_JAX if fast else ON_JAX)], output)
        tensorflow = start("tensorflow", [*selection, *arguments], None)
        codes = [tensorflow.wait(), jax.wait()]
        output.seek(0)
        print("on JAX:")
        print(output.read(), end="")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
