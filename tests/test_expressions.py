"""Label spaces are data: any number of classes, found by any spelling."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError, DataError
from harness.expressions import (
    ABAW_COMPOUND_7,
    BASIC_EMOTIONS,
    BUILT_IN,
    RAF_DB_BASIC_7,
    Label,
    LabelSpace,
    label_space,
)

WORDS = st.text("abcdefgh", min_size=1, max_size=8)


def test_the_challenges_classes_have_their_official_ids_and_basic_pairs() -> None:
    assert [(label.name, label.basics) for label in ABAW_COMPOUND_7.labels] == [
        ("Fearfully Surprised", ("fear", "surprise")),
        ("Happily Surprised", ("happiness", "surprise")),
        ("Sadly Surprised", ("sadness", "surprise")),
        ("Disgustedly Surprised", ("disgust", "surprise")),
        ("Angrily Surprised", ("anger", "surprise")),
        ("Sadly Fearful", ("sadness", "fear")),
        ("Sadly Angry", ("sadness", "anger")),
    ]


def test_the_papers_spelling_is_an_alias() -> None:
    assert ABAW_COMPOUND_7.id_of("Disgustingly Surprised") == ABAW_COMPOUND_7.id_of("Disgustedly Surprised") == 3


def test_basic_classes_stand_in_the_data_sets_order() -> None:
    assert RAF_DB_BASIC_7.names == ("Surprise", "Fear", "Disgust", "Happiness", "Sadness", "Anger", "Neutral")


@pytest.mark.parametrize("space", BUILT_IN.values(), ids=lambda space: space.name)
def test_basic_parts_are_basic_emotions(space: LabelSpace) -> None:
    for label in space.labels:
        assert label.basics
        assert set(label.basics) <= set(BASIC_EMOTIONS)


@pytest.mark.parametrize("spelling", ["sadly angry", "SADLY_ANGRY", " Sadly-Angry ", "Sadly  Angry", "sadly\tangry"])
def test_case_spaces_hyphens_and_underscores_do_not_count(spelling: str) -> None:
    assert ABAW_COMPOUND_7.find(spelling) == 6


def test_a_label_outside_the_space_is_none_or_an_error_that_suggests() -> None:
    assert ABAW_COMPOUND_7.find("Sadly Hungry") is None
    message = (
        "label 'Sadly Hungry' is not in label space 'abaw-compound-7'; did you mean 'Sadly Angry'? (known: Angrily"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        ABAW_COMPOUND_7.id_of("Sadly Hungry")


def test_one_class_is_no_space() -> None:
    with pytest.raises(ConfigError, match=r"^label space 'lone' has 1 class; at least two are needed$"):
        LabelSpace("lone", (Label("only"),))


@pytest.mark.parametrize("name", ["", " ", "_-"])
def test_an_empty_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^label space 'odd': class 1 has an empty name or alias$"):
        LabelSpace("odd", (Label("a"), Label("b", (name,))))


def test_a_spelling_of_two_classes_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^label space 'odd': 'A' names both 'a' and 'b'$"):
        LabelSpace("odd", (Label("a"), Label("b", ("A",))))


def test_a_class_may_repeat_its_own_spelling() -> None:
    assert LabelSpace("fine", (Label("a", ("A",)), Label("b"))).find("a") == 0


@given(st.lists(WORDS, min_size=2, max_size=9, unique_by=str.casefold))
def test_any_space_survives_json_and_finds_its_classes(names: list[str]) -> None:
    space = LabelSpace("any", tuple(Label(name, (f"alias {name}",), ("fear",)) for name in names))
    again = LabelSpace.from_dict(space.as_dict())
    assert again == space
    assert len(again) == len(names)
    assert [again.id_of(f"Alias_{name}") for name in names] == list(range(len(names)))


def test_aliases_and_basics_may_be_left_out_of_the_data() -> None:
    space = LabelSpace.from_dict({"name": "two", "labels": [{"name": "yes"}, {"name": "no"}]})
    assert space.labels == (Label("yes"), Label("no"))


def test_built_in_spaces_are_found_by_name() -> None:
    assert label_space("raf-db-basic-7") is RAF_DB_BASIC_7
    with pytest.raises(ConfigError, match=r"^label space 'abaw-7' is not known; did you mean 'abaw-compound-7'\?"):
        label_space("abaw-7")
