"""Which faces the contact sheet shows."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from harness.faces.sheet import spread


@given(st.lists(st.integers(0, 12), max_size=20), st.integers(1, 15))
def test_faces_are_spread_evenly_over_the_clips(lengths: list[int], most: int) -> None:
    clips = pd.Series([f"clip{number}" for number, length in enumerate(lengths) for _ in range(length)], dtype="str")
    rows = spread(lengths, most)
    assert len(set(rows.tolist())) == len(rows) <= most
    shown = clips.iloc[rows].value_counts()
    several = clips.nunique()
    if several > most:
        assert len(rows) == most
        assert shown.max() == 1
    elif several:
        assert set(shown.index) == set(clips)
        assert shown.max() <= most // several + 1
