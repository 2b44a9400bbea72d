"""Filling frames without a face."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.faces.gaps import closest


@given(st.lists(st.booleans(), max_size=40))
def test_the_source_is_the_nearest_frame_with_a_face_and_ties_go_to_the_earlier(found: list[bool]) -> None:
    have = [frame for frame, face in enumerate(found) if face]
    wanted = [min(have, key=lambda other: (abs(other - frame), other)) if have else -1 for frame in range(len(found))]
    assert closest(np.array(found, bool)).tolist() == wanted
