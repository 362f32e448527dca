"""Runs the tests: everything on TensorFlow, and on JAX what depends on the backend.

python -m tests [pytest arguments]
python -m tests --fast          without the tests marked slow, which `make check` leaves out
python -m tests --long          those marked long or browser: servers, clusters, killed processes
python -m tests --long --part 1/2    the first half of them, chosen by their names
python -m tests --components    the components on JAX and on torch, which has to be installed
python -m tests PATH            everything in a path

Each part has two worker processes. `-n 4` as an argument asks for four, `-n 0` for none.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAST_ON_JAX = ["tests/engine", "tests/agents/test_selection.py"]
COMPONENTS = [
    "tests/layers",
    "tests/losses",
    "tests/optimizers",
    "tests/test_activations.py",
    "tests/test_distributions.py",
    "tests/test_information.py",
    "tests/test_initializers_and_regularizers.py",
]
# The engine, one update by hand and one exact resume of each family, and what the backends do
# differently. Tests that take turns between the backends (tests/backends.py) have to be here.
ON_JAX = [
    "tests/engine",
    "tests/agents/test_passes.py",
    "tests/agents/test_replay.py",
    "tests/agents/test_rollout.py",
    "tests/agents/test_selection.py",
    "tests/agents/test_returns.py::test_terminated_truncated_and_cut_by_the_rollout_by_hand",
    "tests/agents/test_actor_critic.py::test_reward_scaling_against_a_loop_over_episodes",
    "tests/agents/test_actor_critic.py::test_acting_on_host_and_device_agree_where_nothing_is_random",
    "tests/agents/test_a2c.py::test_one_update_by_hand",
    "tests/agents/test_a2c.py::test_solves_the_identity_environment",
    "tests/agents/test_dqn.py::test_one_update_by_hand",
    "tests/agents/test_dqn.py::test_solves_the_identity_environment",
    "tests/agents/test_ppo.py::test_updates_by_hand",
    "tests/agents/test_ppo.py::test_updates_stop_at_the_target_divergence",
    "tests/agents/test_ppo.py::test_solves_the_identity_environment",
    "tests/agents/test_ppo.py::test_an_interrupted_run_goes_on_exactly",
    "tests/agents/test_recurrent_ppo.py::test_terminated_truncated_and_cut_by_the_rollout_by_hand",
    "tests/agents/test_recurrent_ppo.py::test_remembers_what_a_policy_without_memory_cannot_know",
    "tests/agents/test_recurrent_ppo.py::test_runs_repeat_and_go_on_exactly",
    "tests/agents/test_reinforce.py::test_one_update_by_hand",
    "tests/agents/test_reinforce.py::test_solves_the_identity_environment",
    "tests/agents/test_sac.py::test_one_update_by_hand",
    "tests/agents/test_sac.py::test_solves_the_identity_environment",
    "tests/agents/test_sac.py::test_runs_repeat_and_go_on_exactly",
    "tests/agents/test_td3.py::test_one_update_by_hand",
    "tests/agents/test_td3.py::test_one_update_of_ddpg_by_hand",
    "tests/agents/test_td3.py::test_solves_the_identity_environment",
    "tests/agents/test_td3.py::test_runs_repeat_and_go_on_exactly",
    "tests/agents/tabular/test_parallel_q_learning.py",
    "tests/envs/test_classic_control.py::test_single_steps_equal_gymnasiums_anywhere",
    "tests/envs/test_classic_control.py::test_as_a_vector_environment",
    "tests/gan/test_at_once.py",
    "tests/gan/test_gan.py::test_one_update_by_hand",
    "tests/gan/test_gan.py::test_each_player_leaves_the_other_alone",
    "tests/gan/test_penalties.py::test_lazy_updates_in_one_call_are_those_one_by_one",
    "tests/gan/test_gan.py::test_extragradient_by_hand",
    "tests/gan/test_gan.py::test_mixed_precision",
    "tests/gan/test_loop.py::test_equal_seeds_equal_bits_and_resume",
    "tests/supervised/test_training.py::test_killed_after_any_epoch_and_resumed_it_ends_the_same",
    "tests/supervised/test_training.py::test_the_average_is_what_is_evaluated",
    "tests/supervised/test_training.py::test_keras_saves_what_it_trains",
    "tests/supervised/test_training.py::test_early_stopping_brings_the_best_weights_back",
    "tests/runs/test_checkpoint.py",
    "tests/runs/test_resume.py",
    "tests/runs/test_together.py",
]
EVERYTHING = [("tensorflow", ["tests"]), ("jax", ON_JAX)]
FAST = [("tensorflow", ["tests"]), ("jax", FAST_ON_JAX)]
LONG = "(long or browser)"
PART = "LAB_TESTS_PART"  # see tests/conftest.py

SAID = {0: "passed", 5: "no such test"}  # by pytest's exit code

# A worker whose own tests are done takes over half of what the other has left. A file's tests stay
# together but for that, so that they share what their module's fixtures make.
SHARED_OUT = ["-n", "2", "--dist", "worksteal"]
# Eager JAX compiles every operation for every shape; a test finds what another one compiled.
CACHE = {
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".cache" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
# Most programs here run for a moment: XLA compiles them faster than well.
QUICK = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}


def run(backend, arguments):
    """Runs pytest on one backend. Returns its exit code."""
    environment = CACHE | QUICK | os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    print(f"on {backend}:", flush=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def main(arguments):
    if "--part" in arguments:
        index = arguments.index("--part")
        part = "".join(arguments[index + 1 : index + 2])
        numbers = re.fullmatch(r"(\d+)/(\d+)", part)
        if not numbers or not 1 <= int(numbers[1]) <= int(numbers[2]):
            print(f"--part: expected a part such as 1/2, received '{part}'", file=sys.stderr)
            return 2
        os.environ[PART], arguments = part, arguments[:index] + arguments[index + 2 :]
    flags = ("--fast", "--long", "--components")
    fast, long, components = (flag in arguments for flag in flags)
    arguments = [argument for argument in arguments if argument not in flags]
    selection = ["-m", LONG if long else f"not slow and not {LONG}" if fast else f"not {LONG}"]
    if components:
        parts = [("jax", COMPONENTS), ("torch", COMPONENTS)]
    elif any((ROOT / argument.split("::")[0]).exists() for argument in arguments):
        parts, selection = [("tensorflow", []), ("jax", [])], []
    else:
        parts = FAST if fast else EVERYTHING
    codes = {backend: run(backend, [*SHARED_OUT, *selection, *arguments, *paths]) for backend, paths in parts}
    print(", ".join(f"{backend}: {SAID.get(code, f'failed ({code})')}" for backend, code in codes.items()))
    failed = [code for code in codes.values() if code not in SAID]
    return failed[0] if failed else min(codes.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
