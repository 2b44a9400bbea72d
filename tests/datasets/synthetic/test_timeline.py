import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.synthetic.geometry import Pose
from harness.datasets.synthetic.identity import draw_identity
from harness.datasets.synthetic.timeline import Episode, Performance, apex, perform, stray, together

WHO = draw_identity(np.random.default_rng(3))
EPISODE = Episode("Sadly Angry", {4: 1.0, 15: 0.8}, start=1.0, full=1.4, fading=2.0, end=2.6)


def test_an_episode_rises_stays_and_falls() -> None:
    times = (0.9, 1.0, 1.2, 1.4, 1.7, 2.0, 2.3, 2.6, 3.0)
    found = [EPISODE.envelope(time) for time in times]
    assert found == pytest.approx([0, 0, 0.5, 1, 1, 1, 0.5, 0, 0])


def test_the_label_holds_where_the_intensity_reaches_the_least_share() -> None:
    acts = Performance((EPISODE,), {}, (), (0, 0, 0, 0), 1.0)
    assert [acts.label(time, 0.5) for time in (1.19, 1.21, 1.7, 2.29, 2.31)] == [
        "", "Sadly Angry", "Sadly Angry", "Sadly Angry", "",
    ]  # fmt: skip
    assert acts.label(1.21, 0.9) == ""


def test_units_follow_the_envelope() -> None:
    acts = Performance((EPISODE,), {}, (), (0, 0, 0, 0), 1.0)
    assert acts.units(0.5) == {}
    assert acts.units(1.2) == pytest.approx({4: 0.5, 15: 0.4})


def test_the_stronger_of_two_intensities_counts() -> None:
    assert together({1: 0.2, 4: 0.9}, {1: 0.5}) == {1: 0.5, 4: 0.9}


def test_an_apex_shows_exactly_the_units_of_the_persons_habit() -> None:
    units = apex("Fearfully Surprised", WHO, np.random.default_rng(0), 1.0)
    assert tuple(units) == WHO.habits["Fearfully Surprised"]
    assert all(0.4 < value <= 1.2 for value in units.values())


def test_stray_movements_stay_slight() -> None:
    assert all(0 <= value <= 0.25 for value in stray(np.random.default_rng(0), 0.25).values())


@given(st.integers(0, 50))
def test_a_clip_shows_its_classes_in_order_with_neutral_stretches(seed: int) -> None:
    names = ["Happily Surprised", "Sadly Angry"]
    acts = perform(names, 3.0, WHO, np.random.default_rng(seed))
    seen = [acts.label(time, 0.5) for time in np.linspace(0, 3, 121)]
    runs = [label for label, before in zip(seen, [None, *seen], strict=False) if label != before]
    assert runs in (["", names[0], "", names[1], ""], ["", names[0], "", names[1]])


def test_a_person_without_classes_stays_neutral() -> None:
    acts = perform((), 3.0, WHO, np.random.default_rng(0))
    assert {acts.label(time, 0.1) for time in np.linspace(0, 3, 31)} == {""}


def test_a_blink_lasts_a_fifth_of_a_second() -> None:
    acts = Performance((), {}, (1.0,), (0, 0, 0, 0), 1.0)
    assert [acts.blink(time) for time in (0.89, 0.95, 1.0, 1.11)] == pytest.approx([0, 0.5, 1, 0])
    assert Performance((), {}, (), (0, 0, 0, 0), 1.0).blink(1.0) == 0


def test_the_head_sways_about_its_pose() -> None:
    acts = perform((), 3.0, WHO, np.random.default_rng(1))
    yaws = [acts.pose(time, Pose(10, 0, 0)).yaw for time in np.linspace(0, 30, 300)]
    assert np.mean(yaws) == pytest.approx(10, abs=1)
    assert np.ptp(yaws) > 2
