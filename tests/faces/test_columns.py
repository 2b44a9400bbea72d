"""Columns that wait to be written hold what Arrow would have made of the same values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faces.columns import column

WHOLE = {pa.int16(): 2**15, pa.int32(): 2**31, pa.int64(): 2**63}


def filled(kind: pa.DataType, *parts: object) -> pa.Array:
    waiting = column(kind)
    for part in parts:
        waiting.extend(part)
    values = waiting.finish()
    values.validate(full=True)
    return values


@pytest.mark.parametrize("kind", WHOLE, ids=str)
@given(data=st.data())
def test_whole_numbers_are_kept(kind: pa.DataType, data: st.DataObject) -> None:
    most = WHOLE[kind]
    values = data.draw(st.lists(st.integers(-most, most - 1), max_size=9))
    assert filled(kind, values[:4], values[4:]).equals(pa.array(values, kind))
    assert filled(kind, np.array(values, np.int64)).equals(pa.array(values, kind))


@pytest.mark.parametrize("kind", [pa.int16(), pa.int32(), pa.int64()], ids=str)
def test_a_number_too_large_for_its_column_is_refused(kind: pa.DataType) -> None:
    with pytest.raises(OverflowError):
        column(kind).extend([WHOLE[kind]])


@given(st.lists(st.floats(width=32), max_size=9))
def test_numbers_are_kept_and_nan_is_not_null(values: list[float]) -> None:
    for kind, dtype in ((pa.float32(), np.float32), (pa.float64(), np.float64)):
        waiting = filled(kind, values, np.array(values, dtype))
        assert waiting.null_count == 0
        np.testing.assert_array_equal(waiting.to_numpy(), np.array([*values, *values], dtype))


@given(st.lists(st.binary(max_size=20), max_size=9), st.lists(st.text(max_size=5), max_size=9))
def test_bytes_and_texts_are_kept(images: list[bytes], texts: list[str]) -> None:
    assert filled(pa.binary(), images[:3], images[3:]).equals(pa.array(images, pa.binary()))
    assert filled(pa.string(), texts).equals(pa.array(texts, pa.string()))


def test_images_are_not_copied_to_become_a_column() -> None:
    waiting = column(pa.binary())
    waiting.extend([bytes(10_000)] * 100)
    assert waiting.nbytes == 1_000_000
    before = pa.total_allocated_bytes()
    values = waiting.finish()
    assert pa.total_allocated_bytes() - before < 10_000
    assert values.nbytes > 1_000_000
