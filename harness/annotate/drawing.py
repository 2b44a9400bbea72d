"""One frame with what is known of it: the face's box, a tag with the label above it, the top three in a panel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.annotate.layout import SHOWN, Layout
from harness.annotate.masks import Colour, Frame, fill, lay, readable_on, rgb, rounded_mask, text_mask, text_width
from harness.annotate.results import Results
from harness.charts.style import class_colours

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
FAINT: Colour = (200, 200, 200)
TRACK: Colour = (90, 90, 90)


class Painter:
    """Draws the results of one video. names: of the classes in id order."""

    def __init__(self, results: Results, names: Sequence[str], layout: Layout) -> None:
        self._results, self._names, self._layout = results, names, layout
        self._colours = [rgb(code) for code in class_colours(len(names))]

    def draw(self, frame: Frame, number: int) -> None:
        """Draw on a frame (H, W, 3) RGB, in place; number: the frame's in the video. One that is not known stays."""
        if number >= len(self._results):
            return
        label = int(self._results.labels[number])
        probabilities = self._results.probabilities[number]
        here = self._results.statuses[number] in ("detected", "cropped")
        colour = self._colours[label] if label >= 0 else FAINT
        x0, y0, x1, y1 = (round(float(one)) for one in np.nan_to_num(self._results.boxes[number]))
        if here:
            self._box(frame, x0, y0, x1, y1, colour)
        if self._layout.panel is not None:
            self._panel(frame, label, probabilities, "" if here else self._why(number))
        if here:
            self._tag(frame, x0, y0, self._tag_text(label, probabilities), colour)

    def _tag_text(self, label: int, probabilities: NDArray[np.float32]) -> str:
        if label < 0:
            return "no label"
        return f"{self._names[label]}  {_percent(probabilities[label])}"

    def _why(self, number: int) -> str:
        source = int(self._results.sources[number])
        return "no face" if source < 0 else f"no face here, that of frame {source}"

    def _box(self, frame: Frame, x0: int, y0: int, x1: int, y1: int, colour: Colour) -> None:
        line = self._layout.line
        for grown, tone in ((line + 1, BLACK), (line, colour)):  # a dark rim keeps the box visible on light ground
            rim = 0 if tone is colour else 1
            left, top, right, bottom = x0 - rim, y0 - rim, x1 + rim, y1 + rim
            fill(frame, left, top, right, top + grown + rim, tone)
            fill(frame, left, bottom - grown - rim, right, bottom, tone)
            fill(frame, left, top, left + grown + rim, bottom, tone)
            fill(frame, right - grown - rim, top, right, bottom, tone)

    def _tag(self, frame: Frame, x: int, y: int, text: str, colour: Colour) -> None:
        """A label on its colour, on the upper edge of the box, within the frame wherever the box is.

        None where it would lie on the panel, which says the same.
        """
        layout = self._layout
        letters = text_mask(text, layout.tag_letters)
        pad = max(2, layout.gap // 2)
        width, height = letters.shape[1] + 2 * pad, letters.shape[0] + pad
        x = min(max(x, 0), max(frame.shape[1] - width, 0))
        y = y - height if y >= height else max(y, 0) + layout.line
        if _meet((x, y, width, height), layout.panel):
            return
        lay(frame, rounded_mask(width, height, pad), x, y, colour)
        lay(frame, letters, x + pad, y + pad // 2, readable_on(colour))

    def _panel(self, frame: Frame, label: int, probabilities: NDArray[np.float32], why: str) -> None:
        assert self._layout.panel is not None
        x, y, width, height = self._layout.panel
        gap, row, letters = self._layout.gap, self._layout.row, self._layout.letters
        lay(frame, rounded_mask(width, height, gap), x, y, BLACK, 0.62)
        if np.isnan(probabilities).any():
            lay(frame, text_mask(why or "no label", letters), x + gap, y + gap, FAINT)
            return
        for place, class_id in enumerate(_ranked(probabilities, label)[:SHOWN]):
            self._row(frame, x + gap, y + gap + place * row, width - 2 * gap, class_id, float(probabilities[class_id]))
        if why:
            self._note(frame, why)

    def _row(self, frame: Frame, x: int, y: int, width: int, class_id: int, share: float) -> None:
        letters, row = self._layout.letters, self._layout.row
        percent = _percent(share)
        lay(frame, text_mask(self._names[class_id], letters), x, y, WHITE)
        lay(frame, text_mask(percent, letters), x + width - text_width(percent, letters), y, WHITE)
        thick = max(2, row // 6)
        top = y + row - thick - max(1, row // 8)
        fill(frame, x, top, x + width, top + thick, TRACK)
        fill(frame, x, top, x + round(width * share), top + thick, self._colours[class_id])

    def _note(self, frame: Frame, why: str) -> None:
        """Why the panel says something although no face is here, above it or, without room there, below."""
        assert self._layout.panel is not None
        x, y, width, height = self._layout.panel
        text = text_mask(why, self._layout.letters)
        pad = self._layout.gap // 2
        size = (max(width, text.shape[1] + 2 * self._layout.gap), text.shape[0] + 2 * pad)
        x = min(x, max(0, frame.shape[1] - size[0] - self._layout.gap))
        top = y - size[1] - pad
        top = top if top >= 0 else y + height + pad
        lay(frame, rounded_mask(size[0], size[1], self._layout.gap), x, top, BLACK, 0.62)
        lay(frame, text, x + self._layout.gap, top + pad, FAINT)


def _meet(one: tuple[int, int, int, int], other: tuple[int, int, int, int] | None) -> bool:
    """Whether two rectangles (x, y, width, height) overlap."""
    if other is None:
        return False
    return all(one[axis] < other[axis] + other[axis + 2] and other[axis] < one[axis] + one[axis + 2] for axis in (0, 1))


def _ranked(probabilities: NDArray[np.float32], label: int) -> list[int]:
    """Class ids by falling probability; on a tie the label is first, then the lowest id."""
    return sorted(range(len(probabilities)), key=lambda one: (-float(probabilities[one]), one != label, one))


def _percent(share: float) -> str:
    return f"{float(share):.0%}"
