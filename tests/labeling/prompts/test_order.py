from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness.labeling.prompts import shuffled


@given(st.integers(2, 40), st.integers(0, 2**63), st.text())
def test_an_order_has_every_class_once_and_is_the_same_every_time(size, seed, face):
    assert sorted(shuffled(size, seed, face)) == list(range(size))
    assert shuffled(size, seed, face) == shuffled(size, seed, face)


def test_orders_are_the_same_on_every_machine():
    assert shuffled(7, 0, "a") == (3, 5, 1, 0, 6, 2, 4)
    assert shuffled(7, 1, "a") == (2, 6, 5, 4, 0, 3, 1)
    assert shuffled(7, 0, "b") == (5, 3, 6, 0, 2, 4, 1)


def test_over_many_faces_every_class_stands_at_every_place_equally_often():
    counts = Counter((place, one) for face in range(6000) for place, one in enumerate(shuffled(3, 7, f"face {face}")))
    assert len(counts) == 9
    assert all(abs(count - 2000) < 200 for count in counts.values())
