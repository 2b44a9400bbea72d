"""`harness export` on small real runs."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from harness.evaluation.counts import count
from harness.evaluation.metrics import macro_f1
from harness.export.submission import HEADER, read_submission
from harness.expressions import ABAW_COMPOUND_7

FRAMES = {"01": 12, "02": 9, "03": 11}  # of the fixture's clips
SYSTEMS = {"ensemble": ("ensemble", "smoothed"), "labeler": ("replay", ""), "resnet18": ("resnet18", "fine-tuned")}


def listing(path, counts):
    lines = [HEADER, *(f"{clip}/{frame:05d}.jpg," for clip, n in counts.items() for frame in range(1, n + 1))]
    path.write_text("\n".join(lines) + "\n")
    return path


def scored(home, run, system, phases):
    """Macro-F1 of a system as the run's score stage wrote it."""
    fingerprint = json.loads((home / "runs" / run / "run.json").read_text())["fingerprints"]["score"]
    scores = json.loads((home / ".harness" / "store" / "score" / fingerprint / "scores.json").read_text())
    return next(one["macro_f1"] for one in scores["systems"] if one["system"] == system and one["phase"] in phases)


def score_of_file(home, path):
    """Macro-F1 of a submission file against the annotations, counted here."""
    labels = read_submission(path)
    truth = pd.read_csv(home / "truth.csv", dtype={"clip": str})
    predicted = np.array([labels[clip][frame] for clip, frame in zip(truth["clip"], truth["frame"], strict=True)])
    clips, names = pd.factorize(truth["clip"])
    ids = truth["label"].map(ABAW_COMPOUND_7.id_of).to_numpy()
    return float(macro_f1(count(clips, ids, predicted, len(names), 7).sums("wrong").sum(axis=0)))


@pytest.fixture
def copied(finished, tmp_path):
    """The folder of the run with networks, to be changed."""
    return shutil.copytree(finished / "runs" / "networks", tmp_path / "mine")


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_file_that_is_read_back_scores_what_the_run_scored(at_runs, finished, tmp_path, system):
    result = at_runs("export", "abaw", "networks", "--system", system, "--out", tmp_path / "out.txt")
    assert result.exit_code == 0, result.output
    name, phase = SYSTEMS[system]
    expected = scored(finished, "networks", name, (phase, ""))
    assert score_of_file(finished, tmp_path / "out.txt") == pytest.approx(expected, abs=1e-12)


def test_a_file_that_is_replayed_as_labels_scores_what_the_run_scored(at_runs, finished, tmp_path):
    out = tmp_path / "out.txt"
    assert at_runs("export", "abaw", "networks", "--out", out).exit_code == 0
    replay = f"{{use='replay', path='{out}', image='image_location', label='Fearfully_Surprised', first_frame=1}}"
    result = at_runs(
        "run", "labels.toml", "--set", f"labeling.labelers=[{replay}]", "--set", "fusion.smoothing.kind=none",
        "--set", "labeling.threshold=0", "--name", "again", "--runs", tmp_path / "runs",
        "--leaderboards", tmp_path / "boards",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = pd.read_csv(tmp_path / "runs" / "again" / "scores.csv")
    labeler = found[found["role"] == "labeler"].iloc[0]
    assert labeler["macro_f1"] == pytest.approx(scored(finished, "networks", "ensemble", ("smoothed", "")), abs=1e-6)


def test_a_run_without_networks_is_exported_too(at_runs, finished, tmp_path):
    result = at_runs("export", "abaw", finished / "runs" / "labels", "--out", tmp_path / "out.txt")
    assert result.exit_code == 0, result.output
    expected = scored(finished, "labels", "replay", ("smoothed",))
    assert score_of_file(finished, tmp_path / "out.txt") == pytest.approx(expected, abs=1e-12)


def test_the_list_is_followed_and_repeated_and_dropped_frames_are_told(at_runs, tmp_path):
    counts = {"01": FRAMES["01"] + 1, "02": FRAMES["02"], "03": FRAMES["03"] - 1}
    frames, out = listing(tmp_path / "list.txt", counts), tmp_path / "out.txt"
    result = at_runs("export", "abaw", "networks", "--frames", frames, "--out", out)
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "(32 frames of 3 clips)" in text
    assert "repeated one frame too few was decoded, the last prediction stands twice: 01 (1)" in text
    assert "dropped one frame too many was decoded, the last prediction is left out: 03 (1)" in text
    labels = read_submission(out)
    assert {clip: len(ids) for clip, ids in labels.items()} == counts
    assert labels["01"][-1] == labels["01"][-2]
    checked = at_runs("export", "check", out, "--frames", frames)
    assert (checked.exit_code, checked.output) == (0, f"{out}: sound, 32 frames of 3 clips, as {frames} has them\n")


def test_without_a_list_it_says_that_the_challenge_may_count_otherwise(at_runs, tmp_path):
    result = at_runs("export", "abaw", "networks", "--out", tmp_path / "out.txt")
    assert "no frame list: as many frames as were decoded" in result.output


def test_the_file_goes_into_the_run_s_folder(at_runs, copied):
    result = at_runs("export", "abaw", copied, "--system", "labeler")
    assert result.exit_code == 0, result.output
    assert (copied / "abaw-labeler.txt").is_file()


def change(copied, edit):
    table = pd.read_csv(copied / "predictions.csv", dtype=str, keep_default_na=False)
    edit(table).to_csv(copied / "predictions.csv", index=False)


def test_frames_without_a_prediction_are_refused_or_filled(at_runs, copied):
    change(copied, lambda table: table.assign(label=table["label"].where(table.index != 3, "")))
    refused = at_runs("export", "abaw", copied)
    assert (refused.exit_code, refused.output.count("\n")) == (2, 1)
    assert "1 frames of 1 clip have no prediction" in refused.output
    filled = at_runs("export", "abaw", copied, "--fill")
    assert "1 frames without a prediction took the nearest frame's: 01 (1)" in " ".join(filled.output.split())


def test_a_list_of_other_clips_is_refused_in_one_line(at_runs, tmp_path):
    frames = listing(tmp_path / "list.txt", {"01": 12, "02": 9, "04": 2})
    result = at_runs("export", "abaw", "networks", "--frames", frames)
    assert (result.exit_code, result.output) == (
        2,
        "error: the run's clips are not those of the frame list: 1 of the list's 3 are not in the run: 04; "
        "1 of the run's 3 are not in the list: 03\n",
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["network"], "error: run 'network' is neither a folder nor a name below 'runs'; did you mean 'networks'?"),
        (["networks", "--system", "resnet19"], "run 'networks' has no system 'resnet19'; did you mean 'resnet18'?"),
        (["labels", "--system", "resnet18"], "run 'labels' has no system 'resnet18' (known: ensemble, labeler)"),
        (["networks", "--frames", "none.txt"], "none.txt: no such file"),
        (
            ["networks", "--system", "resnet18", "--store", "empty"],
            "needs its 'predict:resnet18:fine-tuned', but",
        ),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_exit_2(at_runs, arguments, text):
    result = at_runs("export", "abaw", *arguments)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert text in result.output


def test_another_label_space_is_refused(at_runs, copied):
    path = copied / "experiment.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "label_space": "raf-db-basic-7"}))
    result = at_runs("export", "abaw", copied)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "error: the run's label space is 'raf-db-basic-7'" in result.output


def test_check_tells_up_to_ten_faults_and_their_number(harness, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("\n".join([HEADER, *(f"01/{frame:05d}.jpg,{frame}" for frame in range(1, 21))]) + "\n")
    result = harness("export", "check", path)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0] == "line 8: '7' is no class id from 0 to 6"
    assert lines[-1] == f"{path}: 14 faults; 4 more are not shown"
    assert len(lines) == 11


def test_check_of_a_file_that_is_not_there_is_an_error(harness):
    result = harness("export", "check", "none.txt")
    assert (result.exit_code, result.output) == (2, "error: none.txt: cannot be read (No such file or directory)\n")
