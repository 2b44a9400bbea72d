import os

import pytest

from harness.contents import Contents
from harness.errors import DataError


@pytest.fixture
def contents(tmp_path):
    with Contents(tmp_path / "memory.sqlite") as opened:
        yield opened


def make(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_a_moved_folder_keeps_its_digest(tmp_path, contents):
    first = contents.digest(make(tmp_path / "here", a="1", b="2"))
    (tmp_path / "here").rename(tmp_path / "there")
    assert contents.digest(tmp_path / "there") == first


def test_a_changed_renamed_added_or_removed_file_changes_the_digest(tmp_path, contents):
    folder = make(tmp_path / "clips", a="1", b="2")
    seen = {contents.digest(folder)}
    (folder / "a").write_text("other")
    seen.add(contents.digest(folder))
    (folder / "a").rename(folder / "c")
    seen.add(contents.digest(folder))
    (folder / "d").write_text("")
    seen.add(contents.digest(folder))
    (folder / "b").unlink()
    seen.add(contents.digest(folder))
    assert len(seen) == 5


def test_hidden_files_do_not_count(tmp_path, contents):
    folder = make(tmp_path / "clips", a="1")
    before = contents.digest(folder)
    make(folder / ".thumbnails", x="y")
    (folder / ".DS_Store").write_text("z")
    assert contents.digest(folder) == before


def test_an_unchanged_file_is_not_read_again(tmp_path, contents):
    folder = make(tmp_path / "clips", a="12345")
    before = contents.digest(folder)
    status = (folder / "a").stat()
    (folder / "a").write_text("54321")
    os.utime(folder / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert contents.digest(folder) == before  # the memory goes by path, size and time


def test_the_memory_outlives_the_process(tmp_path):
    folder = make(tmp_path / "clips", a="1")
    with Contents(tmp_path / "memory.sqlite") as first:
        digest = first.digest(folder)
    with Contents(tmp_path / "memory.sqlite") as second:
        assert second.digest(folder) == digest


def test_a_path_that_is_not_there_is_named(tmp_path, contents):
    with pytest.raises(DataError, match="nowhere': no such file or folder"):
        contents.digest(tmp_path / "nowhere")
