import json
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.documents import WIDTH, readable_json, write_atomically
from harness.errors import StoreError

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(values)
def test_readable_json_reads_back(value):
    assert json.loads(readable_json(value)) == value


def test_what_fits_stands_on_one_line():
    text = readable_json({"confusion": [[1, 2], [3, 4]], "long": list(range(100)), "counts": [[1] * 30, [2] * 30]})
    lines = text.splitlines()
    assert ' "confusion": [[1, 2], [3, 4]],' in lines
    assert max(map(len, lines)) <= WIDTH + 20


def test_nan_is_refused():
    with pytest.raises(ValueError, match="Out of range float values"):
        readable_json([math.nan])


def test_writing_replaces_the_file_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "new" / "table.md"
    write_atomically(path, "one\n")
    write_atomically(path, "zwei ü\n")
    assert path.read_text(encoding="utf-8") == "zwei ü\n"
    assert [one.name for one in path.parent.iterdir()] == ["table.md"]
    assert path.stat().st_mode & 0o444 == 0o444


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"'table.md' cannot be written in '.*file'"):
        write_atomically(tmp_path / "file" / "table.md", "")


def test_a_failure_leaves_the_old_file(tmp_path):
    path = write_atomically(tmp_path / "table.md", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["table.md"]


WRITE_OFTEN = """
import sys
from pathlib import Path
from harness.documents import write_atomically
for _ in range(30):
    write_atomically(Path(sys.argv[1]), sys.argv[2] * 50_000)
"""


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = write_atomically(tmp_path / "table.md", "a" * 50_000)
    writers = [subprocess.Popen([sys.executable, "-c", WRITE_OFTEN, path, letter]) for letter in "ab"]
    while any(writer.poll() is None for writer in writers):
        text = path.read_text()
        assert len(text) == 50_000
        assert len(set(text)) == 1
    assert [writer.returncode for writer in writers] == [0, 0]
