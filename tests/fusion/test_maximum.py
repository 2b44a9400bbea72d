"""Frames with several faces: the maximum by hand, its properties, and the stage on small artifacts."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.builtins.aggregator_options import MajorityVoteOptions, MeanProbabilityOptions
from harness.components import ComponentSpec
from harness.discovery import Component, Origin
from harness.errors import DataError, StoreError
from harness.expressions import Label, LabelSpace
from harness.faces.artifact import OTHERS, TableWriter
from harness.fusion.maximum import over_faces
from harness.fusion.stage import run
from harness.labeling.votes import write_vote_columns
from harness.plugins import Registry
from harness.stage import StageContext

SPACE = LabelSpace("abc", (Label("a"), Label("b"), Label("c")))
NONE = [np.nan] * 3
F32 = np.float32


def rows(*values):
    return np.array(values, F32).reshape(-1, 3)


# --- the formula


def test_the_maximum_of_each_class_is_divided_by_their_sum():
    frames = over_faces(
        rows([0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]),
        rows([0.1, 0.3, 0.6], [0.5, 0.5, 0.0], [0.2, 0.7, 0.1]),
        np.array([0, 0, 2]),
    )
    np.testing.assert_allclose(frames[0], np.array([0.7, 0.5, 0.6]) / 1.8, rtol=1e-6)
    np.testing.assert_array_equal(frames[1], rows([0.1, 0.8, 0.1])[0])
    np.testing.assert_allclose(frames[2], np.array([0.3, 0.7, 0.4]) / 1.4, rtol=1e-6)


def test_faces_without_probabilities_are_left_out():
    chosen = rows(NONE, [0.5, 0.25, 0.25], NONE)
    others = rows([0.1, 0.3, 0.6], NONE, NONE)
    frames = over_faces(chosen, others, np.array([0, 1, 2]))
    np.testing.assert_allclose(frames[0], [0.1, 0.3, 0.6], rtol=1e-6)
    np.testing.assert_array_equal(frames[1], chosen[1])
    assert np.isnan(frames[2]).all()


@st.composite
def crowds(draw):
    """Chosen faces (N, 3), further ones (M, 3) and whom they are beside; some rows are missing."""
    count, more = draw(st.integers(1, 5)), draw(st.integers(0, 9))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    found = random.dirichlet((0.5, 1, 2), count + more).astype(F32)
    found[random.random(count + more) < 0.2] = np.nan
    return found[:count], found[count:], random.integers(0, count, more), random


@given(crowds())
def test_rows_are_probabilities_and_missing_where_no_face_has_any(crowd):
    chosen, others, beside, _ = crowd
    frames = over_faces(chosen, others, beside)
    there = ~np.isnan(chosen[:, 0])
    there[beside[~np.isnan(others[:, 0])]] = True
    assert (np.isnan(frames).all(1) == ~there).all()
    assert (frames[there] >= 0).all()
    np.testing.assert_allclose(frames[there].sum(1), 1, atol=1e-5)


@given(crowds())
def test_it_is_the_maximum_over_a_loop(crowd):
    chosen, others, beside, _ = crowd
    for face, frame in enumerate(over_faces(chosen, others, beside)):
        present = [row for row in [chosen[face], *others[beside == face]] if not np.isnan(row).any()]
        if present:
            highest = np.max(present, axis=0)
            np.testing.assert_allclose(frame, highest / highest.sum(), rtol=1e-5)


@given(crowds())
def test_the_order_of_further_faces_does_not_matter(crowd):
    chosen, others, beside, random = crowd
    order = random.permutation(len(others))
    np.testing.assert_array_equal(over_faces(chosen, others, beside), over_faces(chosen, others[order], beside[order]))


@given(crowds())
def test_single_faces_and_copies_of_a_face_change_nothing(crowd):
    chosen, _, _, _ = crowd
    np.testing.assert_array_equal(over_faces(chosen, rows(), np.zeros(0, np.int64)), chosen)
    np.testing.assert_allclose(over_faces(chosen, chosen, np.arange(len(chosen))), chosen, rtol=1e-5)


# --- the stage


def registry():
    module = "harness.builtins.aggregators"
    specs = [
        ComponentSpec("majority-vote", "", MajorityVoteOptions, f"{module}:MajorityVote"),
        ComponentSpec("mean-probability", "", MeanProbabilityOptions, f"{module}:MeanProbability"),
    ]
    return Registry(Component("aggregators", spec, Origin("test", "1")) for spec in specs)


@pytest.fixture
def faces(tmp_path):
    """faces([face of each frame], [chosen face of each further one], copied=frames): a faces artifact of one clip."""

    def write(face, beside, copied=()):
        folder = tmp_path / "faces"
        folder.mkdir()
        status = [
            "missing" if one < 0 else "copied" if frame in copied else "detected" for frame, one in enumerate(face)
        ]
        frames = np.arange(len(face))
        table = {"clip": "x", "frame": frames.astype("int32"), "time": frames / 25, "face": face, "status": status}
        pd.DataFrame(table).to_parquet(folder / "index.parquet")
        pd.DataFrame({"face": np.arange(max(face) + 1)}).to_parquet(folder / "crops.parquet")
        with TableWriter(folder, OTHERS) as writer:
            count = len(beside)
            own = {"face": range(count), "frame": beside, "beside": beside}
            boxes = dict.fromkeys(("x0", "y0", "x1", "y1", "score"), [0.0] * count)
            texts = {"clip": ["x"] * count, "subject": ["x"] * count, "image": [b"-"] * count, "sha256": [""] * count}
            writer.append({**own, **boxes, **texts})
        return folder

    return write


@pytest.fixture
def network(tmp_path):
    def write(name, *values):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "probabilities.npy", rows(*values))
        return tmp_path / name

    return write


@pytest.fixture
def labeler(tmp_path):
    """labeler("name", {face: row}, ..., hard=False): a label artifact; of several tables, one a voter."""

    def write(name, *tables, hard=False):
        folder = tmp_path / name
        folder.mkdir()
        voters = [name if number == 0 else f"{name}-{number + 1}" for number in range(len(tables))]
        flat = [(voter, face, row) for voter, table in zip(voters, tables, strict=True) for face, row in table.items()]
        values = rows(*(row for _, _, row in flat))
        given_ = ~np.isnan(values[:, 0])
        columns = {
            "face": [face for _, face, _ in flat],
            "clip": ["x"] * len(flat),
            "frame": [face for _, face, _ in flat],
            "voter": [voter for voter, _, _ in flat],
            "outcome": np.where(given_, "label", "abstain").tolist(),
            "label": np.where(given_, np.nan_to_num(values).argmax(1), -1),
            "confidence": np.nan_to_num(values).max(1, initial=0),
            "explanation": [""] * len(flat),
        }
        write_vote_columns(folder, name, voters, [hard] * len(voters), columns, values)
        return folder

    return write


@pytest.fixture
def fuse(tmp_path):
    """fuse(faces, {"one": (folder, folder of further faces or None)}): the decisions and the notices."""

    def start(faces, voters, mode="maximum", **params):
        folder = tmp_path / f"fused-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        inputs = {"faces": faces}
        for number, (chosen, others) in enumerate(voters.values()):
            inputs |= {f"voter-{number}": chosen, **({f"others-{number}": others} if others else {})}
        params = {"aggregator": {"use": "mean-probability"}, **({"faces": mode} if mode else {}), **params}
        context = StageContext(
            folder, {"voters": list(voters), "label_space": SPACE.as_dict(), **params}, inputs, registry()
        )
        run(context)
        return pd.read_parquet(folder / "decisions.parquet"), context.notices

    return start


LABELS = {"labels": {"use": "mean-probability"}}


def test_each_networks_maximum_is_taken_before_they_are_aggregated(faces, network, fuse):
    voters = {
        "one": (network("v0", [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]), network("o0", [0.2, 0.7, 0.1])),
        "two": (network("v1", [0.5, 0.1, 0.4], [0.1, 0.2, 0.7]), network("o1", [0.0, 0.9, 0.1])),
    }
    table, notices = fuse(faces([0, 1], [0]), voters)
    highest = np.array([[0.6, 0.7, 0.1], [0.5, 0.9, 0.4]])
    np.testing.assert_allclose(table["probabilities"][0], (highest / highest.sum(1, keepdims=True)).mean(0), rtol=1e-6)
    np.testing.assert_allclose(table["probabilities"][1], [0.15, 0.2, 0.65], rtol=1e-6)
    assert table["label"].tolist() == [1, 2]
    assert notices == []


def test_a_frame_that_copies_a_face_shows_the_chosen_one_alone(faces, network, fuse):
    folder = faces([0, 0, 1, -1, 0], [0, 0], copied=(1, 4))
    voters = {"one": (network("v0", [0.6, 0.4, 0.0], [0, 0, 1]), network("o0", [0, 0.9, 0.1], [0.1, 0.8, 0.1]))}
    table, _ = fuse(folder, voters)
    assert table["label"].tolist() == [1, 0, 2, -1, 0]
    np.testing.assert_allclose(table["probabilities"][0], np.array([0.6, 0.9, 0.1]) / 1.6, rtol=1e-6)
    np.testing.assert_allclose(table["probabilities"][4], [0.6, 0.4, 0], rtol=1e-6)
    assert table["face"].tolist() == [0, 0, 1, -1, 0]


def test_without_further_faces_every_frame_is_as_by_the_chosen_one(faces, network, fuse):
    folder = faces([0, 1, -1, 1], [], copied=(3,))
    one = network("v0", [0.6, 0.4, 0.0], NONE)
    whole, notices = fuse(folder, {"one": (one, network("o0"))})
    chosen, _ = fuse(folder, {"one": (one, None)}, mode=None)
    pd.testing.assert_frame_equal(whole, chosen)
    assert notices == []


def test_a_labelers_maximum_passes_as_the_one_voter(faces, labeler, fuse):
    one = (labeler("fer", {0: [0.6, 0.3, 0.1], 1: NONE}), labeler("o0", {0: [0.2, 0.7, 0.1], 1: [0.1, 0.2, 0.7]}))
    table, notices = fuse(faces([0, 1], [0, 1]), {"fer": one}, **LABELS)
    np.testing.assert_allclose(table["probabilities"][0], np.array([0.6, 0.7, 0.1]) / 1.4, rtol=1e-6)
    np.testing.assert_allclose(table["probabilities"][1], [0.1, 0.2, 0.7], rtol=1e-6)
    assert table["label"].tolist() == [1, 2]
    assert notices == []


def test_voters_of_labels_alone_keep_the_chosen_face_and_it_is_said(faces, labeler, fuse):
    """One scorer, one that knows labels only, one model with two prompts that nobody asked of further faces."""
    voters = {
        "fer": (labeler("fer", {0: [0.6, 0.3, 0.1]}), labeler("o0", {0: [0.2, 0.7, 0.1]})),
        "replay": (labeler("replay", {0: [1, 0, 0]}, hard=True), labeler("o1", {0: [0, 0, 1]}, hard=True)),
        "model": (labeler("model", {0: [0.2, 0.8, 0]}, {0: [0.4, 0.6, 0]}), None),
        "listed": (labeler("listed", {0: [0.5, 0.5, 0]}), labeler("o2", {})),
    }
    table, notices = fuse(faces([0], [0]), voters, **LABELS)
    votes = np.array([[0.6 / 1.4, 0.5, 0.1 / 1.4], [1, 0, 0], [0.2, 0.8, 0], [0.4, 0.6, 0], [0.5, 0.5, 0]])
    np.testing.assert_allclose(table["probabilities"][0], votes.mean(0), rtol=1e-5)
    assert notices == [
        "fusion.faces = 'maximum': replay, model, model-2, listed gave no probabilities of further faces; "
        "the vote on the chosen face counts"
    ]


def test_faces_that_no_labeler_was_asked_of_stay_without_a_vote(faces, labeler, fuse):
    voters = {
        "a": (labeler("a", {1: [0.6, 0.3, 0.1]}), labeler("o0", {1: [0.2, 0.7, 0.1]})),
        "b": (labeler("b", {1: NONE}), labeler("o1", {1: NONE})),
    }
    table, _ = fuse(faces([0, 1], [0, 1]), voters, **LABELS)
    assert table["label"].tolist() == [-1, 1]


def test_votes_on_faces_that_do_not_exist_are_refused(faces, labeler, network, fuse):
    folder = faces([0], [0])
    with pytest.raises(DataError, match="voter 'o0': names face 3, but there are 1 faces; label again"):
        fuse(folder, {"a": (labeler("a", {0: [1, 0, 0]}), labeler("o0", {3: [0.5, 0.5, 0]}))}, **LABELS)
    with pytest.raises(DataError, match=r"voter 'net': probabilities.npy: has shape \(2, 3\), but 1 faces and 3"):
        fuse(folder, {"net": (network("v0", [1, 0, 0]), network("n0", [1, 0, 0], [1, 0, 0]))})


def test_votes_over_other_classes_are_refused(faces, labeler, fuse):
    space = LabelSpace("ab", (Label("a"), Label("b")))
    with pytest.raises(DataError, match="voter 'a': its votes are not over the 2 classes; label again"):
        fuse(faces([0], []), {"a": (labeler("a", {0: [1, 0, 0]}), None)}, label_space=space.as_dict(), **LABELS)


def test_a_damaged_table_of_further_faces_is_one_clear_line(faces, network, fuse):
    folder = faces([0], [0])
    voters = {"one": (network("v0", [1, 0, 0]), network("o0", [1, 0, 0]))}
    whole = (folder / OTHERS).read_bytes()
    (folder / OTHERS).write_bytes(whole[:-50])
    with pytest.raises(StoreError, match=r"others\.parquet: damaged \(.*\); delete the artifact's folder") as caught:
        fuse(folder, voters)
    assert "\n" not in str(caught.value)
    table = pq.read_table(folder / "index.parquet")
    pq.write_table(table, folder / OTHERS)
    with pytest.raises(StoreError, match=r"others\.parquet: column subject, beside, x0"):
        fuse(folder, voters)
    (folder / OTHERS).unlink()
    with pytest.raises(StoreError, match=r"others\.parquet: the file is missing; delete"):
        fuse(folder, voters)


def test_a_further_face_beside_nobody_is_refused(faces, network, fuse):
    folder = faces([0], [5])
    with pytest.raises(StoreError, match="a face beside face 5, but there are 1 chosen faces; delete"):
        fuse(folder, {"one": (network("v0", [1, 0, 0]), network("o0", [1, 0, 0]))})
