from __future__ import annotations

import pytest
import torch

from harness.errors import StageError
from harness.training.memory import halving_once, out_of_memory_as_advice, too_many_images_as_advice

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


def test_data_that_do_not_fit_on_a_device_are_told_apart_from_batches():
    text = (
        r"out of memory: 30000 images of 224 px \(4.2 GB\) do not fit on cuda:1; set a smaller training.image_size, or"
    )
    cuda = torch.device("cuda", 1)
    with pytest.raises(StageError, match=text), too_many_images_as_advice(30_000, 224, cuda):
        raise torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(StageError, match=r"image_size$"), too_many_images_as_advice(9, 224, torch.device("cpu")):
        torch.empty(1 << 60, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="shapes"), too_many_images_as_advice(9, 224, cuda):
        raise RuntimeError("shapes do not match")


class Gpu:
    """Has room for so many images at once."""

    def __init__(self, room):
        self.room, self.asked, self.told = room, [], []

    def attempt(self, batch):
        self.asked.append(batch)
        if batch > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return f"trained with {batch}"


def test_where_a_gpu_is_full_half_as_many_images_are_tried_once():
    gpu = Gpu(32)
    assert halving_once(gpu.attempt, 64, gpu.told.append) == "trained with 32"
    assert gpu.told == [32]
    gpu = Gpu(16)
    with pytest.raises(torch.OutOfMemoryError):
        halving_once(gpu.attempt, 64, gpu.told.append)
    assert gpu.asked == [64, 32]
    gpu = Gpu(64)
    halving_once(gpu.attempt, 64, gpu.told.append)
    assert (gpu.asked, gpu.told) == ([64], [])


def test_two_images_are_not_halved():
    gpu = Gpu(1)
    with pytest.raises(torch.OutOfMemoryError):
        halving_once(gpu.attempt, 2, gpu.told.append)
    assert (gpu.asked, gpu.told) == ([2], [])


def test_a_full_processor_memory_is_not_tried_again():
    tried = []

    def attempt(batch):
        tried.append(batch)
        torch.empty(1 << 60, dtype=torch.uint8)

    with pytest.raises(RuntimeError, match="memory"):
        halving_once(attempt, 64, tried.append)
    assert tried == [64]
