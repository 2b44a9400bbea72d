"""Draws docs/images/synthetic.png: stills of every class, single action units, frames of clips.

python docs/synthetic_sheet.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pictures

from harness.datasets.synthetic.clips import plan_clips, render_clip
from harness.datasets.synthetic.geometry import Pose
from harness.datasets.synthetic.identity import draw_identity
from harness.datasets.synthetic.options import SyntheticOptions
from harness.datasets.synthetic.relief import Light
from harness.datasets.synthetic.scene import Grain, Person, add_person
from harness.datasets.synthetic.stills import plan_stills, render_still
from harness.datasets.synthetic.strokes import Image

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 23, 24, 25, 26)
SIDE = 128


def captioned(image: Image, text: str, width: int, height: int) -> Image:
    """The image at a size, its caption on a light strip below."""
    tile = np.full((height + 16, width, 3), 245, np.uint8)
    tile[:height] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    cv2.putText(tile, text, (3, height + 12), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (30, 30, 30), 1, cv2.LINE_AA)
    return tile


def rows(tiles: list[Image], each: int) -> list[Image]:
    """Tiles side by side, `each` a row."""
    return [np.hstack(tiles[start : start + each]) for start in range(0, len(tiles), each)]


def still_tiles() -> list[Image]:
    """Two people for every class."""
    shown: dict[str, list[Image]] = {}
    for still in plan_stills(SyntheticOptions(stills=70, stills_per_subject=1)):
        images = shown.setdefault(still.label, [])
        if len(images) < 2:
            images.append(captioned(render_still(still, Grain(0)), still.label, SIDE, SIDE))
    return [images[number] for number in range(2) for images in shown.values()]


def unit_tiles() -> list[Image]:
    """One person under single action units."""
    who = draw_identity(np.random.default_rng([9, 12]))
    tiles = []
    for unit in UNITS:
        person = Person(who, {unit: 1.0}, Pose(8, 3, 0), (128, 152), 66)
        image = add_person(np.full((256, 256, 3), 176, np.uint8), person, Light(0.4, -0.6, 0.5))
        tiles.append(captioned(image, f"AU {unit}", SIDE * 7 // 8, SIDE * 7 // 8))
    return tiles


def clip_tiles() -> list[Image]:
    """Seven frames of each of three clips."""
    tiles = []
    for plan in list(plan_clips(SyntheticOptions(part="clips", clips=3))):
        frames = list(render_clip(plan, Grain(0)))
        for frame in np.linspace(1, len(frames) - 2, 7).astype(int):
            tiles.append(captioned(frames[frame], plan.labels[frame] or "(other)", SIDE, SIDE * 3 // 4))
    return tiles


def main() -> None:
    """Write the sheet, in 256 colours to keep it small."""
    sheet = np.vstack([*rows(still_tiles(), 7), *rows(unit_tiles(), 8), *rows(clip_tiles(), 7)])
    path = Path(__file__).parent / "images" / "synthetic.png"
    path.parent.mkdir(exist_ok=True)
    small = Pictures.fromarray(sheet)
    palette = small.quantize(256, kmeans=2)
    small.quantize(256, palette=palette, dither=Pictures.Dither.FLOYDSTEINBERG).save(path, optimize=True)


if __name__ == "__main__":
    main()
