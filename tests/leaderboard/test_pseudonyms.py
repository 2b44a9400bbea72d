import pytest
from honest_records import record, scores
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard.pseudonyms import PSEUDONYM, pseudonymous, pseudonyms, without_names
from harness.leaderboard.record import file_record


def test_clips_and_subjects_have_other_names_in_the_same_order():
    found = pseudonymous(scores(subjects=["ada", "bob", "bob", "eve", "ada", "kim"]))
    assert all(PSEUDONYM.fullmatch(name) for name in (*found.clips, *found.subjects))
    assert len(set(found.clips)) == 6
    first = [found.subjects.index(name) for name in found.subjects]
    assert first == [0, 1, 1, 3, 0, 5]


def test_a_subjects_name_leaves_no_trace():
    mine, yours = (pseudonymous(scores(subjects=names)) for names in (list("abbcad"), list("xyyzxw")))
    assert mine.subjects == yours.subjects


def test_names_in_notes_and_notices_are_replaced(tmp_path):
    noted = scores().model_copy(update={"notes": ["clip 'person-1.mp4' is short"]})
    path = file_record(record(scores=noted, notices=["no face in person-2.mp4, person-3.mp4: left out"]), tmp_path)
    text = path.read_text()
    assert "person-" not in text
    names = pseudonyms(scores().clips)
    assert f"no face in {names['person-2.mp4']}, {names['person-3.mp4']}: left out" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clip '12' of 12", "clip 'X' of 12"),
        ("person-1 and person-10, person-1.", "Y and person-10, Y."),
        ("person-1.mp4 person-1/x", "person-1.mp4 person-1/x"),
        ("nothing", "nothing"),
    ],
)
def test_a_short_name_is_only_replaced_in_quotes_and_a_part_of_a_name_never(text, expected):
    assert without_names(text, {"12": "X", "person-1": "Y"}) == expected


@given(st.text(), st.dictionaries(st.text(min_size=1, max_size=8), st.just("0" * 12), max_size=4))
def test_any_text_and_names_are_taken(text, names):
    without_names(text, names)
