"""The rows of the index that a clip's record ends as."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faces.choice import Face
from harness.faces.records import ClipRecord

FRAMES = st.lists(st.sampled_from(["face", "none", "unreadable"]), min_size=1, max_size=30)


def record_of(states: list[str], cropped: bool = False) -> ClipRecord:
    """Frame n, if readable, is at n / 4 seconds; its face, if it has one, has the id 100 + n and n in its box."""
    record = ClipRecord("clip", cropped)
    for number, state in enumerate(states):
        if state == "face":
            box = np.array([number, 1, number + 9, 10], np.float32)
            record.add(number, number / 4, 100 + number, Face(box, 0.75, None, 2))
        elif state == "none":
            record.add(number, number / 4, -1, None)
    return record


def rows_of(record: ClipRecord, frames: int, fill: bool) -> dict[str, list]:
    blocks = list(record.rows(frames, fill))
    return {name: [value for block in blocks for value in block[name]] for name in blocks[0]}


@given(FRAMES, st.booleans(), st.booleans())
def test_every_frame_has_a_row_of_its_own_or_of_the_closest_face(states: list[str], fill: bool, cropped: bool) -> None:
    record = record_of(states, cropped)
    rows = rows_of(record, len(states), fill)
    own = [number for number, state in enumerate(states) if state == "face"]
    assert record.distinct == len(own)
    for number, state in enumerate(states):
        source = min(own, key=lambda one: (abs(one - number), one), default=-1) if fill else -1
        source = number if state == "face" else source
        named = "missing" if source < 0 else "copied" if source != number else "cropped" if cropped else "detected"
        has = source >= 0
        assert (rows["clip"][number], rows["frame"][number]) == ("clip", number)
        assert (rows["source_frame"][number], rows["status"][number]) == (source, named)
        assert rows["face"][number] == (100 + source if has else -1)
        assert rows["faces_found"][number] == (2 if state == "face" else 0)
        box = [rows[name][number] for name in ("x0", "y0", "x1", "y1", "score")]
        np.testing.assert_array_equal(box, [source, 1, source + 9, 10, 0.75] if has else [np.nan] * 5)
        time = np.nan if state == "unreadable" else number / 4
        np.testing.assert_array_equal(rows["time"][number], time)


@pytest.mark.parametrize("frames", [4096, 10_000])
def test_a_long_clip_comes_in_blocks_that_join_without_a_seam(frames: int) -> None:
    states = ["face" if number % 3 == 0 else "none" for number in range(frames)]
    record = record_of(states)
    assert max(len(block["frame"]) for block in record.rows(frames, True)) <= 4096
    rows = rows_of(record, frames, True)
    assert rows["frame"] == list(range(frames))
    assert rows["source_frame"] == [min((number + 1) // 3 * 3, (frames - 1) // 3 * 3) for number in range(frames)]


def test_a_clip_without_frames_has_no_rows() -> None:
    assert list(ClipRecord("clip").rows(0, True)) == []


def test_a_frame_is_kept_as_a_few_numbers() -> None:
    record = record_of(["face"] * 1000)
    kept = (record.frames, record.times, record.faces, record.boxes, record.found)
    assert sum(len(values) * values.itemsize for values in kept) == 44 * 1000
