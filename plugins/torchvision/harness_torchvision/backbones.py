"""The five networks as backbones: images (N, 3, S, S), normalised as for ImageNet -> features (N, num_features)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torchvision import models
from torchvision.models.resnet import Bottleneck

from harness_torchvision.options import BackboneOptions
from harness_torchvision.pretrained import pretrained

# Heads of the authors' code (Z-CER): hidden width (0: Linear alone) and dropout, ReLU between.
AUTHORS_HEADS: Mapping[str, Mapping[str, Any]] = {
    "mobilenet_v2": {"width": 0, "dropout": 0.2},
    "resnet18": {"width": 256, "dropout": 0.4},
    "resnet152": {"width": 256, "dropout": 0.4},
    "densenet121": {"width": 500, "dropout": 0.4},
    "densenet201": {"width": 500, "dropout": 0.4},
}


def with_imagenet_head(name: str) -> nn.Module:
    """The network as torchvision builds it, with its 1000-class head and random weights (the paper's Table 2)."""
    network: nn.Module = getattr(models, name)(weights=None)
    return network


class TorchvisionBackbone(nn.Module):
    """One network without its head; attributes as components.Backbone describes them."""

    input_size = 224
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(self, name: str, options: BackboneOptions) -> None:
        super().__init__()
        network = with_imagenet_head(name)
        self.num_features = _behead(network)
        state, self.weights = pretrained(name, options, set(network.state_dict()))
        if state is None:
            _begin_as_identity(network)
        else:
            network.load_state_dict(state, strict=True)
        self.network = network
        self.authors_head = AUTHORS_HEADS[name]

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) float, normalised, S >= 32 -> (N, num_features)."""
        features: Tensor = self.network(images)
        return features


def _begin_as_identity(network: nn.Module) -> None:
    """Zero the last scale of every bottleneck: a deep random network then starts shallow (Goyal et al. 2017).

    ResNet-152 learns so within a few hundred steps. Basic blocks are left alone: it held ResNet-18 back when tried.
    """
    for block in network.modules():
        if isinstance(block, Bottleneck):
            nn.init.zeros_(block.bn3.weight)


def _behead(network: nn.Module) -> int:
    """Put the identity in place of the last layer or layers; how many features reach it."""
    head = network.fc if isinstance(network, models.ResNet) else network.classifier
    linear = head[-1] if isinstance(head, nn.Sequential) else head
    assert isinstance(linear, nn.Linear)
    setattr(network, "fc" if isinstance(network, models.ResNet) else "classifier", nn.Identity())
    return linear.in_features


mobilenet_v2 = functools.partial(TorchvisionBackbone, "mobilenet_v2")
resnet18 = functools.partial(TorchvisionBackbone, "resnet18")
resnet152 = functools.partial(TorchvisionBackbone, "resnet152")
densenet121 = functools.partial(TorchvisionBackbone, "densenet121")
densenet201 = functools.partial(TorchvisionBackbone, "densenet201")
