from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.training import resident as module
from harness.training.resident import let_go, resident

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_held():
    let_go()
    yield
    let_go()


def test_the_networks_share_one_tensor(artifacts, monkeypatch):
    faces = artifacts([0, 1, 2]).faces
    first = resident(faces, np.array([0, 2]), 8, 1.0, CPU)
    assert first.shape == (2, 8, 8, 3)
    monkeypatch.setattr(module, "centre_crops", None)  # decoding again would fail
    assert resident(faces, np.array([0, 2]), 8, 1.0, CPU) is first


@pytest.mark.parametrize(("rows", "size", "share"), [([0, 1], 8, 1.0), ([0, 2], 12, 1.0), ([0, 2], 8, 0.5)])
def test_other_faces_sizes_or_shares_are_other_images(artifacts, rows, size, share):
    faces = artifacts([0, 1, 2]).faces
    first = resident(faces, np.array([0, 2]), 8, 1.0, CPU)
    assert resident(faces, np.array(rows), size, share, CPU) is not first


def test_what_memory_has_no_room_for_is_not_held(artifacts, monkeypatch):
    faces = artifacts([0, 1, 2]).faces
    monkeypatch.setattr(module, "memory", lambda _device: 8 * 2 * 8 * 8 * 3)  # room for two images
    first = resident(faces, np.array([0, 1]), 8, 1.0, CPU)
    resident(faces, np.array([0, 1, 2]), 8, 1.0, CPU)
    assert resident(faces, np.array([0, 1]), 8, 1.0, CPU) is first
    second = resident(faces, np.array([2]), 8, 1.0, CPU)  # takes the place of the first
    assert resident(faces, np.array([2]), 8, 1.0, CPU) is second
    assert resident(faces, np.array([0, 1]), 8, 1.0, CPU) is not first


def test_the_machines_memory_is_known():
    assert module.memory(CPU) > 2**28
