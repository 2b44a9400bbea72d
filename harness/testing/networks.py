"""Do losses and backbones keep their contract? These checks import torch when they are called."""

from __future__ import annotations

import math
from typing import Any

from harness.components import Backbone, Loss
from harness.testing.expect import expect


def check_loss(loss: Loss, *, classes: int) -> None:
    """A loss built with `class_counts` of length `classes`: scalar, finite, differentiable, and lower when right."""
    import torch

    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, classes, generator=generator, requires_grad=True)
    targets = torch.arange(6) % classes
    value = _value(loss, logits, targets)
    expect(torch.equal(value, _value(loss, logits, targets)), "a loss must give the same value for the same input")
    value.backward()
    gradient = logits.grad
    expect(gradient is not None and bool(gradient.isfinite().all()), "the gradient of the logits must be finite")
    expect(gradient is not None and bool(gradient.any()), "the gradient must reach the logits")

    one_hot = torch.nn.functional.one_hot(targets, classes).float()
    soft = _value(loss, logits.detach(), one_hot)
    expect(torch.allclose(value.detach(), soft, atol=1e-4), "targets as class ids and as one-hot rows must agree")
    right = _value(loss, 10 * one_hot, targets)
    wrong = _value(loss, 10 * one_hot.roll(1, dims=1), targets)
    expect(right < wrong, f"right answers must cost less than wrong ones: {right.item():.3g}, {wrong.item():.3g}")
    _value(loss, 1e4 * one_hot.roll(1, dims=1), targets)
    _value(loss, logits.detach()[:1], targets[:1])


def check_backbone(backbone: Backbone, *, image_size: int | None = None, tolerance: float = 1e-3) -> None:
    """images (N, 3, S, S) -> features (N, num_features), trainable; S = image_size, or its own input_size.

    tolerance: how far a feature may move, relative to the largest, when its image is passed alone in eval mode.
    """
    import torch

    expect(isinstance(backbone, torch.nn.Module), f"a backbone must be a torch module, not {type(backbone).__name__}")
    _check_facts(backbone)
    module: Any = backbone
    size = image_size or backbone.input_size
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            features = module(images)
            _check_features(features, 2, backbone.num_features)
            expect(torch.equal(features, module(images)), "in eval mode the same images must give the same features")
            alone = torch.cat([module(images[:1]), module(images[1:])])
        scale = max(features.abs().max().item(), 1e-6)
        moved = (features - alone).abs().max().item() / scale
        expect(moved <= tolerance, f"in eval mode features must not depend on the batch: they move by {moved:.3g}")
        module.train()
        module(images).sum().backward()
        learning = any(one.grad is not None and bool(one.grad.any()) for one in module.parameters())
        expect(learning, "the gradient of the features must reach the backbone's parameters")
    finally:
        module.zero_grad()
        module.train(was_training)


def _value(loss: Loss, logits: Any, targets: Any) -> Any:
    import torch

    value = loss(logits, targets)
    expect(isinstance(value, torch.Tensor) and value.ndim == 0, "a loss must return a scalar tensor")
    expect(value.dtype.is_floating_point and math.isfinite(value.item()), f"a loss must be finite, not {value!r}")
    return value


def _check_facts(backbone: Backbone) -> None:
    for name in ("num_features", "input_size"):
        value = getattr(backbone, name, None)
        expect(isinstance(value, int) and value > 0, f"{name} must be a whole number above 0, not {value!r}")
    for name in ("mean", "std"):
        channels = getattr(backbone, name, None)
        sound = isinstance(channels, tuple) and len(channels) == 3 and all(isinstance(one, float) for one in channels)
        expect(sound, f"{name} must be three floats, of R, G and B in [0, 1], not {channels!r}")
    expect(all(0 < one <= 1 for one in backbone.std), f"std must lie in (0, 1], not {backbone.std!r}")
    weights = getattr(backbone, "weights", None)
    expect(isinstance(weights, str) and weights, f"weights must say what it starts from, not {weights!r}")


def _check_features(features: Any, images: int, width: int) -> None:
    shape = tuple(features.shape)
    expect(
        shape == (images, width), f"features must have the shape (images, num_features) = {(images, width)}: {shape}"
    )
    expect(bool(features.isfinite().all()), "features must be finite")
