"""A faces stage that runs on pictures of known content: a coloured square is a face, its colour says which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from harness.components import Clip, Faces, Licence, Options
from harness.faces.stage import run
from harness.plugins import Registry
from harness.stage import StageContext


class ListedOptions(Options):
    """Clips by position in `ListedClips.clips_of`."""

    key: int = 0


class ListedClips:
    """A data set of clips that a test has laid down."""

    of: ClassVar[dict[int, Sequence[Clip]]] = {}
    licence = Licence("none")

    def __init__(self, options: ListedOptions, folder: Path) -> None:
        self._clips = self.of[options.key]

    def prepare(self, progress: Any) -> None: ...

    def clips(self) -> Sequence[Clip]:
        return self._clips

    def annotations(self) -> None:
        return None


class SquaresOptions(Options):
    """Whether the squares have landmarks."""

    landmarks: bool = True
    forget: int = 0


class Squares:
    """Finds bright red, green and blue squares on grey; the colour is the score: red 0.9, green 0.8, blue 0.7."""

    def __init__(self, options: SquaresOptions) -> None:
        self._options = options

    def detect(self, frames: np.ndarray) -> list[Faces]:
        return [self._one(frame.astype(int)) for frame in frames[self._options.forget :]]

    def _one(self, frame: np.ndarray) -> Faces:
        boxes, scores = [], []
        for channel, score in enumerate((0.9, 0.8, 0.7)):
            others = np.delete(frame, channel, axis=2).max(axis=2)
            rows, columns = np.nonzero(frame[..., channel] - others > 100)
            if len(rows) > 20:
                boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
                scores.append(score)
        corners = np.array(boxes, np.float32).reshape(-1, 4)
        return Faces(corners, np.array(scores, np.float32), self._landmarks(corners))

    def _landmarks(self, boxes: np.ndarray) -> np.ndarray | None:
        if not self._options.landmarks:
            return None
        places = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)], np.float32)
        return boxes[:, None, :2] + places * (boxes[:, None, 2:] - boxes[:, None, :2])


class Shelf(Registry):
    """A registry whose targets are objects: test modules have no import path under importmode=importlib."""

    made: ClassVar[dict[str, tuple[type[Options], Any]]] = {
        "listed": (ListedOptions, ListedClips),
        "squares": (SquaresOptions, Squares),
    }

    def build(self, kind: Any, name: str, options: Any = None, **context: Any) -> Any:
        if name not in self.made:
            return super().build(kind, name, options, **context)
        options_class, target = self.made[name]
        return target(options_class(**(options or {})), **context)


def picture(*squares: tuple[int, int, int, str], height: int = 96, width: int = 128) -> np.ndarray:
    """A grey frame with squares (x, y, side, colour)."""
    frame = np.full((height, width, 3), 90, np.uint8)
    for x, y, side, colour in squares:
        frame[y : y + side, x : x + side] = {"red": (240, 30, 30), "green": (30, 240, 30), "blue": (30, 30, 240)}[
            colour
        ]
    return frame


def save_folder(folder: Path, frames: Sequence[np.ndarray]) -> Path:
    """A clip as a folder of images."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number}.png")
    return folder


@dataclass
class Ran:
    """A finished run of the stage."""

    folder: Path
    notices: list[str]
    progress: list[tuple[str, float, float | None]] = field(default_factory=list)


@pytest.fixture
def run_faces(tmp_path_factory: pytest.TempPathFactory):
    """A function that runs the stage on clips and returns folder, notices and progress."""

    def start(clips: Sequence[Clip], detector: str = "squares", detector_options: Any = None, **params: Any) -> Ran:
        key = len(ListedClips.of)
        ListedClips.of[key] = clips
        ran = Ran(tmp_path_factory.mktemp("faces"), [])
        context = StageContext(
            folder=ran.folder,
            params={
                "dataset": {"use": "listed", "options": {"key": key}},
                "detector": {"use": detector, "options": detector_options or {}},
                "size": 32,
                "format": "png",
                **params,
            },
            inputs={"data": ran.folder},
            registry=Shelf(),
            progress=lambda text, done, total: ran.progress.append((text, done, total)),
            notices=ran.notices,
        )
        run(context)
        return ran

    return start


@pytest.fixture
def draw():
    return picture


@pytest.fixture
def lay_folder(tmp_path: Path):
    """A function that writes frames as tmp_path/<name>/<number>.png and returns the clip."""

    def lay(name: str, frames: Sequence[np.ndarray], **clip: Any) -> Clip:
        return Clip(name, save_folder(tmp_path / name, frames), **clip)

    return lay
