"""The RetinaFace graphs, named so that the public checkpoints load strictly.

Deng et al. 2019, arXiv 1905.00641; layout of biubug6/Pytorch_Retinaface: a body with three feature maps (strides 8,
16, 32), a feature pyramid, a context module (SSH) a level, and three 1x1 heads a level with two anchors a position.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.errors import WeightsError
from harness_retinaface.options import Network

ANCHORS = 2
CLASSES, COORDINATES, LANDMARKS = 2, 4, 10


class Maps(NamedTuple):
    """Raw head outputs of the three levels: logits (N, 4, h, w), boxes (N, 8, h, w), landmarks (N, 20, h, w) each."""

    logits: list[Tensor]
    boxes: list[Tensor]
    landmarks: list[Tensor]


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, slope: float | None = 0.0) -> nn.Sequential:
    """Convolution, batch norm and leaky ReLU (slope None: no activation)."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([] if slope is None else [nn.LeakyReLU(slope)]))


def separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Depthwise and pointwise convolution, each with batch norm and leaky ReLU 0.1."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.LeakyReLU(0.1),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1),
    )


class MobileNetQuarter(nn.Module):
    """MobileNet v1 at a quarter of its width: features of 64, 128, 256 channels at strides 8, 16, 32."""

    channels = (64, 128, 256)

    def __init__(self) -> None:
        super().__init__()
        first = [(8, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]
        self.stage1 = nn.Sequential(convolution(3, 8, 3, 2, 0.1), *(separable(*shape) for shape in first))
        self.stage2 = nn.Sequential(separable(64, 128, 2), *(separable(128, 128, 1) for _ in range(5)))
        self.stage3 = nn.Sequential(separable(128, 256, 2), separable(256, 256, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        stride8 = self.stage1(images)
        stride16 = self.stage2(stride8)
        return stride8, stride16, self.stage3(stride16)


class ResNet50(nn.Module):
    """torchvision's resnet50 without its classifier: features of 512, 1024, 2048 channels at strides 8, 16, 32."""

    channels = (512, 1024, 2048)

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import resnet50

        for name, module in resnet50(weights=None).named_children():
            if name not in ("avgpool", "fc"):
                self.add_module(name, module)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = []
        for name, module in self.named_children():
            images = module(images)
            if name in ("layer2", "layer3", "layer4"):
                features.append(images)
        stride8, stride16, stride32 = features
        return stride8, stride16, stride32


class FeaturePyramid(nn.Module):
    """Lateral 1x1 convolutions and a top-down path with nearest upsampling."""

    def __init__(self, channels: tuple[int, int, int], width: int) -> None:
        super().__init__()
        slope = 0.1 if width <= 64 else 0.0
        self.output1 = convolution(channels[0], width, 1, slope=slope)
        self.output2 = convolution(channels[1], width, 1, slope=slope)
        self.output3 = convolution(channels[2], width, 1, slope=slope)
        self.merge1 = convolution(width, width, 3, slope=slope)
        self.merge2 = convolution(width, width, 3, slope=slope)

    def forward(self, features: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        fine, middle, coarse = self.output1(features[0]), self.output2(features[1]), self.output3(features[2])
        middle = self.merge2(middle + F.interpolate(coarse, size=middle.shape[2:], mode="nearest"))
        fine = self.merge1(fine + F.interpolate(middle, size=fine.shape[2:], mode="nearest"))
        return fine, middle, coarse


class Context(nn.Module):
    """SSH: receptive fields of 3, 5 and 7 side by side."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        slope = 0.1 if outputs <= 64 else 0.0
        half, quarter = outputs // 2, outputs // 4
        # Spellings with X and x are the checkpoints'.
        self.conv3X3 = convolution(inputs, half, 3, slope=None)
        self.conv5X5_1 = convolution(inputs, quarter, 3, slope=slope)
        self.conv5X5_2 = convolution(quarter, quarter, 3, slope=None)
        self.conv7X7_2 = convolution(quarter, quarter, 3, slope=slope)
        self.conv7x7_3 = convolution(quarter, quarter, 3, slope=None)

    def forward(self, features: Tensor) -> Tensor:
        shared = self.conv5X5_1(features)
        parts = [self.conv3X3(features), self.conv5X5_2(shared), self.conv7x7_3(self.conv7X7_2(shared))]
        return F.relu(torch.cat(parts, dim=1))


class Head(nn.Module):
    """A 1x1 convolution; `values` numbers for each of the anchors of a position."""

    def __init__(self, inputs: int, values: int) -> None:
        super().__init__()
        self.conv1x1 = nn.Conv2d(inputs, ANCHORS * values, 1)

    def forward(self, features: Tensor) -> Tensor:
        maps: Tensor = self.conv1x1(features)
        return maps


class RetinaFace(nn.Module):
    """The network: images (N, 3, H, W) float, BGR minus (104, 117, 123), unscaled -> Maps."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.body: MobileNetQuarter | ResNet50 = MobileNetQuarter() if network == "mobilenet0.25" else ResNet50()
        width = 64 if network == "mobilenet0.25" else 256
        self.fpn = FeaturePyramid(self.body.channels, width)
        self.ssh1, self.ssh2, self.ssh3 = Context(width, width), Context(width, width), Context(width, width)
        self.ClassHead = nn.ModuleList(Head(width, CLASSES) for _ in range(3))
        self.BboxHead = nn.ModuleList(Head(width, COORDINATES) for _ in range(3))
        self.LandmarkHead = nn.ModuleList(Head(width, LANDMARKS) for _ in range(3))

    def features(self, images: Tensor) -> list[Tensor]:
        """What the heads look at: one (N, width, h, w) a level."""
        levels = self.fpn(self.body(images))
        return [ssh(level) for ssh, level in zip((self.ssh1, self.ssh2, self.ssh3), levels, strict=True)]

    def forward(self, images: Tensor) -> Maps:
        levels = self.features(images)
        heads = (self.ClassHead, self.BboxHead, self.LandmarkHead)
        return Maps(*([head(level) for head, level in zip(kind, levels, strict=True)] for kind in heads))


def load(network: Network, checkpoint: Path) -> RetinaFace:
    """The network with a checkpoint's weights, loaded strictly, in evaluation mode, on the CPU.

    WeightsError says what does not fit.
    """
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"weights file {checkpoint} is not a torch checkpoint ({reason})") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else {}
    state = {str(name).removeprefix("module."): value for name, value in state.items()}
    model = RetinaFace(network)
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        missing = sorted(set(model.state_dict()) - set(state))
        extra = sorted(set(state) - set(model.state_dict()))
        raise WeightsError(
            f"weights file {checkpoint} is not a RetinaFace {network}: {len(missing)} names missing"
            f" ({', '.join(missing[:3]) or 'none'}), {len(extra)} unknown ({', '.join(extra[:3]) or 'none'}),"
            " or shapes differ; set `network` to what the file holds"
        ) from error
    return model.eval()
