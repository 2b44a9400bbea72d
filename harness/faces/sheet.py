"""A contact sheet of the artifact: what the later stages will see, for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.faces import artifact
from harness.faces.listed import LISTED

if TYPE_CHECKING:
    from PIL import ImageFont

MOST_FACES = 80
_COLUMNS = 10
_TILE, _CAPTION, _GAP = 112, 30, 6


def write_sheet(folder: Path) -> bool:
    """Write contact.png: up to 80 faces, evenly spread over the clips, with clip and frame below each.

    Returns False, and writes nothing, where no face has an image.
    """
    from PIL import Image, ImageDraw, ImageFont

    clips = artifact.read_clips(folder)
    last = clips["faces"].cumsum().to_numpy()
    shown = spread(clips["faces"].to_numpy(), MOST_FACES, (clips["status"] != LISTED).to_numpy())
    if not len(shown):
        return False
    names = clips["clip"].iloc[np.searchsorted(last, shown, side="right")]
    frames = artifact.read_frame_numbers(folder, shown)
    crops = artifact.read_crops(folder, shown, size=_TILE)
    columns = min(_COLUMNS, max(1, len(shown)))
    rows = -(-len(shown) // columns)
    size = (_GAP + columns * (_TILE + _GAP), _GAP + rows * (_TILE + _CAPTION + _GAP))
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for place, (clip, frame, crop) in enumerate(zip(names, frames, crops, strict=True)):
        left = _GAP + place % columns * (_TILE + _GAP)
        top = _GAP + place // columns * (_TILE + _CAPTION + _GAP)
        sheet.paste(Image.fromarray(crop), (left, top))
        draw.text((left, top + _TILE + 2), _shortened(str(clip), font), fill="black", font=font)
        draw.text((left, top + _TILE + 15), f"frame {frame}", fill="dimgray", font=font)
    sheet.save(folder / artifact.SHEET, optimize=True)
    return True


def spread(
    counts: Sequence[int] | NDArray[np.integer], most: int, shown: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Face ids, at most `most`: as many of each clip as of any other, at even distances within it.

    counts: how many faces each clip has; ids number the faces clip by clip; shown: which clips count, by default all.
    """
    counts = np.asarray(counts, np.int64)
    firsts = np.cumsum(counts) - counts
    kept = counts > 0 if shown is None else (counts > 0) & shown
    firsts, counts = firsts[kept], counts[kept]
    if len(counts) > most:
        return np.asarray(firsts[np.linspace(0, len(counts) - 1, most).round().astype(np.int64)])
    share = np.full(len(counts), most // max(1, len(counts)))
    share[: most - share.sum()] += 1
    chosen = [first + _evenly(*pair) for first, *pair in zip(firsts, counts, share, strict=True)]
    return np.concatenate([np.zeros(0, np.int64), *chosen])


def _evenly(length: int, count: int) -> NDArray[np.int64]:
    """At most `count` of the numbers 0..length-1."""
    if length <= count:
        return np.arange(length)
    return np.asarray(((np.arange(count) + 0.5) * length / count).astype(np.int64))


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The end of a long clip name tells more than its folders."""
    if font.getlength(text) <= _TILE:
        return text
    while text and font.getlength("…" + text) > _TILE:
        text = text[1:]
    return "…" + text
