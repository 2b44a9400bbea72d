"""The kit finds losses and backbones that break their contract, and says which promise."""

from __future__ import annotations

from typing import Any

import pytest

from harness.testing import check_backbone, check_loss

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 - after the skip
from torch.nn import functional as F  # noqa: E402

LOSSES: list[tuple[Any, str]] = [
    (lambda logits, targets: F.cross_entropy(logits, targets, reduction="none"), "must return a scalar tensor"),
    (lambda logits, targets: F.cross_entropy(logits, targets) * float("nan"), "a loss must be finite"),
    (lambda logits, targets: F.cross_entropy(logits, targets) + torch.rand(()), "the same value for the same input"),
    (lambda logits, targets: 0 * logits.sum(), "the gradient must reach the logits"),
    (lambda logits, targets: -F.cross_entropy(logits, targets), "right answers must cost less"),
    (
        lambda logits, targets: F.cross_entropy(logits, targets) * (2 if targets.ndim == 2 else 1),
        "class ids and as one-hot rows must agree",
    ),
    (lambda logits, targets: (F.cross_entropy(logits, targets) + 1e-38).sqrt().log().exp() ** 99, "must be finite"),
]


def test_a_sound_loss_passes() -> None:
    check_loss(F.cross_entropy, classes=3)


@pytest.mark.parametrize(("loss", "promise"), LOSSES)
def test_a_broken_promise_of_a_loss_is_named(loss: Any, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_loss(loss, classes=3)


class Tiny(nn.Module):
    num_features = 4
    input_size = 16
    mean = (0.5, 0.5, 0.5)
    std = (0.2, 0.2, 0.2)
    weights = "random"

    def __init__(self, **facts: object) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        for name, value in facts.items():
            setattr(self, name, value)

    def forward(self, images: Any) -> Any:
        return self.convolution(images).mean((2, 3))


class Restless(Tiny):
    def forward(self, images: Any) -> Any:
        return super().forward(images) + torch.rand(())


class Sociable(Tiny):
    def forward(self, images: Any) -> Any:
        features = super().forward(images)
        return features - features.mean(0)


class Detached(Tiny):
    def forward(self, images: Any) -> Any:
        return super().forward(images).detach() * self.convolution.bias.new_ones(4, requires_grad=True)


class Overflowing(Tiny):
    def forward(self, images: Any) -> Any:
        return super().forward(images) / 0


def test_a_sound_backbone_passes_and_is_left_as_it_was() -> None:
    backbone = Tiny()
    backbone.eval()
    check_backbone(backbone, image_size=8)
    assert not backbone.training
    assert all(one.grad is None for one in backbone.parameters())


@pytest.mark.parametrize(
    ("backbone", "promise"),
    [
        (object(), "must be a torch module, not object"),
        (Tiny(num_features=0), "num_features must be a whole number above 0, not 0"),
        (Tiny(input_size=None), "input_size must be a whole number above 0, not None"),
        (Tiny(mean=[0.5] * 3), r"mean must be three floats, of R, G and B in \[0, 1\]"),
        (Tiny(std=(58.0, 57.0, 57.0)), r"std must lie in \(0, 1\]"),
        (Tiny(weights=""), "weights must say what it starts from"),
        (Tiny(num_features=5), r"\(images, num_features\) = \(2, 5\): \(2, 4\)"),
        (Overflowing(), "features must be finite"),
        (Restless(), "in eval mode the same images must give the same features"),
        (Sociable(), "in eval mode features must not depend on the batch"),
        (Detached(), "the gradient of the features must reach the backbone's parameters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_promise_of_a_backbone_is_named(backbone: Any, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_backbone(backbone)
