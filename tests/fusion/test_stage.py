"""The stage on small artifacts, written as the faces and predict stages write them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.builtins.aggregator_options import MajorityVoteOptions, MeanProbabilityOptions
from harness.components import ComponentSpec, Decisions, Options
from harness.discovery import Component, Origin
from harness.errors import ConfigError, DataError
from harness.expressions import Label, LabelSpace
from harness.fusion.stage import clip_starts, run
from harness.plugins import Registry
from harness.stage import StageContext

SPACE = LabelSpace("abc", (Label("a"), Label("b"), Label("c")))
EYE = np.eye(3, dtype=np.float32)


class Short:
    """An aggregator that breaks the contract."""

    def __init__(self, options):
        pass

    def aggregate(self, votes):
        return Decisions(np.zeros(1, np.int64), np.zeros((1, 3), np.float32))


def registry():
    module = "harness.builtins.aggregators"
    specs = [
        ComponentSpec("majority-vote", "", MajorityVoteOptions, f"{module}:MajorityVote"),
        ComponentSpec("mean-probability", "", MeanProbabilityOptions, f"{module}:MeanProbability"),
        ComponentSpec("short", "", Options, f"{__name__}:Short"),
    ]
    return Registry(Component("aggregators", spec, Origin("test", "1")) for spec in specs)


def write_faces(folder, clips, faces):
    """clips: name -> face id of each frame."""
    folder.mkdir()
    rows = [
        {
            "clip": clip,
            "frame": frame,
            "time": frame / 25,
            "face": face,
            "status": "missing" if face < 0 else "detected",
        }
        for clip, ids in clips.items()
        for frame, face in enumerate(ids)
    ]
    pd.DataFrame(rows).astype({"frame": "int32", "face": "int64"}).to_parquet(folder / "index.parquet")
    pd.DataFrame({"face": np.arange(faces)}).to_parquet(folder / "crops.parquet")
    return folder


def write_votes(folder, *rows):
    folder.mkdir()
    np.save(folder / "probabilities.npy", np.array(rows, np.float32))
    return folder


def write_labels(folder, faces, outcomes, rows, name="labels.parquet"):
    folder.mkdir()
    flat = pa.array(np.array(rows, np.float32).ravel())
    table = {
        "face": pa.array(faces, pa.int64()),
        "outcome": pa.array(outcomes, pa.string()),
        "label": pa.array([0] * len(faces), pa.int16()),
        "probabilities": pa.FixedSizeListArray.from_arrays(flat, len(SPACE)),
    }
    pq.write_table(pa.table(table), folder / name)
    return folder


def fuse(path, faces, voters, aggregator="majority-vote", gaps="leave", **smoothing):
    folder = path / "fused"
    folder.mkdir()
    params = {
        "aggregator": {"use": aggregator},
        "smoothing": smoothing,
        "gaps": gaps,
        "voters": [f"net-{number}" for number in range(len(voters))],
        "label_space": SPACE.as_dict(),
    }
    inputs = {"faces": faces, **{f"voter-{number}": voter for number, voter in enumerate(voters)}}
    run(StageContext(folder, params, inputs, registry()))
    return pd.read_parquet(folder / "decisions.parquet")


def test_each_frame_shows_the_decision_of_its_face(tmp_path):
    faces = write_faces(tmp_path / "faces", {"x": [0, 0, 1], "y": [-1, 2]}, 3)
    voters = [
        write_votes(tmp_path / "v0", EYE[0], EYE[1], EYE[2]),
        write_votes(tmp_path / "v1", EYE[0], EYE[2], EYE[2]),
        write_votes(tmp_path / "v2", EYE[1], EYE[2], EYE[2]),
    ]
    table = fuse(tmp_path, faces, voters)
    assert list(table.columns) == [
        "clip", "frame", "time", "face", "status", "label", "confidence", "probabilities", "unsmoothed",
    ]  # fmt: skip
    assert table["clip"].tolist() == ["x", "x", "x", "y", "y"]
    assert table["label"].tolist() == [0, 0, 2, -1, 2]
    np.testing.assert_allclose(table["confidence"], [2 / 3, 2 / 3, 2 / 3, 0, 1], rtol=1e-6)
    assert np.isnan(table["probabilities"][3]).all()
    assert table["label"].dtype == "int16"
    assert table["confidence"].dtype == "float32"
    kind = pq.read_schema(tmp_path / "fused" / "decisions.parquet").field("probabilities").type
    assert (kind.list_size, kind.value_type) == (3, pa.float32())


def test_smoothing_stays_within_a_clip_and_keeps_the_labels_before(tmp_path):
    faces = write_faces(tmp_path / "faces", {"x": [0, 0, 1, 0], "y": [1, 1]}, 2)
    table = fuse(tmp_path, faces, [write_votes(tmp_path / "v0", EYE[0], EYE[1])], kind="box", window=3)
    assert table["label"].tolist() == [0, 0, 0, 0, 1, 1]
    assert table["unsmoothed"].tolist() == [0, 0, 1, 0, 1, 1]
    np.testing.assert_allclose(table["confidence"], [1, 2 / 3, 2 / 3, 0.5, 1, 1], rtol=1e-6)


@pytest.mark.parametrize("fill", [False, True])
def test_frames_without_a_face_are_answered_only_when_asked_for(tmp_path, fill):
    faces = write_faces(tmp_path / "faces", {"x": [0, -1, 0]}, 1)
    table = fuse(tmp_path, faces, [write_votes(tmp_path / "v0", EYE[1])], kind="gaussian", sigma=1.0, fill=fill)
    assert table["label"].tolist() == [1, 1 if fill else -1, 1]


def test_frames_without_a_face_are_interpolated_within_their_clip(tmp_path):
    faces = write_faces(tmp_path / "faces", {"x": [0, -1, -1, -1, 1, -1], "y": [-1, -1], "z": [-1, 1]}, 2)
    voter = write_votes(tmp_path / "v0", EYE[0], EYE[1])
    table = fuse(tmp_path, faces, [voter], gaps="interpolate")
    assert table["label"].tolist() == [0, 0, 0, 1, 1, 1, -1, -1, 1, 1]
    assert table["unsmoothed"].tolist() == [0, -1, -1, -1, 1, -1, -1, -1, -1, 1]
    shares = [1, 0.75, 0.5, 0.25, 0, 0, np.nan, np.nan, 0, 0]
    np.testing.assert_allclose([row[0] for row in table["probabilities"]], shares, atol=1e-6)
    assert table["status"].tolist()[:2] == ["detected", "missing"]


def test_faces_that_nobody_voted_on_are_not_interpolated(tmp_path):
    faces = write_faces(tmp_path / "faces", {"x": [0, 1, -1, 0]}, 2)
    labels = write_labels(tmp_path / "l", [0, 1], ["label", "refused_text"], [EYE[2], [np.nan] * 3])
    assert fuse(tmp_path, faces, [labels], gaps="interpolate")["label"].tolist() == [2, -1, 2, 2]


def test_interpolated_frames_are_smoothed_like_the_others(tmp_path):
    faces = write_faces(tmp_path / "faces", {"x": [0, -1, 1, 1]}, 2)
    voter = write_votes(tmp_path / "v0", EYE[0], EYE[1])
    table = fuse(tmp_path, faces, [voter], gaps="interpolate", kind="box", window=3)
    np.testing.assert_allclose([row[1] for row in table["probabilities"]], [0.25, 0.5, 2.5 / 3, 1], atol=1e-6)


def test_an_unknown_way_to_fill_gaps_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="fusion.gaps = 'copy' is not known; choose leave or interpolate"):
        fuse(tmp_path, two_faces(tmp_path), [write_votes(tmp_path / "v0", EYE[0], EYE[1])], gaps="copy")


@pytest.mark.parametrize("name", ["labels.parquet", "votes.parquet"])
def test_labels_vote_too_and_only_where_a_label_was_given(tmp_path, name):
    faces = write_faces(tmp_path / "faces", {"x": [0, 1, 2]}, 3)
    labels = write_labels(tmp_path / "l", [2, 0], ["label", "abstain"], [EYE[1], [np.nan] * 3], name)
    assert fuse(tmp_path, faces, [labels])["label"].tolist() == [-1, -1, 1]


def test_no_face_at_all_gives_no_decision(tmp_path):
    faces = write_faces(tmp_path / "faces", {"x": [-1, -1]}, 0)
    voter = write_votes(tmp_path / "v0", *np.zeros((0, 3)))
    np.save(voter / "probabilities.npy", np.zeros((0, 3), np.float32))
    assert fuse(tmp_path, faces, [voter], kind="box", window=3)["label"].tolist() == [-1, -1]


def test_clips_are_found_by_their_runs():
    assert clip_starts(np.array(["a", "a", "b"])).tolist() == [0, 2, 3]
    assert clip_starts(np.array([], str)).tolist() == [0]


def two_faces(tmp_path):
    return write_faces(tmp_path / "faces", {"x": [0, 1]}, 2)


def test_a_voter_with_other_faces_is_named(tmp_path):
    with pytest.raises(DataError, match=r"voter 'net-0': probabilities.npy: has shape \(1, 3\), but 2 faces and 3 "):
        fuse(tmp_path, two_faces(tmp_path), [write_votes(tmp_path / "v0", EYE[0])])


def test_labels_of_a_face_that_is_not_there_are_refused(tmp_path):
    labels = write_labels(tmp_path / "l", [7], ["label"], [EYE[1]])
    with pytest.raises(DataError, match=r"voter 'net-0': labels.parquet: names face 7, but there are 2 faces"):
        fuse(tmp_path, two_faces(tmp_path), [labels])


def test_votes_of_several_voters_are_refused(tmp_path):
    labels = write_labels(tmp_path / "l", [0, 0], ["label"] * 2, [EYE[0], EYE[1]], name="votes.parquet")
    with pytest.raises(DataError, match=r"voter 'net-0': votes.parquet: holds the votes of several voters"):
        fuse(tmp_path, two_faces(tmp_path), [labels])


def test_rows_of_probabilities_of_different_length_are_refused(tmp_path):
    labels = write_labels(tmp_path / "l", [0, 1], ["label"] * 2, [EYE[1], EYE[1]])
    table = pq.read_table(labels / "labels.parquet").drop_columns("probabilities")
    ragged = pa.array([[1.0, 0.0, 0.0], [1.0]], pa.list_(pa.float32()))
    pq.write_table(table.append_column("probabilities", ragged), labels / "labels.parquet")
    with pytest.raises(DataError, match="rows of probabilities are not equally long"):
        fuse(tmp_path, two_faces(tmp_path), [labels])


def test_a_voter_without_any_prediction_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"voter 'net-0': empty: holds neither probabilities.npy nor labels.parquet"):
        fuse(tmp_path, two_faces(tmp_path), [tmp_path / "empty"])


def test_fusing_nothing_is_an_error(tmp_path):
    with pytest.raises(DataError, match="nothing to fuse: no voter is configured"):
        fuse(tmp_path, two_faces(tmp_path), [])


def test_an_aggregator_that_breaks_the_contract_is_named(tmp_path):
    voter = write_votes(tmp_path / "v0", EYE[0], EYE[1])
    with pytest.raises(DataError, match=r"aggregator 'short' returned labels of shape \(1,\)"):
        fuse(tmp_path, two_faces(tmp_path), [voter], aggregator="short")


def test_bad_smoothing_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ConfigError, match="window 4 is even"):
        fuse(tmp_path, tmp_path / "no-faces", [], kind="box", window=4)
