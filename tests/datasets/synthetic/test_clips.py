from collections import Counter

import numpy as np

from harness.datasets.synthetic.clips import Stand, clip_labels, plan_clips, render_clip
from harness.datasets.synthetic.options import SyntheticOptions
from harness.datasets.synthetic.scene import Grain
from harness.datasets.synthetic.stills import plan_stills

OPTIONS = SyntheticOptions(part="clips", clips=6, width=200, height=150)
PLANS = list(plan_clips(OPTIONS))


def largest(people: tuple[Stand, ...]) -> Stand:
    return max(people, key=lambda stand: stand.scale)


def test_classes_come_up_as_often_as_each_other() -> None:
    counts = Counter(name for names in clip_labels(SyntheticOptions(clips=24)) for name in names)
    assert len(counts) == 7
    assert max(counts.values()) - min(counts.values()) <= 1


def test_shots_follow_each_other_and_cover_the_clip() -> None:
    for plan in PLANS:
        edges = [shot.first for shot in plan.shots] + [plan.shots[-1].last]
        assert edges == [0, *(shot.last for shot in plan.shots)]
        assert len(plan.labels) == edges[-1]
        assert abs(len(plan.labels) / OPTIONS.frames_per_second - OPTIONS.seconds) <= 0.1 * OPTIONS.seconds + 0.1


def test_clips_hold_frames_without_a_face_with_several_faces_and_cuts() -> None:
    faces = [set(plan.faces()) for plan in PLANS]
    assert 0 in set.union(*faces)
    assert 2 in set.union(*faces)
    assert any(len(plan.shots) > 1 and all(shot.people for shot in plan.shots) for plan in PLANS)


def test_the_annotated_person_is_the_same_in_all_shots_and_the_largest() -> None:
    for plan in PLANS:
        people = [shot.people for shot in plan.shots if shot.people]
        assert len({id(shown[-1].who) for shown in people}) == 1
        assert all(largest(shown) is shown[-1] for shown in people)


def test_every_clip_has_labels_and_neutral_stretches() -> None:
    for plan, names in zip(PLANS, clip_labels(OPTIONS), strict=True):
        assert set(plan.labels) == {"", *names}


def test_nobody_is_in_both_parts() -> None:
    stills = {still.person.who.shape.tobytes() for still in plan_stills(SyntheticOptions(stills=60))}
    clips = {plan.shots[0].people[-1].who.shape.tobytes() for plan in PLANS if plan.shots[0].people}
    assert not stills & clips


def test_frames_are_rendered_for_every_label() -> None:
    frames = list(render_clip(PLANS[0], Grain(0)))
    assert len(frames) == len(PLANS[0].labels)
    assert len({frame.shape for frame in frames}) == 1
    assert frames[0].dtype == np.uint8


def test_a_clip_of_a_few_frames_has_one_shot() -> None:
    plan = next(plan_clips(SyntheticOptions(part="clips", clips=1, seconds=0.5, frames_per_second=8)))
    assert len(plan.shots) == 1


def test_clips_of_one_subject_share_the_person() -> None:
    plans = list(plan_clips(OPTIONS.model_copy(update={"clips_per_subject": 2, "clips": 3})))
    assert [plan.subject for plan in plans] == [0, 0, 1]
