"""Where a Haar cascade file may lie. OpenCV 5 and its contributed package no longer bring any."""

from __future__ import annotations

import importlib.util
from pathlib import Path

NAME = "haarcascade_frontalface_default.xml"
# Distributions that contain the file of OpenCV's sources (Intel licence): OpenCV 4 itself, and packages that copy it.
PLACES = (("cv2", f"data/{NAME}"), ("face_analysis", f"emotions/data/{NAME}"), ("fer", f"data/{NAME}"))


def find_cascade(path: Path | None) -> Path | None:
    """The given file, or one of an installed package (found without importing it), or None."""
    if path is not None:
        return path if path.is_file() else None
    for package, place in PLACES:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            if (Path(folder) / place).is_file():
                return Path(folder) / place
    return None
