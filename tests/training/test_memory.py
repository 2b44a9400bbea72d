from __future__ import annotations

import pytest
import torch

from harness.errors import StageError
from harness.training.memory import out_of_memory_as_advice

ADVICE = r"out of memory: resnet152 with 64 images of 224 px at once; set micro_batch = 16 in the recipe"


def test_an_allocation_that_the_processor_refuses_becomes_advice():
    with pytest.raises(StageError, match=ADVICE), out_of_memory_as_advice("resnet152", 224, 64):
        torch.empty(1 << 60, dtype=torch.uint8)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_other_ways_to_run_out_become_the_same_advice(error):
    with pytest.raises(StageError, match=ADVICE), out_of_memory_as_advice("resnet152", 224, 64):
        raise error


def test_other_errors_pass_unchanged():
    with pytest.raises(RuntimeError, match="shapes"), out_of_memory_as_advice("resnet152", 224, 64):
        raise RuntimeError("shapes do not match")
