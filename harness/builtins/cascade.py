"""Haar cascade files: where one may lie, and what it says.

OpenCV 5 contains neither the cascade classifier nor its files, so the harness reads and runs cascades itself.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAME = "haarcascade_frontalface_default.xml"
# Packages that contain the file of OpenCV's sources (Intel licence): OpenCV 4 itself, and some that copy it.
PLACES = (("cv2", f"data/{NAME}"), ("face_analysis", f"emotions/data/{NAME}"), ("fer", f"data/{NAME}"))


@dataclass(frozen=True)
class Stump:
    """A Haar feature (rectangles x, y, width, height, weight in the window) and what it votes on either side."""

    rectangles: tuple[tuple[int, int, int, int, float], ...]
    threshold: float
    below: float
    above: float


@dataclass(frozen=True)
class Stage:
    """Stumps whose votes must reach the threshold, or the window is no face."""

    stumps: tuple[Stump, ...]
    threshold: float


@dataclass(frozen=True)
class Cascade:
    """A window of width x height pixels and the stages it has to pass, cheapest first."""

    width: int
    height: int
    stages: tuple[Stage, ...]


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


def read_cascade(path: Path) -> Cascade:
    """A cascade of upright stumps in either of OpenCV's two XML formats; DataError for anything else."""
    from xml.etree import ElementTree

    try:
        root = ElementTree.parse(path).getroot()[0]  # noqa: S314
        old = root.get("type_id") == "opencv-haar-classifier"
        return _old(root) if old else _new(root)
    except (ElementTree.ParseError, OSError) as error:
        raise DataError(f"{path}: not a Haar cascade that can be read ({error})") from None
    except (AttributeError, IndexError, TypeError, ValueError):
        raise DataError(f"{path}: not a Haar cascade of upright stumps, such as {NAME}") from None


def _old(root: Element) -> Cascade:
    """One <feature> inside each node."""
    width, height = (int(value) for value in _text(root, "size").split())
    stages = []
    for stage in root.iterfind("stages/_"):
        stumps = []
        for tree in stage.iterfind("trees/_"):
            (node,) = tree.iterfind("_")
            values = [float(_text(node, name)) for name in ("threshold", "left_val", "right_val")]
            stumps.append(Stump(_rectangles(node.find("feature")), *values))
        stages.append(Stage(tuple(stumps), float(_text(stage, "stage_threshold"))))
    return Cascade(width, height, _some(stages))


def _new(root: Element) -> Cascade:
    """Features in a list of their own, which the nodes number."""
    features = [_rectangles(feature) for feature in root.iterfind("features/_")]
    stages = []
    for stage in root.iterfind("stages/_"):
        stumps = []
        for weak in stage.iterfind("weakClassifiers/_"):
            _left, _right, feature, threshold = _text(weak, "internalNodes").split()
            below, above = (float(value) for value in _text(weak, "leafValues").split())
            stumps.append(Stump(features[int(feature)], float(threshold), below, above))
        stages.append(Stage(tuple(stumps), float(_text(stage, "stageThreshold"))))
    return Cascade(int(_text(root, "width")), int(_text(root, "height")), _some(stages))


def _rectangles(feature: Element | None) -> tuple[tuple[int, int, int, int, float], ...]:
    if feature is None or int(feature.findtext("tilted", "0")):
        raise ValueError("no upright feature")
    rows = [(one.text or "").split() for one in feature.iterfind("rects/_")]
    return tuple((int(x), int(y), int(width), int(height), float(weight)) for x, y, width, height, weight in rows)


def _some(stages: list[Stage]) -> tuple[Stage, ...]:
    if not stages or not all(stage.stumps for stage in stages):
        raise ValueError("no stages")
    return tuple(stages)


def _text(element: Element, name: str) -> str:
    text = element.findtext(name)
    if text is None:
        raise ValueError(f"no {name}")
    return text
