from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.export.checking import check_submission
from harness.export.submission import HEADER

SOUND = [HEADER, "01/00001.jpg,0", "01/00002.jpg,6", "02/00001.jpg,3"]
COUNTS = {"01": 2, "02": 1}


def faults(lines, counts=None):
    return [(fault.line, fault.text) for fault in check_submission(lines, counts)]


def changed(number, line):
    return [*SOUND[: number - 1], *([] if line is None else [line]), *SOUND[number:]]


@pytest.mark.parametrize("counts", [None, COUNTS])
def test_a_sound_file_has_no_fault(counts):
    assert faults(SOUND, counts) == []


MISSING = "01/00002.jpg should stand here, and stands nowhere"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (changed(1, "image,label"), [(1, f"the header is 'image,label'; it must be {HEADER}")]),
        (SOUND[1:], [(1, f"the header is missing; it must be {HEADER}")]),
        (changed(3, "01/00002.jpg,7"), [(3, "'7' is no class id from 0 to 6")]),
        (changed(3, "01/00002.jpg,"), [(3, "'' is no class id from 0 to 6")]),
        (changed(3, "01/00002.jpg, 1"), [(3, "' 1' is no class id from 0 to 6")]),
        (changed(3, "1/2.jpg,0"), [(3, "'1/2.jpg,0' is not like 01/00001.jpg,0"), (4, MISSING)]),
        (changed(3, "01/00000.jpg,0"), [(3, "'01/00000.jpg,0': frames count from 00001"), (4, MISSING)]),
        (changed(3, ""), [(3, "the line is empty"), (4, MISSING)]),
        ([*SOUND, ""], [(5, "the line is empty")]),
        (changed(3, None), [(3, MISSING)]),
        (changed(4, None), [(4, "02/00001.jpg should stand here, and stands nowhere")]),
        (changed(4, "01/00002.jpg,1"), [
            (4, "01/00002.jpg stands on line 3 already"), (5, "02/00001.jpg should stand here, and stands nowhere"),
        ]),
        ([*SOUND, "03/00001.jpg,1"], [(5, "03/00001.jpg is not in the frame list")]),
        ([HEADER, SOUND[2], SOUND[1], SOUND[3]], [(3, "01/00001.jpg stands too late, behind 01/00002.jpg")]),
        ([line + "\r" for line in SOUND], [(1, "lines end in CR LF; the official file ends them in LF alone")]),
        (["\ufeff" + HEADER, *SOUND[1:]], [(1, "the file begins with a byte order mark")]),
        ([HEADER], [(1, "the file names no frame")]),
        ([""], [(1, "the file names no frame"), (1, f"the header is ''; it must be {HEADER}")]),
    ],
)  # fmt: skip
def test_every_fault_is_told_with_its_line(lines, expected):
    assert faults(lines, COUNTS) == expected


def test_a_run_of_missing_frames_is_one_fault():
    lines = [HEADER, "01/00001.jpg,0", "01/00005.jpg,0"]
    assert faults(lines, {"01": 6, "02": 3}) == [
        (3, "01/00002.jpg to 01/00004.jpg (3 frames) should stand here, and stands nowhere"),
        (4, "01/00006.jpg to 02/00003.jpg (4 frames) should stand here, and stands nowhere"),
    ]


def test_without_a_list_frames_must_count_from_one_and_clips_be_in_order():
    assert faults([HEADER, "02/00001.jpg,0", "01/00001.jpg,0"]) == [
        (3, "01/00001.jpg stands too late, behind 02/00001.jpg")
    ]
    assert faults([HEADER, "01/00002.jpg,0"]) == [(2, "01/00001.jpg should stand here, and stands nowhere")]


@given(st.permutations(range(1, 4)))
def test_any_other_order_is_a_fault(order):
    lines = [HEADER, *(SOUND[number] for number in order)]
    assert bool(faults(lines, COUNTS)) == (list(order) != [1, 2, 3])


@given(st.lists(st.text(max_size=20).map(lambda text: text.replace("\n", "")), min_size=1, max_size=8))
def test_no_text_breaks_the_check(lines):
    found = check_submission(lines, COUNTS)
    assert found
    assert all(1 <= fault.line <= len(lines) + 1 and "\n" not in fault.text for fault in found)
