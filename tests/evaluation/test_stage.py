"""The stage on small artifacts, written as the stages before it write them."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy
from score_artifacts import CLIPS, FACES, LENGTH, TRUTH, Artifacts
from sklearn.metrics import f1_score

from harness.errors import DataError
from harness.evaluation.correctness import NOT_ASKED, RIGHT, UNANSWERED, WRONG, unpacked
from harness.evaluation.counts import Counts
from harness.evaluation.metrics import macro_f1
from harness.evaluation.score import measured_again
from harness.evaluation.stage import read_scores


@pytest.fixture
def artifacts(tmp_path):
    made = Artifacts(tmp_path)
    made.faces()
    made.truth()
    return made


def guesses(seed, right=0.6, silent=0.0):
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(FACES) < right, np.maximum(TRUTH, 0), rng.integers(0, 3, FACES))
    return np.where(rng.random(FACES) < silent, -1, labels)


def test_every_system_is_scored_as_scikit_learn_would(artifacts):
    labeler, first, second, final, before = (guesses(seed, silent=0.1) for seed in range(5))
    artifacts.labels(labeler)
    artifacts.network("pretrained-0", first)
    artifacts.network("network-0", second)
    artifacts.fused(final, before)
    scores, notices = artifacts.score(["resnet18"])
    found = {(one.system, one.role, one.phase): one for one in scores.systems}
    expected = {
        ("labeler", "labeler", ""): labeler,
        ("resnet18", "network", "pre-trained"): first,
        ("resnet18", "network", "fine-tuned"): second,
        ("ensemble", "ensemble", "unsmoothed"): before,
        ("ensemble", "ensemble", "smoothed"): final,
    }
    assert list(found) == [*expected, ("chance (uniform guessing)", "reference", "")]
    scored = TRUTH >= 0
    for key, labels in expected.items():
        one = found[key]
        value = f1_score(TRUTH[scored], labels[scored], labels=range(3), average="macro", zero_division=0)
        assert one.macro_f1 == pytest.approx(value)
        assert one.interval[0] < one.macro_f1 < one.interval[1]
        assert one.coverage == pytest.approx((labels[scored] >= 0).mean())
        assert (one.frames, one.clips) == (scored.sum(), CLIPS)
        counts = Counts.from_triples(one.counts, 3)
        assert macro_f1(counts.sums()[:].sum(axis=0)) == pytest.approx(value)
        assert counts.confusion.sum(axis=0).tolist() == one.confusion
    assert scores.chance == pytest.approx(1 / 3, abs=0.02)
    assert found[("labeler", "labeler", "")].outcomes == {
        "abstain": int((labeler < 0).sum()),
        "label": int((labeler >= 0).sum()),
    }
    assert notices == []


def test_the_files_are_json_without_nan_and_one_csv_line_a_system(artifacts):
    artifacts.labels(guesses(0))
    artifacts.score()
    text = (artifacts.path / "scores" / "scores.json").read_text()
    json.loads(text, parse_constant=pytest.fail)
    lines = (artifacts.path / "scores" / "scores.csv").read_text().splitlines()
    assert lines[0].startswith("system,role,phase,macro_f1_low,macro_f1_high,macro_f1,accuracy,")
    assert [line.split(",")[0] for line in lines[1:]] == ["labeler", "chance (uniform guessing)"]
    assert lines[2].split(",")[3:5] == ["", ""]


def test_unanswered_frames_can_be_excluded(artifacts):
    labels = guesses(1, silent=0.4)
    artifacts.labels(labels)
    scores, _ = artifacts.score(unanswered="excluded")
    kept = (TRUTH >= 0) & (labels >= 0)
    expected = f1_score(TRUTH[kept], labels[kept], labels=range(3), average="macro")
    assert scores.systems[0].macro_f1 == pytest.approx(expected)


def test_a_labeler_is_scored_on_the_frames_it_was_asked_about(artifacts):
    labels = guesses(2)
    artifacts.labels(labels[::5], np.arange(0, FACES, 5))
    scores, notices = artifacts.score()
    kept = (np.arange(FACES) % 5 == 0) & (TRUTH >= 0)
    assert scores.systems[0].frames == kept.sum()
    assert scores.systems[0].coverage == 1
    assert "labeler was asked about 20.0% of the frames; it is scored on these" in notices


def test_a_frame_without_a_face_counts_as_unanswered(artifacts):
    artifacts.faces(np.where(np.arange(FACES) < LENGTH, -1, np.arange(FACES)))
    artifacts.labels(guesses(3))
    scores, _ = artifacts.score()
    assert sum(scores.systems[0].unanswered) == (TRUTH[:LENGTH] >= 0).sum()


def test_annotated_frames_that_were_not_decoded_count_as_unanswered_and_are_said(artifacts):
    lost = pd.DataFrame({"clip": ["clip-00", "unreadable"], "frame": [99, 0], "label": [1, 2]})
    table = pd.read_parquet(artifacts.inputs["truth"] / "truth.parquet")
    artifacts.add("truth", "truth.parquet", pd.concat([table, lost]))
    artifacts.labels(guesses(4))
    scores, notices = artifacts.score()
    assert sum(scores.systems[0].unanswered) == 2
    assert scores.truth.clips == CLIPS + 1
    assert "2 annotated frames were not decoded; they count as unanswered" in notices


def test_smoothed_labels_are_scored_where_nothing_was_trained(artifacts):
    labels = guesses(5)
    artifacts.labels(labels)
    artifacts.fused(np.zeros(FACES, int), labels)
    scores, _ = artifacts.score()
    assert [(one.system, one.phase) for one in scores.systems[:2]] == [("labeler", ""), ("labeler", "smoothed")]
    assert scores.systems[1].changes_per_second == 0


def test_labels_that_smoothing_left_alone_are_scored_once(artifacts):
    artifacts.labels(guesses(5))
    artifacts.fused(guesses(5))
    scores, _ = artifacts.score()
    assert [one.role for one in scores.systems] == ["labeler", "reference"]


def test_without_annotations_coverage_and_flicker_are_given_and_it_is_said(artifacts):
    artifacts.truth(np.full(FACES, -1))
    artifacts.labels(guesses(6, silent=0.5))
    scores, notices = artifacts.score()
    assert notices == [
        "no frame is annotated with a class of the label space: nothing was scored",
        "set evaluation.reference_distribution to rank systems by their predicted classes without annotations",
    ]
    (labeler,) = scores.systems
    assert (labeler.macro_f1, labeler.interval, labeler.per_class) == (None, None, [])
    assert labeler.coverage == pytest.approx((guesses(6, silent=0.5) >= 0).mean())
    assert labeler.changes_per_second > 0
    assert scores.chance is None


def test_predicted_classes_are_compared_with_a_reference_on_all_frames_annotated_or_not(artifacts):
    labeler, network = guesses(6, silent=0.2), np.full(FACES, 1)
    artifacts.labels(labeler)
    artifacts.network("network-0", network)
    scores, _ = artifacts.score(["resnet18"], reference_distribution=[1, 2, 1])
    first, second, chance = scores.systems
    counts = np.bincount(labeler[labeler >= 0], minlength=3)
    assert first.distribution == pytest.approx(counts / counts.sum())
    assert first.divergence == pytest.approx(entropy(counts, [1, 2, 1]))
    assert (second.distribution, second.divergence) == ([0, 1, 0], pytest.approx(np.log(2)))
    assert chance.divergence == pytest.approx(entropy([1, 1, 1], [1, 2, 1]))
    lines = (artifacts.path / "scores" / "scores.csv").read_text().splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    assert float(rows[1]["divergence"]) == pytest.approx(np.log(2), abs=1e-6)
    assert [rows[1][f"share {name}"] for name in "abc"] == ["0.0", "1.0", "0.0"]


def test_without_annotations_the_reference_ranks_every_system(artifacts):
    artifacts.truth(np.full(FACES, -1))
    artifacts.labels(np.full(FACES, 1))
    artifacts.network("network-0", np.arange(FACES) % 3)
    artifacts.fused(np.full(FACES, -1))
    scores, notices = artifacts.score(["resnet18"], reference_distribution=[1, 1, 1])
    assert [one.divergence for one in scores.systems] == pytest.approx([np.log(3), 0, None])
    assert scores.systems[2].distribution == []
    assert notices[-1] == (
        "KL divergence of the predicted classes from the reference, the nearest first: resnet18 (fine-tuned) 0.000, "
        "labeler 1.099"
    )
    lines = (artifacts.path / "scores" / "scores.csv").read_text().splitlines()
    assert len({line.count(",") for line in lines}) == 1


def test_scores_written_before_there_were_divergences_can_still_be_read(artifacts):
    artifacts.labels(guesses(0))
    artifacts.score()
    path = artifacts.path / "scores" / "scores.json"
    data = json.loads(path.read_text())
    del data["settings"]["reference"]
    for one in data["systems"]:
        del one["distribution"], one["divergence"]
    path.write_text(json.dumps(data))
    scores = read_scores(path.parent)
    assert (scores.systems[0].distribution, scores.systems[0].divergence, scores.settings.reference) == ([], None, [])


def test_one_clip_has_no_interval_and_few_clips_a_note(artifacts):
    artifacts.labels(guesses(7))
    artifacts.truth(np.where(np.arange(FACES) < LENGTH, np.arange(FACES) % 2, -1))
    scores, notices = artifacts.score()
    assert scores.systems[0].interval is None
    assert scores.systems[0].per_class[0].interval is None
    assert notices == [
        "one annotated clip: the scores have no interval",
        "no annotated frame is c: macro-F1 counts such a class as 0",
    ]


def test_few_clips_are_said(artifacts):
    artifacts.labels(guesses(8))
    artifacts.truth(np.where(np.arange(FACES) < 3 * LENGTH, np.arange(FACES) % 3, -1))
    assert artifacts.score()[1] == ["3 annotated clips: intervals from so few are rough"]


def test_a_frame_annotated_twice_is_refused(artifacts):
    table = pd.read_parquet(artifacts.inputs["truth"] / "truth.parquet")
    artifacts.add("truth", "truth.parquet", pd.concat([table, table.iloc[[3]]]))
    with pytest.raises(DataError, match="the annotations give frame 3 of clip 'clip-00' more than once"):
        artifacts.score()


def test_a_class_id_beyond_the_space_is_refused(artifacts):
    artifacts.truth(np.full(FACES, 3))
    with pytest.raises(DataError, match="the annotations hold class id 3, but there are 3 classes"):
        artifacts.score()


def test_labels_of_other_faces_are_refused(artifacts):
    artifacts.labels(np.zeros(1, int), np.array([FACES]))
    with pytest.raises(DataError, match=f"labels.parquet: names face {FACES}, but there are {FACES} faces"):
        artifacts.score()


def soft(labels, confidence=0.7):
    """Rows that give the label the confidence, NaN where there is none."""
    rows = np.full((len(labels), 3), (1 - confidence) / 2, np.float32)
    rows[np.arange(len(labels)), np.maximum(labels, 0)] = confidence
    return np.where((labels < 0)[:, None], np.float32(np.nan), rows)


def test_calibration_is_measured_of_all_that_give_probabilities(artifacts):
    labeler, network, final = (guesses(seed, silent=0.1) for seed in range(3))
    artifacts.labels(labeler, probabilities=soft(labeler))
    artifacts.add("network-0", "probabilities.npy", soft(network, 0.5))
    artifacts.fused(final, network, soft(final, 0.9))
    scores, _ = artifacts.score(["resnet18"])
    found = {one.title: one for one in scores.systems}
    for title, labels, confidence in (
        ("labeler", labeler, 0.7), ("resnet18 (fine-tuned)", network, 0.5), ("ensemble (smoothed)", final, 0.9),
    ):  # fmt: skip
        answered = (labels >= 0) & (TRUTH >= 0)
        one = found[title].calibration
        assert one.frames == answered.sum()
        assert one.error == pytest.approx(abs(confidence - (labels == TRUTH)[answered].mean()), abs=1e-6)
    assert found["ensemble (unsmoothed)"].calibration is None
    assert found["chance (uniform guessing)"].calibration is None
    lines = (artifacts.path / "scores" / "scores.csv").read_text().splitlines()
    row = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    assert float(row["calibration_error"]) == pytest.approx(found["labeler"].calibration.error, abs=1e-6)
    assert float(row["brier_score"]) == pytest.approx(found["labeler"].calibration.brier_score, abs=1e-6)
    assert float(row["macro_f1_unanswered_excluded"]) == pytest.approx(found["labeler"].by_policy["excluded"], abs=1e-6)


def test_one_hot_labels_have_no_calibration(artifacts):
    artifacts.labels(guesses(0), probabilities=np.eye(3, dtype=np.float32)[guesses(0)])
    scores, _ = artifacts.score()
    assert scores.systems[0].calibration is None


def test_what_became_of_every_annotated_frame_is_kept_in_order_of_clips_and_frames(artifacts):
    table = pd.read_parquet(artifacts.inputs["truth"] / "truth.parquet")
    artifacts.add("truth", "truth.parquet", table.sample(frac=1, random_state=0))
    labels = guesses(1, silent=0.3)
    artifacts.labels(labels[: FACES // 2], np.arange(FACES // 2))
    scores, _ = artifacts.score()
    annotated = TRUTH >= 0
    expected = np.where(labels < 0, UNANSWERED, np.where(labels == TRUTH, RIGHT, WRONG))
    expected[FACES // 2 :] = NOT_ASKED
    np.testing.assert_array_equal(unpacked(scores.systems[0].correctness), expected[annotated])


def test_items_tell_which_clips_were_annotated_alike(artifacts):
    artifacts.labels(guesses(0))
    first = artifacts.score()[0].items
    changed = TRUTH.copy()
    changed[3 * LENGTH] = (TRUTH[3 * LENGTH] + 1) % 3
    artifacts.truth(changed)
    (artifacts.path / "scores").rename(artifacts.path / "before")
    second = artifacts.score()[0].items
    assert len(first) == CLIPS
    assert [number for number in range(CLIPS) if first[number] != second[number]] == [3]


def test_the_refusal_rate_of_a_labeler_is_that_of_its_requests(artifacts):
    artifacts.labels(guesses(1, silent=0.4), missing="refused_text")
    labeler = artifacts.score()[0].systems[0]
    assert labeler.refusal_rate == pytest.approx((guesses(1, silent=0.4) < 0).mean())


def test_clips_of_a_subject_are_drawn_together_where_that_is_asked_for(artifacts):
    artifacts.subjects([f"person {number // 2}" for number in range(CLIPS)])
    artifacts.labels(guesses(3))
    scores, notices = artifacts.score(clusters="subject", interval="percentile")
    assert scores.subjects == [f"person {number // 2}" for number in range(CLIPS)]
    assert (scores.settings.clusters, scores.settings.interval) == ("subject", "percentile")
    assert notices == ["6 annotated subjects: intervals from so few are rough"]
    again = measured_again(Counts.from_triples(scores.systems[0].counts, 3), "abc", scores.settings, scores.subjects)
    assert tuple(again["interval"]) == scores.systems[0].interval
    clips = measured_again(
        Counts.from_triples(scores.systems[0].counts, 3), "abc", scores.settings.model_copy(update={"clusters": "clip"})
    )
    assert clips["interval"] != again["interval"]


def test_subjects_that_are_but_the_clips_themselves_are_not_known(artifacts):
    artifacts.subjects([f"clip-{n:02}" for n in range(CLIPS)])
    artifacts.labels(guesses(3))
    assert artifacts.score()[0].subjects == []


@pytest.mark.parametrize("broken", [[7], range(FACES)])
def test_a_network_that_gives_nan_is_refused(artifacts, broken):
    rows = np.full((FACES, 3), 1 / 3, np.float32)
    rows[np.array(broken), : 1 if len(broken) == 1 else 3] = np.nan
    artifacts.add("network-0", "probabilities.npy", rows)
    message = (
        rf"resnet18 \(fine-tuned\): the probabilities of {len(broken)} of {FACES} faces are NaN "
        rf"\(first: face {broken[0]}\); train it again, with a lower learning rate or in float32"
    )
    with pytest.raises(DataError, match=message):
        artifacts.score(["resnet18"])


@pytest.mark.parametrize("smoothing", [False, True])
def test_a_labeler_judged_by_all_faces_of_a_frame_has_a_row_of_its_own(artifacts, smoothing):
    labeler, by_maximum = guesses(0, silent=0.2), guesses(1)
    final = guesses(2) if smoothing else by_maximum
    artifacts.labels(labeler)
    artifacts.fused(final, by_maximum)
    scores, _ = artifacts.score(faces="maximum")
    found = {one.phase: one for one in scores.systems if one.role == "labeler"}
    expected = {"": labeler, "all faces": by_maximum, **({"smoothed": final} if smoothing else {})}
    assert set(found) == set(expected)
    for phase, labels in expected.items():
        scored = TRUTH >= 0
        assert found[phase].macro_f1 == pytest.approx(
            f1_score(TRUTH[scored], labels[scored], labels=range(3), average="macro", zero_division=0)
        )
