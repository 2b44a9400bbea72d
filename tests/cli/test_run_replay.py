"""`harness run replay`: published labels of C-EXPR-DB, scored without any video."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from scipy.stats import entropy
from sklearn.metrics import f1_score

from harness.evaluation.divergence import KNOWN
from harness.expressions import ABAW_COMPOUND_7

NAMES = ABAW_COMPOUND_7.names
AUTHORS_IDS = {1: 0, 5: 1, 6: 2, 2: 3, 0: 4, 4: 5, 3: 6}  # official id -> the authors'
RATES = {"01": 25, "02": 30, "03": 30}
FRAMES = {"01": 50, "02": 90, "03": 60}
FILES = (
    "data.target.frame_list=frames.txt", "data.target.annotations=annotations", "labeling.labelers.path=labels.csv",
)  # fmt: skip


@pytest.fixture
def published(home: Path) -> dict[str, list[tuple[int, int]]]:
    """The three files in their published layouts; clip -> (true id, published id) of each frame.

    Every clip is annotated with a class a second; clip 01 has a label more than it has frames.
    """
    draw = random.Random(0)
    header = "image_location," + ",".join(name.replace(" ", "_") for name in NAMES)
    names = [f"{clip}/{frame:05}.jpg," for clip, count in FRAMES.items() for frame in range(1, count + 1)]
    (home / "frames.txt").write_text("\n".join([header, *names]) + "\n")
    (home / "annotations").mkdir()
    made: dict[str, list[tuple[int, int]]] = {}
    rows = ["img_name,label", "01/51.jpg,0"]
    for clip, count in FRAMES.items():
        truth = [(frame // RATES[clip] + int(clip)) % 7 for frame in range(count)]
        made[clip] = [(true, true if draw.random() < 0.5 else draw.randrange(7)) for true in truth]
        rows += [f"{clip}/{number}.jpg,{AUTHORS_IDS[label]}" for number, (_, label) in enumerate(made[clip], start=1)]
        with (home / "annotations" / f"{clip}.csv").open("w", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow(["Begin Time - hh:mm:ss.ms", "End Time - hh:mm:ss.ms", *NAMES, "Other"])
            for second in range(count // RATES[clip]):
                marks = ["1" if truth[second * RATES[clip]] == one else "" for one in range(8)]
                writer.writerow([f"00:00:0{second}.000", f"00:00:0{second + 1}.000", *marks])
    (home / "labels.csv").write_text("\n".join(rows) + "\n")
    return made


def replay(harness: Callable[..., Result], *overrides: str, name: str = "mine") -> Result:
    sets = [part for override in overrides for part in ("--set", override)]
    return harness("run", "replay", "--executor", "inline", "--name", name, "--store", "store", *sets)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_published_labels_are_scored_without_any_video(harness, published, home) -> None:
    result = replay(harness, *FILES)
    assert result.exit_code == 0, result.output
    pairs = [pair for clip in published.values() for pair in clip]
    truth, labels = zip(*pairs, strict=True)
    raw, smoothed, chance = csv.DictReader((home / "runs" / "mine" / "scores.csv").read_text().splitlines())
    assert [(one["system"], one["phase"]) for one in (raw, smoothed)] == [("replay", ""), ("replay", "smoothed")]
    expected = f1_score(truth, labels, labels=range(7), average="macro", zero_division=0)
    assert float(raw["macro_f1"]) == pytest.approx(expected, abs=1e-6)
    each = f1_score(truth, labels, labels=range(7), average=None, zero_division=0)
    assert [float(raw[f"f1 {name}"]) for name in NAMES] == pytest.approx(each, abs=1e-6)
    assert float(raw["macro_f1_low"]) <= expected <= float(raw["macro_f1_high"])
    shares = [labels.count(one) / len(labels) for one in range(7)]
    assert [float(raw[f"share {name}"]) for name in NAMES] == pytest.approx(shares, abs=1e-6)
    assert float(raw["divergence"]) == pytest.approx(entropy(shares, KNOWN["c-expr-db"][1]), abs=1e-6)
    said = [[label for _, label in clip] for clip in published.values()]
    changes = sum(one[at] != one[at - 1] for one in said for at in range(1, len(one)))
    seconds = sum((FRAMES[clip] - 1) / rate for clip, rate in RATES.items())
    assert float(raw["changes_per_second"]) == pytest.approx(changes / seconds, rel=1e-5)
    assert float(smoothed["changes_per_second"]) < changes / seconds / 3
    assert float(smoothed["macro_f1"]) > expected  # half of the labels are right: their neighbours tell
    assert chance["role"] == "reference"


def test_a_leaderboard_row_tells_flicker_predicted_classes_and_divergence(harness, published, home) -> None:
    assert replay(harness, *FILES).exit_code == 0
    (board,) = (home / "leaderboards").glob("*.json")
    first, second = json.loads(board.read_text())["rows"]
    assert {first["phase"], second["phase"]} == {"", "smoothed"}
    assert first["changes_per_second"] > 0
    assert sum(first["distribution"].values()) == pytest.approx(1)
    assert first["divergence"] > 0
    assert "## Predicted classes" in board.with_suffix(".md").read_text()


def test_what_was_taken_for_granted_is_said(harness, published) -> None:
    told = flat(replay(harness, *FILES).output)
    assert "frame rates are inferred from the end of the annotation and the number of frames" in told
    assert "1 of 201 labels in labels.csv are of frames that are not asked for, in the clips 01 (1)" in told
    assert "no media, only a list of frames, of 3 clips (01, 02, 03)" in told


def test_without_annotations_systems_are_ranked_by_the_classes_they_predict(harness, published, home) -> None:
    result = replay(harness, FILES[0], FILES[2], "fusion.smoothing.kind=gaussian")
    assert result.exit_code == 0, result.output
    told = flat(result.output)
    assert "no score" in told
    assert "KL divergence of the predicted classes from the reference, the nearest first: replay " in told
    raw, smoothed = csv.DictReader((home / "runs" / "mine" / "scores.csv").read_text().splitlines())
    assert (raw["macro_f1"], raw["changes_per_second"]) == ("", "")
    assert float(raw["divergence"]) > 0
    assert float(smoothed["divergence"]) > 0
    assert not list((home / "leaderboards").glob("*.json"))


def test_a_language_model_is_not_asked_about_faces_that_nobody_has(harness, published, claude, server) -> None:
    result = replay(harness, FILES[0], f"labeling.labelers=[{toml(json.loads(claude()))}]", "data.allow_remote=true")
    assert result.exit_code == 2, result.output
    assert "clip 01 has no media, only a list of its frames" in flat(result.output)
    assert not server.replies


def toml(table: dict[str, object]) -> str:
    return "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items()) + "}"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ((), "data.target: data set 'c-expr-db': root (the videos) or frame_list (clips without media) is needed"),
        (FILES[:2], "labeling.labelers.0: labeler 'replay': option 'path'"),
        ((*FILES[:2], "labeling.labelers.path=gone.csv"), "labeling.labelers.0: 'gone.csv': no such file or folder"),
        (
            (*FILES, "labeling.labelers.first_frame=0", "labeling.labelers.pattern={clip}_{frame}.png"),
            "label file labels.csv: 201 values do not look like pattern '{clip}_{frame}.png': '01/51.jpg' (1 rows)",
        ),
    ],
)
def test_a_file_that_is_not_given_or_is_another_is_one_line(harness, published, overrides, message) -> None:
    result = replay(harness, *overrides)
    assert result.exit_code == 2
    assert message in flat(result.output)
