"""What precision "auto" is on this machine. The file imports Keras only to ask for GPUs."""

from pathlib import Path
from typing import Literal, TypeAlias

Precision: TypeAlias = Literal["float32", "mixed_bfloat16", "auto"]
CPUINFO = Path("/proc/cpuinfo")


def chosen(precision: Precision, backend: str) -> Precision:
    """The precision that a setting stands for: "auto" is replaced, others are returned.

    "auto" is "mixed_bfloat16" where that is fast: with a GPU, and on TensorFlow on a processor with
    the instructions AMX-BF16. Elsewhere it is "float32".

    Args:
        precision: "float32", "mixed_bfloat16" or "auto".
        backend: Keras's.
    """
    if precision != "auto":
        return precision
    fast = (backend == "tensorflow" and has_amx_bf16()) or has_gpu()
    return "mixed_bfloat16" if fast else "float32"


def is_slow(precision: str) -> bool:
    """Whether bfloat16 is emulated here: on a processor without AMX-BF16, if there is no GPU."""
    return precision == "mixed_bfloat16" and not has_amx_bf16() and not has_gpu()


def has_amx_bf16() -> bool:
    """Whether Linux says that the processor multiplies matrices of bfloat16."""
    try:
        return "amx_bf16" in CPUINFO.read_text(errors="replace").split()
    except OSError:
        return False


def has_gpu() -> bool:
    """Whether Keras's backend finds a GPU or another accelerator."""
    import keras

    return any(not device.startswith("cpu") for device in keras.distribution.list_devices())
