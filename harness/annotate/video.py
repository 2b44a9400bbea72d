"""The annotated copy of a video: decoded, drawn and encoded frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.annotate.drawing import Painter
from harness.annotate.layout import enlargement, lay_out
from harness.annotate.results import Results
from harness.media import Prefetch, iter_frames, probe
from harness.media.timed import write_timed_video

RATE = 25.0  # of a video that does not say
AHEAD = 8  # frames decoded before they are needed


def write_annotated(
    path: Path,
    source: Path,
    results: Results,
    names: Sequence[str],
    progress: Callable[[str, float, float | None], None] = lambda _text, _done, _total: None,
) -> int:
    """Write the video `source` with its results drawn, as H.264 at its frames' own times, without its sound.

    Returns the number of frames; memory does not grow with it. Small videos are enlarged (layout.enlargement).
    MediaError if it cannot be read or written.
    """
    info = probe(source)
    times = enlargement(info.width, info.height)
    results = replace(results, boxes=results.boxes * times)
    painter = Painter(results, names, lay_out(info.width * times, info.height * times, names, results.boxes))

    def drawn() -> Iterator[tuple[float, NDArray[np.uint8]]]:
        with Prefetch(iter_frames(source), depth=AHEAD) as frames:
            for frame in frames:
                pixels = _enlarged(frame.pixels, times)
                painter.draw(pixels, frame.index)
                yield frame.time, pixels
                progress("drawing", frame.index + 1, max(len(results), frame.index + 1))

    part = path.with_name(f".{path.name}")  # the container goes by the suffix, so it must be kept
    count = write_timed_video(part, drawn(), info.frames_per_second or RATE)
    part.replace(path)
    return count


def _enlarged(pixels: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """A frame that can be drawn on, so many times as large."""
    if times == 1:
        return np.require(pixels, requirements="W")
    import cv2

    size = (pixels.shape[1] * times, pixels.shape[0] * times)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8)
