"""Memory: what a stage leaves behind, and running out of it as an instruction."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from harness.errors import StageError

# how the CPU's allocators say it, in a plain RuntimeError
SIGNS = ("allocate memory", "not enough memory")


@contextmanager
def released() -> Iterator[None]:
    """Free what was allocated within, also on the GPU: one worker process runs many stages."""
    try:
        yield
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@contextmanager
def out_of_memory_as_advice(network: str, image_size: int, batch: int) -> Iterator[None]:
    """Running out of memory within becomes a StageError that says which settings to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        named = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not named and not any(sign in str(error) for sign in SIGNS):
            raise
        raise StageError(
            f"out of memory: {network} with {batch} images of {image_size} px at once; "
            f"set micro_batch = {max(2, batch // 4)} in the recipe, or a smaller training.image_size"
        ) from error
