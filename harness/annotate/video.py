"""The annotated copy of a video: decoded, drawn and encoded frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.annotate.drawing import Painter
from harness.annotate.layout import lay_out
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

    Returns the number of frames; memory does not grow with it. MediaError if it cannot be read or written.
    """
    info = probe(source)
    painter = Painter(results, names, lay_out(info.width, info.height, names, results.boxes))

    def drawn() -> Iterator[tuple[float, NDArray[np.uint8]]]:
        with Prefetch(iter_frames(source), depth=AHEAD) as frames:
            for frame in frames:
                pixels = np.require(frame.pixels, requirements="W")
                painter.draw(pixels, frame.index)
                yield frame.time, pixels
                progress("drawing", frame.index + 1, max(len(results), frame.index + 1))

    part = path.with_name(f".{path.name}")  # the container goes by the suffix, so it must be kept
    count = write_timed_video(part, drawn(), info.frames_per_second or RATE)
    part.replace(path)
    return count
