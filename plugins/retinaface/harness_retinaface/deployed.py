"""The graph as it is run and exported: RGB uint8 frames in, one compact map a level out.

Preprocessing and heads are rewritten, exactly: BGR order is folded into the first convolution; the three heads and the
class difference become one 1x1 convolution a level, since sigmoid(face - background) = softmax(...)[face].
The mean is subtracted, not folded: zero padding at the borders must stay zero.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from harness_retinaface.graph import ANCHORS, COORDINATES, LANDMARKS, Head, RetinaFace

VALUES = 1 + COORDINATES + LANDMARKS  # face logit, box, landmarks
MEAN_RGB = (123.0, 117.0, 104.0)


class Deployed(nn.Module):
    """frames (N, H, W, 3) RGB uint8 -> three maps (N, h, w, 2 * 15) float32 of strides 8, 16, 32.

    The 15 values of an anchor: face logit, box offsets (4), landmark offsets (10).
    """

    mean: Tensor

    def __init__(self, model: RetinaFace) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        _swap_red_and_blue(self.model)
        heads = zip(model.ClassHead, model.BboxHead, model.LandmarkHead, strict=True)
        self.heads = nn.ModuleList(_joined(*level) for level in heads)
        self.register_buffer("mean", torch.tensor(MEAN_RGB))

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        images = (frames.float() - self.mean).permute(0, 3, 1, 2)
        levels = self.model.features(images)
        a, b, c = (head(level).permute(0, 2, 3, 1) for head, level in zip(self.heads, levels, strict=True))
        return a, b, c


def deployed(model: RetinaFace) -> Deployed:
    """The model made ready to run or to export; the given one is left as it is."""
    ready = Deployed(model).eval()
    del ready.model.ClassHead, ready.model.BboxHead, ready.model.LandmarkHead
    return ready.requires_grad_(False)


def _swap_red_and_blue(model: RetinaFace) -> None:
    first = next(module for module in model.body.modules() if isinstance(module, nn.Conv2d))
    first.weight.data = first.weight.data.flip(1).contiguous()


def _joined(*heads: nn.Module) -> nn.Conv2d:
    """One convolution whose channels are [logit, box, landmarks] of anchor 0, then of anchor 1."""
    convolutions = [head.conv1x1 for head in heads if isinstance(head, Head)]
    joined = nn.Conv2d(convolutions[0].in_channels, ANCHORS * VALUES, 1)
    joined.weight.data = _by_anchor([one.weight for one in convolutions])
    joined.bias = nn.Parameter(_by_anchor([one.bias for one in convolutions if one.bias is not None]))
    return joined


def _by_anchor(parameters: list[Tensor]) -> Tensor:
    """Parameters of the class, box and landmark head -> those of the joined head."""
    classes, *others = (one.detach().reshape(ANCHORS, -1, *one.shape[1:]) for one in parameters)
    return torch.cat([classes[:, 1:] - classes[:, :1], *others], dim=1).flatten(0, 1).contiguous()
