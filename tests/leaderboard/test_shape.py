import pytest
from honest_records import scores
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard.shape import misfits


def system(**changes):
    def change(one):
        return {"systems": [one.systems[0].model_copy(update=changes), *one.systems[1:]]}

    return change


def test_scores_of_a_run_fit():
    assert list(misfits(scores(subjects=list("abcdef")))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: {"classes": []}, "classes: there is none"),
        (lambda one: {"clips": ["x"] * 6}, "clips: 'x' is there more than once"),
        (lambda one: {"subjects": ["a"]}, "subjects: 1 for 6 clips"),
        (lambda one: {"items": ["a"] * 7}, "items: 7 for 6 clips"),
        (lambda one: {"systems": [one.systems[0]] * 2}, "systems: 'facs' is there more than once"),
        (
            lambda one: {"truth": one.truth.model_copy(update={"per_class": []})},
            "truth.per_class: 0 for 3 classes",
        ),
        (
            lambda one: {"settings": one.settings.model_copy(update={"reference": [1.0]})},
            "settings.reference: 1 for 3 classes",
        ),
        (system(counts=[[]]), "system 'facs': counts: 1 for 6 clips"),
        (system(counts=[[(0, 3, 1)], *[[]] * 5]), "system 'facs': counts.0: not (true class, predicted class or -1,"),
        (system(counts=[[(0, 0, -1)], *[[]] * 5]), "system 'facs': counts.0: not (true class, predicted class or -1,"),
        (
            system(counts=[[(0, 1, 1), (0, 1, 2)], *[[]] * 5]),
            "system 'facs': counts.0: a pair of classes is there more",
        ),
        (system(confusion=[[1, 2]] * 3), "system 'facs': confusion: a row has not 3 numbers"),
        (system(unanswered=[1]), "system 'facs': unanswered: 1 for 3 classes"),
        (system(distribution=[1.0]), "system 'facs': distribution: 1 for 3 classes"),
        (
            lambda one: system(per_class=one.systems[0].per_class[::-1])(one),
            "system 'facs': per_class: the names are not the classes in their order",
        ),
    ],
)
def test_each_misfit_is_named(change, said):
    one = scores()
    found = list(misfits(one.model_copy(update=change(one))))
    assert any(text.startswith(said) for text in found), found


@given(st.lists(st.lists(st.tuples(st.integers(), st.integers(), st.integers()), max_size=3), max_size=8))
def test_any_counts_are_judged(counts):
    one = scores()
    list(misfits(one.model_copy(update=system(counts=counts)(one))))
