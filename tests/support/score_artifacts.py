"""The inputs of the stage `score`, small, as the stages before it write them."""

import numpy as np
import pandas as pd

from harness.evaluation.stage import read_scores, run
from harness.expressions import Label, LabelSpace
from harness.plugins import Registry
from harness.stage import StageContext

SPACE = LabelSpace("abc", (Label("a"), Label("b"), Label("c")))
CLIPS, LENGTH = 12, 5
FACES = CLIPS * LENGTH
TRUTH = np.random.default_rng(0).integers(-1, 3, FACES)


class Artifacts:
    """Writes the inputs of the stage into one folder."""

    def __init__(self, path):
        self.path = path
        self.inputs = {}

    def add(self, name, file, table):
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        if isinstance(table, np.ndarray):
            np.save(folder / file, table)
        else:
            table.to_parquet(folder / file)
        self.inputs[name] = folder

    def faces(self, face=None):
        table = pd.DataFrame({"clip": np.repeat([f"clip-{n:02}" for n in range(CLIPS)], LENGTH)})
        table["frame"] = np.tile(np.arange(LENGTH), CLIPS)
        table["time"] = table["frame"] / 10
        table["face"] = np.arange(FACES) if face is None else face
        table["status"] = "detected"
        self.index = table
        self.add("faces", "index.parquet", table)
        self.add("faces", "crops.parquet", pd.DataFrame({"face": np.arange(FACES)}))

    def truth(self, labels=TRUTH):
        self.add("truth", "truth.parquet", self.index[["clip", "frame"]].assign(label=labels))

    def subjects(self, subjects):
        clips = [f"clip-{n:02}" for n in range(CLIPS)]
        pd.DataFrame({"clip": clips, "subject": subjects}).to_parquet(self.inputs["faces"] / "clips.parquet")

    def labels(self, labels, faces=None, probabilities=None, missing="abstain"):
        faces = np.arange(FACES) if faces is None else faces
        outcome = np.where(labels < 0, missing, "label")
        table = pd.DataFrame({"face": faces, "outcome": outcome, "label": labels})
        if probabilities is not None:
            table["probabilities"] = list(probabilities)
        self.add("labels", "labels.parquet", table)

    def network(self, name, labels):
        rows = np.full((FACES, 3), np.nan, np.float32)
        rows[labels >= 0] = np.eye(3, dtype=np.float32)[labels[labels >= 0]]
        self.add(name, "probabilities.npy", rows)

    def fused(self, labels, before=None, probabilities=None):
        table = self.index.assign(label=labels, unsmoothed=labels if before is None else before)
        if probabilities is not None:
            table["probabilities"] = list(probabilities)
        self.add("fused", "decisions.parquet", table)

    def score(self, networks=(), **params):
        folder = self.path / "scores"
        folder.mkdir()
        settings = {"resamples": 200, "seed": 0, "unanswered": "wrong", "labeler": "labeler"}
        settings |= {"networks": list(networks), **params}
        context = StageContext(folder, {"label_space": SPACE.as_dict(), **settings}, self.inputs, Registry())
        run(context)
        return read_scores(folder), context.notices
