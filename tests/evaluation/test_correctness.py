"""What became of every annotated frame, as text."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.evaluation import correctness
from harness.evaluation.correctness import NOT_ASKED, RIGHT, UNANSWERED, WRONG, codes, packed, unpacked


@given(st.lists(st.integers(0, 3), max_size=200))
def test_codes_come_back_as_they_were(given_codes):
    assert unpacked(packed(np.array(given_codes, int))).tolist() == given_codes


def test_each_frame_is_right_wrong_unanswered_or_was_not_asked():
    found = codes(np.array([1, 0, -1, -1, 2]), np.array([1, 1, 1, 0, 2]), np.array([True, True, True, False, False]))
    assert found.tolist() == [RIGHT, WRONG, UNANSWERED, NOT_ASKED, NOT_ASKED]


def test_a_long_clip_makes_a_short_text():
    assert len(packed(np.repeat([0, 1, 0], [4000, 8000, 5000]))) < 100


@pytest.mark.parametrize("text", ["not base64!", base64.b64encode(b"not zlib").decode(), "ä"])
def test_a_text_that_was_not_packed_is_refused(text):
    with pytest.raises(DataError, match=r"correctness cannot be read \(.+\); file the record again"):
        unpacked(text)


def test_other_codes_and_cut_texts_are_refused():
    message = "correctness holds something else than codes from 0 to 3; file the record again"
    with pytest.raises(DataError, match=message):
        unpacked(packed(np.array([4])))
    cut = base64.b64encode(zlib.compress(bytes(1000), 9)[:-6]).decode()
    with pytest.raises(DataError, match=message):
        unpacked(cut)


def test_a_text_that_would_unfold_to_gigabytes_is_refused(monkeypatch):
    monkeypatch.setattr(correctness, "MOST", 1000)
    with pytest.raises(DataError, match="something else than codes"):
        unpacked(packed(np.zeros(2000, int)))
