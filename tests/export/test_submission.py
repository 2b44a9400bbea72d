from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.export.checking import check_submission
from harness.export.submission import HEADER, read_lines, read_submission, require_official, write_submission
from harness.expressions import ABAW_COMPOUND_7, RAF_DB_BASIC_7, LabelSpace


def ids(*values):
    return np.array(values, np.int64)


def test_the_file_is_the_official_one_letter_by_letter(tmp_path):
    write_submission(tmp_path / "out.txt", {"01": ids(0, 6), "56": ids(3)})
    assert (tmp_path / "out.txt").read_bytes() == (
        b"image_location,Fearfully_Surprised,Happily_Surprised,Sadly_Surprised,Disgustedly_Surprised,Angrily_Surprised,"
        b"Sadly_Fearful,Sadly_Angry\n01/00001.jpg,0\n01/00002.jpg,6\n56/00001.jpg,3\n"
    )


CLIPS = st.dictionaries(
    st.integers(1, 99).map("{:02d}".format),
    st.lists(st.integers(0, 6), min_size=1, max_size=20),
    min_size=1,
    max_size=5,
)


@given(CLIPS)
def test_what_is_written_is_sound_and_reads_back(tmp_path_factory, clips):
    path = tmp_path_factory.mktemp("out") / "out.txt"
    labels = {clip: ids(*values) for clip, values in sorted(clips.items())}
    write_submission(path, labels)
    assert check_submission(read_lines(path)) == []
    assert check_submission(read_lines(path), {clip: len(values) for clip, values in labels.items()}) == []
    found = read_submission(path)
    assert list(found) == list(labels)
    assert all((found[clip] == labels[clip]).all() for clip in labels)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ({"1": ids(0)}, r"named by two digits \(01 to 56\), 1 clips of the run are not: 1$"),
        ({"01": ids(0, -1)}, "clip 01 holds class ids from -1 to 0, the file takes 0 to 6"),
        ({"01": np.zeros(100_000, np.int64)}, "clip 01 has 100000 frames; the file can name 99999"),
    ],
)
def test_what_the_file_cannot_hold_is_refused(tmp_path, labels, text):
    with pytest.raises(DataError, match=text):
        write_submission(tmp_path / "out.txt", labels)
    assert not (tmp_path / "out.txt").exists()


def test_other_label_spaces_are_refused_and_named():
    require_official(ABAW_COMPOUND_7)
    require_official(LabelSpace("mine", ABAW_COMPOUND_7.labels))
    with pytest.raises(DataError, match=r"space is 'raf-db-basic-7' \(Surprise, Fear, Disgust, Happiness and 3 more"):
        require_official(RAF_DB_BASIC_7)
    with pytest.raises(DataError, match="in their order"):
        require_official(LabelSpace("turned", ABAW_COMPOUND_7.labels[::-1]))


@pytest.mark.parametrize("line", ["01/00002.jpg,0", "01/00001.jpg,7", "", "x"])
def test_a_file_that_is_not_sound_is_not_read(tmp_path, line):
    (tmp_path / "in.txt").write_text(f"{HEADER}\n{line}\n")
    with pytest.raises(DataError, match=r"in.txt: line 2 .* cannot be used; look with: harness export check"):
        read_submission(tmp_path / "in.txt")


def test_what_is_no_text_file_is_an_error(tmp_path):
    (tmp_path / "in.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"in.txt: cannot be read \(not a text file\)"):
        read_lines(tmp_path / "in.txt")
    with pytest.raises(DataError, match="No such file"):
        read_lines(tmp_path / "none.txt")
