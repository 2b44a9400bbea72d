"""`harness export` on a small real run."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from harness.evaluation.counts import count
from harness.evaluation.metrics import macro_f1
from harness.export.submission import HEADER, read_submission
from harness.expressions import ABAW_COMPOUND_7


def listing(path, counts):
    lines = [HEADER, *(f"{clip}/{frame:05d}.jpg," for clip, n in counts.items() for frame in range(1, n + 1))]
    path.write_text("\n".join(lines) + "\n")
    return path


def scores(home, run="networks"):
    (folder,) = {path.parent for path in (home / ".harness" / "store" / "score").glob("*/scores.json")} & {
        home
        / ".harness"
        / "store"
        / "score"
        / json.loads((home / "runs" / run / "run.json").read_text())["fingerprints"]["score"]
    }
    return json.loads((folder / "scores.json").read_text())["systems"]


def of_file(home, path):
    labels = read_submission(path)
    truth = pd.read_csv(home / "truth.csv", dtype={"clip": str})
    predicted = np.array([labels[clip][frame] for clip, frame in zip(truth["clip"], truth["frame"], strict=True)])
    ids = truth["label"].map(ABAW_COMPOUND_7.id_of).to_numpy()
    clips, names = pd.factorize(truth["clip"])
    return float(macro_f1(count(clips, ids, predicted, len(names), 7).sums("wrong").sum(axis=0)))


@pytest.mark.parametrize("system", ["ensemble", "labeler", "resnet18"])
def test_a_file_that_is_read_back_scores_what_the_run_scored(at_runs, finished, tmp_path, system):
    result = at_runs("export", "abaw", "networks", "--system", system, "--out", tmp_path / "out.txt")
    assert result.exit_code == 0, result.output
    (score,) = [
        one
        for one in scores(finished)
        if one["system"] in (system, "replay" if system == "labeler" else "")
        and one["phase"] in ("", "smoothed", "fine-tuned")
    ]
    assert of_file(finished, tmp_path / "out.txt") == pytest.approx(score["macro_f1"], abs=1e-12)
