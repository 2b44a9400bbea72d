"""A contact sheet of the artifact: what the later stages will see, for a person to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.faces import artifact

if TYPE_CHECKING:
    import pandas as pd
    from PIL import ImageFont

MOST_FACES = 80
_COLUMNS = 10
_TILE, _CAPTION, _GAP = 112, 30, 6


def write_sheet(folder: Path) -> None:
    """Write contact.png: up to 80 faces, evenly spread over the clips, with clip and frame below each."""
    from PIL import Image, ImageDraw, ImageFont

    faces = artifact.read_faces(folder)
    shown = spread(faces["clip"], MOST_FACES)
    crops = artifact.read_crops(folder, shown, size=_TILE)
    columns = min(_COLUMNS, max(1, len(shown)))
    rows = -(-len(shown) // columns)
    size = (_GAP + columns * (_TILE + _GAP), _GAP + rows * (_TILE + _CAPTION + _GAP))
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for place, (face, crop) in enumerate(zip(shown, crops, strict=True)):
        left = _GAP + place % columns * (_TILE + _GAP)
        top = _GAP + place // columns * (_TILE + _CAPTION + _GAP)
        sheet.paste(Image.fromarray(crop), (left, top))
        clip, frame = str(faces["clip"].iloc[face]), int(faces["frame"].iloc[face])
        draw.text((left, top + _TILE + 2), _shortened(clip, font), fill="black", font=font)
        draw.text((left, top + _TILE + 15), f"frame {frame}", fill="dimgray", font=font)
    sheet.save(folder / artifact.SHEET, optimize=True)


def spread(clips: pd.Series[str], most: int) -> NDArray[np.int64]:
    """Row numbers of at most `most` faces: as many of each clip as of any other, at even distances within it."""
    order = {clip: place for place, clip in enumerate(clips.unique())}
    numbers = clips.map(order).to_numpy()
    if len(order) > most:
        some = np.linspace(0, len(order) - 1, most).round().astype(np.int64)
        return np.array([np.flatnonzero(numbers == clip)[0] for clip in some], np.int64)
    share = np.full(len(order), most // max(1, len(order)))
    share[: most - share.sum()] += 1
    chosen = [_evenly(np.flatnonzero(numbers == clip), int(share[clip])) for clip in range(len(order))]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.int64)


def _evenly(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    if len(rows) <= count:
        return rows
    return rows[((np.arange(count) + 0.5) * len(rows) / count).astype(np.int64)]


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The end of a long clip name tells more than its folders."""
    if font.getlength(text) <= _TILE:
        return text
    while text and font.getlength("…" + text) > _TILE:
        text = text[1:]
    return "…" + text
