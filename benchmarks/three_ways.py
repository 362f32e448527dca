"""Three ways to run one experiment: TensorFlow, TensorFlow with other bits, JAX.

Different processors give different bits. A claim about learning must hold on all of them. The
second way keeps XLA, oneDNN and OpenBLAS from the processor's newest instructions. Sums are then
taken in another order, as an older processor takes them.
"""

from pathlib import Path

TENSORFLOW, OTHER_BITS, JAX = NAMES = ("TensorFlow", "TensorFlow, other bits", "JAX")
# The newest instructions, as a flag of /proc/cpuinfo, and the next older ones, as XLA, oneDNN and
# OpenBLAS call them.
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


def variables(way: str) -> dict[str, str]:
    """The environment variables of a way."""
    backend = {"KERAS_BACKEND": "jax" if way == JAX else "tensorflow"}
    return backend | (other_bits() if way == OTHER_BITS else {})
