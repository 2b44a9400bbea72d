"""`harness labels voters`: which labelers to ask, on labels of simulated ones whose noise is known."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from harness.documents import write_atomically

FACES = 40
CLASSES = ("Sadly Fearful", "Sadly Angry", "Happily Surprised")


def simulated(accuracy, seed, **more):
    return ("--labeler", json.dumps({"use": "simulated", "accuracy": accuracy, "seed": seed, **more}))


@pytest.fixture
def label(harness, home):
    """label(*labelers): their labels of 40 annotated pictures, each a clip of its own; the label artifact."""
    for number in range(6, FACES):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((48, 48)).save(home / "faces" / f"f{number}.png")
    rows = "".join(f"f{number},0,{CLASSES[number % 3]}\n" for number in range(FACES))
    (home / "truth.csv").write_text(f"clip,frame,label\n{rows}")
    store = home / ".harness" / "store" / "pseudo-label"

    def labelled(*labelers, annotated=True, folder="faces", more=()):
        before = set(store.iterdir()) if store.is_dir() else set()
        given = ("--set", "data.target.annotations=truth.csv") if annotated else ()
        flat = [part for one in labelers for part in one]
        result = harness("label", folder, "--cropped", "--executor", "inline", *given, *flat, *more)
        assert result.exit_code == 0, result.output
        (new,) = set(store.iterdir()) - before
        return new

    return labelled


def told(harness, *arguments, code=0):
    result = harness("labels", "voters", *arguments)
    assert result.exit_code == code, result.output
    return " ".join((result.output if code == 0 else result.stderr).split())


def test_the_voters_of_a_run_are_ranked_and_their_subsets_written(harness, label, home, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    labels = label(simulated(0.8, 1), simulated(0.5, 2), simulated(0.6, 3, abstain_rate=0.2))
    said = told(harness, labels, "--out", "subsets.csv")
    assert "40 annotated faces of 40 clips that all 3 were asked about" in said
    assert "errors in common (phi)" in said
    assert "best:" in said
    assert "held out" in said
    rows = list(csv.DictReader((home / "subsets.csv").read_text().splitlines()))
    assert len(rows) == 7
    assert rows[0]["voters"] == "simulated"
    assert rows[-1]["voters"] == "simulated + simulated-2 + simulated-3"
    assert [row["best_of_size"] for row in rows].count("true") == 3
    best = max(rows, key=lambda row: float(row["macro_f1"]))
    assert best["front"] == "true"
    assert float(best["low"]) <= float(best["macro_f1"]) <= float(best["high"])
    assert {row["dollars_per_face"] for row in rows} == {"0"}


def test_what_each_voter_takes_for_what_is_shown_on_request(harness, label):
    labels = label(simulated(1.0, 1), simulated(0.5, 2))
    assert "annotated, by label" not in told(harness, labels)
    said = told(harness, labels, "--confusions")
    assert "simulated: annotated, by label" in said
    assert "100%" in said


def test_the_labels_of_several_runs_are_voters_by_their_runs_names(harness, label, home):
    for number, run in enumerate(("ada", "bob")):
        labels = label(simulated(0.6, number), simulated(0.6, 10 + number))
        (home / "runs" / run).mkdir(parents=True)
        stands = {"fingerprints": {"pseudo-label": labels.name}}
        (home / "runs" / run / "run.json").write_text(json.dumps(stands))
    said = told(harness, "ada", "bob")
    assert "1 ada" in said
    assert "2 bob" in said
    assert "that all 2 were asked about" in said


def test_the_cost_of_a_face_comes_from_what_was_asked(harness, label, home):
    labels = label(simulated(0.5, 1), simulated(0.9, 2))
    folders = sorted((home / ".harness" / "store" / "label").iterdir())
    for folder, cost in zip(folders, (0.4, 4.0), strict=True):
        content = json.dumps({"cost": cost, "faces": FACES})
        write_atomically(folder / "asking.json", content)
    told(harness, labels, "--out", "subsets.csv")
    rows = list(csv.DictReader((home / "subsets.csv").read_text().splitlines()))
    assert sorted(float(row["dollars_per_face"]) for row in rows) == pytest.approx([0.01, 0.1, 0.11])
    write_atomically(folders[0] / "asking.json", json.dumps({"cost": None, "faces": FACES}))
    assert "a price is not known, so that voters cost their number" in told(harness, labels)


def test_faces_that_not_all_were_asked_about_are_left_out(harness, label, home):
    everything = label(simulated(0.5, 1))
    (home / "some").mkdir()
    for number in range(25):
        shutil.copy(home / "faces" / f"f{number}.png", home / "some")
    lines = (home / "truth.csv").read_text().splitlines()[:26]
    (home / "truth.csv").write_text("\n".join(lines) + "\n")
    some = label(simulated(0.6, 2), folder="some")
    said = told(harness, everything, some)
    assert "25 annotated faces of 25 clips that all 2 were asked about" in said
    assert "15 annotated faces are left out" in said


def test_what_cannot_be_compared_is_one_line(harness, label, home):
    alone = label(simulated(0.5, 1))
    assert "one voter alone; name further runs on the same data" in told(harness, alone, code=2)
    assert "--out 'x.txt': the file's name must end in .csv" in told(harness, alone, "--out", "x.txt", code=2)
    rows = "".join(f"f{number},0,{CLASSES[(number + 1) % 3]}\n" for number in range(FACES))
    (home / "truth.csv").write_text(f"clip,frame,label\n{rows}")
    other = label(simulated(0.6, 2))
    assert "40 faces are annotated otherwise than in" in told(harness, alone, other, code=2)
    (home / "said.csv").write_text("clip,frame,label\nf0,0,Sadly Angry\n")
    bare = label(("--labeler", json.dumps({"use": "replay", "path": "said.csv"})), annotated=False)
    assert "no face is annotated, so that nobody knows which voters are right" in told(harness, bare, code=2)


def test_other_classes_are_refused(harness, label, home):
    one = label(simulated(0.5, 1))
    rows = "".join(f"f{number},0,Happiness\n" for number in range(FACES))
    (home / "truth.csv").write_text(f"clip,frame,label\n{rows}")
    other = label(simulated(0.5, 1), more=("--set", "label_space=raf-db-basic-7"))
    assert "labels of other classes than those of" in told(harness, one, other, code=2)
