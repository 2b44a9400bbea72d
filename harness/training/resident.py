"""Images that stay on the training device from one stage to the next: the networks of an ensemble share them."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.training.data import centre_crops, on_device

SHARE = {"cuda": 4, "cpu": 8}  # at most one part in so many of the device's memory is held between stages
_held: OrderedDict[tuple[object, ...], Tensor] = OrderedDict()


def resident(folder: Path, faces: NDArray[np.int64], size: int, share: float, device: torch.device) -> Tensor:
    """data.centre_crops of a faces artifact on the device, (N, size, size, 3) uint8; not to be changed.

    What was asked for last is held, as far as memory allows: a worker process that trains one network after the other
    decodes the faces once.
    """
    file = (folder / "crops.parquet").stat()
    digest = hashlib.sha256(faces.tobytes()).hexdigest()
    key = (str(folder), file.st_mtime_ns, file.st_size, digest, size, share, str(device))
    if key in _held:
        _held.move_to_end(key)
        return _held[key]
    images = on_device(centre_crops(folder, faces, size, share), device)
    limit = memory(device) // SHARE.get(device.type, 8)
    if images.nbytes <= limit:
        _held[key] = images
        while sum(one.nbytes for one in _held.values()) > limit:
            _held.popitem(last=False)
    return images


def let_go() -> None:
    """Hold nothing any more."""
    _held.clear()


def memory(device: torch.device) -> int:
    """The device's memory, bytes."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
