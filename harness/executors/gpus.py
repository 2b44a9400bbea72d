"""Which GPUs a process of this machine would see, without asking CUDA: starting it here would take memory on each."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

DRIVER = Path("/proc/driver/nvidia/gpus")  # NVIDIA's driver: a folder a GPU
VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus(environment: Mapping[str, str], driver: Path = DRIVER) -> tuple[str, ...]:
    """Names for CUDA_VISIBLE_DEVICES, one a GPU: what the variable itself lists, or else the driver's GPUs by number.

    As CUDA reads the variable: it ends at the first entry that names no GPU, and names the same GPU twice for none.
    """
    there = len(list(driver.iterdir())) if driver.is_dir() else None
    if VISIBLE not in environment:
        return tuple(str(number) for number in range(there or 0))
    found: list[str] = []
    for entry in environment[VISIBLE].split(","):
        name = entry.strip()
        if not _names_a_gpu(name, there):
            break
        if name in found:
            return ()
        found.append(name)
    return tuple(found)


def _names_a_gpu(name: str, there: int | None) -> bool:
    if name.startswith(("GPU-", "MIG-")):
        return True
    return name.isdecimal() and (there is None or int(name) < there)


def torch_computes_on_them() -> bool:
    """Whether the installed torch may be one that knows CUDA: PyTorch marks its packages for CPUs alone."""
    try:
        return not metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return False
