import io

import numpy as np
import pytest
from PIL import Image

from harness.components import Decisions, Options, Scores
from harness.expressions import Label, LabelSpace
from harness.faces.artifact import CROPS, TableWriter
from harness.stage import StageContext
from harness.vlm import Reply

SPACE = LabelSpace("three", (Label("Glad"), Label("Sad"), Label("Cross")))


class Brightness:
    """A real scorer for flat crops: grey 0, 1 and 2 are the classes, 3 an abstention."""

    def __init__(self, options, label_space):
        self.classes = len(label_space)

    def score(self, faces):
        grey = faces[:, 0, 0, 0].astype(int)
        rows = np.full((len(faces), self.classes), np.nan, np.float32)
        rows[grey < 3] = np.where(np.eye(3)[grey[grey < 3]] == 1, 0.8, 0.1)
        return Scores(rows, [f"grey {value}" for value in grey])


class Darkest:
    """A joint scorer: the darkest face of each clip is Glad, all others are Sad."""

    def __init__(self, options, label_space):
        self.classes = len(label_space)

    def score(self, faces):
        raise AssertionError("a joint scorer is asked to measure")

    def measure(self, faces):
        return faces[:, 0, 0, :1].astype(np.float32)

    def judge(self, measures, frames):
        rows = np.zeros((len(measures), self.classes), np.float32)
        darkest = frames.assign(grey=measures[:, 0]).groupby("clip")["grey"].transform("min").to_numpy()
        rows[np.arange(len(rows)), np.where(measures[:, 0] == darkest, 0, 1)] = 1
        return Scores(rows)


class Knows:
    def __init__(self, options, label_space):
        pass

    def look_up(self, frames, truth):
        rows = np.full((len(frames), 3), np.nan, np.float32)
        known = truth["label"].to_numpy() >= 0
        rows[known] = np.eye(3)[truth["label"].to_numpy()[known]]
        return Scores(rows)


class Talker:
    def __init__(self, options, label_space=None):
        pass

    async def reply(self, image, prompt, schema):
        return Reply("Glad")


class Broken:
    """Scores that break the contract in the way that class attributes say."""

    rows = ((0.5, 0.6, 0.1),)
    told = None

    def __init__(self, options, label_space):
        pass

    def score(self, faces):
        return Scores(np.array(self.rows * len(faces), np.float32), self.told)


class First:
    """Decides for the first voter that voted."""

    def __init__(self, options):
        pass

    def aggregate(self, votes):
        rows = np.full(votes.probabilities.shape[1:], np.nan, np.float32)
        for voter in votes.probabilities[::-1]:
            given = ~np.isnan(voter[:, 0])
            rows[given] = voter[given]
        labels = np.where(np.isnan(rows[:, 0]), -1, np.nan_to_num(rows).argmax(1))
        return Decisions(labels.astype(np.int64), rows)


COMPONENTS = {
    "brightness": Brightness, "darkest": Darkest, "knows": Knows, "talker": Talker, "broken": Broken, "first": First,
}  # fmt: skip


class Components:
    """Builds the components of this file, which no distribution announces."""

    def options(self, kind, name, data):
        return Options()

    def build(self, kind, name, data, **context):
        return COMPONENTS[name](data, **context)


@pytest.fixture
def faces(tmp_path):
    """Writes a faces artifact of flat grey crops: faces(("a", 0, 1), ...) is clip, frame, grey."""

    def write(*rows):
        folder = tmp_path / "faces"
        folder.mkdir()
        with TableWriter(folder, CROPS) as writer:
            for number, (clip, frame, grey) in enumerate(rows):
                buffer = io.BytesIO()
                Image.new("RGB", (8, 8), (grey,) * 3).save(buffer, "PNG")
                columns = {"face": number, "clip": clip, "frame": frame, "subject": clip}
                columns |= {"image": buffer.getvalue(), "sha256": ""}
                writer.append({name: [value] for name, value in columns.items()})
        return folder

    return write


@pytest.fixture
def context(tmp_path):
    """A stage context with an empty folder: context({"labeler": ...}, faces=folder)."""

    def make(params, name="out", **inputs):
        folder = tmp_path / name
        folder.mkdir()
        inputs = {key.replace("_", "-"): value for key, value in inputs.items()}
        return StageContext(folder, {"label_space": SPACE.as_dict(), **params}, inputs, Components())

    return make
