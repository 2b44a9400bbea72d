"""The graph as it is run and exported: RGB uint8 frames in, one compact map a level out.

Preprocessing and heads are rewritten, exactly: BGR order is folded into the first convolution; the three heads and the
class difference become one 1x1 convolution a level, since sigmoid(face - background) = softmax(...)[face].
The mean is subtracted, not folded: zero padding at the borders must stay zero.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from harness_retinaface.graph import ANCHORS, COORDINATES, LANDMARKS, RetinaFace

VALUES = 1 + COORDINATES + LANDMARKS  # face logit, box, landmarks
MEAN_RGB = (123.0, 117.0, 104.0)
VERSION = 1  # raise it when exports must be made anew


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
        self.heads = nn.ModuleList(_joined(*(head.conv1x1 for head in level)) for level in heads)
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


def _joined(classes: nn.Conv2d, boxes: nn.Conv2d, landmarks: nn.Conv2d) -> nn.Conv2d:
    """One convolution whose channels are [logit, box, landmarks] of anchor 0, then of anchor 1."""
    joined = nn.Conv2d(classes.in_channels, ANCHORS * VALUES, 1)
    for target, *sources in (
        (joined.weight, classes.weight, boxes.weight, landmarks.weight),
        (joined.bias, classes.bias, boxes.bias, landmarks.bias),
    ):
        assert target is not None
        by_anchor = [source.detach().unflatten(0, (ANCHORS, -1)) for source in sources if source is not None]
        logit = by_anchor[0][:, 1:] - by_anchor[0][:, :1]
        target.data = torch.cat([logit, *by_anchor[1:]], dim=1).flatten(0, 1).contiguous()
    return joined
