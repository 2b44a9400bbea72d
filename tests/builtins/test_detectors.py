"""The built-in face detectors: the whole frame, and Haar cascades against plain loops."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from harness.builtins import haar
from harness.builtins.cascade import Cascade, Stage, Stump, find_cascade, read_cascade
from harness.builtins.detector_options import HaarOptions, WholeFrameOptions
from harness.builtins.detectors import WholeFrame
from harness.builtins.haar import Haar, grouped, hits
from harness.errors import DataError

# Dark above bright, with a bright middle: a window of 8x8 pixels in three stages.
CASCADE = Cascade(
    8,
    8,
    (
        Stage((Stump(((0, 0, 8, 8, -1.0), (0, 4, 8, 4, 2.0)), 0.02, 0.1, 0.9),), 0.5),
        Stage(
            (
                Stump(((0, 0, 8, 8, -1.0), (2, 0, 4, 8, 2.0)), 0.0, 0.2, 0.8),
                Stump(((0, 0, 8, 4, -1.0), (2, 1, 4, 2, 4.0), (0, 0, 1, 1, 0.5)), 0.01, 0.3, 0.6),
            ),
            0.9,
        ),
        Stage((Stump(((1, 1, 6, 6, -1.0), (1, 4, 6, 3, 2.0)), 0.01, -1.0, 1.0),), 0.0),
    ),
)
OLD = """<?xml version="1.0"?><opencv_storage><mine type_id="opencv-haar-classifier"><size>8 8</size><stages><_><trees>
<_><_><feature><rects><_>0 0 8 8 -1.</_><_>0 4 8 4 2.</_></rects><tilted>{tilted}</tilted></feature>
<threshold>0.02</threshold><left_val>0.1</left_val><right_val>0.9</right_val></_></_></trees>
<stage_threshold>0.5</stage_threshold></_></stages></mine></opencv_storage>"""
NEW = """<?xml version="1.0"?><opencv_storage><cascade type_id="opencv-cascade-classifier"><height>8</height>
<width>8</width><stages><_><stageThreshold>0.5</stageThreshold><weakClassifiers><_>
<internalNodes>0 -1 0 0.02</internalNodes><leafValues>0.1 0.9</leafValues></_></weakClassifiers></_></stages>
<features><_><rects><_>0 0 8 8 -1.</_><_>0 4 8 4 2.</_></rects></_></features></cascade></opencv_storage>"""


def test_the_whole_frame_is_one_face_without_landmarks() -> None:
    found = WholeFrame(WholeFrameOptions()).detect(np.zeros((3, 40, 60, 3), np.uint8))
    assert len(found) == 3
    assert found[0].boxes.tolist() == [[0, 0, 60, 40]]
    assert found[0].scores.tolist() == [1]
    assert found[0].landmarks is None


def by_loops(cascade: Cascade, level: np.ndarray, factor: float) -> list[list[float]]:
    """Every window, feature and rectangle one after another: the oracle."""
    found = []
    step = 1 if factor > 2 else 2
    for y in range(0, level.shape[0] - cascade.height + 1, step):
        for x in range(0, level.shape[1] - cascade.width + 1, step):
            window = level[y : y + cascade.height, x : x + cascade.width].astype(float)
            inner = window[1:-1, 1:-1]
            spread = inner.size * (inner**2).sum() - inner.sum() ** 2
            if spread > 0 and inner.size / np.sqrt(spread) < 0.1 and passes(cascade, window, 1 / np.sqrt(spread)):
                found.append([x * factor, y * factor, (x + cascade.width) * factor, (y + cascade.height) * factor])
    return found


def passes(cascade: Cascade, window: np.ndarray, norm: float) -> bool:
    for stage in cascade.stages:
        votes = 0.0
        for stump in stage.stumps:
            value = sum(w * window[y : y + high, x : x + wide].sum() for x, y, wide, high, w in stump.rectangles)
            votes += stump.below if value * norm < stump.threshold else stump.above
        if votes < stage.threshold - 1e-5:
            return False
    return True


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("at_once", [7, 4096])
def test_the_vectorised_cascade_finds_what_loops_find(seed: int, at_once: int, monkeypatch) -> None:
    monkeypatch.setattr(haar, "_AT_ONCE", at_once)
    random = np.random.default_rng(seed)
    levels = []
    for height, width, factor in ((40, 51, 1.0), (21, 30, 1.9), (17, 14, 3.0), (8, 8, 5.0)):
        coarse = random.integers(0, 256, (height // 4 + 1, width // 4 + 1)).astype(np.uint8)
        levels.append((cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), factor))
    wanted = [box for level, factor in levels for box in by_loops(CASCADE, level, factor)]
    assert len(wanted) > 5
    np.testing.assert_allclose(hits(CASCADE, levels), wanted)


def test_flat_pictures_and_tiny_ones_hold_no_face() -> None:
    assert hits(CASCADE, [(np.full((30, 30), 90, np.uint8), 1.0)]).shape == (0, 4)
    assert hits(CASCADE, []).shape == (0, 4)


def test_hits_are_grouped_and_lonely_ones_dropped() -> None:
    crowd = np.array([[10, 10, 50, 50], [12, 10, 52, 50], [11, 11, 51, 51]], float)
    lonely = np.array([[200, 200, 240, 240]], float)
    within = np.array([[12, 12, 30, 30]], float)
    boxes, counts = grouped(np.concatenate([crowd, lonely]), 2)
    np.testing.assert_allclose(boxes, [crowd.mean(axis=0)])
    assert counts.tolist() == [3]
    boxes, counts = grouped(np.concatenate([crowd, crowd + 1, within]), 1)
    assert counts.tolist() == [6]  # the small one lies inside the well supported one
    assert grouped(np.zeros((0, 4)), 1)[0].shape == (0, 4)


@pytest.mark.parametrize("text", [OLD.format(tilted=0), NEW])
def test_both_file_formats_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.xml").write_text(text)
    assert read_cascade(tmp_path / "mine.xml") == Cascade(8, 8, CASCADE.stages[:1])


def test_a_cascade_of_the_users_own_finds_faces_and_its_hash_is_a_fact(tmp_path: Path) -> None:
    (tmp_path / "mine.xml").write_text(NEW)
    options = HaarOptions(cascade=tmp_path / "mine.xml", min_neighbors=3)
    frame = np.full((64, 64, 3), 200, np.uint8)
    frame[:32] = 20
    (found,) = Haar(options).detect(frame[None])
    assert len(found) > 0
    assert found.landmarks is None
    assert (np.diff(found.scores) <= 0).all()
    assert 0 < found.scores.min() <= found.scores.max() < 1
    assert len(options.facts()["cascade"]) == 64
    assert HaarOptions(cascade=tmp_path / "gone.xml").facts() == {"cascade": None}


def test_a_missing_cascade_is_named_with_what_to_do(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(DataError, match=r"gone\.xml: no such cascade file"):
        Haar(HaarOptions(cascade=tmp_path / "gone.xml"))
    monkeypatch.setattr("harness.builtins.cascade.PLACES", (("no_such_package_here", "x.xml"),))
    with pytest.raises(DataError, match=r"needs haarcascade_frontalface_default\.xml, .*; download it from https"):
        Haar(HaarOptions())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("words", "not a Haar cascade that can be read"),
        ("<opencv_storage/>", "not a Haar cascade of upright stumps"),
        (OLD.format(tilted=1), "not a Haar cascade of upright stumps"),
        (NEW.replace("0 -1 0 0.02", "1 -1 0 0.02 0 -2 1 0.5"), "not a Haar cascade of upright stumps"),
        (NEW.replace("<stages>", "<other>").replace("</stages>", "</other>"), "not a Haar cascade of upright stumps"),
    ],
)
def test_files_that_are_no_cascade_of_stumps_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.xml").write_text(text)
    with pytest.raises(DataError, match=rf"mine\.xml: {message}"):
        read_cascade(tmp_path / "mine.xml")


@pytest.mark.skipif(find_cascade(None) is None, reason="no installed package contains the frontal face cascade")
def test_the_public_cascade_finds_a_drawn_face() -> None:
    frame = np.full((180, 240, 3), (120, 118, 110), np.uint8)
    for centre, radii, colour in DRAWING:
        cv2.ellipse(frame, centre, radii, 0, 0, 360, colour, -1, cv2.LINE_AA)
    (found,) = Haar(HaarOptions()).detect(frame[None])
    assert len(found) == 1
    x0, y0, x1, y1 = found.boxes[0]
    assert x0 < 105 < 135 < x1
    assert y0 < 85 < 118 < y1


DRAWING = [
    ((120, 86), (41, 54), (50, 36, 28)),
    ((120, 93), (34, 47), (222, 176, 150)),
    *[((120 + side, 85), (8, 4), (240, 238, 235)) for side in (-15, 15)],
    *[((120 + side, 85), (4, 4), (60, 42, 30)) for side in (-15, 15)],
    *[((120 + side, 75), (10, 2), (60, 42, 32)) for side in (-15, 15)],
    ((120, 105), (7, 3), (190, 140, 118)),
    ((120, 117), (13, 4), (170, 75, 75)),
]
