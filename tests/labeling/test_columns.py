import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.labeling.columns import lists, numbers, read_columns, read_numbers, texts


@given(st.lists(st.text(max_size=8).filter(lambda text: text.isprintable())))
def test_texts_come_back(values):
    assert texts(values).to_pylist() == values


@given(st.lists(st.integers(-(2**15), 2**15 - 1)), st.sampled_from([np.int16, np.int64, np.float32]))
def test_numbers_come_back(values, dtype):
    column = numbers(values, dtype)
    assert column.to_pylist() == values
    np.testing.assert_array_equal(read_numbers(column, dtype), np.array(values, dtype))


def test_numbers_of_several_chunks_and_slices_are_joined():
    column = pa.chunked_array([numbers([1, 2, 3], np.int32)[1:], numbers([4], np.int32)])
    assert read_numbers(column, np.int64).tolist() == [2, 3, 4]


def test_numbers_with_an_empty_cell_are_refused():
    with pytest.raises(pa.ArrowInvalid, match="empty cells"):
        read_numbers(pa.array([1, None]), np.int64)


def test_lists_are_as_long_as_their_rows():
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert lists(rows).to_pylist() == rows.tolist()


def test_the_wanted_columns_of_a_file_are_read(tmp_path):
    pq.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "x.parquet")
    assert read_columns(tmp_path / "x.parquet", ["b"]).to_pydict() == {"b": [2]}
