"""Memory: what a stage leaves behind, and running out of it as an instruction."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from harness.errors import StageError

# how the CPU's allocators say it, in a plain RuntimeError
SIGNS = ("allocate memory", "not enough memory")
Result = TypeVar("Result")


def free() -> None:
    """Give back what nothing refers to any more, also on the GPU."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def released() -> Iterator[None]:
    """Free what was allocated within: one worker process runs many stages."""
    try:
        yield
    finally:
        free()


def ran_out(error: BaseException) -> bool:
    """Whether this is how a CPU or a GPU says that its memory is full."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in SIGNS)


@contextmanager
def out_of_memory_as_advice(network: str, image_size: int, batch: int) -> Iterator[None]:
    """Running out of memory within becomes a StageError that says which settings to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        raise StageError(
            f"out of memory: {network} with {batch} images of {image_size} px at once; "
            f"set micro_batch = {max(2, batch // 4)} in the recipe, or a smaller training.image_size"
        ) from error


@contextmanager
def too_many_images_as_advice(images: int, image_size: int, device: torch.device) -> Iterator[None]:
    """Running out of memory while the data are put on the device becomes a StageError that says what does not fit."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        size = images * image_size**2 * 3 / 2**30
        raise StageError(
            f"out of memory: {images} images of {image_size} px ({size:.1f} GB) do not fit on {device}; set a smaller "
            "training.image_size" + ("" if device.type == "cpu" else ', or training.device = "cpu"')
        ) from error


def halving_once(attempt: Callable[[int], Result], batch: int, tell: Callable[[int], None]) -> Result:
    """attempt(batch); if a GPU's memory runs out, tell(half) and attempt(half), once. No batch is smaller than 2.

    Of a CPU the operating system ends the process instead, or the whole machine slows down: there is no second attempt.
    """
    try:
        return attempt(batch)
    except torch.OutOfMemoryError:
        half = max(2, batch // 2)
        if half == batch:
            raise
    # Outside of the handler: the exception holds on to every tensor of the attempt.
    free()
    tell(half)
    return attempt(half)
