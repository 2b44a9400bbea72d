"""Where a face is seen: background, light, and the camera with its blur, noise and colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.datasets.synthetic.geometry import Drawing, Pose, pose_face, project
from harness.datasets.synthetic.identity import Identity
from harness.datasets.synthetic.paint import paint
from harness.datasets.synthetic.relief import Light
from harness.datasets.synthetic.shading import shade
from harness.datasets.synthetic.sitter import Sitter
from harness.datasets.synthetic.strokes import Image

SUPERSAMPLING = 2


@dataclass(frozen=True)
class Person:
    """One face in a frame: who, how it moves and where it is. centre in pixels, scale in pixels a face unit."""

    who: Identity
    units: Mapping[int, float]
    pose: Pose
    centre: tuple[float, float]
    scale: float
    blink: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)

    def drawing(self, zoom: float = 1.0) -> Drawing:
        """The projected face in pixels times zoom."""
        points = pose_face(self.who.shape, self.units, self.who.lopsided, self.blink)
        centre = self.centre[0] * zoom, self.centre[1] * zoom
        return Drawing(project(points, self.pose, centre, self.scale * zoom), self.scale * zoom)


def add_person(frame: Image, person: Person, light: Light) -> Image:
    """The frame (H, W, 3) RGB with a person in front of what was there."""
    height, width = frame.shape[:2]
    canvas = _resized(frame, width * SUPERSAMPLING, height * SUPERSAMPLING, cv2.INTER_LINEAR)
    paint(Sitter(canvas, person.drawing(SUPERSAMPLING), person.who, person.gaze))
    painted = _resized(canvas, width, height, cv2.INTER_AREA)
    return shade(painted, person.drawing(), person.who, person.units, light)


def background(width: int, height: int, random: np.random.Generator, kind: Literal["studio", "room"]) -> Image:
    """A backdrop: soft blotches of one colour (studio), or furniture, windows and lamps out of focus (room)."""
    base = random.uniform(60, 215) if kind == "studio" else random.uniform(40, 150)
    tint = random.normal(0, 14, 3)
    coarse = np.clip(base + tint + random.normal(0, 14, (4, 5, 1)) + random.normal(0, 5, (4, 5, 3)), 0, 255).astype(
        np.uint8
    )
    image = _resized(coarse, width, height, cv2.INTER_CUBIC)
    if kind == "studio":
        return image
    for _ in range(int(random.integers(4, 9))):
        x, y = random.uniform(-0.1, 1.0, 2) * (width, height)
        w, h = random.uniform(0.08, 0.45, 2) * (width, height)
        colour = tuple(float(v) for v in np.clip(random.normal(base, 40) + random.normal(0, 14, 3), 0, 255))
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), float(random.uniform(1.5, 5.0)) * height / 300), np.uint8)


def _resized(image: Image, width: int, height: int, interpolation: int) -> Image:
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)


@dataclass(frozen=True)
class Camera:
    """What a camera does to a scene.

    blur: standard deviation in pixels; noise: in grey levels; gain per channel; gamma > 1 darkens the middle tones.
    """

    blur: float
    noise: float
    gain: tuple[float, float, float]
    gamma: float

    def table(self) -> NDArray[np.uint8]:
        """(1, 256, 3) lookup of gain and gamma."""
        levels = (np.arange(256)[:, None] / 255.0) ** self.gamma * np.asarray(self.gain)
        return np.asarray(np.clip(levels * 255, 0, 255)[None], np.uint8)

    def expose(self, scene: Image, grain: Grain, random: np.random.Generator) -> Image:
        """The photograph of a scene (H, W, 3)."""
        image = cv2.GaussianBlur(scene, (0, 0), self.blur) if self.blur > 0.2 else scene
        return grain.add(np.asarray(cv2.LUT(image, self.table()), np.uint8), self.noise, random)


class Grain:
    """Gaussian noise, drawn once and cut out at random places: drawing it anew would cost more than the face."""

    def __init__(self, seed: int, side: int = 768) -> None:
        self._side = side
        self._noise = np.random.default_rng([seed, 77]).normal(0, 32, (side, side, 3)).clip(-127, 127).astype(np.int8)

    def add(self, image: Image, level: float, random: np.random.Generator) -> Image:
        """The image with noise of a standard deviation in grey levels."""
        height, width = image.shape[:2]
        repeats = -(-height // self._side), -(-width // self._side)
        noise = self._noise if max(repeats) == 1 else np.tile(self._noise, (*(n + 1 for n in repeats), 1))
        top = int(random.integers(noise.shape[0] - height + 1))
        left = int(random.integers(noise.shape[1] - width + 1))
        cut = np.ascontiguousarray(noise[top : top + height, left : left + width])
        return np.asarray(cv2.addWeighted(image, 1.0, cut, level / 32, 0.0, dtype=cv2.CV_8U), np.uint8)
