import numpy as np

from harness.evaluation.counts import Counts, count
from harness.evaluation.items import Items, unlike


def counts(clip, truth, predicted=None, clips=3):
    truth = np.array(truth)
    return count(np.array(clip), truth, truth if predicted is None else np.array(predicted), clips, 2)


CLIP, TRUTH, CLIPS, DIGESTS = [0, 0, 1, 1, 2], [0, 1, 1, 1, 0], ["a", "b", "c"], ["x", "y", "z"]


def items(clip=CLIP, truth=TRUTH, names=CLIPS, digests=DIGESTS):
    return Items.of(counts(clip, truth, clips=len(names)), names, digests)


def test_what_was_predicted_or_not_does_not_matter():
    other = Items.of(counts(CLIP, TRUTH, [1, -1, 0, 1, -1]), CLIPS, DIGESTS)
    assert other.fingerprint == items().fingerprint
    assert not unlike(items(), other)


def test_the_order_of_the_clips_does_not_matter():
    turned = items([2, 2, 1, 1, 0], TRUTH, ["c", "b", "a"], ["z", "y", "x"])
    assert turned.fingerprint == items().fingerprint
    assert [turned.clips[place] for place in turned.order] == CLIPS
    assert not unlike(items(), turned)


def test_clips_without_a_scored_frame_are_left_out():
    one = Items.of(counts([0], [1]), CLIPS, DIGESTS)
    assert (one.clips, one.digests, one.frames.tolist()) == (("a",), ("x",), [[0, 1]])


def test_unlike_items_are_counted_clip_by_clip_and_at_least_frame_by_frame():
    other = items([0, 0, 1, 1, 1, 2], [1, 1, 1, 1, 0, 0], ["a", "b", "d"], DIGESTS)
    found = unlike(items(), other)
    assert found
    assert (found.first_only, found.second_only, found.changed) == (("c",), ("d",), ("a", "b"))
    # c and d have one frame each, in a a frame is of another class, in b one is new
    assert (found.least_frames, found.frames) == (4, 6)
    assert other.fingerprint != items().fingerprint


def test_the_same_number_of_frames_of_each_class_with_another_digest_is_one_frame_at_least():
    found = unlike(items(), items(digests=["x", "?", "z"]))
    assert (found.changed, found.least_frames) == (("b",), 1)


def test_where_a_record_has_no_digests_the_frames_decide():
    without = items(digests=[])
    assert not unlike(items(), without)
    assert without.digests == ("", "", "")
    assert unlike(without, items(truth=[0, 0, 1, 1, 0], digests=[]))


def test_nothing_scored_is_like_nothing_scored():
    empty = Items.of(Counts(np.zeros((2, 2, 2), int), np.zeros((2, 2), int)), ["a", "b"])
    assert empty.clips == ()
    assert not unlike(empty, empty)
