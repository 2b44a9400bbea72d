"""Random changes of a batch of images, on the device they lie on."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from harness.training.options import Augmentation

LUMA = (0.299, 0.587, 0.114)  # weights of R, G, B in brightness (ITU-R BT.601)


def augment(images: Tensor, options: Augmentation, generator: torch.Generator) -> Tensor:
    """images (B, 3, S, S) float in [0, 1] -> changed images, same shape, range and memory format.

    All random numbers come from `generator` (on the CPU), so that a seed gives the same changes on every device.
    """
    if options.rotation or options.scale or options.shift:
        images = _moved(images, options, generator)
    elif options.flip:
        flipped = torch.rand(len(images), generator=generator) < options.flip
        images = torch.where(flipped.to(images.device).view(-1, 1, 1, 1), images.flip(3), images)
    return _recoloured(images, options, generator)


def affine(options: Augmentation, count: int, generator: torch.Generator) -> Tensor:
    """Random (count, 2, 3) maps from output to input coordinates in [-1, 1]: flip, zoom, rotation, shift."""

    def uniform(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    mirror = torch.where(torch.rand(count, generator=generator) < options.flip, -1.0, 1.0)
    angle = uniform(math.radians(options.rotation))
    zoom = 1 + uniform(options.scale)
    cosine, sine = zoom * angle.cos(), zoom * angle.sin()
    first = torch.stack([mirror * cosine, -mirror * sine, 2 * uniform(options.shift)], 1)
    second = torch.stack([sine, cosine, 2 * uniform(options.shift)], 1)
    return torch.stack([first, second], 1)


def _moved(images: Tensor, options: Augmentation, generator: torch.Generator) -> Tensor:
    maps = affine(options, len(images), generator).to(images.device, images.dtype)
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return moved.contiguous(memory_format=_memory_format(images))


def _memory_format(images: Tensor) -> torch.memory_format:
    last = images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


def _recoloured(images: Tensor, options: Augmentation, generator: torch.Generator) -> Tensor:
    def factor(limit: float) -> Tensor:
        values = 1 + (torch.rand(len(images), 1, 1, 1, generator=generator) * 2 - 1) * limit
        return values.to(images.device, images.dtype)

    if not (options.brightness or options.contrast or options.saturation or options.hue):
        return images
    if options.brightness:
        images = images * factor(options.brightness)
    if options.contrast:
        images = torch.lerp(images.mean((1, 2, 3), keepdim=True), images, factor(options.contrast))
    if options.saturation:
        luma = torch.tensor(LUMA, device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
        grey = (images * luma).sum(1, keepdim=True)
        images = torch.lerp(grey, images, factor(options.saturation))
    images = images.clamp(0, 1)
    return turned(images, factor(options.hue) - 1) if options.hue else images


def turned(images: Tensor, turns: Tensor) -> Tensor:
    """Hue of RGB images (B, 3, S, S) in [0, 1] turned by `turns` (B, 1, 1, 1) of the circle; HSV's others stay."""
    red, green, blue = images.unbind(1)
    value, lowest = images.amax(1), images.amin(1)
    span = value - lowest
    scale = 1 / span.clamp_min(torch.finfo(images.dtype).eps)  # grey has no hue: any will do
    sixth = torch.where(
        value == red,
        (green - blue) * scale,
        torch.where(value == green, 2 + (blue - red) * scale, 4 + (red - green) * scale),
    )
    sixth = sixth + 6 * turns[:, 0]
    channels = [value - span * _ramp((offset + sixth) % 6) for offset in (5, 3, 1)]
    return torch.stack(channels, 1).contiguous(memory_format=_memory_format(images))


def _ramp(position: Tensor) -> Tensor:
    return torch.minimum(position, 4 - position).clamp(0, 1)
