"""Work in batches that shrink when the device's memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from harness.errors import StageError

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches:
    """Splits items into batches; size: of the next batch, halved for good whenever one was too large."""

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, work: Callable[[Sequence[Item]], Result], items: Sequence[Item]) -> list[Result]:
        """What `work` gives for each batch, in order. StageError if the memory does not even hold one item."""
        results: list[Result] = []
        done = 0
        while done < len(items):
            batch = items[done : done + self.size]
            try:
                results.append(work(batch))
            except torch.OutOfMemoryError as error:
                if len(batch) == 1:
                    raise StageError(
                        "the GPU's memory does not hold the model and one face; take a smaller model, a smaller "
                        "number format (dtype) or another device"
                    ) from error
                self.size = max(1, len(batch) // 2)
            else:
                done += len(batch)
                continue
            torch.cuda.empty_cache()  # after the handler: the traceback held the batch's tensors
        return results
