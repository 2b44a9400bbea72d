"""The gradient of one step, in one piece or, where memory is short, in several that add up to the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from harness.training.arithmetic import Arithmetic

Cost = Callable[[Tensor, slice], Tensor]


def add_gradient(
    network: nn.Module, images: Tensor, cost: Cost, pieces: int, arithmetic: Arithmetic, *, mean: bool
) -> Tensor:
    """Add the gradient of cost(network(images)) to the parameters' and return the cost, ().

    images (N, 3, S, S); cost(logits of some images, which of the N they are). mean: the cost is a mean over images,
    so that the mean of the pieces' costs is the cost. Any other cost (batch Dice: an F1 of the whole batch) first needs
    all logits: they are computed without a graph, the cost's slope at them is taken, and a second forward pass carries
    it back piece by piece. Both give the gradient of the whole but for what happens within the network across images:
    batch normalisation takes each piece's statistics.
    """
    count = len(images)
    if pieces == 1:
        value = cost(_logits(network, images, arithmetic), slice(0, count))
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()
    parts = [slice(int(part[0]), int(part[-1]) + 1) for part in torch.arange(count).tensor_split(pieces)]
    if mean:
        values = []
        for part in parts:
            share = (part.stop - part.start) / count
            value = cost(_logits(network, images[part], arithmetic), part) * share
            value.backward()  # type: ignore[no-untyped-call]
            values.append(value.detach())
        return torch.stack(values).sum()
    with torch.no_grad(), same_randomness(images.device), without_statistics(network):
        logits = torch.cat([_logits(network, images[part], arithmetic) for part in parts])
    value = cost(logits.requires_grad_(), slice(0, count))
    (slope,) = torch.autograd.grad(value, logits)
    for part in parts:
        _logits(network, images[part], arithmetic).backward(slope[part])  # type: ignore[no-untyped-call]
    return value.detach()


def _logits(network: nn.Module, images: Tensor, arithmetic: Arithmetic) -> Tensor:
    with arithmetic.autocast():
        logits: Tensor = network(images)
    return logits


@contextmanager
def same_randomness(device: torch.device) -> Iterator[None]:
    """What is drawn within (dropout) is drawn again after it."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield


@contextmanager
def without_statistics(network: nn.Module) -> Iterator[None]:
    """Batch normalisation does not count the batches that it sees within."""
    counting: list[Any] = [one for one in network.modules() if getattr(one, "track_running_stats", False)]
    for one in counting:
        one.track_running_stats = False
    try:
        yield
    finally:
        for one in counting:
            one.track_running_stats = True
