import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.labeling.sample import sample_faces as sampled


def sample_faces(faces, rule, crops=None):
    """The rows of a table with the columns clip and frame that a rule takes."""
    return sampled(faces["clip"].tolist(), faces["frame"].to_numpy(), rule, crops)


FACES = pd.DataFrame({"clip": ["b"] * 5 + ["a"] * 3, "frame": [4, 0, 1, 2, 3, 7, 8, 9]})


def test_all_faces_are_taken():
    assert sample_faces(FACES, {"rule": "all"}).all()


def test_every_kth_face_of_a_clip_is_taken_in_the_order_of_frames():
    chosen = sample_faces(FACES, {"rule": "every", "every": 2})
    assert FACES[chosen].values.tolist() == [["b", 4], ["b", 0], ["b", 2], ["a", 7], ["a", 9]]


def test_per_clip_takes_one_face_of_each_equal_stretch():
    faces = pd.DataFrame({"clip": "a", "frame": range(100)})
    chosen = np.flatnonzero(sample_faces(faces, {"rule": "per-clip", "per_clip": 10, "seed": 1}))
    assert (chosen // 10).tolist() == list(range(10))


def test_per_clip_takes_a_short_clip_whole():
    assert sample_faces(FACES, {"rule": "per-clip", "per_clip": 5, "seed": 0}).all()


def test_another_seed_draws_other_faces():
    faces = pd.DataFrame({"clip": "a", "frame": range(100)})
    first, second = (sample_faces(faces, {"rule": "per-clip", "per_clip": 10, "seed": seed}) for seed in (0, 1))
    assert (first != second).any()


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40), st.integers(1, 6), st.integers(0, 5))
def test_what_is_drawn_of_a_clip_does_not_depend_on_the_others(clips, wanted, seed):
    faces = pd.DataFrame({"clip": clips, "frame": range(len(clips))})
    rule = {"rule": "per-clip", "per_clip": wanted, "seed": seed}
    together = faces[sample_faces(faces, rule)]
    for clip, own in faces.groupby("clip"):
        alone = own[sample_faces(own.reset_index(drop=True), rule)]
        assert alone["frame"].tolist() == together[together["clip"] == clip]["frame"].tolist()
        assert len(alone) == min(wanted, len(own))


def test_an_unknown_rule_names_the_nearest():
    with pytest.raises(ConfigError, match="sampling rule 'per-clips' is not known; did you mean 'per-clip'"):
        sample_faces(FACES, {"rule": "per-clips"})


def flat(*levels):
    """Reads small crops that are the same pattern, or its negative where the level is 1."""
    pattern = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    return lambda rows: (pattern if levels[row] == 0 else 255 - pattern for row in rows)


def test_changes_takes_the_first_face_of_each_clip_and_those_that_differ():
    faces = pd.DataFrame({"clip": ["b", "b", "b", "a", "a", "b"], "frame": [5, 3, 4, 0, 1, 9]})
    crops = flat(0, 0, 1, 0, 0, 0)  # b in the order of frames: rows 1, 2, 0, 5 show 0, 1, 0, 0
    chosen = sample_faces(faces, {"rule": "changes", "change": 0.2}, crops)
    assert np.flatnonzero(chosen).tolist() == [0, 1, 2, 3]


def test_changes_needs_crops():
    with pytest.raises(ConfigError, match="sampling rule 'changes' looks at the faces"):
        sample_faces(FACES, {"rule": "changes", "change": 0.2})


@pytest.mark.parametrize(
    "rule", [{"rule": "all"}, {"rule": "every", "every": 2}, {"rule": "per-clip", "per_clip": 2, "seed": 0}]
)
def test_no_face_at_all_gives_none(rule):
    assert len(sampled([], np.empty(0, np.int64), rule)) == 0


def test_names_may_be_an_array():
    rule = {"rule": "per-clip", "per_clip": 2, "seed": 3}
    frames = FACES["frame"].to_numpy()
    chosen = [sampled(clips, frames, rule).tolist() for clips in (FACES["clip"].tolist(), np.array(FACES["clip"]))]
    assert chosen[0] == chosen[1]
